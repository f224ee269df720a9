"""Endless streams in an application that has no engine: one of Starlette's, on any server.

Nobody tells such a stream that the application stops, and uvicorn waits for it until somebody kills the process. So
the first one takes the stop signals of its event loop, as an engine does: streams end, then the server's own handler
is called.
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
        hears_signals: whether a signal that stops the server ends the streams.
    """

    def __init__(self, *, hears_signals: bool) -> None:
        self.stop_event = asyncio.Event()
        self.streams = OpenStreams(self)
        self._chain = chain(self._stop, STREAM_END_S) if hears_signals else None
        if self._chain is not None:
            self._chain.started()

    async def _stop(self) -> bool:
        self.stop_event.set()
        tasks = {stream.task for stream in self.streams.endless}
        for stream in list(self.streams.endless):
            stream.cut("stop")
        if tasks:
            await asyncio.wait(tasks, timeout=STREAM_END_S)
        return bool(tasks)


# By event loop. The entries of closed ones are dropped when another one has its first stream.
_by_loop: dict[asyncio.AbstractEventLoop, ForeignStreams] = {}


def foreign_streams() -> OpenStreams:
    """Return what watches over streams that no engine has opened, on the running event loop.

    In a request of an application with an engine, that application's stop ends them.
    """
    with suppress(LookupError):
        requests.current_request()
        return ForeignStreams(hears_signals=False).streams
    loop = asyncio.get_running_loop()
    foreign = _by_loop.get(loop)
    if foreign is None:
        for closed in [other for other in _by_loop if other.is_closed()]:
            del _by_loop[closed]
        foreign = _by_loop[loop] = ForeignStreams(hears_signals=True)
    return foreign.streams
