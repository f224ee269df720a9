"""A server inside a running event loop, step by step."""

import asyncio
import logging
import socket
from pathlib import Path
from typing import Any

import pytest

from sanic_star import Sanic, text
from sanic_star.compat.exceptions import SanicException
from sanic_star.compat.server.async_server import AsyncioServer
from tests.engine.raw import Life

EVENTS = ("before_server_start", "after_server_start", "before_server_stop", "after_server_stop")


def made() -> tuple[Sanic[Any, Any], list[str]]:
    app: Sanic[Any, Any] = Sanic("Inside")
    events: list[str] = []
    for event in EVENTS:
        app.register_listener(lambda app, event=event: events.append(event), event)

    @app.get("/")
    async def hello(request: Any) -> Any:
        return text("hello")

    return app, events


async def get(server: AsyncioServer, family: int = socket.AF_INET) -> bytes:
    address = server.sockets[0].getsockname()
    if family == socket.AF_INET:
        reader, writer = await asyncio.open_connection(*address)
    else:
        reader, writer = await asyncio.open_unix_connection(address)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_whole_life() -> None:
    app, events = made()
    server = await app.create_server(port=0)
    assert server.is_serving()
    assert server.loop is asyncio.get_running_loop()
    await server.startup()
    await server.before_start()
    assert events == list(EVENTS[:1])
    await server.start_serving()
    await server.start_serving()
    await server.after_start()
    assert (await get(server)).endswith(b"hello")
    assert server.connections == set()
    await server.before_stop()
    server.close()
    assert not server.is_serving()
    await server.wait_closed()
    await server.after_stop()
    assert events == list(EVENTS)
    assert app._engine.lifecycle.starter == "lifespan"


async def test_after_a_failed_start_another_server_runs_all_listeners() -> None:
    app, events = made()
    errors = [RuntimeError("once")]

    @app.before_server_start
    async def fail_once(app: Any) -> None:
        if errors:
            raise errors.pop()

    server = await app.create_server(port=0)
    await server.startup()
    with pytest.raises(RuntimeError, match="once"):
        await server.before_start()
    server.close()
    events.clear()
    async with Life(app):
        pass
    assert events == list(EVENTS)


async def test_serving_until_it_is_closed() -> None:
    app, events = made()
    server = await app.create_server(port=0, debug=True)
    assert app.debug
    await server.startup()
    serving = asyncio.ensure_future(server.serve_forever())
    # Nobody has called the listeners: the first request starts the application.
    assert (await get(server)).endswith(b"hello")
    assert events == list(EVENTS[:2])
    await server.close()
    await serving
    await app._engine.lifecycle.stop()


async def test_serving_until_it_is_cancelled() -> None:
    app, _ = made()
    server = await app.create_server(port=0)
    await server.startup()
    serving = asyncio.ensure_future(server.serve_forever())
    assert (await get(server)).endswith(b"hello")
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert not server.is_serving()
    await app._engine.lifecycle.stop()


async def test_awaiting_it_starts_it() -> None:
    app, _ = made()
    server = await app.create_server(port=0)
    assert await server is server
    assert (await get(server)).endswith(b"hello")
    await server.close()
    await app._engine.lifecycle.stop()


async def test_startup_comes_first() -> None:
    app, events = made()
    server = await app.create_server(port=0)
    for step in (server.before_start, server.after_start, server.before_stop, server.after_stop):
        with pytest.raises(SanicException, match="without first running await server"):
            await step()
    for step in (server.start_serving, server.serve_forever):
        with pytest.raises(SanicException, match="Cannot run Sanic server"):
            await step()
    assert events == []
    server.close()
    await server.wait_closed()


async def test_a_unix_socket(tmp_path: Path) -> None:
    app, _ = made()
    server = await app.create_server(unix=str(tmp_path / "s.sock"), backlog=3)
    await server.startup()
    await server.start_serving()
    assert (await get(server, socket.AF_UNIX)).endswith(b"hello")
    await server.close()
    await app._engine.lifecycle.stop()


async def test_a_given_socket_that_does_not_listen_yet() -> None:
    app, _ = made()
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    bound.setblocking(False)
    server = await app.create_server(sock=bound, asyncio_server_kwargs={"start_serving": False, "backlog": 5})
    assert not server.is_serving()
    assert server.sockets == [bound]
    await server.startup()
    await server.start_serving()
    assert server.is_serving()
    assert (await get(server)).endswith(b"hello")
    await server.close()
    await app._engine.lifecycle.stop()


async def test_an_address_in_use() -> None:
    app, _ = made()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            await app.create_server(port=taken.getsockname()[1])


async def test_options_without_effect_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    app, _ = made()
    app.main_process_start(lambda app: None)
    with caplog.at_level(logging.WARNING):
        server = await app.create_server(
            port=0,
            protocol=asyncio.Protocol,
            asyncio_server_kwargs={"reuse_port": True},
            access_log=False,
            noisy_exceptions=True,
        )
    assert app.config.NOISY_EXCEPTIONS
    for words in (
        "protocol=",
        "reuse_port",
        "not available with create_server()",
        "create_server starts no main process: main_process_start",
    ):
        assert words in caplog.text
    server.close()


PHASES = ("before_server_start", "after_server_start", "before_server_stop", "after_server_stop")


# Steps of two servers, and those of them in which listeners run, or which start.
@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("1start 2start 1before 1close 1after 2before 2close 2after", "1start 2start 2before 2after"),
        ("1start 2start 1before 2before 1close 1after 2close 2after", "1start 2start 2before 2after"),
        ("1start 2start 2before 2close 2after 1before 1close 1after", "1start 2start 1before 1after"),
        # One that is closed does not go on, whatever else is done with it.
        ("1start 2start 2close 1before 1close 1after", "1start 2start 1before 1after"),
        ("1start 2start 2close 1before 1close 1after 2after", "1start 2start 1before 1after"),
        ("1start 2start 1before 2before 1close 2close 1after 2after", "1start 2start 2before 1after"),
        # The second one has not started the application, so it does not keep it either.
        ("1start 1before 1close 1after 2close", "1start 1before 1after"),
        # The application starts again.
        ("1start 1before 1after 2start 2before 2after", "1start 1before 1after 2start 2before 2after"),
        ("1start 2start 1before 1after 1start 2before 2after 1before 1after", "1start 2start 1start 1before 1after"),
    ],
)
async def test_two_servers_of_one_application(steps: str, expected: str) -> None:
    app = Sanic("Two")
    app.get("/")(lambda request: text("hello"))
    seen: list[str] = []
    for phase in PHASES:
        app.register_listener(lambda app, phase=phase: seen.append(phase), phase)
    servers = [await app.create_server(port=0) for _ in range(2)]
    for server in servers:
        await server.startup()
    runs: list[str] = []
    serving = {"1", "2"}
    for step in steps.split():
        server, before = servers[int(step[0]) - 1], len(seen)
        match step[1:]:
            case "start":
                await server.before_start()
                await server.after_start()
                runs.append(step)
            case "before":
                await server.before_stop()
            case "after":
                await server.after_stop()
            case "close":
                server.close()
                await server.wait_closed()
                serving -= {step[0]}
        if len(seen) > before and step not in runs:
            runs.append(step)
    for number in serving:
        servers[int(number) - 1].close()
        await servers[int(number) - 1].wait_closed()
    assert " ".join(runs) == expected
    starts = seen.count("before_server_start")
    assert [seen.count(phase) for phase in PHASES] == [starts] * 4
