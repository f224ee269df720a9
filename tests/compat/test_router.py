"""Sanic's paths: valid parameters, their values, refused paths, and the attributes of a route."""

import re
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from sanic_star import Request, Sanic, text
from sanic_star.compat._routing.exceptions import (
    BadMethod,
    FinalizationError,
    InvalidUsage,
    NoMethod,
    ParameterNameConflicts,
    RouteExists,
)
from sanic_star.compat._routing.exceptions import NotFound as NoRoute
from sanic_star.compat._routing.path_types import PathType
from sanic_star.compat.exceptions import MethodNotAllowed, NotFound, SanicException
from sanic_star.compat.router import Router
from sanic_star.engine.routing import WEBSOCKET
from sanic_star.testing import TestClient
from tests.engine.raw import ask, http_scope

ID = "00000000-0000-0000-0000-00000000000a"


async def handler(request: Any, **params: Any) -> Any:
    return text("")


@pytest.mark.parametrize(
    ("uri", "path", "params"),
    [
        ("/<x>", "/a", {"x": "a"}),
        ("/<x:str>/b", "//b", None),
        ("/<x:str>", "/a-b", {"x": "a-b"}),
        ("/<x:strorempty>/b", "//b", {"x": ""}),
        ("/<x:int>", "/-5", {"x": -5}),
        ("/<x:float>", "/1.5", {"x": 1.5}),
        ("/<x:alpha>", "/abc", {"x": "abc"}),
        ("/<x:alpha>", "/a1", None),
        ("/<x:slug>", "/a-1", {"x": "a-1"}),
        ("/<x:slug>", "/A_1", None),
        ("/<x:ymd>", "/2026-11-20", {"x": date(2026, 11, 20)}),
        ("/<x:ymd>", "/2026-13-20", None),
        ("/<x:uuid>", f"/{ID}", {"x": UUID(ID)}),
        ("/<x:path>", "/a/b", {"x": "a/b"}),
        ("/<x:ext>", "/a.b.txt", {"x": "a.b", "ext": "txt"}),
        ("/<x:ext>", "/a", None),
        ("/<x:ext>", "/.txt", None),
        ("/<x:ext=jpg>", "/a.jpg", {"x": "a", "ext": "jpg"}),
        ("/<x:ext=jpg>", "/a.png", None),
        ("/<x:ext=tar.gz|tar.xz>", "/a.b.tar.gz", {"x": "a.b", "ext": "tar.gz"}),
        ("/<x=int:ext>", "/5.png", {"x": 5, "ext": "png"}),
        ("/<x=int:ext>", "/a.png", None),
        (r"/<x:[a-z]{3}>", "/abc", {"x": "abc"}),
        (r"/<x:[a-z]{3}>", "/abcd", None),
        (r"/<x:(?P<x>[a-z]+)\d>", "/abc5", {"x": "abc"}),
        (r"/<x:v(\d+)>", "/v5", {"x": "5"}),
        (r"/a/<x:\d+/\d+>", "/a/1/2", {"x": "1/2"}),
        (r"/a/<x:\d+/\d+>", "/a/1/b", None),
        ("/<x:int>/<y:path>/end", "/5/a/b/end", {"x": "5", "y": "a/b"}),
        ("/<x=int:ext>/<y:path>", "/5.png/b", {"x": "5.png", "y": "b"}),
    ],
)
def test_values_of_parameters(uri: str, path: str, params: Any) -> None:
    router = Router()
    router.add(uri, ["GET"], handler)
    if params is None:
        with pytest.raises(NotFound):
            router.get(path, "GET")
    else:
        route, endpoint, given = router.get(path, "GET")
        assert (endpoint, given) == (handler, params)
        assert route.uri.startswith("/")


def test_annotations_give_a_parameter_its_type() -> None:
    async def typed(request: Request, a: int, b: float, c: UUID, d: str, e: bytes, f) -> Any:  # type: ignore[no-untyped-def]
        return text("")

    router = Router()
    route = router.add("/<a>/<b>/<c>/<d>/<e>/<f>", ["GET"], typed)
    assert route.uri == "/<a:int>/<b:float>/<c:uuid>/<d:str>/<e:str>/<f:str>"
    assert route.labels == ["a", "b", "c", "d", "e", "f"]


