"""Watching files: source files below the working directory, everything below directories that were named."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from sanic_star.servers.settings import CannotServe


class Watch:
    """Watches files in a thread.

    Args:
        folders: directories in which every file counts; elsewhere source files of Python count.
        ring: called, in that thread, when something has changed.

    Raises:
        CannotServe: watchfiles is not installed, or there is no such directory.
    """

    def __init__(self, folders: Sequence[str], ring: Callable[[], None]) -> None:
        try:
            import watchfiles
        except ModuleNotFoundError:
            raise CannotServe("Restarting on changes needs watchfiles: pip install 'uvicorn[standard]'") from None
        self._watchfiles = watchfiles
        self._wake = ring
        # Filled in the thread, emptied in the supervisor's: what is appended meanwhile is not lost.
        self._changed: deque[str] = deque()
        self._over = threading.Event()
        self._named = [Path(folder).resolve() for folder in folders]
        for folder in self._named:
            if not folder.is_dir():
                raise CannotServe(f"Cannot watch {folder}: it is no directory")
        main = getattr(sys.modules["__main__"], "__file__", None)
        own = {Path.cwd(), *([Path(main).resolve().parent] if main and main.endswith(".py") else [])}
        # A command of Windows is a file that holds its main module.
        self._folders = {*(folder for folder in own if folder.is_dir()), *self._named}
        self._thread = threading.Thread(target=self._run, daemon=True, name="watch")

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def has_changes(self) -> bool:
        """Whether files have changed since the last time."""
        return bool(self._changed)

    def changed(self) -> set[str]:
        """Return the files that have changed since the last time."""
        changed = set()
        while self._changed:
            changed.add(self._changed.popleft())
        return changed

    def _counts(self, path: str) -> bool:
        changed = Path(path)
        return changed.suffix == ".py" or (
            changed.suffix != ".pyc" and any(folder in changed.parents for folder in self._named)
        )

    def _run(self) -> None:
        # Its own filter leaves out what editors, version control and caches write.
        default_filter = self._watchfiles.DefaultFilter()
        for changes in self._watchfiles.watch(
            *self._folders,
            watch_filter=lambda change, path: default_filter(change, path) and self._counts(path),
            stop_event=self._over,
            ignore_permission_denied=True,
        ):
            self._changed.extend(path for _, path in changes)
            self._wake()
