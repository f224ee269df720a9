"""Watch files: Python source files of the application, and all files below the directories of `reload_dir`."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from sanic_star.servers.settings import CannotServe


class Watch:
    """Watches files in a thread: below the working directory, beside the main module, and in other directories.

    Args:
        folders: directories in which every file is watched; elsewhere only Python source files are.
        on_change: called in the watching thread when files have changed.

    Raises:
        CannotServe: watchfiles is not installed, or a directory does not exist.
    """

    def __init__(self, folders: Sequence[str], on_change: Callable[[], None]) -> None:
        try:
            import watchfiles
        except ModuleNotFoundError:
            raise CannotServe("Restarting on changes needs watchfiles: pip install 'uvicorn[standard]'") from None
        self._watchfiles = watchfiles
        self._on_change = on_change
        # The watching thread appends, the supervisor's thread takes: both operations are atomic, so no path is lost.
        self._changed_paths: deque[str] = deque()
        self._stop_event = threading.Event()
        self._all_files_folders = [Path(folder).resolve() for folder in folders]
        for folder in self._all_files_folders:
            if not folder.is_dir():
                raise CannotServe(f"Cannot watch {folder}: it is not a directory")
        main_file = getattr(sys.modules["__main__"], "__file__", None)
        source_folders = {Path.cwd()}
        if main_file is not None and main_file.endswith(".py"):
            source_folders.add(Path(main_file).resolve().parent)
        # A command on Windows is one file that contains `__main__.py`: the parent of that path is not a directory.
        self._folders = {*(folder for folder in source_folders if folder.is_dir()), *self._all_files_folders}
        self._thread = threading.Thread(target=self._run, daemon=True, name="watch")

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching, and wait for the thread."""
        self._stop_event.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def has_changes(self) -> bool:
        """Whether files have changed since the last call of `take_changes`."""
        return bool(self._changed_paths)

    def take_changes(self) -> set[str]:
        """Return the paths of the files that have changed since the last call."""
        changed_paths = set()
        while self._changed_paths:
            changed_paths.add(self._changed_paths.popleft())
        return changed_paths

    def _is_watched(self, file: str) -> bool:
        path = Path(file)
        return path.suffix == ".py" or (
            path.suffix != ".pyc" and any(folder in path.parents for folder in self._all_files_folders)
        )

    def _run(self) -> None:
        # The default filter of watchfiles leaves out files that editors, version control and caches write.
        default_filter = self._watchfiles.DefaultFilter()
        for changes in self._watchfiles.watch(
            *self._folders,
            watch_filter=lambda change, path: default_filter(change, path) and self._is_watched(path),
            stop_event=self._stop_event,
            ignore_permission_denied=True,
        ):
            self._changed_paths.extend(path for _, path in changes)
            self._on_change()
