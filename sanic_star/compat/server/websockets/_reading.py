"""One read of a websocket beside its handler, without a task where that is possible.

A handler that waits for something else than its client is read for as long as it does, and an application may have
thousands of those. `receive` of uvicorn and hypercorn waits for a queue and does nothing else, so its coroutine is
advanced by a callback of what it awaits. Any other `receive` gets a task: it may belong to a middleware whose timeout
asks for the running task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from inspect import iscoroutinefunction
from typing import Any

from starlette.types import Message, Receive

# The classes of whose instances `receive` is a method, by module.
_QUEUES = frozenset(
    {
        "asyncio.queues",  # hypercorn passes on the method of its queue
        "uvicorn.protocols.websockets.websockets_sansio_impl",
        "uvicorn.protocols.websockets.wsproto_impl",
    }
)


def start_reading(receive: Receive, context: Context | None) -> asyncio.Future[Message]:
    """Start to receive a message; the future has it when it comes, and cancelling it ends the read.

    Args:
        receive: the ASGI callable.
        context: in which it runs, if it gets a task.
    """
    if is_queue(receive):
        reading: Any = receive()
        return _advance(reading)
    return asyncio.get_running_loop().create_task(_await(receive), context=context)


def is_queue(receive: Receive) -> bool:
    """Tell whether `receive` takes from a queue, so that a message that has arrived is there at once."""
    return type(getattr(receive, "__self__", None)).__module__ in _QUEUES and iscoroutinefunction(receive)


async def _await(receive: Receive) -> Message:
    # Here, where a task that is cancelled before it runs has not begun to receive; and it may be any awaitable.
    return await receive()


def _advance(reading: Coroutine[Any, Any, Message]) -> asyncio.Future[Message]:
    loop = asyncio.get_running_loop()
    result: asyncio.Future[Message] = loop.create_future()

    def step(_: object = None) -> None:
        if result.done():
            return
        try:
            awaited = reading.send(None)
        except StopIteration as end:
            result.set_result(end.value)
        except Exception as error:
            result.set_exception(error)
        else:
            # A bare `yield`, as in `asyncio.sleep(0)`, awaits the next turn of the event loop.
            if awaited is None:
                loop.call_soon(step)
            else:
                awaited.add_done_callback(step)

    # Closing a coroutine that is over does nothing.
    result.add_done_callback(lambda _: reading.close())
    step()
    return result
