"""The settings of a run, and a function that reports progress."""

import os
import sys
from dataclasses import dataclass


@dataclass
class Settings:
    """The settings of a run; `quick` makes its rounds short, for development and not for figures to quote.

    `quiet` is the share of a core that other processes may take while wrk runs. A disturbed run is repeated, `retries`
    times at most.
    `core` runs what is measured, `load_core` runs wrk; both are None where a process can't be pinned.
    """

    contenders: list[str]
    quick: bool = False
    requests: int = 3000
    rounds: int = 15
    processes: int = 3
    pairs: int = 5
    peer_rounds: int = 3
    seconds: int = 2
    connections: int = 64
    beside_rounds: int = 12
    beside_seconds: int = 4
    block_rounds: int = 8
    database_rounds: int = 6
    block_seconds: int = 1
    live_starts: int = 7
    live_rounds: int = 8
    live_seconds: float = 0.2
    live_processes: int = 3
    idle_seconds: float = 2
    broadcast_rounds: int = 21
    quiet: float = 0.05
    retries: int = 4
    limit: int = 3600
    round_us: float = 60_000
    table_rounds: int = 7
    start_rounds: int = 3
    import_rounds: int = 31
    tests: int = 1500
    build_limit: float = 60
    core: int | None = None
    load_core: int | None = None

    def __post_init__(self) -> None:
        if hasattr(os, "sched_getaffinity"):
            cores = sorted(os.sched_getaffinity(0))
            self.core, self.load_core = cores[0], cores[-1]
            if len(cores) == 1:
                print_progress(
                    "Only one core: the load generator shares it with the server, so the figures of part 2 say little."
                )
        if self.quick:
            self.requests, self.rounds, self.processes = 1000, 5, 1
            self.pairs, self.peer_rounds, self.seconds, self.retries = 3, 1, 1, 1
            self.beside_rounds, self.beside_seconds = 2, 1
            self.block_rounds = self.database_rounds = 2
            self.tests = 300
            self.live_starts, self.live_rounds = 1, 2
            self.live_processes, self.idle_seconds, self.broadcast_rounds = 1, 1, 5
            self.table_rounds, self.start_rounds, self.build_limit, self.import_rounds = 3, 1, 15, 5


def print_progress(line: str) -> None:
    """Print a line of progress to standard error."""
    print(line, file=sys.stderr, flush=True)
