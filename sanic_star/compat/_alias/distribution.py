"""The metadata of a package that the alias replaces: its name, and the version of its API."""

from __future__ import annotations

import os
from importlib.metadata import Distribution
from pathlib import Path


class StandInDistribution(Distribution):
    """A stand-in for an installed package.

    >>> StandInDistribution("sanic", "25.12.1").version
    '25.12.1'
    """

    def __init__(self, name: str, version: str) -> None:
        self._metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: sanic_star stands for it\n"

    def read_text(self, filename: str) -> str | None:
        return self._metadata if filename == "METADATA" else None

    def locate_file(self, path: str | os.PathLike[str]) -> Path:
        # Required by the base class; never called, because there are no files.
        return Path(path)
