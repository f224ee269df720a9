"""The limit on the size of parsed header fields.

A parser needs time and memory for each entry of a field, and the client controls the number of entries. Servers limit
the head of a request to 64 kB or more, or not at all. So a field is measured before it is parsed; a field that is not
parsed costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sanic_star.compat.exceptions import SanicException

DEFAULT_LIMIT = 8192  # bytes; Sanic 25.12's for the whole head


class FieldTooLarge(SanicException):
    """A header field is longer than `REQUEST_MAX_HEADER_SIZE`: 431 (RFC 6585, section 5).

    Args:
        name: the field's name; by the RFC the response should name the field.
    """

    status_code = 431
    quiet = True

    def __init__(self, name: str) -> None:
        super().__init__(f"Request Header Fields Too Large: {name.lower()}")


def check_field_size(name: str, values: Iterable[str], config: Mapping[str, Any]) -> None:
    """Raise for a field that is too long to be parsed.

    Args:
        name: the field's name.
        values: all its values, which are added up, because a parser gets all of them.
        config: the settings of the application. `REQUEST_MAX_HEADER_SIZE` is the limit in bytes, by default 8192.

    Raises:
        FieldTooLarge: 431.
    """
    # Counted in characters, which are never more than bytes; encoding non-ASCII text only to count it is not worth it.
    if sum(map(len, values)) > config.get("REQUEST_MAX_HEADER_SIZE", DEFAULT_LIMIT):
        raise FieldTooLarge(name)


class ParsedFields:
    """The header fields of a request for parsers: each field is measured when it is read.

    Args:
        headers: the request's header fields.
        config: the settings of the application.
    """

    __slots__ = ("_config", "_headers")

    def __init__(self, headers: Any, config: Mapping[str, Any]) -> None:
        self._headers = headers
        self._config = config

    def getall(self, name: str, default: list[str]) -> list[str]:
        """Return all values of a field.

        Raises:
            FieldTooLarge: 431.
        """
        values: list[str] = self._headers.getall(name, default)
        check_field_size(name, values, self._config)
        return values

    def get(self, name: str, default: Any = None) -> Any:
        """Return the first value of a field.

        Raises:
            FieldTooLarge: 431, all values together are too long.
        """
        values = self.getall(name, [])
        return values[0] if values else default
