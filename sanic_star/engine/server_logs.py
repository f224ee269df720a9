"""A filter for the logs of servers, so that they do not repeat exceptions that the application has logged.

The names of the loggers are not in `sanic_star.servers.backends`, because an application may run under a server that
this package has not started.
"""

from __future__ import annotations

import logging
import sys
from asyncio import CancelledError
from contextvars import ContextVar

from sanic_star.engine.failures import is_marked

# Whether the current task has refused a handshake with a response; uvicorn 0.54 logs that as a missing answer.
refused: ContextVar[bool] = ContextVar("sanic_star.refused", default=False)

# The loggers of each server that report exceptions of applications. A logger's filters do not get the records of child
# loggers; granian's loggers have the names of its Rust modules.
SERVER_LOGGERS = {
    "uvicorn": ("uvicorn.error",),
    "hypercorn": ("hypercorn.error",),
    "granian": ("_granian", "_granian.utils"),
    "daphne": ("daphne.server",),
    # It reports exceptions of a server's tasks.
    "asyncio": ("asyncio",),
}


class ReportedOnce(logging.Filter):
    """Drops server log records for exceptions that were already logged, and for three events that are not errors.

    These are the refusal of a websocket's handshake; a text message that is not UTF-8, for which the server closes the
    websocket with 1007; and a request that the server itself has cancelled. The application logs the last with one
    line.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        info: object = record.exc_info
        # `logging` does not make a tuple of an exception whose truth value is false.
        error = info[1] if isinstance(info, tuple) else info
        if error is None and record.name.startswith("_granian"):
            # granian writes the traceback into the message while it handles the exception.
            error = sys.exc_info()[1]
        is_cancelled = type(error) is CancelledError
        if record.name == "asyncio":
            # Until Python 3.12 it reports the tasks of connections that hypercorn has cancelled.
            return not (is_cancelled and "StreamReaderProtocol" in record.getMessage())
        is_refusal = refused.get() and "without completing handshake" in record.getMessage()
        is_invalid_text = type(error) is UnicodeDecodeError and "Invalid UTF-8 sequence" in record.getMessage()
        return not (is_refusal or is_invalid_text or is_cancelled or is_marked(error))


_reported_once = ReportedOnce()


def filter_server_logs() -> None:
    """Add the filter to the loggers of all servers, because any of them may run the application."""
    for names in SERVER_LOGGERS.values():
        for name in names:
            logging.getLogger(name).addFilter(_reported_once)
