"""`RequestParameters`, the parameters of a form or a query string, and the default limits of forms."""

from __future__ import annotations

from typing import Any

# What a form may have where the configuration says nothing, urlencoded or multipart.
# Starlette's limit, and Django's: a thousand parts of nothing cost more to read than one of a megabyte.
MAX_FIELDS = 1000
# In bytes. Ten times Starlette's: applications written for Sanic, which has none, put pictures into fields.
MAX_FIELD_SIZE = 10_000_000
FAILED = "Failed when parsing form: "


class RequestParameters(dict[str, list[Any]]):
    """A dictionary of lists whose `get` returns the first value.

    >>> args = RequestParameters({"tag": ["a", "b"]})
    >>> args.get("tag"), args.getlist("tag"), args["tag"]
    ('a', ['a', 'b'], ['a', 'b'])
    """

    def get(self, name: str, default: Any | None = None) -> Any | None:  # type: ignore[override]
        """Return the first value of a name, or the default."""
        values = super().get(name)
        return values[0] if values else default

    def getlist(self, name: str, default: list[Any] | None = None) -> list[Any]:
        """Return all values of a name, or the default, by default an empty list."""
        values = super().get(name)
        return values if values is not None else default or []
