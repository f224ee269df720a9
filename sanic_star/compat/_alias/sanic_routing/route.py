"""Routes and their requirements, for modules of the real `sanic_routing` that import them."""

from __future__ import annotations

from typing import Any, NoReturn

from sanic_star.compat._routing.routes import Route


class Requirements(dict[str, Any]):
    """Requirements of a route besides the path, such as a host; hashable and immutable.

    Raises:
        TypeError: at any change.
    """

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("The requirements of a route do not change")

    __setitem__ = __delitem__ = pop = popitem = setdefault = update = clear = _refuse


__all__ = ["Requirements", "Route"]