@pytest.mark.parametrize(
    ("uri", "options", "error", "message"),
    [
        ("/<x>/<x>", {}, ParameterNameConflicts, "Duplicate named parameters in: <x>/<x>"),
        ("/<__x>", {}, SanicException, "Parameter names cannot use '__'"),
        ("/<x=path:ext>", {}, InvalidUsage, "does not support the `path` type"),
        ("/<x=odd:ext>", {}, InvalidUsage, "only supports filename matching on known parameter types"),
        ("/<x:ext=js|min.js>", {}, InvalidUsage, "same number of subparts"),
        ("/<x:ext=.js>", {}, InvalidUsage, r"Invalid extension: \.js"),
        ("/<x-y:int>", {}, InvalidUsage, "Invalid declaration: <x-y:int>"),
        (r"/<x:(>", {}, re.error, "Invalid parameter declaration"),
        ("/<x:ext=JPG>", {}, InvalidUsage, "Invalid extension parameter definition: <x:ext=JPG>"),
        (r"/<x:(a)(b)>", {}, InvalidUsage, "Invalid matching pattern"),
        (r"/<x:(?P<y>a)>", {}, InvalidUsage, r"Named group \(y\) must match your named parameter \(x\)"),
        ("/", {"methods": ["JUMP"]}, BadMethod, "Bad method"),
        ("/", {"error_format": "odd"}, SanicException, "Unknown format: odd"),
    ],
)
def test_invalid_registrations_are_refused(
    uri: str, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Router().add(uri, **{"methods": ["GET"], "handler": handler, **options})


def test_a_place_is_taken_once() -> None:
    router = Router()
    router.add("/a/<x:int>", ["GET", "POST"], handler)
    router.add("/a/<x:int>", ["PUT"], handler)
    router.add("/a/<x>", ["GET"], handler, host="a.example")
    router.add("/a/<y>", ["GET"], handler, host="b.example")
    with pytest.raises(RouteExists, match=r"Route already registered: a/<y:int> \[DELETE,POST\]"):
        router.add("/a/<y:int>", ["POST", "DELETE"], handler)
    # Of one path's routes either all are for certain hosts or none is.
    with pytest.raises(RouteExists):
        router.add("/a/<x:int>", ["PATCH"], handler, host="a.example")
    with pytest.raises(RouteExists):
        router.add("/a/<x>", ["PATCH"], handler)
    # The handshake of a websocket is a GET.
    with pytest.raises(RouteExists, match=r"\[GET\]"):
        router.add("/a/<x:int>", None, handler, websocket=True)


def test_a_route_may_be_overwritten() -> None:
    async def newer(request: Any) -> Any: ...

    router = Router()
    router.add("/a", ["GET", "POST"], handler, name="old")
    router.add("/a", ["GET"], newer, overwrite=True, name="new")
    assert [route.endpoint for route in router.routes_all.values()] == [newer]
    with pytest.raises(MethodNotAllowed):
        router.get("/a", "POST")


def test_resolving_a_path_as_in_sanic_routing() -> None:
    # Observed on Sanic 25.12.
    app: Sanic[Any, Any] = Sanic("Resolving")
    app.add_route(handler, "/a/<x:int>", methods=["GET", "POST"], name="a")
    app.add_route(handler, "/b", host="one.test", name="b")
    resolve = app.router.resolve
    for path in ("/a/3", "/a/3/"):
        route, endpoint, params = resolve(path, method="POST")
        assert (route.name, endpoint, params) == ("Resolving.a", handler, {"x": 3})
    assert resolve("/b", method="GET", extra={"host": "one.test"})[0].name == "Resolving.b"
    for path in ("/b", "/a/x"):
        with pytest.raises(NoRoute) as missing:
            resolve(path, method="GET")
        assert missing.value.path == path
    for method in ("PUT", None):
        with pytest.raises(NoMethod) as refused:
            resolve("/a/3", method=method)
        assert (refused.value.method, refused.value.allowed_methods) == (method, {"GET", "POST"})


def test_a_closed_router_takes_no_routes() -> None:
    app: Sanic[Any, Any] = Sanic("Closed")
    app.add_route(handler, "/early")
    with TestClient(app):
        with pytest.raises(FinalizationError, match="Cannot finalize router more than once"):
            app.router.add("/late", ["GET"], handler)
        with pytest.raises(FinalizationError):
            app.router.finalize()
    app.router.add("/late", ["GET"], handler)


def test_a_running_application_accepts_routes(tmp_path: Path) -> None:
    app: Sanic[Any, Any] = Sanic("Running")
    (tmp_path / "a.txt").write_text("a file")

    @app.get("/first")
    async def first(request: Request) -> Any:
        app.add_route(lambda request, x: text(f"late {x}"), "/late/<x:int>", name="late")
        app.static("/file", tmp_path / "a.txt", name="file")
        return text("first")

    with TestClient(app) as client:
        assert client.get("/late/1").status_code == 404
        assert client.get("/first").text == "first"
        assert [client.get(path).text for path in ("/late/1", "/file")] == ["late 1", "a file"]
        assert app.router.finalized
        with pytest.raises(RouteExists), app.amend():
            app.add_route(handler, "/first", name="other")
        assert app.router.finalized


@pytest.mark.parametrize(
    ("version", "prefix", "path"),
    [(1, "/v", "/v1/a"), ("v2", "/v", "/v2/a"), (1.5, "/api/v", "/api/v1.5/a"), (0, "/v", "/v0/a")],
)
def test_versions(version: Any, prefix: str, path: str) -> None:
    assert Router().add("/a", ["GET"], handler, version=version, version_prefix=prefix).uri == path


def test_several_hosts_make_several_routes() -> None:
    router = Router()
    added = router.add("/a", ["GET"], handler, host=["b.example", "a.example"], name="n")
    assert [(route.extra.ident, route.requirements) for route in added] == [
        ("n_a_example", {"host": "a.example"}),
        ("n_b_example", {"host": "b.example"}),
    ]
    assert router.get("/a", "GET", "b.example")[0] is added[1]
    with pytest.raises(NotFound):
        router.get("/a", "GET", "c.example")


def test_attributes_of_a_route() -> None:
    router = Router()
    static = router.add("/a/é", ["GET"], handler, name="static", ctx={"a": 1})
    assert static.handler is handler
    assert (static.uri, static.path) == ("/a/%C3%A9", "/a/%C3%A9")
    assert (static.parts, static.static, static.regex, static.pattern) == (("a", "%C3%A9"), True, False, None)
    assert (static.params, static.requirements, static.ctx.a) == ({}, {}, 1)
    assert repr(static) == str(static) == "<Route: name=static path=a/%C3%A9>"
    typed = router.add("/a/<x:int>", ["GET"], handler)
    assert (typed.parts, typed.static, typed.regex, typed.pattern) == (("a", "<x:int>"), False, False, None)
    assert list(typed.params) == [1]
    (info,) = typed.params.values()
    assert (info.name, info.label, info.cast, info.pattern.pattern, info.regex) == ("x", "int", int, r"^-?\d+$", False)
    assert typed.segments == ("a", "<__dynamic__:int>")
    assert router.delimiter == "/"
    regex = router.add(r"/<x:[a-z/]+>", ["GET"], handler)
    assert regex.regex
    assert regex.parts == ("<x:[a-z/]+>",)
    assert re.fullmatch(regex.pattern, "/a/b")
    assert str(router.add("/", ["GET"], handler)).endswith("path=/>")


@pytest.mark.parametrize(
    ("uri", "path", "params"),
    [
        ("/<x>/<y:int>", "/a%20b/5", {"x": "a b", "y": 5}),
        ("/<x:ext>", "/a%20b.t%78t", {"x": "a b", "ext": "txt"}),
        ("/<x:ext=txt|md>", "/a%20b.txt", {"x": "a b", "ext": "txt"}),
        ("/<x:[a-z%0-9]+>/<y>", "/a%20b/c%20d", {"x": "a%20b", "y": "c d"}),
        ("/<y>/<x:path>", "/c%20d/a%20b", {"x": "a b", "y": "c d"}),
        ("/<x:path>", "/a%20b/c%2Fd%25", {"x": "a b/c/d%"}),
        ("/x/<x:path>/<y:int>", "/x/a%20b/c%20d/5", {"x": "a b/c d", "y": "5"}),
    ],
)
def test_which_parameters_are_decoded(uri: str, path: str, params: Any) -> None:
    router = Router()
    router.add(uri, ["GET"], handler, unquote=True, name="r")
    assert router.get(path, "GET")[2] == params


@pytest.mark.parametrize("mark", "=@:+,;!$&'()*")
@pytest.mark.parametrize("uri", ["/x{}y", "/<a>/x{}y/<b:int>", "/x{}y/<a:path>", "/e/<a:path>/x{}y"])
def test_a_mark_is_found_plain_and_encoded(uri: str, mark: str) -> None:
    router = Router()
    route = router.add(uri.format(mark), ["GET"], handler, name="r")
    for spelled in (mark, f"%{ord(mark):02X}"):
        path = re.sub("<.*?>", "1", uri).format(spelled)
        assert router.get(path, "GET")[0] is route
        assert route.path_regex.match(path)
    assert f"%{ord(mark):02X}" in route.uri
    with pytest.raises(NotFound):
        router.get(re.sub("<.*?>", "1", uri).format("~"), "GET")


def test_a_host_is_text_or_several() -> None:
    app: Sanic[Any, Any] = Sanic("Hosts")
    with pytest.raises(ValueError, match="host= takes a host or several, got 1"):
        app.get("/", host=1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="host= takes a host or several, got 1"):
        app.static("/s", "/tmp", host=1)  # type: ignore[arg-type]
    app.get("/", name="", host=("one.test", "two.test"))(handler)
    assert set(app.router.name_index) == {"Hosts.handler"}


def test_the_route_decides_whether_its_path_is_decoded() -> None:
    router = Router()
    router.add("/a/<x>", ["GET"], handler)
    router.add("/b/<x>/<y:int>", ["GET"], handler, unquote=True)
    assert router.get("/a/%20", "GET")[2] == {"x": "%20"}
    assert router.get("/b/%20/1", "GET")[2] == {"x": " ", "y": 1}


def test_routes_by_kind() -> None:
    router = Router()
    for uri in ("/a", "/b/<x:int>", "/c/<x:path>"):
        router.add(uri, ["GET"], handler)
    assert list(router.routes_all) == [("a",), ("b", "<x:int>"), ("c", "<x:path>")]
    assert list(router.routes_static) == [("a",)]
    assert list(router.routes_dynamic) == [("b", "<__dynamic__:int>")]
    assert list(router.routes_regex) == [("c", "<__dynamic__:path>")]
    assert [router.static_routes, router.dynamic_routes, router.regex_routes] == [
        router.routes_static, router.routes_dynamic, router.routes_regex
    ]  # fmt: skip
    assert [group for table in (router.routes_static, router.routes_dynamic, router.routes_regex)
            for group in table.values()] == list(router.groups.values())  # fmt: skip


def test_routes_by_name() -> None:
    app: Sanic[Any, Any] = Sanic("Named")
    app.add_route(handler, "/", name="view")
    route = app.router.routes[0]
    assert app.router.find_route_by_view_name("view") is route
    assert app.router.find_route_by_view_name("Named.view") is route
    assert app.router.find_route_by_view_name("") is None
    assert app.router.find_route_by_view_name("other") is None


def test_a_custom_path_type_comes_first() -> None:
    def even(value: str) -> int:
        number = int(value)
        if number % 2:
            raise ValueError(value)
        return number

    app: Sanic[Any, Any] = Sanic("Types")
    app.router.register_pattern("even", even, re.compile(r"^\d+$"))

    @app.get("/<x:int>")
    async def number(request: Request, x: int) -> Any:
        return text(f"int {x}")

    @app.get("/<x:even>")
    async def evens(request: Request, x: int) -> Any:
        return text(f"even {x}")

    client = TestClient(app)
    assert (client.get("/4").text, client.get("/5").text) == ("even 4", "int 5")
    assert app.url_for("evens", x=4) == "/4"
    convert, pattern, kind = app.router.regex_types["even"]
    assert (convert("2"), pattern.pattern, kind) == (2, r"^\d+$", PathType)


def test_a_path_type_of_a_custom_class() -> None:
    class Mine(PathType):
        pass

    router = Router()
    router.register_pattern("mine", str, r"[a-z]+", Mine)
    assert type(router.path_types["mine"]) is Mine


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((5, str, "a"), "label must be a string"),
        (("a", 5, "a"), "cast must be a callable"),
        (("a", str, 5), "pattern must be a string or a Pattern"),
    ],
)
def test_a_type_that_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(InvalidUsage, match=message):
        Router().register_pattern(*arguments)


