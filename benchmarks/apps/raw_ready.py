"""Below the floor: an ASGI application that sends the same two messages, ready-made, for every request.

A real application can't do that; the time is the cost of the server alone.
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
