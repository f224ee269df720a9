"""Below the floor: an ASGI application that sends the same two messages, ready-made, for every request.

No application that has something to say can do that; it shows what the server costs.
"""

from typing import Any

from benchmarks.apps.raw import ANSWERS

_MESSAGES = {
    path: (
        {"type": "http.response.start", "status": 200, "headers": headers},
        {"type": "http.response.body", "body": body},
    )
    for path, (body, headers) in ANSWERS.items()
}


async def _app(scope: Any, receive: Any, send: Any) -> None:
    start, body = _MESSAGES[scope["path"]]
    await send(start)
    await send(body)


def basic() -> Any:
    return _app