@pytest.mark.parametrize(
    ("method", "allowed", "kind", "status"),
    [
        ("GET", {WEBSOCKET}, "http", 426),
        ("POST", {WEBSOCKET}, "http", 405),
        ("POST", {"GET"}, "http", 405),
        ("GET", {"GET"}, "websocket", 404),
        ("GET", set(), "http", 404),
    ],
)
def test_the_message_of_a_404(method: str, allowed: set[str], kind: str, status: int) -> None:
    assert Router._miss("/a", method, allowed, {"type": kind}).status_code == status


@pytest.mark.parametrize("method", ["WEBSOCKET", "websocket"])
async def test_no_http_method_leads_to_a_websocket(method: str) -> None:
    app: Sanic[Any, Any] = Sanic("Method")

    @app.websocket("/feed")
    @app.websocket("/feed/<x:int>", name="numbered")
    async def feed(request: Request, ws: Any, x: int = 0) -> None:
        raise AssertionError

    for path in ("/feed", "/feed/7", "/feed/7"):
        assert (await ask(app, http_scope(path, method=method))).status == 405


# Each is refused at its end. An expression that starts again at each slash or dot would take hours.
@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("/<name:ext=jpg>", "/" + "a." * 100_000 + "!"),
        ("/<folder:path>/<name:ext>", "/" + "a/" * 50_000 + "a." * 50_000 + "!"),
        ("/<a:path>/<b:path>/end", "/" + "a/" * 100_000),
        ("/<a:path>/x/<b:path>/y/<c:path>", "/" + "x/" * 100_000),
        ("/<a:path>/<n:int>/<b:path>/end", "/" + "1/" * 100_000),
    ],
)
def test_a_long_path_does_not_delay_other_requests(uri: str, path: str) -> None:
    router = Router()
    router.add(uri, ["GET"], handler)
    with pytest.raises(NotFound):
        router.get(path, "GET")


