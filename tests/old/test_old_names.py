"""The look-up of old names: without cost, without harm to the user's names, and each one has a target."""

from __future__ import annotations

import asyncio
import importlib
import subprocess
import sys
import warnings
from typing import Any

import pytest

from sanic_star import Blueprint, Config, HTTPResponse, Request, Sanic
from sanic_star.compat import handlers, request, response, views
from sanic_star.compat._old import keywords
from sanic_star.compat._old.moved_table import MOVED
from sanic_star.compat._old.table import ATTRIBUTES, MEMBERS
from sanic_star.compat._support.lazy import OldName
from sanic_star.compat.cookies.response import CookieJar
from sanic_star.compat.router import Router
from sanic_star.compat.server.websockets.impl import WebsocketImplProtocol
from tests.old.observed import ROOT

PACKAGE = "sanic_star.compat"
SCOPE: dict[str, Any] = {"type": "http", "method": "GET", "path": "/", "query_string": b"a=1&a=2", "headers": []}


def members() -> list[tuple[str, str]]:
    moved = [
        (module, word.rpartition(".")[2]) for module, words in MOVED.items() for word in words.split() if "." in word
    ]
    own = [(module, name) for module, names in MEMBERS.items() for name in names]
    return [pair for pair in (*moved, *own) if not pair[1].isdigit()]


@pytest.mark.parametrize(("module", "name"), members())
def test_each_name_of_a_module_is_there_with_a_warning(module: str, name: str) -> None:
    loaded = importlib.import_module(f"{PACKAGE}.{module}")
    with pytest.warns(DeprecationWarning, match=r"was removed in Sanic [\d.]+: ") as caught:
        value = getattr(loaded, name)
    assert value is not None
    assert (len(caught), caught[0].filename) == (1, __file__)


def test_importing_one_from_a_package_warns_once() -> None:
    with pytest.warns(DeprecationWarning, match=r"import it from sanic\.cookies") as caught:
        from sanic_star.compat.response import CookieJar as Passed  # type: ignore[attr-defined]
    assert (len(caught), Passed) == (1, CookieJar)


@pytest.mark.parametrize("module", [handlers, request, response, views])
def test_a_name_that_never_was_is_refused(module: Any) -> None:
    for name in ("never", "_never", "__never__"):
        with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
            getattr(module, name)


def test_each_attribute_of_a_class_is_implemented() -> None:
    kinds: list[type] = [Sanic, Config, Request, HTTPResponse, Router, CookieJar, WebsocketImplProtocol]
    names = set()
    with warnings.catch_warnings():
        # Looking them up warns of nothing, on a class.
        warnings.simplefilter("error")
        for name in ATTRIBUTES:
            _, _, home, _ = ATTRIBUTES[name]
            own = name.partition(".")[2].removeprefix("__").replace("__", "_")
            assert callable(getattr(importlib.import_module(home), own)), name
        for kind in kinds:
            for base in kind.__mro__:
                names |= {value.name for value in vars(base).values() if type(value) is OldName}
    assert names <= ATTRIBUTES.keys()
    assert {name.partition(".")[0] for name in names} >= {"Sanic", "Request", "Config", "BaseHTTPResponse", "Router"}


