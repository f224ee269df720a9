"""What Sanic shows at its prompt for Python, `sanic --repl`; `sanic-star` has none, so nothing reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple


class REPLLocal(NamedTuple):
    """A variable, its name and a description."""

    var: Any
    name: str
    desc: str


class REPLContext:
    """Variables for a prompt, in order.

    Examples:
        >>> context = REPLContext()
        >>> context.add(5, "answer", "what was asked for")
        >>> list(context)
        [REPLLocal(var=5, name='answer', desc='what was asked for')]
    """

    def __init__(self) -> None:
        self._variables: dict[str, REPLLocal] = {}

    def add(self, var: Any, name: str | None = None, desc: str | None = None) -> None:
        """Add a variable.

        Args:
            var: its value.
            name: its name, by default that of the value or of its type.
            desc: its description, by default the first line of the value's documentation.
        """
        label = str(name or getattr(var, "__name__", type(var).__name__))
        if desc is None:
            desc = str(getattr(var, "__doc__", None) or "").strip().partition("\n")[0]
        self._variables[label] = REPLLocal(var, label, desc)

    def __iter__(self) -> Iterator[REPLLocal]:
        """Yield the variables."""
        return iter(self._variables.values())
