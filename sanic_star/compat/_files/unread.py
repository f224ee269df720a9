"""The body of a response with a file that is sent without being in memory.

Loaded with the first such response.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sanic_star.compat.exceptions import FileNotFound
from sanic_star.compat.response.types import HTTPResponse


class UnreadFileResponse(HTTPResponse, own_names=False):
    """A response with a file that is in memory only if something, a middleware for example, asks for its body.

    Args:
        path: the file's path.
        status: the HTTP status.
        headers: header fields.
        kind: the content type.
    """

    # The place of the first byte, and how many bytes; -1 for all.
    _start = 0
    _size = -1
    # Opens the file and returns its descriptor, as that of `open` does.
    _opener: Callable[[str, int], int] | None = None

    def __init__(self, path: str, status: int, headers: Any, kind: str) -> None:
        super().__init__(None, status, headers, kind)
        del self._body
        self._path = path

    @property
    def body(self) -> bytes:
        """The content; the first time it is read from the file.

        Raises:
            FileNotFound: the file is gone.
        """
        if "_body" not in self.__dict__:
            try:
                with open(self._path, "rb", opener=self._opener) as opened:
                    opened.seek(self._start)
                    self._body = opened.read(self._size)
            except OSError as error:
                raise FileNotFound("File not found", path=self._path) from error
        return self._body

    @body.setter
    def body(self, value: Any) -> None:
        self._body = self._encode_body(value)
