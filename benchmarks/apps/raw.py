"""The floor: an ASGI application with no framework, as one writes it by hand; its messages are made for each request.

It reads no body, not even for POST; `raw_body` is the one that does. `raw_ready` has its messages ready beforehand.
"""

from typing import Any

from benchmarks.cases import ECHO


def _answer(body: bytes, content_type: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    return body, [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]


ANSWERS = {
    "/": _answer(b"Hello, world!", b"text/plain; charset=utf-8"),
    "/json": _answer(b'{"message":"Hello, world!"}', b"application/json"),
    "/user/42": _answer(b'{"id":42}', b"application/json"),
    "/echo": _answer(ECHO.encode(), b"application/json"),
}


async def _app(scope: Any, receive: Any, send: Any) -> None:
    body, headers = ANSWERS[scope["path"]]  # a lifespan scope has no path: the KeyError means "unsupported"
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def basic() -> Any:
    return _app
