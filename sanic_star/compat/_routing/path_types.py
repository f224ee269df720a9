"""The types of path parameters in `<name:type>`, with their converters and patterns."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from starlette.convertors import Convertor

from sanic_star.compat import _routing
from sanic_star.compat._support.lazy import pattern
from sanic_star.engine.index import Parameter

_EXTENSION = pattern(r"^[a-z0-9](?:[a-z0-9.]*[a-z0-9])?$")


class PathType(Convertor[Any]):
    """A type of path parameter.

    Args:
        label: its name in `<name:label>`.
        convert: converts a segment to the value; raises `ValueError` if the segment is not of this type.
        regex: a regular expression for the segment, without anchors.
        to_string: converts a value back to a segment.
    """

    def __init__(
        self,
        label: str,
        convert: Callable[[str], Any],
        regex: str,
        to_string: Callable[[Any], str] = str,
    ) -> None:
        self.label = label
        # PERF: a builtin such as `int` is stored itself, which saves a frame per conversion. Safe because the router
        # only reads this attribute, and never calls the method of the class.
        self.convert = convert  # type: ignore[method-assign,assignment]
        # Whether any text but an empty one stays as it is; see `index.Shape.add`.
        self.keeps_text = convert is _nonempty
        self.regex = regex  # type: ignore[misc]  # a class variable in Starlette, one class a type
        self.to_string = to_string  # type: ignore[method-assign,assignment]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern of a whole segment, used to check URLs."""
        return re.compile(f"^{self.regex}$")


def _nonempty(value: str) -> str:
    if not value:
        raise ValueError("empty")
    return value


def _alpha(value: str) -> str:
    if not value.isalpha():
        raise ValueError(value)
    return value


_SLUG = pattern(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def _slug(value: str) -> str:
    if not _SLUG.fullmatch(value):
        raise ValueError(value)
    return value


def _ymd(value: str) -> date:
    return datetime.strptime(value, "%Y-%m-%d").date()


def _ext(value: str) -> tuple[str, ...]:
    parts = tuple(value.split("."))
    if len(parts) == 1 or not all(parts):
        raise ValueError(value)
    return parts


# In order of precedence, the lowest first: if two types are possible, the later one is tried first.
PATH_TYPES = (
    PathType("strorempty", str, r"[^/]*"),
    PathType("str", _nonempty, r"[^/]+"),
    PathType("ext", _ext, r"[^/]+\.[a-z0-9](?:[a-z0-9\.]*[a-z0-9])?"),
    PathType("slug", _slug, r"[a-z0-9]+(?:-[a-z0-9]+)*"),
    PathType("alpha", _alpha, r"[A-Za-z]+"),
    PathType("path", str, r"[^/]?.*?"),
    PathType("float", float, r"-?(?:\d+(?:\.\d*)?|\.\d+)"),
    PathType("int", int, r"-?\d+"),
    PathType("ymd", _ymd, r"[12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"),
    PathType("uuid", UUID, r"[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"),
)
_BY_LABEL = {path_type.label: path_type for path_type in PATH_TYPES}
_PATH, _EXT = _BY_LABEL["path"], _BY_LABEL["ext"]


class FileType(PathType):
    """A file name with its extension: `<file:ext>`, `<file=int:ext=jpg|png>`; results in two parameters.

    Args:
        name: the parameter's name; the extension is always called `ext`.
        stem: the type of the part before the extension.
        allowed: the extensions that match; empty for all.
    """

    def __init__(self, name: str, stem: PathType | None, allowed: Sequence[str]) -> None:
        dots = {extension.count(".") for extension in allowed}
        if len(dots) > 1:
            raise _routing.exceptions.InvalidUsage(
                "All allowed extensions within a single route definition must contain the same number of subparts. "
                "For example: <foo:ext=js|css> and <foo:ext=min.js|min.css> are both acceptable, "
                "but <foo:ext=js|min.js> is not."
            )
        for extension in allowed:
            if not _EXTENSION.match(extension):
                raise _routing.exceptions.InvalidUsage(f"Invalid extension: {extension}")
        # Matches the same names as the type's own expression, which backtracks at each dot: a path with a thousand dots
        # would block the event loop.
        super().__init__("ext", _ext, r"[^/]+\.[a-z0-9]+")
        self.name = name
        self.stem = stem
        self.allowed = allowed
        self.parts = (dots.pop() if dots else 0) + 1

    @property
    def pattern(self) -> re.Pattern[str]:
        """The pattern of a whole segment, as in Sanic."""
        return _EXT.pattern

    def expand(self, parts: tuple[str, ...] | str) -> dict[str, Any]:
        """Return the file's name and its extension; raise `ValueError` for one that is not allowed.

        Args:
            parts: the segment between its dots; the whole of it where a regular expression has found the route, and
                there it stays whole, as in Sanic.
        """
        if isinstance(parts, str):
            return {self.name: parts}
        stem, extension = ".".join(parts[: -self.parts]), ".".join(parts[-self.parts :])
        if self.allowed and extension not in self.allowed:
            raise ValueError(extension)
        return {self.name: self.stem.convert(stem) if self.stem else stem, "ext": extension}


class ParamInfo(Parameter):
    """A path parameter, with Sanic's attributes."""

    __slots__ = ()

    @property
    def cast(self) -> Callable[[str], Any]:
        """Converts the segment to the value."""
        return self.convertor.convert

    @property
    def pattern(self) -> re.Pattern[str]:
        """The pattern of the segment."""
        pattern: re.Pattern[str] = self.convertor.pattern  # type: ignore[attr-defined]
        return pattern

    @property
    def regex(self) -> bool:
        """Whether the type is a regular expression."""
        return self.needs_regex