@pytest.mark.parametrize(
    ("uri", "path", "params"),
    [
        ("/<a:path>/x/<b:path>", "/1/x/2/x/3", {"a": "1", "b": "2/x/3"}),
        ("/<a:path>/x/<b:path>/y", "/1/x/2/y/3/y", {"a": "1", "b": "2/y/3"}),
        ("/<a:path>/<n:int>/<b:path>", "/1/a/2/3", {"a": "1/a", "n": "2", "b": "3"}),
        # An expression may match several texts from one position: the search continues.
        ("/<a:path>/<n:[ab/]+>/<b:path>/c", "/1/a/b/2/c", {"a": "1", "n": "a/b", "b": "2"}),
        ("/<a:path>/<name:ext>", "/1/2.3/4.tar.gz", {"a": "1/2.3", "name": "4.tar.gz"}),
    ],
)
def test_parameters_that_hold_slashes_end_at_the_first_place_that_fits(uri: str, path: str, params: Any) -> None:
    router = Router()
    router.add(uri, ["GET"], handler)
    assert router.get(path, "GET")[2] == params


def test_a_router_that_was_closed_before_the_start() -> None:
    app = Sanic("Closed")

    @app.get("/folder/<name>")
    async def folder(request: Request, name: str) -> Any:
        return text(name)

    app.router.finalize()
    assert app.test_client.get("/folder/x")[1].text == "x"
