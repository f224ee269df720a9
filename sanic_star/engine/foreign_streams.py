"""Endless streams in an application without an engine, such as a Starlette application.

Nothing ends such a stream when the server stops, and uvicorn waits for it for ever. So the first stream of an event
loop installs signal handlers, as an engine does: a stop signal ends the streams, then the server's own handler is
called.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from sanic_star.engine import requests
from sanic_star.engine.os_signals import chain
from sanic_star.engine.streams import STREAM_END_S, OpenStreams


class ForeignStreams:
    """The streams of one event loop, and their stop.

    Args:
        handles_signals: whether SIGINT and SIGTERM end the streams.

    Attributes:
        stop_event: set when the streams end.
        streams: the open streams.
    """

    def __init__(self, *, handles_signals: bool) -> None:
        self.stop_event = asyncio.Event()
        self.streams = OpenStreams(self)
        self._chain = chain(self._stop, STREAM_END_S) if handles_signals else None
        if self._chain is not None:
            self._chain.started()

    async def _stop(self) -> bool:
        self.stop_event.set()
        tasks = {stream.task for stream in self.streams.endless}
        for stream in list(self.streams.endless):
            stream.cancel("stop")
        if tasks:
            await asyncio.wait(tasks, timeout=STREAM_END_S)
        return bool(tasks)


# By event loop. The first stream of a loop drops the entries of closed loops.
_by_loop: dict[asyncio.AbstractEventLoop, ForeignStreams] = {}


def foreign_streams() -> OpenStreams:
    """Return the open streams of the running event loop that have no engine.

    If the code runs in a request of an application with an engine, that application's stop ends the streams.
    """
    with suppress(LookupError):
        requests.current_request()
        return ForeignStreams(handles_signals=False).streams
    running_loop = asyncio.get_running_loop()
    streams_of_loop = _by_loop.get(running_loop)
    if streams_of_loop is None:
        for closed_loop in [loop for loop in _by_loop if loop.is_closed()]:
            del _by_loop[closed_loop]
        streams_of_loop = _by_loop[running_loop] = ForeignStreams(handles_signals=True)
    return streams_of_loop.streams
