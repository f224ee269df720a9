"""What Sanic rewrites at its start; here nothing is rewritten, so it only notes what was asked for."""

from __future__ import annotations

from typing import Any, ClassVar


class TouchUp:
    """The methods that were registered to be rewritten."""

    _registry: ClassVar[set[tuple[type, str]]] = set()

    @classmethod
    def register(cls, target: type, method_name: str) -> None:
        """Note a method; it stays as it is."""
        cls._registry.add((target, method_name))

    @classmethod
    def run(cls, app: Any) -> None:
        """Do nothing: what an application does not use costs it nothing here, without a rewrite."""