@pytest.mark.parametrize(
    "module", [Sanic("Quiet"), Request(dict(SCOPE)), HTTPResponse("x"), Config(), Router(), HTTPResponse("x").cookies]
)
def test_listing_attributes_does_not_warn(module: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        names = dir(module)
        assert not {"raw_args", "register_blueprint", "output", "from_object", "items_"} & set(names)
        for name in ("raw_args", "register_blueprint", "output", "from_object"):
            getattr(type(module), name, None)


def test_a_subclass_or_an_object_may_have_an_attribute_of_the_name() -> None:
    class Mine(Request):
        raw_args = "mine"

    app: Any = Sanic("Mine")
    app.is_running = "mine"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (Mine(dict(SCOPE)).raw_args, app.is_running) == ("mine", "mine")


def test_a_program_without_old_names_does_not_load_them() -> None:
    code = """
import sys
from sanic_star import Sanic, text
from sanic_star.testing import TestClient
app = Sanic("New")
@app.get("/<n:int>")
async def get(request, n):
    response = text(str(n))
    response.add_cookie("a", "1")
    return response
assert TestClient(app).get("/1").text == "1"
print([name for name in sys.modules if "compat._old" in name])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Bad input -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Sanic, Blueprint])
@pytest.mark.parametrize("name", ["a.", ".a", "a..b", "1.a", "a b.c", "."])
def test_signal_names_have_dots_between_words(kind: Any, name: str) -> None:
    with pytest.raises(Exception, match="uses an invalid format"):
        kind(name)


@pytest.mark.parametrize("make", [lambda: Sanic("Wrong", load_environment=True), lambda: Config(load="X")])  # type: ignore[arg-type]
def test_a_keyword_that_never_was(make: Any) -> None:
    with pytest.raises(TypeError, match="got an unexpected keyword argument 'load"):
        make()


@pytest.mark.parametrize(("load_env", "prefix"), [(True, "SANIC_"), (False, None), ("SHOP_", "SHOP_"), ("", None)])
def test_load_env(load_env: Any, prefix: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.warns(DeprecationWarning, match="env_prefix="):
        assert keywords.of_config({"load_env": load_env}, "SANIC_") == prefix


def test_the_arguments_of_run() -> None:
    options: dict[str, Any] = {}
    with pytest.warns(DeprecationWarning, match=r"app\.run"):
        assert keywords.of_run((True, None, None, 2), options) is None
    assert options == {"debug": True, "ssl": None, "sock": None, "workers": 2}
    with pytest.raises(TypeError, match="multiple values for argument 'debug'"):
        keywords.of_run((True,), {"debug": False})
    with pytest.raises(TypeError, match="at most 11 arguments"):
        keywords.of_run((None,) * 10, {})
    loop = asyncio.new_event_loop()
    try:
        with pytest.warns(DeprecationWarning, match="loop"):
            assert keywords.of_run((), {"loop": loop}) is loop
        with pytest.warns(DeprecationWarning, match="loop"):
            # Workers have loops of their own.
            assert keywords.of_run((), {"loop": loop, "workers": 2}) is None
    finally:
        loop.close()
    with pytest.raises(TypeError, match="loop is not a valid argument"):
        Sanic("Loop").run(loop="loop")


async def test_the_arguments_of_create_server() -> None:
    app: Any = Sanic("Server")
    with pytest.raises(TypeError, match="unexpected keyword argument 'reuse'"):
        await app.create_server(port=0, reuse=True)
    with pytest.warns(DeprecationWarning, match="stop_event"):
        server = await app.create_server("127.0.0.1", 0, stop_event=None, return_asyncio_server=True)
    await server.close()


@pytest.mark.parametrize(("arguments", "keyword"), [((), "moment"), (("main_process_start",), "moment")])
def test_the_arguments_of_listener(arguments: Any, keyword: str) -> None:
    app: Any = Sanic("Listener")
    with pytest.raises(TypeError, match=r"listener\(\) has no keyword 'moment'"):
        app.listener(*arguments, **({keyword: "x"} if keyword else {}))


def test_items_of_a_request_and_its_scope() -> None:
    made: Any = Request(dict(SCOPE))
    with warnings.catch_warnings():
        # Starlette's meaning needs no warning.
        warnings.simplefilter("error")
        assert (made["type"], "path" in made, made.get("method"), len(made)) == ("http", True, "GET", len(SCOPE))
        with pytest.raises(KeyError, match="nothing"):
            made["nothing"]
    with pytest.warns(DeprecationWarning, match=r"use request\.ctx"):
        made["type"] = "mine"
    with pytest.warns(DeprecationWarning, match=r"use request\.ctx"):
        assert (made["type"], made.ctx.type, made.scope["type"]) == ("mine", "mine", "http")
    made.ctx.user = "ada"
    with pytest.warns(DeprecationWarning, match=r"use request\.ctx"):
        assert made["user"] == "ada"
    for wrong in (5, None, ()):
        with pytest.raises(KeyError):
            made[wrong]
    with pytest.warns(DeprecationWarning, match=r"use request\.ctx"):
        made.clear()
    with pytest.warns(DeprecationWarning, match="popitem"), pytest.raises(KeyError, match="no items"):
        made.popitem()


@pytest.mark.filterwarnings("ignore:.*cookie:DeprecationWarning")
def test_the_dictionary_of_a_cookie() -> None:
    jar: Any = HTTPResponse("x").cookies
    cookie = jar.add_cookie("id", "1", max_age=5)
    assert bool(cookie)
    assert sorted(cookie.items()) == [("max-age", 5), ("path", "/"), ("samesite", "Lax"), ("secure", True)]
    cookie["Max-Age"] = "60"
    assert (cookie["max-age"], cookie.max_age) == ("60", 60)
    cookie.max_age = 7
    assert cookie["max-age"] == 7
    with pytest.raises(KeyError, match="colour"):
        cookie.update(colour="red")
    assert jar.pop("id") is cookie
    assert (len(jar), jar.pop("id", None)) == (0, None)
    with pytest.raises(KeyError, match="id"):
        jar.pop("id")
    jar.update({"a": "1"}, b="2")
    assert [(name, value.value) for name, value in jar.items()] == [("a", "1"), ("b", "2")]
    jar.clear()
    assert not len(jar)


@pytest.mark.parametrize("method", ["from_pyfile", "from_envvar", "from_object"])
def test_settings_that_cannot_be_loaded(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_SETTINGS", "")
    config: Any = Config()
    wanted = {"from_pyfile": OSError, "from_envvar": RuntimeError, "from_object": ValueError}[method]
    with pytest.warns(DeprecationWarning, match="update_config"), pytest.raises(wanted):
        getattr(config, method)("SHOP_SETTINGS" if method == "from_envvar" else "nothing")


def test_a_route_is_removed_while_the_application_runs() -> None:
    app: Any = Sanic("Removing")

    async def handler(request: Request) -> HTTPResponse:
        return HTTPResponse("there")

    app.add_route(handler, "/there", methods=["GET", "POST"])
    app.add_route(handler, "/stays", name="stays")
    assert app.test_client.get("/there")[1].status == 200
    with pytest.warns(DeprecationWarning, match="remove_route"):
        app.remove_route("/there/")
    assert [app.test_client.get(path)[1].status for path in ("/there", "/stays")] == [404, 200]
    app.add_route(handler, "/there", name="again")
    assert app.test_client.get("/there")[1].status == 200


@pytest.mark.parametrize("part", ["<a:integer>", "<a:String>", "<a: string>", "<a:strings>"])
def test_other_types_that_do_not_exist_are_refused(part: str) -> None:
    with pytest.raises(Exception, match="Unknown path type"):
        Sanic("Types").get(f"/{part}")(lambda request, a: None)


def test_a_json_type_of_the_application_comes_first() -> None:
    app: Any = Sanic("Own")
    app.router.register_pattern("string", str.upper, r"[a-z]+")
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)

        async def handler(request: Request, a: str) -> HTTPResponse:
            return HTTPResponse(a)

        app.add_route(handler, "/<a:string>")

    assert app.test_client.get("/abc")[1].text == "ABC"


def test_two_views_have_two_names() -> None:
    with pytest.warns(DeprecationWarning, match="HTTPMethodView"):
        kind = views.CompositionView  # type: ignore[attr-defined]
    app: Any = Sanic("Views")
    for path in ("/a", "/b"):
        view = kind()
        view.add(["GET"], lambda request: HTTPResponse("got"))
        app.add_route(view, path)
    assert [app.test_client.get(path)[1].text for path in ("/a", "/b")] == ["got", "got"]
    assert app.test_client.post("/a")[1].status == 405
