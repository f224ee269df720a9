"""Record the events (`event(…)` in a case's source) and the log records of an application, in their order.

Of the log, the messages of the source itself are compared word by word, and the frameworks' warnings and errors by
logger, level and exception, because each framework words them itself. Messages of Sanic's server about its
connections are not compared.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

MODULE = "parity_case"
# The end of the messages of Sanic's server about unread bodies; an ASGI server reads them silently.
CONNECTION = "body not consumed."
LOGGERS = ("sanic.root", "sanic.error", "sanic.server", "sanic.websockets")


class Recorder(logging.Handler):
    """Writes each event and log record as a line.

    Args:
        write: takes one line, without its end.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        super().__init__(logging.DEBUG)
        self._write = write

    def event(self, *words: object) -> None:
        """Record an event; this function is `event` in the sources."""
        self._write("event " + " ".join(map(str, words)))

    def emit(self, record: logging.LogRecord) -> None:
        """Record a log record: logger, level, the exception's class, and the message of the source itself."""
        message = record.getMessage()
        if record.module == MODULE:
            text = message.replace("\n", " ⏎ ")
        elif record.levelno < logging.WARNING or message.endswith(CONNECTION):
            return
        else:
            text = ""
        kind = record.exc_info[0] if record.exc_info else None
        words = record.name, record.levelname, kind.__name__ if kind else "", text
        self._write(" ".join(filter(None, words)))

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen to the loggers within the block."""
        for name in LOGGERS:
            logging.getLogger(name).addHandler(self)
        try:
            yield
        finally:
            for name in LOGGERS:
                logging.getLogger(name).removeHandler(self)


def line_writer(path: Path) -> Callable[[str], object]:
    """Return a function that writes lines into a file at once, because the process may be killed at any moment."""
    file = path.open("a", buffering=1, encoding="utf-8")
    return lambda line: file.write(line + "\n")
