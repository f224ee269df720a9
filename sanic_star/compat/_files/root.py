"""Which file a client's path means, and whether the client may have it.

A client never gets a file outside of the directory that is served, neither by `..` nor by a symbolic link that leads
out, unless the application allows links. Three steps, because the disk may change between them:

1. `find` resolves all links and decides by the real path.
2. `open` opens that real path without following a link: directory by directory, each relative to the one before (POSIX
   `openat` with `O_NOFOLLOW`). So a directory or a file that was replaced by a link after the decision is not opened.
3. A file that is kept in memory has its `trail`: the directories from the root to it, as they were when it was opened.
   While `os.lstat` still says the same of each, none was moved or became a link, and the file is still inside.

What lies above the root belongs to whoever configures the server, and is not checked again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from stat import S_ISREG
from typing import NamedTuple
from urllib.parse import unquote

# `O_PATH` opens a directory that may be entered but not read. Where the system has no `openat` (Windows), the file that
# was opened is compared with the one that the path leads to afterwards.
_DIRECTORY = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_HAS_OPENAT = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
# A pipe that has taken the file's place is not waited for.
_FILE = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

# Mode, inode and device of a directory: the first three fields of `os.stat_result`.
Identity = tuple[int, int, int]
Trail = tuple[tuple[str, Identity], ...]
Mark = tuple[int, int, int, int, int]


def mark_of(stat: os.stat_result) -> Mark:
    """Return what changes whenever a file's content does; its time of change can't be set back by `touch`."""
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino, stat.st_dev


class Opened(NamedTuple):
    """A file or directory that was opened inside a root.

    Attributes:
        descriptor: the file descriptor; the caller closes it.
        stat: what `os.fstat` says of it.
        trail: the directories that lead to it; empty where a link that is followed led out.
    """

    descriptor: int
    stat: os.stat_result
    trail: Trail


class Root:
    """A directory that is served.

    Args:
        location: the directory, without links in its path.
        follow_files: whether links to files outside of it are followed.
        follow_dirs: whether links to directories outside of it are followed.
    """

    def __init__(self, location: str | os.PathLike[str], follow_files: bool = False, follow_dirs: bool = False) -> None:
        self.location = os.fspath(location)
        self._below = os.path.join(self.location, "")
        self._follow_files = follow_files
        self._follow_dirs = follow_dirs

    def find(self, relative: str) -> str | None:
        """Return the real path of what a client asks for, `None` for what it may not have.

        Looks at the disk.

        Args:
            relative: the path below the root, percent-encoded.
        """
        name = unquote(relative)
        # Refused before the disk is looked at, also where it would stay inside: no browser sends it.
        if ".." in name.split("/"):
            return None
        # On Windows a backslash separates too, and a colon follows a drive or precedes an alternate stream of a file.
        if os.altsep and (os.sep in name or ":" in name):
            return None
        return self.real(self._below + name.lstrip("/"))

    def real(self, path: str) -> str | None:
        """Return the real path of something below the root.

        `None` means that nothing is there, that a link leads out and is not followed, or that the path cannot be
        resolved: it has a NUL byte or is too long, or the links in it are a circle or too many.
        """
        try:
            # The system's own look-up ends at the first directory that is missing; `realpath` looks at each of 4,000.
            os.stat(path.rstrip("/") or "/")
            real = os.path.realpath(path)
            if self._holds(real):
                return real
            parent, name = os.path.split(path.rstrip("/"))
            parent = os.path.realpath(parent)
            if not self._holds(parent) and not self._follow_dirs:
                return None
            # Resolved again from the directory that was checked, not from what its path leads to by now.
            path = os.path.join(parent, name)
            real = os.path.realpath(path)
            if os.path.islink(path):
                followed = self._follow_dirs if os.path.isdir(real) else self._follow_files
                return real if followed else None
        except (OSError, ValueError, RecursionError):
            return None
        return real if self._holds(real) or self._follow_dirs else None

    def _holds(self, real: str) -> bool:
        # Windows does not tell cases apart.
        real = os.path.normcase(real)
        return real.startswith(os.path.normcase(self._below)) or real == os.path.normcase(self.location)

    def open(self, real: str) -> Opened:
        """Open a file for reading, or a directory for listing.

        Args:
            real: what `find` or `real` has returned.

        Raises:
            OSError: there is no such file any more, or it cannot be read; a directory on the way, or the file, has
                become a link.
        """
        if not _HAS_OPENAT or not self._holds(real):
            return self._open_and_compare(real)
        path = self.location
        above = os.open(path, _DIRECTORY)
        trail = [(path, _identity(os.fstat(above)))]
        try:
            *directories, name = real[len(self._below) :].split("/")
            for directory in directories:
                path = os.path.join(path, directory)
                inside = os.open(directory, _DIRECTORY, dir_fd=above)
                os.close(above)
                above = inside
                trail.append((path, _identity(os.fstat(above))))
            descriptor = os.open(name or ".", _FILE, dir_fd=above)
        finally:
            os.close(above)
        return Opened(descriptor, os.fstat(descriptor), tuple(trail))

    def _open_and_compare(self, real: str) -> Opened:
        """Open a path, then make sure that it leads to what was opened, without a link."""
        descriptor = os.open(real, _FILE)
        stat, now = os.fstat(descriptor), os.lstat(real)
        if os.path.realpath(real) != real or (stat.st_dev, stat.st_ino) != (now.st_dev, now.st_ino):
            os.close(descriptor)
            raise FileNotFoundError(f"{real} was replaced while it was opened")
        return Opened(descriptor, stat, ())

    def open_file(self, real: str) -> Opened:
        """Open a regular file for reading; arguments and exceptions are those of `open`.

        Raises:
            OSError: it is a directory, a pipe or a device.
        """
        opened = self.open(real)
        if not S_ISREG(opened.stat.st_mode):
            os.close(opened.descriptor)
            raise FileNotFoundError(f"{real} is no regular file")
        return opened

    @contextmanager
    def scan(self, real: str) -> Iterator[Iterator[os.DirEntry[str]]]:
        """List a directory within the block; arguments and exceptions are those of `open`."""
        if os.scandir not in os.supports_fd:  # Windows
            with os.scandir(real) as entries:
                yield entries
            return
        descriptor = self.open(real).descriptor
        try:
            with os.scandir(descriptor) as entries:
                yield entries
        finally:
            os.close(descriptor)

    def opener(self, real: str, _: int) -> int:
        """Open a regular file and return its descriptor, as an `opener` of the built-in `open` does."""
        return self.open_file(real).descriptor


def _identity(stat: os.stat_result) -> Identity:
    return stat.st_mode, stat.st_ino, stat.st_dev
