"""The registry of methods that Sanic rewrites at its start; here nothing is rewritten."""

from __future__ import annotations

from typing import Any, ClassVar


class TouchUp:
    """The methods that were registered to be rewritten."""

    _registry: ClassVar[set[tuple[type, str]]] = set()

    @classmethod
    def register(cls, target: type, method_name: str) -> None:
        """Record a method; unlike Sanic's, it does not change the method.

        Args:
            target: the class.
            method_name: the method's name.
        """
        cls._registry.add((target, method_name))

    @classmethod
    def run(cls, app: Any) -> None:
        """Do nothing: an unused feature costs nothing here, so no method is rewritten.

        Args:
            app: ignored.
        """
