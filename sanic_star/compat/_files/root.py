"""Find the file of a client's path, and check that the client may have it.

A client never gets a file outside the served directory, neither through `..` nor through a symbolic link, unless the
application allows links. There are three steps, because the disk may change between them:

1. `find` resolves all links and checks the real path.
2. `open` opens that real path without following a link: directory by directory, each relative to the one before (POSIX
   `openat` with `O_NOFOLLOW`). So a directory or a file that was replaced by a link after the check is not opened.
3. A cached file has a `trail`: the `os.lstat` results of the directories from the root to the file. While these stay
   the same, no directory was moved or replaced by a link, and the file is still inside.

Directories above the root are controlled by the server's administrator, and are not checked again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from stat import S_ISREG
from typing import NamedTuple
from urllib.parse import unquote

# `O_PATH` also opens a directory without read permission. On a system without `openat` (Windows), the opened file is
# compared with the file of the path afterwards.
_DIRECTORY = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_HAS_OPENAT = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
# `O_NONBLOCK`: if a pipe has replaced the file, opening it must not block.
_FILE = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

# A directory's mode, inode and device: the first three fields of `os.stat_result`.
Identity = tuple[int, int, int]
Trail = tuple[tuple[str, Identity], ...]
Mark = tuple[int, int, int, int, int]


def mark_of(stat: os.stat_result) -> Mark:
    """Return values that change with a file's content; `touch` cannot reset the change time (`st_ctime`)."""
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino, stat.st_dev


class Opened(NamedTuple):
    """A file or directory that was opened inside a root.

    Attributes:
        descriptor: the file descriptor; the caller closes it.
        stat: the result of `os.fstat`.
        trail: the directories from the root to it; empty if a link led outside the root.
    """

    descriptor: int
    stat: os.stat_result
    trail: Trail


class Root:
    """A served directory.

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
        """Return the real path of a requested file; `None` if the client may not have it.

        Accesses the disk.

        Args:
            relative: the path below the root, percent-encoded.
        """
        name = unquote(relative)
        # Refused before the disk is accessed, even if the path would stay inside: browsers don't send `..`.
        if ".." in name.split("/"):
            return None
        # On Windows a backslash is a separator too, and a colon follows a drive or precedes an alternate data stream.
        if os.altsep and (os.sep in name or ":" in name):
            return None
        return self.real_path(self._below + name.lstrip("/"))

    def real_path(self, path: str) -> str | None:
        """Return the real path of a file or directory below the root.

        `None` means that it does not exist, that a link leads outside and is not followed, or that the path cannot be
        resolved: it has a NUL byte, is too long, or has circular or too many links.
        """
        try:
            # `stat` stops at the first missing directory; `realpath` would look at each of up to 4,000.
            os.stat(path.rstrip("/") or "/")
            real_path = os.path.realpath(path)
            if self._contains(real_path):
                return real_path
            parent, name = os.path.split(path.rstrip("/"))
            parent = os.path.realpath(parent)
            if not self._contains(parent) and not self._follow_dirs:
                return None
            # Resolved from the directory that was checked, because the original path may lead elsewhere by now.
            path = os.path.join(parent, name)
            real_path = os.path.realpath(path)
            if os.path.islink(path):
                is_followed = self._follow_dirs if os.path.isdir(real_path) else self._follow_files
                return real_path if is_followed else None
        except (OSError, ValueError, RecursionError):
            return None
        return real_path if self._contains(real_path) or self._follow_dirs else None

    def _contains(self, real_path: str) -> bool:
        # Paths are case-insensitive on Windows.
        real_path = os.path.normcase(real_path)
        return real_path.startswith(os.path.normcase(self._below)) or real_path == os.path.normcase(self.location)

    def open(self, real_path: str) -> Opened:
        """Open a file for reading, or a directory for listing.

        Args:
            real_path: a path that `find` or `real_path` has returned.

        Raises:
            OSError: the file does not exist any more or cannot be read, or it or a directory of its path was replaced
                by a link.
        """
        if not _HAS_OPENAT or not self._contains(real_path):
            return self._open_and_compare(real_path)
        path = self.location
        parent_descriptor = os.open(path, _DIRECTORY)
        trail = [(path, _identity(os.fstat(parent_descriptor)))]
        try:
            *directories, name = real_path[len(self._below) :].split("/")
            for directory in directories:
                path = os.path.join(path, directory)
                child_descriptor = os.open(directory, _DIRECTORY, dir_fd=parent_descriptor)
                os.close(parent_descriptor)
                parent_descriptor = child_descriptor
                trail.append((path, _identity(os.fstat(parent_descriptor))))
            descriptor = os.open(name or ".", _FILE, dir_fd=parent_descriptor)
        finally:
            os.close(parent_descriptor)
        return Opened(descriptor, os.fstat(descriptor), tuple(trail))

    def _open_and_compare(self, real_path: str) -> Opened:
        """Open a path, then check that the path leads to the opened file without a link."""
        descriptor = os.open(real_path, _FILE)
        stat, current_stat = os.fstat(descriptor), os.lstat(real_path)
        if os.path.realpath(real_path) != real_path or (stat.st_dev, stat.st_ino) != (
            current_stat.st_dev,
            current_stat.st_ino,
        ):
            os.close(descriptor)
            raise FileNotFoundError(f"{real_path} was replaced while it was opened")
        return Opened(descriptor, stat, ())

    def open_file(self, real_path: str) -> Opened:
        """Open a regular file for reading; arguments and exceptions are those of `open`.

        Raises:
            OSError: it is not a regular file.
        """
        opened = self.open(real_path)
        if not S_ISREG(opened.stat.st_mode):
            os.close(opened.descriptor)
            raise FileNotFoundError(f"{real_path} is not a regular file")
        return opened

    @contextmanager
    def scan(self, real_path: str) -> Iterator[Iterator[os.DirEntry[str]]]:
        """Return a context manager that lists a directory; arguments and exceptions are those of `open`."""
        if os.scandir not in os.supports_fd:  # Windows
            with os.scandir(real_path) as entries:
                yield entries
            return
        descriptor = self.open(real_path).descriptor
        try:
            with os.scandir(descriptor) as entries:
                yield entries
        finally:
            os.close(descriptor)

    def opener(self, real_path: str, _: int) -> int:
        """Open a regular file and return its descriptor; an `opener` for the built-in `open`."""
        return self.open_file(real_path).descriptor


def _identity(stat: os.stat_result) -> Identity:
    return stat.st_mode, stat.st_ino, stat.st_dev
