"""The part of a file that a request asks for (RFC 9110, section 14)."""

from __future__ import annotations

import os
from email.utils import formatdate
from typing import TYPE_CHECKING

from sanic_star.compat.exceptions import HeaderNotFound, InvalidRangeType, RangeNotSatisfiable

if TYPE_CHECKING:
    from sanic_star.compat.request.types import Request


class ContentRangeHandler:
    """A part of a file, read from a request's `Range` header.

    If the request's `If-Range` names another version of the file than the present one, the request is for the whole
    (RFC 9110, section 13.1.5): the object is false then, and `file` and `file_stream` send the whole for it with 200.
    One part can be asked for. A list of parts is answered with 416, as in Sanic 25.12.

    Args:
        request: the request.
        stats: what `os.stat` tells of the file.

    Attributes:
        start: the first byte's place.
        end: the last byte's place.
        size: the part's size, in bytes.
        total: the file's size, in bytes.
        headers: what the response says about it.

    Raises:
        HeaderNotFound: the request asks for no part.
        InvalidRangeType: it asks in other units than bytes.
        RangeNotSatisfiable: the part makes no sense, or the file has no such part.
        SanicException: 431, the header is longer than `REQUEST_MAX_HEADER_SIZE`.
    """

    __slots__ = ("_is_part", "end", "headers", "size", "start", "total")

    def __init__(self, request: Request, stats: os.stat_result) -> None:
        # What the exceptions tell the client is the whole.
        self.total = stats.st_size
        self.start, self.end, self.size = 0, self.total - 1, self.total
        self.headers: dict[str, str] = {}
        self._is_part = False
        # Sanic's tests give an object that has headers, and nothing else.
        fields = getattr(request, "_parsed_fields", request.headers)
        header = fields.get("range")
        if header is None:
            raise HeaderNotFound("Range Header Not Found")
        unit, _, value = header.partition("=")
        if unit.strip() != "bytes":
            raise InvalidRangeType(f"{unit} is not a valid Range Type", self)
        version = fields.get("if-range")
        if version is not None and version.strip() != formatdate(int(stats.st_mtime), usegmt=True):
            return
        self._is_part = True
        first, _, last = value.partition("-")
        self.start, self.end = self._bounds(self._number(first), self._number(last))
        self.size = self.end - self.start + 1
        self.headers["Content-Range"] = f"bytes {self.start}-{self.end}/{self.total}"

    def __bool__(self) -> bool:
        return self._is_part and self.size > 0

    def _number(self, text: str) -> int | None:
        if not text:
            return None
        try:
            return int(text)
        except ValueError:
            raise RangeNotSatisfiable(f"'{text}' is invalid for Content Range", self) from None

    def _bounds(self, start: int | None, end: int | None) -> tuple[int, int]:
        last = self.total - 1
        if start is None:
            # A suffix; one longer than the file is the whole file.
            start, end = max(self.total - (end or 0), 0), last if end else -1
        elif end is None or end > last:
            end = last
        if start > end or start > last or start < 0:
            raise RangeNotSatisfiable("Invalid for Content Range parameters", self)
        return start, end
