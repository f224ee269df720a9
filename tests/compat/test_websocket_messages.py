"""What `async for` over a websocket takes its messages from."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from sanic_star import Websocket
from sanic_star.compat.exceptions import ServerError
from tests.compat.test_websocket_ends import Connection, speaking


async def test_an_iteration_that_is_over_stays_over() -> None:
    seen: list[Any] = []

    async def handler(request: Any, ws: Websocket) -> None:
        messages = aiter(ws)
        seen.append(await anext(messages))
        seen.append(await anext(messages, "over"))
        seen.append(await anext(messages, "still over"))
        seen.append(ws._running_loops)

    connection = await Connection(speaking(x=handler), "/x").opened()
    connection.put("receive", text="a")
    connection.put("disconnect")
    await connection.over()
    assert seen == ["a", "over", "still over", 0]


@pytest.mark.parametrize("way", ["break", "exception", "aclosing", "timeout", "del"])
async def test_a_loop_that_was_left_no_longer_counts(way: str) -> None:
    seen: list[Any] = []

    async def handler(request: Any, ws: Websocket) -> None:
        if way == "break":
            async for _ in ws:
                seen.append(ws._running_loops)
                break
        elif way == "exception":
            try:
                async for _ in ws:
                    seen.append(ws._running_loops)
                    raise ValueError
            except ValueError:
                pass
        elif way == "aclosing":
            async with aclosing(aiter(ws)) as messages:  # type: ignore[type-var]
                await anext(messages)
                seen.append(ws._running_loops)
        else:
            messages = aiter(ws)
            await anext(messages)
            seen.append(ws._running_loops)
            if way == "timeout":
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(anext(messages), 0.01)
            del messages
            # From Python 3.12 on, `wait_for` refers to it until the next turn of the event loop.
            await asyncio.sleep(0)
        seen.append(ws._running_loops)
        # The messages that come now are for whoever reads next.
        await ws.send("left")
        seen.append(await ws.recv())

    connection = await Connection(speaking(x=handler), "/x").opened()
    connection.put("receive", text="a")
    assert (await connection.hear())["text"] == "left"
    connection.put("receive", text="b")
    await connection.over()
    assert seen == [1, 0, "b"]


async def test_a_second_iteration_goes_on_where_the_first_was_left() -> None:
    seen: list[Any] = []

    async def handler(request: Any, ws: Websocket) -> None:
        async for message in ws:
            seen.append(message)
            break
        seen.extend([message async for message in ws])
        seen.extend(["never" async for _ in ws])

    connection = await Connection(speaking(x=handler), "/x").opened()
    for text in "abc":
        connection.put("receive", text=text)
    connection.put("disconnect")
    await connection.over()
    assert seen == ["a", "b", "c"]


@pytest.mark.parametrize("second", ["anext", "recv", "recv_lock"])
async def test_two_readers_of_which_one_iterates(second: str) -> None:
    seen: list[Any] = []

    async def handler(request: Any, ws: Websocket) -> None:
        if second == "recv_lock":
            async with ws.recv_lock:
                with pytest.raises(ServerError, match="Another task"):
                    await anext(aiter(ws))
        first = asyncio.ensure_future(anext(aiter(ws)))
        await asyncio.sleep(0)
        if second != "recv_lock":
            with pytest.raises(ServerError, match="Another task"):
                await (anext(aiter(ws)) if second == "anext" else ws.recv())
        await ws.send("refused")
        seen.append(await first)

    connection = await Connection(speaking(x=handler), "/x").opened()
    assert (await connection.hear())["text"] == "refused"
    connection.put("receive", text="a")
    await connection.over()
    assert seen == ["a"]


@pytest.mark.parametrize(
    ("size", "is_too_large"), [(25, False), (26, False), (100, False), (101, True)], ids=lambda value: str(value)
)
@pytest.mark.parametrize("kind", ["text", "bytes"])
async def test_the_limit_holds_in_an_iteration(kind: str, size: int, is_too_large: bool) -> None:
    seen: list[Any] = []

    async def handler(request: Any, ws: Websocket) -> None:
        seen.extend([len(message) async for message in ws])

    app = speaking(x=handler)
    app.config.WEBSOCKET_MAX_SIZE = 100
    connection = await Connection(app, "/x").opened()
    connection.put("receive", **{kind: "x" * size if kind == "text" else b"x" * size})
    if is_too_large:
        assert (await connection.hear())["code"] == 1009
    connection.put("disconnect")
    await connection.over()
    assert seen == ([] if is_too_large else [size])


async def test_the_limit_counts_bytes_of_a_text() -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        async for message in ws:
            await ws.send(message)

    app = speaking(x=handler)
    app.config.WEBSOCKET_MAX_SIZE = 100
    connection = await Connection(app, "/x").opened()
    connection.put("receive", text="é" * 50)
    assert (await connection.hear())["text"] == "é" * 50
    connection.put("receive", text="é" * 51)
    assert (await connection.hear())["code"] == 1009
    await connection.over()


@pytest.mark.parametrize("message", [{"bytes": b"a", "text": None}, {"bytes": b"a"}, {"text": "a", "bytes": None}])
async def test_both_forms_of_a_servers_message(message: dict[str, Any]) -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        async for data in ws:
            await ws.send(data)

    connection = await Connection(speaking(x=handler), "/x").opened()
    connection.put("receive", **message)
    sent = await connection.hear()
    assert [sent.get("text"), sent.get("bytes")] == [message.get("text"), message.get("bytes")]
    connection.put("disconnect")
    await connection.over()


async def test_a_message_of_another_kind_ends_the_handler() -> None:
    seen: list[str] = []

    async def handler(request: Any, ws: Websocket) -> None:
        try:
            async for _ in ws:
                pass
        except RuntimeError as error:
            seen.append(str(error))

    connection = await Connection(speaking(x=handler), "/x").opened()
    connection.put("connect")
    await connection.over()
    assert seen == ["the server has sent an invalid message to an open websocket: 'websocket.connect'"]


async def test_a_task_that_iterates_does_not_speak_for_the_handler() -> None:
    seen: list[str] = []

    async def iterate(ws: Websocket) -> None:
        seen.extend([str(message) async for message in ws])
        seen.append("over")

    async def handler(request: Any, ws: Websocket) -> None:
        task = asyncio.ensure_future(iterate(ws))
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        finally:
            await task

    connection = await Connection(speaking(x=handler), "/x").opened()
    connection.put("receive", text="a")
    connection.put("disconnect")
    await connection.over()
    assert seen == ["a", "over", "cancelled"]
