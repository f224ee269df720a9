"""The logs of servers: an exception that the application has logged is not logged again by its server.

The names of loggers stand here, and not beside the other facts about the servers that this package starts
(`sanic_star.servers.backends`): an application also runs under a server that somebody else started.
"""

from __future__ import annotations

import logging
import sys
from asyncio import CancelledError

from sanic_star.engine.failures import is_marked
from sanic_star.engine.websockets import refused

# The loggers of each server that report exceptions of applications. A logger's filters don't see the records of its
# children; granian logs by the names of its Rust modules.
SERVER_LOGGERS = {
    "uvicorn": ("uvicorn.error",),
    "hypercorn": ("hypercorn.error",),
    "granian": ("_granian", "_granian.utils"),
    "daphne": ("daphne.server",),
    # Of the tasks that a server made.
    "asyncio": ("asyncio",),
}


class ReportedOnce(logging.Filter):
    """Drops server log records for exceptions that were already logged, and for what is no error.

    That is a websocket's handshake that was refused, and a request that the server itself has cancelled: the
    application logs one line for it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        info: object = record.exc_info
        # `logging` leaves an exception as it is whose truth value is false.
        error = info[1] if isinstance(info, tuple) else info
        if error is None and record.name.startswith("_granian"):
            # granian writes the traceback into the message, while it handles the exception.
            error = sys.exc_info()[1]
        cancelled = type(error) is CancelledError
        if record.name == "asyncio":
            # Until Python 3.12 it reports the tasks of connections that hypercorn has cancelled.
            return not (cancelled and "StreamReaderProtocol" in record.getMessage())
        refusal = refused.get() and "without completing handshake" in record.getMessage()
        return not (refusal or cancelled or is_marked(error))


_reported_once = ReportedOnce()


def filter_server_logs() -> None:
    """Put the filter on the loggers of all servers, once; any of them may run the application."""
    for names in SERVER_LOGGERS.values():
        for name in names:
            logging.getLogger(name).addFilter(_reported_once)
