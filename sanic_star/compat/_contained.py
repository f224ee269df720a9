"""Which file is meant by a path that a client sent, and whether it may have it.

A client never gets what is outside of the directory that is served: neither by `..`, nor by a link that leads out
and that nobody said should be followed.
"""

from __future__ import annotations

import os
from urllib.parse import unquote


class Root:
    """A directory that is served.

    Args:
        location: the directory, without links in its path.
        follow_files: whether links to files outside of it are followed.
        follow_dirs: whether links to directories outside of it are followed.
    """

    def __init__(self, location: str | os.PathLike[str], follow_files: bool = False, follow_dirs: bool = False) -> None:
        self.location = os.fspath(location)
        self._below = self.location.rstrip("/") + "/"
        self._follow_files = follow_files
        self._follow_dirs = follow_dirs

    def find(self, relative: str) -> str | None:
        """Return the real path of what a client asks for, `None` for what it may not have.

        Looks at the disk.

        Args:
            relative: the path below the root, percent-encoded.
        """
        name = unquote(relative)
        # Refused before the disk is looked at, also where it would stay inside: a client that sends it is up to
        # something.
        if "\0" in name or ".." in name.split("/"):
            return None
        return self.real(self._below + name.lstrip("/"))

    def real(self, path: str) -> str | None:
        """Return the real path of something below the root, `None` where a link leads out that is not followed."""
        real = os.path.realpath(path)
        if self._holds(real):
            return real
        parent, name = os.path.split(path.rstrip("/"))
        parent = os.path.realpath(parent)
        if not self._holds(parent) and not self._follow_dirs:
            return None
        if os.path.islink(os.path.join(parent, name)):
            followed = self._follow_dirs if os.path.isdir(real) else self._follow_files
            return real if followed else None
        return real

    def _holds(self, real: str) -> bool:
        return real.startswith(self._below) or real == self.location
