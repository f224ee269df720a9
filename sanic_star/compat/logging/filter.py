"""A filter of log records by verbosity, in addition to their level."""

from __future__ import annotations

import logging


class VerbosityFilter(logging.Filter):
    """Keep back records that are for the curious: `logger.info(…, extra={"verbosity": 1})` needs a `verbosity` of 1.

    The number is the class's, one for the process.
    """

    verbosity: int = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record passes."""
        return bool(getattr(record, "verbosity", 0) <= self.verbosity)
