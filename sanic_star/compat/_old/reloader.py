"""Restart a program when its files change, as `sanic.reloader_helpers` did.

The first process watches the files, and runs the program as a child with `SANIC_SERVER_RUNNING` in its environment.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import sleep
from typing import Any

RUNNING = "SANIC_SERVER_RUNNING"
# How long the program may take to end before it is killed, in seconds.
STOP_S = 15


def restart_with_reloader() -> subprocess.Popen[bytes]:
    """Start this program once more, and return its process."""
    main: Any = sys.modules["__main__"]
    module = getattr(main.__spec__, "name", None)
    arguments = ["-m", module.removesuffix(".__main__"), *sys.argv[1:]] if module else sys.argv
    return subprocess.Popen([sys.executable, *arguments], env={**os.environ, RUNNING: "true"})


def kill_process_children(pid: int) -> None:
    """Send SIGTERM to the child processes of a process; without `/proc` do nothing."""
    with suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for child in map(int, children):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)


def kill_program_completly(proc: Any) -> None:
    """End a process and its children, and wait for its end.

    Args:
        proc: as `restart_with_reloader` returned it.
    """
    kill_process_children(proc.pid)
    proc.terminate()
    try:
        proc.wait(STOP_S)
    except subprocess.TimeoutExpired:
        proc.kill()
        proc.wait()


def _files() -> Iterator[str]:
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if path and os.path.isfile(path):
            yield path


def watchdog(sleep_interval: float) -> None:
    """Run this program as a child, and restart it when a module's file changes, until SIGTERM or SIGINT.

    Args:
        sleep_interval: the pause between two checks of the files, in seconds.
    """

    def stop(number: int, frame: object) -> None:
        kill_program_completly(child)
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    child = restart_with_reloader()
    times: dict[str, float] = {}
    while True:
        changed = False
        for path in _files():
            with suppress(OSError):
                time = os.stat(path).st_mtime
                changed |= times.setdefault(path, time) < time
                times[path] = time
        if changed:
            kill_program_completly(child)
            child = restart_with_reloader()
        sleep(sleep_interval)
