"""Names that modules of Sanic import from each other, and that user code may import from there.

The table is in `passed_on_table`, which is written by `python -m tests.surface.sweep --write` from Sanic 25.12.
"""

from __future__ import annotations

from functools import cache

from sanic_star.compat._alias.passed_on_table import TABLE


@cache
def _table() -> dict[str, dict[str, str]]:
    table: dict[str, dict[str, str]] = {}
    for word in TABLE.split():
        if word.endswith(":"):
            names = table[word.removesuffix(":")] = {}
        else:
            home, _, name = word.rpartition(".")
            names[name] = home
    return table


def home_of(module: str, name: str) -> str | None:
    """Return the module that defines a name which a module of Sanic re-exports; `None` if it does not.

    Args:
        module: the module's name below `sanic`.
        name: the name in it.

    >>> home_of("app", "BadRequest")
    'sanic.exceptions'
    """
    return _table().get(module, {}).get(name)
