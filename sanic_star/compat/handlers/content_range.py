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

    If the request's `If-Range` names another version of the file, the request is for the whole file (RFC 9110, section
    13.1.5). The object is false then, and `file` and `file_stream` send the whole file with status 200. Only a single
    range is supported. A list of ranges is answered with 416, as in Sanic 25.12.

    Args:
        request: the request.
        stats: the result of `os.stat`.

    Attributes:
        start: the position of the first byte.
        end: the position of the last byte.
        size: the part's size, in bytes.
        total: the file's size, in bytes.
        headers: the header fields of the response.

    Raises:
        HeaderNotFound: the request has no `Range` header.
        InvalidRangeType: the unit is not bytes.
        RangeNotSatisfiable: the range is invalid, or outside the file.
        SanicException: 431, the header is longer than `REQUEST_MAX_HEADER_SIZE`.
    """

    __slots__ = ("_is_part", "end", "headers", "size", "start", "total")

    def __init__(self, request: Request, stats: os.stat_result) -> None:
        # The exceptions below report the whole file's size.
        self.total = stats.st_size
        self.start, self.end, self.size = 0, self.total - 1, self.total
        self.headers: dict[str, str] = {}
        self._is_part = False
        # Sanic's tests pass an object that has only headers.
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
        first_byte, _, last_byte = value.partition("-")
        self.start, self.end = self._bounds(self._number(first_byte), self._number(last_byte))
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
        last_byte = self.total - 1
        if start is None:
            # A suffix range; one longer than the file means the whole file.
            start, end = max(self.total - (end or 0), 0), last_byte if end else -1
        elif end is None or end > last_byte:
            end = last_byte
        if start > end or start > last_byte or start < 0:
            raise RangeNotSatisfiable("Invalid for Content Range parameters", self)
        return start, end
