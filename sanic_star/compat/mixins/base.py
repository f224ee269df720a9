"""What all parts have in common, and protocols of things with a name."""

from typing import Protocol

from sanic_star.compat._app.decorators import Registrar as BaseMixin


class NameProtocol(Protocol):
    """Something with a `name`."""

    name: str


class DunderNameProtocol(Protocol):
    """Something with a `__name__`: a function, a class."""

    __name__: str


__all__ = ["BaseMixin", "DunderNameProtocol", "NameProtocol"]
