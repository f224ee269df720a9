"""Names of Sanic's own server and its parts that have no counterpart here.

Packages import such names to annotate, to derive from, or to patch. If a name were missing, a package that catches the
`ImportError` would go on without a word, in a branch that was made for something else. So the name can be imported.
Calling it raises `NotCarriedOver`, which says what to use instead; the texts stand in `_alias.left_out`.
"""

from __future__ import annotations

from typing import Any, NoReturn

from sanic_star.compat._alias.left_out import explain

_PACKAGE = "sanic_star.compat"
_STAND_IN = "A part of Sanic's own server that is not here; calling it raises `NotCarriedOver`."


class NotCarriedOver(NotImplementedError):
    """A part of Sanic was used that sanic_star does not have; the message says what takes its place."""


class StandIn(type):
    """The metaclass of classes that stand for one of Sanic's.

    They can be named in annotations and derived from. Making an object or patching the class raises `NotCarriedOver`.

    Attributes:
        _instances: the classes of this package whose objects are its instances; none by default.
    """

    _instances: tuple[type, ...] = ()

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls._instances) or super().__instancecheck__(instance)

    def __call__(cls, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotCarriedOver(_explain_class(cls))

    def __getattr__(cls, name: str) -> NoReturn:
        raise AttributeError(f"{cls.__qualname__}.{name}: {_explain_class(cls)}")

    def __setattr__(cls, name: str, value: Any) -> None:
        # Whoever patches a class wants its calls; there are none.
        if not name.startswith("__"):
            raise NotCarriedOver(_explain_class(cls))
        super().__setattr__(name, value)


def stand_ins(module: str, *names: str, instances: tuple[type, ...] = ()) -> tuple[Any, ...]:
    """Make stand-ins: a class for a name with a capital, else a function.

    Args:
        module: the module of this package that they belong to; the text is that of its twin.
        names: their names.
        instances: classes of this package whose objects are instances of the classes.

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
    # The text is that of the class of Sanic's, whatever was derived from it.
    base = next(base for base in cls.__mro__ if base.__module__.startswith(f"{_PACKAGE}."))
    return _explain(base.__module__, base.__name__)


def _explain(module: str, name: str) -> str:
    return explain(f"sanic{module.removeprefix(_PACKAGE)}.{name}")
