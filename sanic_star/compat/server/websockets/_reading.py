"""Receive a message while the handler of a websocket awaits something else, if possible without a task.

An application may have thousands of handlers that do not read. `receive` of uvicorn and hypercorn only waits for a
queue, so a callback of the awaited future advances its coroutine. Any other `receive` runs in a task, because it may
need one: a middleware may use a timeout, which cancels the current task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from inspect import iscoroutinefunction
from typing import Any

from starlette.types import Message, Receive

# The modules of the classes whose method `receive` only waits for a queue.
_QUEUES = frozenset(
    {
        "asyncio.queues",  # hypercorn passes the method of its queue
        "uvicorn.protocols.websockets.websockets_sansio_impl",
        "uvicorn.protocols.websockets.wsproto_impl",
    }
)


def start_reading(receive: Receive, context: Context | None) -> asyncio.Future[Message]:
    """Start to receive a message, and return a future of it; cancelling the future ends the read.

    Args:
        receive: the ASGI callable.
        context: the context of the task, if there is one.
    """
    if is_queue(receive):
        reading: Any = receive()
        return _advance(reading)
    return asyncio.get_running_loop().create_task(_await(receive), context=context)


def is_queue(receive: Receive) -> bool:
    """Return whether `receive` only waits for a queue, so that it returns a message that has arrived at once.

    Args:
        receive: the ASGI callable.
    """
    return type(getattr(receive, "__self__", None)).__module__ in _QUEUES and iscoroutinefunction(receive)


async def _await(receive: Receive) -> Message:
    # Called inside of the task: a task that is cancelled before it runs must not start to receive. Also, `create_task`
    # accepts no awaitable but a coroutine.
    return await receive()


def _advance(reading: Coroutine[Any, Any, Message]) -> asyncio.Future[Message]:
    loop = asyncio.get_running_loop()
    result: asyncio.Future[Message] = loop.create_future()

    def run_until_next_await(_: object = None) -> None:
        if result.done():
            return
        try:
            awaited = reading.send(None)
        except StopIteration as end:
            result.set_result(end.value)
        except Exception as error:
            result.set_exception(error)
        else:
            # `asyncio.sleep(0)` yields `None`: continue in the next turn of the event loop.
            if awaited is None:
                loop.call_soon(run_until_next_await)
            else:
                awaited.add_done_callback(run_until_next_await)

    # Does nothing for a coroutine that has ended.
    result.add_done_callback(lambda _: reading.close())
    run_until_next_await()
    return result
