"""The records of what was registered, by Sanic's names: `sanic.models.futures`."""

from typing import Any

import pytest
from sanic.models import futures as sanic_futures

from sanic_star import Blueprint, Sanic
from sanic_star.compat.middleware import Middleware
from sanic_star.compat.models import futures

NAMES = [name for name in vars(sanic_futures) if name.startswith("Future") and name != "FutureRegistry"]


def test_every_name_is_there() -> None:
    assert {*NAMES, "FutureRegistry"} == set(futures.__all__)
    assert issubclass(futures.FutureRegistry, set)


@pytest.mark.parametrize("name", NAMES)
def test_a_record_has_the_fields_of_sanics_in_their_order(name: str) -> None:
    fields = getattr(sanic_futures, name)._fields
    values = tuple(range(len(fields)))
    record = getattr(futures, name)(*values)
    assert tuple(record)[: len(fields)] == values
    assert tuple(record._asdict())[: len(fields)] == fields
    changed = record._replace(**{fields[0]: "changed"})
    assert (getattr(changed, fields[0]), getattr(record, fields[0])) == ("changed", 0)


@pytest.mark.parametrize("name", NAMES)
def test_a_record_refuses_what_it_has_no_field_for(name: str) -> None:
    fields = getattr(sanic_futures, name)._fields
    with pytest.raises(TypeError):
        getattr(futures, name)(*range(len(fields) + 2))
    with pytest.raises(TypeError):
        getattr(futures, name)(**dict.fromkeys(fields), versoin=1)
    with pytest.raises(TypeError):
        getattr(futures, name)()


def test_a_record_is_equal_to_itself_only() -> None:
    def one(*args: Any) -> futures.FutureCommand:
        return futures.FutureCommand("restock", print)

    first = one()
    assert first != one()
    assert len({first, one(), first}) == 2


def test_decorators_make_these_records() -> None:
    bp = Blueprint("shop")

    @bp.route("/items/<id:int>", ctx_label="x", version=1)
    async def item(request: Any, id: int) -> None: ...

    bp.on_request(lambda request: None)
    bp.static("/files", __file__, name="files")
    kinds = {type(definition) for definition in bp._definitions}
    assert kinds == {futures.FutureRoute, futures.FutureMiddleware, futures.FutureStatic}
    route, middleware, static = bp._definitions
    assert isinstance(route, futures.FutureRoute)
    assert (route.uri, route.version, route.route_context) == ("/items/<id:int>", 1, {"label": "x"})
    assert isinstance(middleware, futures.FutureMiddleware)
    assert isinstance(middleware.middleware, Middleware)
    assert middleware.attach_to == "request"
    assert isinstance(static, futures.FutureStatic)
    assert (str(static.file_or_directory), static.name) == (__file__, "shop.files")


def test_commands_are_a_set_of_records() -> None:
    app = Sanic("Shop")

    @app.command
    async def restock() -> int:
        return 1

    async def order() -> int:
        return 2

    newer = app.command(order, name="restock")

    assert isinstance(app._future_commands, set)
    # One of each name, the newest.
    (command,) = app._future_commands
    assert (command.name, command.func) == ("restock", newer)


def test_a_set_of_commands_may_be_replaced() -> None:
    app = Sanic("Shop")

    class Wrapping(set[futures.FutureCommand]):
        def add(self, command: futures.FutureCommand) -> None:
            super().add(command._replace(name=command.name.upper()))

    app._future_commands = Wrapping(app._future_commands)

    @app.command
    def restock() -> None: ...

    assert [command.name for command in app._future_commands] == ["RESTOCK"]
