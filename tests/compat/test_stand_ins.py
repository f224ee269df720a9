"""Names of Sanic's own server: they can be imported, and their use names the replacement."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest

import sanic_star.compat.compat
from sanic_star import Request, Sanic
from sanic_star.compat._alias.left_out import STAND_INS
from sanic_star.compat._support.stand_ins import NotCarriedOver, StandIn, stand_ins


def every_stand_in() -> Iterator[Any]:
    for module in pkgutil.walk_packages(sanic_star.compat.__path__, "sanic_star.compat."):
        if any(part.startswith("_") for part in module.name.split(".")[2:]):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            stands_in = isinstance(value, StandIn) or getattr(value, "__code__", None) is FUNCTION_CODE
            if stands_in and value.__module__ == module.name:
                yield value


(Example, example) = stand_ins("sanic_star.compat.asgi", "Example", "example")
FUNCTION_CODE = example.__code__
# The second is made when it is asked for.
ALL = [*every_stand_in(), sanic_star.compat.compat.ctrlc_workaround_for_windows]


def sanic_name(value: Any) -> str:
    return f"sanic{value.__module__.removeprefix('sanic_star.compat')}.{value.__qualname__}"


@pytest.mark.parametrize("value", ALL, ids=sanic_name)
def test_each_use_names_the_replacement(value: Any) -> None:
    with pytest.raises(NotCarriedOver) as caught:
        value(1, two=2)
    name, _, remedy = str(caught.value).removeprefix("sanic_star has no ").partition(": ")
    assert name == sanic_name(value)
    assert "no module of that name" not in remedy


def test_no_text_is_left_over() -> None:
    names = [sanic_name(value) for value in ALL]
    assert len(names) > 30
    assert [module for module in STAND_INS if not any(f"{name}.".startswith(f"{module}.") for name in names)] == []


def test_a_class_can_be_derived_from_named_and_asked_for() -> None:
    class Mine(Example):  # type: ignore[misc, valid-type]
        attribute = 5

        def method(self) -> int:
            return 5

    def annotated(value: Example | None) -> None: ...  # type: ignore[valid-type]

    assert Mine.attribute == 5
    assert not isinstance(object(), Example)
    assert issubclass(Mine, Example)
    assert inspect.isclass(Example)
    assert not hasattr(Example, "method")
    with pytest.raises(NotCarriedOver, match=r"sanic\.asgi\.Example: the application is an ASGI application"):
        Mine()


def test_a_class_cannot_be_patched_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AttributeError):
        monkeypatch.setattr(Example, "send", print)
    with pytest.raises(AttributeError, match="the application is an ASGI application"):
        Example.send  # noqa: B018
    with pytest.raises(NotCarriedOver, match="the application is an ASGI application"):
        Example.send = print


def test_a_request_shows_the_connection_by_sanics_names() -> None:
    from sanic_star.compat.models.asgi import MockProtocol, MockTransport

    request = Request.build(app=Sanic("Mocked"))
    assert isinstance(request.transport, MockTransport)
    assert isinstance(request.protocol, MockProtocol)
