"""Below the floor: an ASGI application that sends the same two messages, ready-made, for every request.

No application that has something to say can do that; it shows what the server costs.
"""

from typing import Any

from benchmarks.cases import ECHO


def _answer(body: bytes, content_type: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
    return {"type": "http.response.start", "status": 200, "headers": headers}, {
        "type": "http.response.body",
        "body": body,
    }


_ANSWERS = {
    "/": _answer(b"Hello, world!", b"text/plain; charset=utf-8"),
    "/json": _answer(b'{"message":"Hello, world!"}', b"application/json"),
    "/user/42": _answer(b'{"id":42}', b"application/json"),
    "/echo": _answer(ECHO.encode(), b"application/json"),
}


async def _app(scope: Any, receive: Any, send: Any) -> None:
    start, body = _ANSWERS[scope["path"]]  # lifespan has no path: the KeyError tells the server that there is none
    await send(start)
    await send(body)


def basic() -> Any:
    return _app
