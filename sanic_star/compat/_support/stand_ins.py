"""Stand-ins for names of Sanic's own server that have no counterpart here.

Packages import such names for annotations, subclasses or patches. If a name were missing, a package that catches the
`ImportError` would silently take a wrong branch. So the names can be imported. Calling one raises `NotCarriedOver`,
which says what to use instead; the texts are in `_alias.left_out`.
"""

from __future__ import annotations

from typing import Any, NoReturn

from sanic_star.compat._alias.left_out import explain

_PACKAGE = "sanic_star.compat"
_STAND_IN = "A part of Sanic's own server that is not here; calling it raises `NotCarriedOver`."


class NotCarriedOver(NotImplementedError):
    """A part of Sanic was used that sanic_star does not have; the message says what to use instead."""


class StandIn(type):
    """The metaclass of stand-ins for Sanic's classes.

    They can be used in annotations and as base classes. Creating an instance or patching the class raises
    `NotCarriedOver`.

    Attributes:
        _instances: classes of this package whose instances are also instances of the stand-in; none by default.
    """

    _instances: tuple[type, ...] = ()

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls._instances) or super().__instancecheck__(instance)

    def __call__(cls, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotCarriedOver(_explain_class(cls))

    def __getattr__(cls, name: str) -> NoReturn:
        raise AttributeError(f"{cls.__qualname__}.{name}: {_explain_class(cls)}")

    def __setattr__(cls, name: str, value: Any) -> None:
        # A patch would never be called.
        if not name.startswith("__"):
            raise NotCarriedOver(_explain_class(cls))
        super().__setattr__(name, value)


def stand_ins(module: str, *names: str, instances: tuple[type, ...] = ()) -> tuple[Any, ...]:
    """Return stand-ins: a class for a capitalised name, else a function.

    Args:
        module: the module of this package that they belong to.
        names: their names.
        instances: classes of this package whose instances are also instances of the stand-ins.

    Examples:
        >>> Lifespan, log = stand_ins("sanic_star.compat.asgi", "Lifespan", "log")
        >>> Lifespan()
        Traceback (most recent call last):
        ...
        sanic_star.compat._support.stand_ins.NotCarriedOver: sanic_star has no sanic.asgi.Lifespan: ...
    """
    return tuple(
        StandIn(name, (), {"__doc__": _STAND_IN, "__module__": module, "_instances": instances})
        if name[0].isupper()
        else _function(module, name)
        for name in names
    )


def _function(module: str, name: str) -> Any:
    def stand_in(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotCarriedOver(_explain(module, name))

    stand_in.__doc__ = _STAND_IN
    stand_in.__name__ = stand_in.__qualname__ = name
    stand_in.__module__ = module
    return stand_in


def _explain_class(cls: type) -> str:
    # A subclass has the message of Sanic's class.
    base = next(base for base in cls.__mro__ if base.__module__.startswith(f"{_PACKAGE}."))
    return _explain(base.__module__, base.__name__)


def _explain(module: str, name: str) -> str:
    return explain(f"sanic{module.removeprefix(_PACKAGE)}.{name}")
