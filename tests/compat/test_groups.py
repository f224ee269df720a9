"""`app.router.groups`, and the types of path parameters by `sanic_routing`'s names; see `parity/cases/groups.py`."""

import pickle
from importlib import import_module
from typing import Any

import pytest
from sanic_routing import RouteGroup as SanicRouteGroup

from sanic_star import Sanic
from sanic_star.compat._routing.exceptions import InvalidUsage
from sanic_star.compat._routing.groups import RouteGroup


async def handler(request: Any, **params: Any) -> None: ...


def test_groups_are_cached_until_the_routes_change() -> None:
    app = Sanic("Groups")
    app.add_route(handler, "/users", name="users")
    group = app.router.groups["users",]
    assert app.router.groups["users",] is group
    app.add_route(handler, "/users", methods=["POST"], name="new")
    assert app.router.groups["users",] is not group
    assert (set(group.methods), set(app.router.groups["users",].methods)) == ({"GET"}, {"GET", "POST"})
    app.router.routes.clear()
    assert not app.router.groups


def test_groups_cannot_be_changed() -> None:
    app = Sanic("Groups")
    app.add_route(handler, "/users", name="users")
    groups: Any = app.router.groups
    with pytest.raises(TypeError):
        groups["users",] = None
    with pytest.raises(AttributeError):
        groups.clear()


def test_mounts_and_starlettes_routes_are_in_no_group() -> None:
    app = Sanic("Groups")
    app.mount("/inner", Sanic("Inner"))
    app.add_route("/theirs", handler)
    assert not app.router.groups


def test_routes_in_one_group_have_one_path() -> None:
    app = Sanic("Groups")
    app.add_route(handler, "/a", name="a")
    app.add_route(handler, "/b", name="b")
    first, second = (group[0] for group in app.router.groups.values())
    for routes in ((first, second), ()):
        with pytest.raises(InvalidUsage):
            RouteGroup(*routes)
    assert len(RouteGroup(first, first)) == 2


def test_a_group_has_the_attributes_of_sanics() -> None:
    app = Sanic("Groups")
    app.add_route(handler, "/users/<id:int>", name="user")
    (group,) = app.router.groups.values()
    # What the router itself calls while it is built, and the router, which is the application's.
    built = {"finalize", "prioritize_routes", "reset", "merge", "router", "passthru_properties"}
    wanted = {*SanicRouteGroup.passthru_properties, *vars(SanicRouteGroup)} - built
    assert [name for name in wanted if not name.startswith("_") and not hasattr(group, name)] == []


def test_an_application_whose_groups_were_read_can_be_pickled() -> None:
    app = Sanic("Groups")
    app.add_route(handler, "/users", name="users")
    assert app.router.groups["users",].methods
    copy = pickle.loads(pickle.dumps(app))
    assert [route.name for route in copy.router.groups["users",]] == ["Groups.users"]


@pytest.mark.usefixtures("no_sanic")
def test_the_functions_of_path_types_are_those_that_the_router_uses() -> None:
    import_module("sanic_star.compat").install()
    patterns: Any = import_module("sanic_routing.patterns")
    assert import_module("sanic_routing.group").RouteGroup is RouteGroup is import_module("sanic_routing").RouteGroup
    types = Sanic("Groups").router.regex_types
    names = {"alpha": "alpha", "ext": "ext", "slug": "slug", "str": "nonemptystr", "ymd": "parse_date"}
    assert {label: types[label][0] for label in names} == {
        label: getattr(patterns, name) for label, name in names.items()
    }
    assert patterns.REGEX_TYPES.keys() == types.keys()
    app = Sanic("Patterns")
    app.add_route(handler, "/<word:alpha>/<day:ymd>", name="both")
    (group,) = app.router.groups.values()
    assert [param.cast for param in group.params.values()] == [patterns.alpha, patterns.parse_date]
