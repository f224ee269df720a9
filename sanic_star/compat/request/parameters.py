"""`RequestParameters`, the parameters of a form or a query string, and the default limits of forms."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

URLENCODED = "application/x-www-form-urlencoded"
# The default limits of urlencoded and multipart forms. The number is that of Starlette and Django: to parse a thousand
# empty parts takes longer than one of a megabyte.
MAX_FIELDS = 1000
# In bytes. Ten times Starlette's limit. Sanic has no limit, and some of its applications put pictures into fields.
MAX_FIELD_SIZE = 10_000_000
FAILED = "Failed when parsing form: "


# PERF: takes half the time of `super().get`. Safe because the class has no other base.
_get = dict.get


class RequestParameters(dict[str, list[Any]]):
    """A dictionary of lists whose `get` returns the first value.

    Examples:
        >>> args = RequestParameters({"tag": ["a", "b"]})
        >>> args.get("tag"), args.getlist("tag"), args["tag"]
        ('a', ['a', 'b'], ['a', 'b'])
    """

    def get(self, name: str, default: Any | None = None) -> Any | None:  # type: ignore[override]
        """Return the first value of a name, or the default.

        Args:
            name: the parameter's name.
            default: returned if the name is missing or has no values.
        """
        values = _get(self, name)
        return values[0] if values else default

    def getlist(self, name: str, default: list[Any] | None = None) -> list[Any]:
        """Return all values of a name, or the default.

        Args:
            name: the parameter's name.
            default: returned if the name is missing; by default an empty list.
        """
        values = super().get(name)
        return values if values is not None else default or []


def _read_query(query: str, keep_blank_values: bool = False) -> RequestParameters:
    """Return the parameters of a query, as `urllib.parse.parse_qs` does, in a quarter of the time.

    Args:
        query: the query without its question mark.
        keep_blank_values: whether to keep parameters with an empty value.

    Examples:
        >>> _read_query("tag=a&tag=b+c&empty=&caf%C3%A9=1")
        {'tag': ['a', 'b c'], 'café': ['1']}
    """
    return _read_pairs(query.replace("+", " ").split("&"), "%" in query, keep_blank_values)


def _read_pairs(pairs: list[str], encoded: bool, keep_blank_values: bool) -> RequestParameters:
    """Return the parameters of a query or form that was split at each `&`, with spaces for each `+`.

    PERF: most names and values are not decoded: 3 µs of a request with four of them («real»). Safe because only `%` and
    `+` encode other characters.

    Args:
        pairs: names and values, such as `a=1`.
        encoded: whether any of them contains `%`.
        keep_blank_values: whether to keep parameters with an empty value.
    """
    parameters = RequestParameters()
    for pair in pairs:
        name, _, value = pair.partition("=")
        if not value and not (keep_blank_values and pair):
            continue
        if encoded:
            if "%" in name:
                name = _unquote(name)
            if "%" in value:
                value = _unquote(value)
        if name in parameters:
            dict.__getitem__(parameters, name).append(value)
        else:
            parameters[name] = [value]
    return parameters


# The ASCII characters by their escapes, without the percent sign.
_ESCAPES = {first + second: chr(int(first + second, 16)) for first in "01234567" for second in "0123456789abcdefABCDEF"}


# In characters. A longer text is decoded in C, so that its parts don't need memory.
_MAX_SPLIT_LENGTH = 4096


def _unquote(text: str) -> str:
    """Decode percent-encoded text as UTF-8, as `urllib.parse.unquote` does.

    PERF: 1 µs less for a text with a few escapes («real»). Safe because it decodes only escapes of ASCII characters,
    each of which is one character.
    """
    if len(text) > _MAX_SPLIT_LENGTH:
        return _unquote_any(text)
    first, *parts = text.split("%")
    decoded = [first]
    for part in parts:
        character = _ESCAPES.get(part[:2])
        if character is None:
            return _unquote_any(text)
        decoded.append(character)
        decoded.append(part[2:])
    return "".join(decoded)


def _unquote_any(text: str) -> str:
    """Return the result of `_unquote` for any text."""
    if not text.isascii() or "+" in text:
        return unquote(text)
    from sanic_star.compat._support.escapes import unquote_plus  # imported late: such escapes are rare

    return unquote_plus(text.encode("ascii")).decode("utf-8", "replace")
