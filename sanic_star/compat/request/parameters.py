"""`RequestParameters`, the parameters of a form or a query string, and the default limits of forms."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

# What a form may have where the configuration says nothing, urlencoded or multipart.
# Starlette's limit, and Django's: a thousand parts of nothing cost more to read than one of a megabyte.
MAX_FIELDS = 1000
# In bytes. Ten times Starlette's: applications written for Sanic, which has none, put pictures into fields.
MAX_FIELD_SIZE = 10_000_000
FAILED = "Failed when parsing form: "


# PERF: half the time of `super().get`. Safe because no other class stands between.
_get = dict.get


class RequestParameters(dict[str, list[Any]]):
    """A dictionary of lists whose `get` returns the first value.

    Examples:
        >>> args = RequestParameters({"tag": ["a", "b"]})
        >>> args.get("tag"), args.getlist("tag"), args["tag"]
        ('a', ['a', 'b'], ['a', 'b'])
    """

    def get(self, name: str, default: Any | None = None) -> Any | None:  # type: ignore[override]
        """Return the first value of a name, or the default."""
        values = _get(self, name)
        return values[0] if values else default

    def getlist(self, name: str, default: list[Any] | None = None) -> list[Any]:
        """Return all values of a name, or the default, by default an empty list."""
        values = super().get(name)
        return values if values is not None else default or []


def _read_query(query: str, keep_blank_values: bool = False) -> RequestParameters:
    """Read a query: what `urllib.parse.parse_qs` gives for it, in a quarter of the time.

    Args:
        query: what follows the question mark.
        keep_blank_values: whether fields with an empty value count.

    Examples:
        >>> _read_query("tag=a&tag=b+c&empty=&caf%C3%A9=1")
        {'tag': ['a', 'b c'], 'café': ['1']}
    """
    return _read_pairs(query.replace("+", " ").split("&"), "%" in query, keep_blank_values)


def _read_pairs(pairs: list[str], encoded: bool, keep_blank_values: bool) -> RequestParameters:
    """Read the fields of a query or form, which are cut at their `&` and have no `+` for a space any more.

    PERF: most names and values have nothing to decode: 3 µs of a request with four of them («real»). Safe because only
    `%` and `+` stand for something else.
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


# The escapes of ASCII characters, without their mark.
_ESCAPES = {spelling: chr(code) for code in range(128) for spelling in (f"{code:02x}", f"{code:02X}")}


# In characters: a longer text is decoded in C, so that its pieces take no memory.
_LONG = 4096


def _unquote(text: str) -> str:
    """Decode percent-encoded text as UTF-8, as `urllib.parse.unquote` does.

    PERF: 1 µs less for a text with a few escapes («real»). Safe because only escapes of ASCII characters are decoded
    here, which stand for one character each.
    """
    if len(text) > _LONG:
        return _unquote_any(text)
    first, *pieces = text.split("%")
    decoded = [first]
    for piece in pieces:
        character = _ESCAPES.get(piece[:2])
        if character is None:
            return _unquote_any(text)
        decoded.append(character)
        decoded.append(piece[2:])
    return "".join(decoded)


def _unquote_any(text: str) -> str:
    """Do what `_unquote` does, for any escapes."""
    if not text.isascii() or "+" in text:
        return unquote(text)
    from sanic_star.compat._support.escapes import unquote_plus  # loaded with the first escape that is not ASCII

    return unquote_plus(text.encode("ascii")).decode("utf-8", "replace")
