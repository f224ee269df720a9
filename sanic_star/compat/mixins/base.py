"""The base of Sanic's mixins, and protocols of objects with a name."""

from typing import Protocol

from sanic_star.compat._app.decorators import Registrar as BaseMixin


class NameProtocol(Protocol):
    """An object with a `name`."""

    name: str


class DunderNameProtocol(Protocol):
    """An object with a `__name__`: a function, a class."""

    __name__: str


__all__ = ["BaseMixin", "DunderNameProtocol", "NameProtocol"]
