"""How long and with whom a run is done, and how it reports progress."""

import os
import sys
from dataclasses import dataclass


@dataclass
class Settings:
    """The knobs of a run; `quick()` gives short rounds for development."""

    contenders: list[str]
    requests: int = 3000
    rounds: int = 15
    core: int | None = None
    quick: bool = False

    def __post_init__(self) -> None:
        if self.core is None and hasattr(os, "sched_getaffinity"):
            self.core = min(os.sched_getaffinity(0))
        if self.quick:
            self.requests, self.rounds = 1000, 5


def say(line: str) -> None:
    """Print a line of progress to standard error."""
    print(line, file=sys.stderr, flush=True)
