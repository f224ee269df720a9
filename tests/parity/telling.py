"""What an application tells while it is served: `event(…)` in a case's source, and log records, in their order.

Of the log counts what an application's owner reads: what the source itself logs, word by word, and the frameworks'
warnings and errors by logger, level and exception; how these are worded is each framework's own. What Sanic's server
tells about its connections belongs to that server.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

MODULE = "parity_case"
# How Sanic's server ends its messages about bodies that nobody read; an ASGI server reads them away.
CONNECTION = "body not consumed."
LOGGERS = ("sanic.root", "sanic.error", "sanic.server", "sanic.websockets")


class Telling(logging.Handler):
    """Writes down what is told, a line each.

    Args:
        write: takes one line, without its end.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        super().__init__(logging.DEBUG)
        self._write = write

    def event(self, *words: object) -> None:
        """Write down that something happened; this is `event` in the sources."""
        self._write("event " + " ".join(map(str, words)))

    def emit(self, record: logging.LogRecord) -> None:
        """Write down a log record: logger, level, the exception's class, and the message of the source itself."""
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


def into(path: Path) -> Callable[[str], object]:
    """Return what writes lines into a file, each at once: the process may be killed at any moment."""
    file = path.open("a", buffering=1, encoding="utf-8")
    return lambda line: file.write(line + "\n")
