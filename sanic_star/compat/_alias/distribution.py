"""What `importlib.metadata` returns for a package that the alias replaces: its name, and its API's version."""

from __future__ import annotations

import os
from importlib.metadata import Distribution
from pathlib import Path


class Standing(Distribution):
    """Stands for an installed package.

    >>> Standing("sanic", "25.12.1").version
    '25.12.1'
    """

    def __init__(self, name: str, version: str) -> None:
        self._metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: sanic_star stands for it\n"

    def read_text(self, filename: str) -> str | None:
        return self._metadata if filename == "METADATA" else None

    def locate_file(self, path: str | os.PathLike[str]) -> Path:
        # Nothing asks where there are no files; the base class wants it defined.
        return Path(path)
