"""The steps of `create_server`'s server in any order, by the same source on Sanic and here, over a real socket."""

import functools
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.engine.processes import ROOT

# Steps are names of methods, `get` (a request on a connection of its own), `forever` (`serve_forever` in a task),
# `cancel` (that task) and `ended` (how the task has ended).
SOURCE = """
import asyncio, logging, socket, sys

FRAMEWORK, START, STEPS = sys.argv[1:]
if FRAMEWORK == "sanic":
    from sanic import Sanic, text
else:
    from sanic_star import Sanic, text
logging.disable()

app = Sanic("Ordered")
events = []
for event in ("before_server_start", "after_server_start", "before_server_stop", "after_server_stop"):
    app.register_listener(lambda app, event=event: events.append(event), event)

@app.get("/")
async def hello(request):
    return text("hello")

async def get(port):
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return "refused"
    writer.write(b"GET / HTTP/1.1\\r\\nhost: x\\r\\nconnection: close\\r\\n\\r\\n")
    # A limit for what is never answered.
    try:
        answer = await asyncio.wait_for(reader.read(), 20)
    except ConnectionResetError:
        answer = b""
    writer.close()
    return answer.partition(b"\\r\\n\\r\\n")[2].decode() or "no answer"

async def called(step):
    result = step()
    return await result if hasattr(result, "__await__") else result

async def main():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {} if START == "at once" else {"asyncio_server_kwargs": {"start_serving": False}}
    server = await app.create_server(port=port, return_asyncio_server=True, **options)
    task = None
    for step in STEPS.split():
        seen = len(events)
        try:
            if step == "get":
                result = await get(port)
            elif step == "forever":
                task, result = asyncio.ensure_future(called(server.serve_forever)), ""
                await asyncio.sleep(0.1)
            elif step == "cancel":
                result = task.cancel()
            elif step == "ended":
                result = bool(await asyncio.wait({task}))
            else:
                result = await called(getattr(server, step))
        except Exception as error:
            result = type(error).__name__
        print(step, result, *events[seen:])

asyncio.run(main())
"""
PLAIN, LATER = "at once", "later"


def steps(framework: str, start: str, order: str) -> list[str]:
    """Return what each step gives, and which listeners have run in it."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SOURCE, framework, start, order],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return [re.sub(r"<Task .*", "task", line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("start", "order"),
    [
        (PLAIN, "is_serving startup before_start get after_start get before_stop get close wait_closed get is_serving"),
        (
            PLAIN,
            "startup before_start start_serving start_serving after_start before_stop close wait_closed after_stop",
        ),
        (PLAIN, "startup before_start forever get is_serving close ended get is_serving wait_closed"),
        (PLAIN, "startup before_start forever get cancel ended is_serving get wait_closed"),
        (PLAIN, "start_serving serve_forever before_start after_start before_stop after_stop is_serving close get"),
        (PLAIN, "startup before_start forever serve_forever get close ended"),
        (LATER, "is_serving get startup get before_start get is_serving start_serving is_serving get after_start get"),
        (LATER, "startup before_start forever get is_serving close ended is_serving get"),
        (LATER, "start_serving serve_forever is_serving get close is_serving wait_closed"),
        # Without a single connection.
        (PLAIN, "startup before_start after_start before_stop close wait_closed after_stop"),
        (LATER, "close is_serving wait_closed get"),
    ],
)
def test_the_order_of_steps(start: str, order: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        on_sanic, ours = pool.map(functools.partial(steps, start=start, order=order), ("sanic", "sanic_star"))
    assert len(on_sanic) == len(order.split())
    assert ours == on_sanic


@pytest.mark.parametrize(
    ("start", "order", "expected"),
    [
        # Sanic closes the connection without an answer.
        (PLAIN, "get", "get hello before_server_start after_server_start"),
        # Sanic never calls the listeners for the start.
        (PLAIN, "startup get", "get hello before_server_start after_server_start"),
        (PLAIN, "startup after_start", "after_start None before_server_start after_server_start"),
        # Sanic never calls the listeners for the stop.
        (PLAIN, "startup before_start close after_stop", "after_stop None before_server_stop after_server_stop"),
        # Sanic raises a TypeError of asyncio, and then says that it serves.
        (PLAIN, "startup close start_serving", "start_serving RuntimeError"),
        (PLAIN, "startup close serve_forever", "serve_forever RuntimeError"),
        (PLAIN, "startup close start_serving is_serving", "is_serving False"),
        (LATER, "close startup start_serving", "start_serving RuntimeError"),
    ],
)
def test_differences_from_sanic(start: str, order: str, expected: str) -> None:
    assert steps("sanic_star", start, order)[-1] == expected
