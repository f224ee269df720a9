"""The base class of responses that send a file without reading all of it into memory.

It is imported with the first such response.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sanic_star.compat.exceptions import FileNotFound
from sanic_star.compat.response.types import HTTPResponse


class UnreadFileResponse(HTTPResponse, own_names=False):
    """A response with a file that is read into memory only on access to `body`, for example by middleware.

    Args:
        path: the file's path.
        status: the HTTP status.
        headers: header fields.
        kind: the content type.
    """

    # The offset of the first byte, and the number of bytes; -1 for all.
    _start = 0
    _size = -1
    # Opens the file and returns its descriptor, like the `opener` of the built-in `open`.
    _opener: Callable[[str, int], int] | None = None

    def __init__(self, path: str, status: int, headers: Any, kind: str) -> None:
        super().__init__(None, status, headers, kind)
        del self._body
        self._path = path

    @property
    def body(self) -> bytes:
        """The content, read from the file on first access.

        Raises:
            FileNotFound: the file cannot be read.
        """
        if "_body" not in self.__dict__:
            try:
                with open(self._path, "rb", opener=self._opener) as file:
                    file.seek(self._start)
                    self._body = file.read(self._size)
            except OSError as error:
                raise FileNotFound("File not found", path=self._path) from error
        return self._body

    @body.setter
    def body(self, value: Any) -> None:
        self._body = self._encode_body(value)
