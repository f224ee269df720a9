"""Blueprints: which parts reach an application, how often, and under which paths and names."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from sanic_star import Blueprint, Sanic, Websocket, json, text
from sanic_star.compat.blueprint_group import BlueprintGroup
from sanic_star.compat.exceptions import SanicException
from sanic_star.testing import TestClient


def blueprint(name: str = "bp", **options: Any) -> Blueprint:
    made = Blueprint(name, **{"url_prefix": f"/{name}", **options})

    @made.get("/")
    async def root(request: Any) -> Any:
        return text(request.name)

    return made


def routes(app: Sanic[Any, Any]) -> list[tuple[str, str]]:
    return sorted((route.uri, route.name) for route in app.router.routes)  # type: ignore[attr-defined]


@pytest.fixture
def app() -> Sanic[Any, Any]:
    return Sanic("App")


@pytest.mark.parametrize("name", ["", "9x", "a b", None])
def test_names_that_are_refused(name: Any) -> None:
    with pytest.raises(SanicException):
        Blueprint(name)
    with pytest.raises(TypeError, match="is a string, got 5"):
        Blueprint(5)  # type: ignore[arg-type]


@pytest.mark.parametrize("world", ["sanic", "sanic_star"])
def test_a_subclass_can_name_views(world: str) -> None:
    """`_generate_name` gives the usual name to an override; the names are those of Sanic, where the same code runs."""
    module: Any = import_module(world)

    class Shop(module.Sanic):  # type: ignore[misc]
        def generate_name(self, *objects: Any) -> str:
            return str(self._generate_name(*objects)).replace("Shop", "Store")

    class Till(module.Blueprint):  # type: ignore[misc]
        def generate_name(self, *objects: Any) -> str:
            return str(self._generate_name(*objects)).replace("Till", "Desk")

    app, bp = Shop(f"Shop-{world}"), Till("Till", url_prefix="/till")

    async def view(request: Any) -> None: ...

    app.add_route(view, "/")
    bp.add_route(view, "/")
    app.blueprint(bp)
    names = sorted(route.name for route in app.router.routes)
    assert names == [f"Store-{world}.Desk.view", f"Store-{world}.view"]
    assert str(app) == f"<Shop Shop-{world}>"
    assert app._build_endpoint_name("a", "b") == f"Shop-{world}.a.b"
    for nameless in (), (None,), (3,):
        with pytest.raises(ValueError, match="Could not generate a name"):
            app._generate_name(*nameless)
    with pytest.raises(module.exceptions.SanicException, match="<Till other> has not yet been registered"):
        Till("other").event("foo.bar.baz")


def test_how_it_shows_itself() -> None:
    bp = Blueprint("a-b", url_prefix="/x/", host=["h"], version=1)
    assert repr(bp) == 'Blueprint(name="a-b", url_prefix="/x", host=[\'h\'], version=1, strict_slashes=None)'
    assert str(bp) == "<Blueprint a-b>"
    with pytest.raises(SanicException, match="<Blueprint a-b> has not yet been registered to an app"):
        _ = bp.apps
    assert not bp.registered


@pytest.mark.parametrize(
    ("made", "given", "uri"),
    [
        ({}, {}, "/bp"),
        ({"url_prefix": "/bp/"}, {}, "/bp"),
        ({"url_prefix": None}, {}, ""),
        ({}, {"url_prefix": "/other"}, "/other"),
        ({"version": 1}, {}, "/v1/bp"),
        ({"version": 1}, {"version": 2}, "/v2/bp"),
        ({"version": 1, "version_prefix": "/api/v"}, {}, "/api/v1/bp"),
        ({}, {"version": 3, "version_prefix": "/w"}, "/w3/bp"),
    ],
)
def test_paths(app: Sanic[Any, Any], made: dict[str, Any], given: dict[str, Any], uri: str) -> None:
    bp = blueprint(**made)
    app.blueprint(bp, **given)
    assert [(path.rstrip("/"), name) for path, name in routes(app)] == [(uri, "App.bp.root")]
    assert (bp.registered, bp.apps, len(bp.routes)) == (True, {app}, 1)


def test_registered_again_nothing_doubles(app: Sanic[Any, Any]) -> None:
    bp = blueprint()

    @bp.on_request
    async def before(request: Any) -> None:
        request.ctx.seen = [*getattr(request.ctx, "seen", []), 1]

    @bp.exception(ValueError)
    async def on_error(request: Any, error: Exception) -> Any:
        return json(request.ctx.seen)

    @bp.get("/fail")
    async def fail(request: Any) -> Any:
        raise ValueError

    @bp.before_server_start
    async def start(app: Any) -> None:
        started.append(1)

    started: list[int] = []
    app.blueprint(bp)
    app.blueprint(bp)
    with TestClient(app) as client:
        assert client.get("/bp/fail").json() == [1]
    assert (started, len(bp.middlewares), len(bp.exceptions)) == ([1], 1, 1)
    assert len(bp.listeners["before_server_start"]) == 1


def test_two_applications(app: Sanic[Any, Any]) -> None:
    bp = blueprint()
    other: Sanic[Any, Any] = Sanic("Other")
    app.blueprint(bp)
    other.blueprint(bp)
    assert (routes(app), routes(other)) == ([("/bp", "App.bp.root")], [("/bp", "Other.bp.root")])


def test_changes_after_the_registration_apply(app: Sanic[Any, Any]) -> None:
    bp = blueprint()
    app.blueprint(bp)

    @bp.get("/late")
    async def late(request: Any) -> Any:
        return text(request.ctx.late)

    @bp.on_request
    async def before(request: Any) -> None:
        request.ctx.late = "late"

    assert TestClient(app).get("/bp/late").text == "late"


def test_websockets_and_files(app: Sanic[Any, Any], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("static")
    bp = Blueprint("bp", url_prefix="/bp", version=1, host="other.test")

    @bp.websocket("/ws")
    async def feed(request: Any, ws: Websocket) -> None:
        await ws.send("fed")

    bp.static("/files", tmp_path, name="files")
    app.blueprint(bp)
    # As in Sanic, files have neither the blueprint's version nor its host.
    assert routes(app) == [("/bp/files/<__file_uri__:path>", "App.bp.files"), ("/v1/bp/ws", "App.bp.feed")]
    assert TestClient(app).get("/bp/files/a.txt").text == "static"
    assert len(bp.websocket_routes) == 1


def test_hosts_and_slashes(app: Sanic[Any, Any]) -> None:
    app.blueprint(blueprint("one", url_prefix="/x", host="one.test"))
    app.blueprint(blueprint("two", url_prefix="/x", host=["two.test", "three.test"], strict_slashes=True))
    client = TestClient(app)

    def get(host: str, path: str = "/x/") -> str:
        answer = client.get(path, headers={"host": host})
        return answer.text if answer.ok else str(answer.status_code)

    assert [get("one.test"), get("two.test"), get("three.test")] == ["App.one.root", "App.two.root", "App.two.root"]
    assert get("four.test") == "404"


# Copies -------------------------------------------------------------------------------------------------------------


def test_a_copy(app: Sanic[Any, Any]) -> None:
    bp = blueprint(version=1)
    bp.ctx.x = 1
    copied = bp.copy("other", url_prefix="/other", version=2, strict_slashes=True, version_prefix="/w")
    app.blueprint(bp)
    app.blueprint(copied)
    assert routes(app) == [("/v1/bp", "App.bp.root"), ("/w2/other/", "App.other.root")]
    third = bp.copy("third", with_ctx=True, with_registration=False)
    assert (copied.copied_from, hasattr(copied.ctx, "x"), third.ctx.x) == ("bp", False, 1)


def test_a_copy_of_a_registered_one_is_registered(app: Sanic[Any, Any]) -> None:
    bp = blueprint()
    app.blueprint(bp)
    copied = bp.copy("other", url_prefix="/other")
    app.blueprint(copied)
    assert routes(app) == [("/bp", "App.bp.root"), ("/other", "App.other.root")]
    assert not bp.copy("third", with_registration=False).registered
    with pytest.raises(AssertionError, match="already registered"):
        bp.copy("other")


def test_a_copy_replaces_routes(app: Sanic[Any, Any]) -> None:
    bp = blueprint()
    app.blueprint(bp)
    app.blueprint(bp.copy("other", allow_route_overwrite=True))
    assert routes(app) == [("/bp", "App.other.root")]


# Groups -------------------------------------------------------------------------------------------------------------


def test_a_group_is_a_list() -> None:
    first, second, third = (Blueprint(name) for name in ("one", "two", "three"))
    group = Blueprint.group(first, [second, (third,)], url_prefix="/g", version=1)
    assert list(group) == [first, second, third] == group.blueprints
    del group[1]
    group.insert(0, second)
    group[1] = third
    group[2:] = [first]
    group.append(second)
    assert (group[0], len(group), group[-1], group.blueprints) == (second, 4, second, [second, third, first, second])
    for index, wrong in ((0, 5), (slice(0, 1), 5)):
        with pytest.raises(TypeError, match="Expected a"):
            group[index] = wrong


def test_nested_groups_add_up(app: Sanic[Any, Any]) -> None:
    inner = Blueprint.group(blueprint("one"), blueprint("two", version=3), url_prefix="/inner")
    app.blueprint(Blueprint.group(inner, blueprint("three"), url_prefix="/outer", version=2))
    assert [uri for uri, _ in routes(app)] == ["/v2/outer/inner/one", "/v2/outer/inner/two", "/v2/outer/three"]


def test_one_blueprint_in_two_groups(app: Sanic[Any, Any]) -> None:
    bp = blueprint()
    for name in ("a", "b"):
        app.blueprint(Blueprint.group(bp, url_prefix=f"/{name}", name_prefix=name))
    assert routes(app) == [("/a/bp", "App.a_bp.root"), ("/b/bp", "App.b_bp.root")]


def test_middleware_and_exceptions_of_a_group(app: Sanic[Any, Any]) -> None:
    group = BlueprintGroup()
    for name in ("one", "two"):
        group.append(blueprint(name))

    def note(name: str) -> Any:
        async def middleware(request: Any, response: Any = None) -> None:
            request.ctx.seen = [*getattr(request.ctx, "seen", []), name]
            if response is not None:
                response.headers["x-seen"] = " ".join(request.ctx.seen)

        return middleware

    group.middleware(note("plain"))
    group.middleware("request")(note("request"))
    group.on_request(note("on_request"))
    group.on_request()(note("called"))
    group.on_response(note("on_response"))
    group.on_response()(note("last"))

    @group.exception(ValueError)
    async def on_error(request: Any, error: Exception) -> Any:
        return text("group", status=418)

    @group[1].get("/fail")  # type: ignore[untyped-decorator]
    async def fail(request: Any) -> Any:
        raise ValueError

    app.blueprint(group)
    client = TestClient(app)
    assert client.get("/one").headers["x-seen"] == "plain request on_request called last on_response"
    assert client.get("/two/fail").status_code == 418
    assert "x-seen" not in client.get("/none").headers


# What tools ask for --------------------------------------------------------------------------------------------------


def test_a_blueprint_has_its_files_and_its_router(app: Sanic[Any, Any], tmp_path: Any) -> None:
    bp = blueprint()
    bp.static("/files", tmp_path)
    assert bp.statics == []
    with pytest.raises(AttributeError, match="not yet been registered"):
        bp.router  # noqa: B018
    app.blueprint(bp)
    assert [route.name for route in bp.statics] == ["App.bp.static"]
    assert bp.router is app.router


def test_a_copy_that_serves_files_is_not_registered_twice(app: Sanic[Any, Any], tmp_path: Any) -> None:
    bp = blueprint()
    bp.static("/files", tmp_path)
    app.blueprint(bp)
    with pytest.raises(SanicException, match="Static routes"):
        bp.copy("other", url_prefix="/other")


def test_registrations_of_a_blueprint_can_be_applied_for_another(app: Sanic[Any, Any]) -> None:
    bp, source = blueprint(), Blueprint("source")

    @source.get("/more")
    async def more(request: Any) -> Any:
        return text("more")

    app.blueprint(bp)
    Blueprint.register_futures([app], bp, source._definitions)
    Blueprint.register_futures([], bp, source._definitions)
    assert TestClient(app).get("/bp/more").text == "more"


def test_middleware_of_a_blueprint_that_comes_late(app: Sanic[Any, Any]) -> None:
    bp = blueprint()
    app.blueprint(bp)
    client = TestClient(app)
    assert "x-late" not in client.get("/bp").headers

    @bp.on_response
    async def after(request: Any, response: Any) -> None:
        response.headers["x-late"] = "1"

    bp.finalize_middleware()
    assert client.get("/bp").headers["x-late"] == "1"
