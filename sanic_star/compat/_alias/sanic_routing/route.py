"""Routes, and the requirements of one, as modules of the real `sanic_routing` import them."""

from __future__ import annotations

from typing import Any, NoReturn

from sanic_star.compat._routing.routes import Route


class Requirements(dict[str, Any]):
    """What a request must have besides the path, such as a host; it can be a key, and does not change.

    Raises:
        TypeError: it is changed.
    """

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("The requirements of a route do not change")

    __setitem__ = __delitem__ = pop = popitem = setdefault = update = clear = _refuse


__all__ = ["Requirements", "Route"]
