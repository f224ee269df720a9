"""The floor for POST: like `raw`, but it reads the body and sends back what it read."""

from typing import Any

from benchmarks.apps.raw import _app as _raw


async def _app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http" or scope["method"] != "POST":
        return await _raw(scope, receive, send)
    body = b""
    more_body = True
    while more_body:
        message = await receive()
        body += message.get("body", b"")
        more_body = message.get("more_body", False)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def basic() -> Any:
    return _app
