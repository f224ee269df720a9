"""One read of a websocket beside its handler."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive


def start_reading(receive: Receive) -> asyncio.Future[Message]:
    """Start to receive a message; the future has it when it comes, and cancelling it ends the read."""
    return asyncio.ensure_future(receive())
