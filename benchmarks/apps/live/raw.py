"""ASGI by hand."""

from typing import Any

from benchmarks.apps.live import CHUNK, CHUNKS, EVENT


async def websocket(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "bytes": message["bytes"]})


async def http(path: str, receive: Any, send: Any) -> None:
    kind = b"text/event-stream" if path == "/events" else b"text/plain"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    if path == "/chunks":
        for _ in range(CHUNKS):
            await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
    elif path == "/events":
        await send({"type": "http.response.body", "body": f"data: {EVENT}\r\n\r\n".encode(), "more_body": True})
        await receive()
        while (await receive())["type"] != "http.disconnect":
            pass
    body = b"Hello, world!" if path == "/" else b""
    await send({"type": "http.response.body", "body": body})


async def lifespan(receive: Any, send: Any) -> None:
    for phase in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{phase}.complete"})


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await http(scope["path"], receive, send)
    elif scope["type"] == "websocket":
        await websocket(receive, send)
    else:
        await lifespan(receive, send)


def make() -> Any:
    return app
