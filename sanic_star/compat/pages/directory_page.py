"""Sanic's page of a directory."""

from __future__ import annotations

from typing import TypedDict

from sanic_star.compat._support.stand_ins import stand_ins

(DirectoryPage,) = stand_ins(__name__, "DirectoryPage")


class FileInfo(TypedDict):
    """The data of one line on a directory's page."""

    icon: str
    file_name: str
    file_access: str
    file_size: str
