"""Variables for the prompt of `sanic-star --repl`: `app.repl_ctx`."""

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
        >>> context.limit = 10
        >>> [(local.name, local.var) for local in context]
        [('answer', 5), ('limit', 10)]
    """

    _variables: dict[str, REPLLocal]

    def __init__(self) -> None:
        self.__dict__["_variables"] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        """Add a variable by setting an attribute."""
        self.add(value, name)

    def add(self, var: Any, name: str | None = None, desc: str | None = None) -> None:
        """Add a variable.

        Args:
            var: its value.
            name: its name, by default that of the value or of its type.
            desc: its description, by default the first line of the value's docstring.
        """
        label = str(name or getattr(var, "__name__", type(var).__name__))
        if desc is None:
            desc = str(getattr(var, "__doc__", None) or "").strip().partition("\n")[0]
        self._variables[label] = REPLLocal(var, label, desc)

    @property
    def _locals(self) -> list[REPLLocal]:
        # Sanic's name for the variables.
        return list(self)

    def __iter__(self) -> Iterator[REPLLocal]:
        """Yield the variables."""
        return iter(self._variables.values())
