"""The names of applications, blueprints, requests, responses and websockets: Sanic's, Starlette's, and documented ones.

All other names belong to the user: a subclass may have an attribute of any of them, and so may an application.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sanic
import sanic.request
import sanic.response
import sanic.server.websockets.impl
import starlette.applications
import starlette.requests
import starlette.responses
import starlette.routing
import starlette.websockets

from sanic_star import Blueprint, HTTPResponse, Request, Sanic, Websocket, text
from sanic_star.compat.router import Router
from sanic_star.compat.signals import SignalRouter
from sanic_star.engine import requests as engine_requests
from sanic_star.engine import responses as engine_responses
from sanic_star.engine import websockets as engine_websockets
from sanic_star.engine.application import Engine, _PlainBehaviour
from sanic_star.engine.lifespan import Lifecycle
from sanic_star.engine.requests import Limits
from sanic_star.engine.seams import Behaviour
from sanic_star.engine.timeouts import Sweeper
from sanic_star.testing import TestClient
from tests.project import ROOT

HTTP: dict[str, Any] = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
WEBSOCKET: dict[str, Any] = {"type": "websocket", "path": "/", "query_string": b"", "headers": []}


async def nothing(*args: Any) -> Any: ...


def public(value: object) -> set[str]:
    """Return the public names of a class or an object."""
    return {name for name in dir(value) if not name.startswith("_")}


def annotated(kind: type) -> set[str]:
    """Return the attributes that a class declares, and that its objects may have."""
    return {name for base in kind.__mro__ for name in getattr(base, "__annotations__", ()) if not name.startswith("_")}


def documented() -> dict[str, set[str]]:
    """Return the names that the reference lists as this package's own, by the class."""
    page = (ROOT / "docs/reference/index.md").read_text()
    section = page.partition("## Names of this package\n")[2].partition("\n## ")[0]
    entries = re.findall(r"^- `(\w+)`: (.+?)\. ", section, re.MULTILINE)
    assert entries
    return {kind: set(re.findall(r"`(\w+)`", names)) for kind, names in entries}


KINDS: dict[str, tuple[Any, tuple[type, ...], set[str]]] = {
    "Sanic": (
        Sanic("Names"),
        (sanic.Sanic, starlette.applications.Starlette),
        public(starlette.applications.Starlette()),
    ),
    "Blueprint": (Blueprint("names"), (sanic.Blueprint,), set()),
    "Request": (Request(dict(HTTP)), (sanic.request.Request, starlette.requests.Request), set()),
    "HTTPResponse": (
        HTTPResponse("x"),
        (sanic.HTTPResponse, starlette.responses.Response),
        public(sanic.HTTPResponse("x")) | public(starlette.responses.Response("x")),
    ),
    "Websocket": (
        Websocket(WEBSOCKET, nothing, nothing),
        (sanic.server.websockets.impl.WebsocketImplProtocol, starlette.websockets.WebSocket),
        public(starlette.websockets.WebSocket(WEBSOCKET, nothing, nothing)),
    ),
}


def theirs(kind: str) -> set[str]:
    """Return the names that a class has in Sanic or in Starlette."""
    _, classes, names = KINDS[kind]
    return names.union(*(public(cls) | annotated(cls) for cls in classes))


@pytest.mark.parametrize("kind", KINDS)
def test_public_names_are_sanics_starlettes_or_documented(kind: str) -> None:
    made = KINDS[kind][0]
    assert public(made) - theirs(kind) == documented().get(kind, set())


# Any other name is the user's ----------------------------------------------------------------------------------------

PARTS = (
    *(Engine, Lifecycle, Sweeper, Behaviour, Limits, _PlainBehaviour),
    *(engine_requests.Request, engine_responses.Response, engine_websockets.WebSocket),
)
WORDS = set(
    re.findall(
        r"\w+",
        """
    accept account action active address admin age agent alive allow amount answer answers any api area array
    arrived audit author auto available back background balance base batch begin begun behaviour bound box
    broker bucket budget buffer build cache call calls cancel card cart case catalog category chain channel
    check child children choice city claims clean clear client clients clock close closed code codec collect
    color column commit compile complete connected connection connections consumer contact container content
    context convert count counter country create created current customer daemon data database date day db
    debounce declared default deferred delay depth describe description device dirty disabled document domain
    done drain driver duration edit email enabled encode end endless engine enter entry env environment error
    errors exact executor exit expires factory fail failed feature fetch field fields file files filter find
    finished first flag flush folder follow forward found found_at frame free front full gate gateway get_user
    graph group groups guard handle handled handler handlers handshake has_begun health held help history holds
    home hook hooks host_name id_token identity index info init inner input inside installed instance interval
    is_admin is_open item items job jobs key keys kind label language last layer length level library life
    lifecycle limit limits line links list live load loaded local locale location lock log logged logger login
    logout loop_count mail main make mark max_size measure member memory message messages meta metrics
    middlewares_done miss mode model models monitor mounted move next node note now number object offset
    on_error open open_stream opened operation order outer output owner page parent part parts path_prefix pause
    payload pending permission permissions phase pid pipeline plain plan plugin plugins policy pool post_id
    prefix prepare_all present price principal priority process producer profile progress project provider
    public publish queue quota range rate raw reader ready reads reason received record redis refresh_token
    region registry release released remote render_page report requests reset resource responded_at result retry
    role roles room rooms root rule rules run_phase running sample save scheduler schema score search secret
    seen send_other sender sent serializer server service services session_id settings setup shared shop signals
    site size sleep socket_id source spec stack stage start started state_of stats status_of step steps
    stop_event stopped stopping storage store streams subject subscribers success suffix surround sweeper system
    table tag tags target task team template tenant text theme thread ticket time timeout timer title token_info
    topic total trace tracer transaction translate tree trusted type uid unit update updated upload uploads
    usage used user_id users uuid valid validate value values version_info view viewer views visible wait
    waiting wallet watch watched weight window worker workers works write writer year zone
    """,
    )
)
NAMES = sorted({*WORDS, *(name for part in PARTS for name in public(part) | annotated(part))})


class Startled:
    """A value that fails wherever it is used: called, tested, compared, iterated, awaited, read or written."""

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise AssertionError("an attribute that is the user's was used")

    __call__ = __bool__ = __iter__ = __await__ = __len__ = __enter__ = __int__ = __lt__ = __getitem__ = _refuse
    __eq__ = __hash__ = _refuse


def free(kind: str) -> dict[str, Any]:
    """Return attributes for a class, with all free names."""
    return {name: Startled() for name in NAMES if name not in theirs(kind) | documented().get(kind, set())}


def test_enough_names_are_tested() -> None:
    assert all(len(free(kind)) >= 200 for kind in KINDS)


def application(folder: Path, app: Sanic[Any, Any], bp: Blueprint, response: type[HTTPResponse]) -> Sanic[Any, Any]:
    """Fill an application with one of each kind of route."""

    @app.get("/")
    async def plain(request: Request) -> HTTPResponse:
        return response("plain")

    @bp.get("/user/<name>/<number:int>")
    async def user(request: Request, name: str, number: int) -> HTTPResponse:
        return text(f"{name} {number} {request.args.get('q')} {request.ctx.seen}")

    @app.post("/echo")
    async def echo(request: Request) -> HTTPResponse:
        return response(request.body)

    @app.get("/fail")
    async def fail(request: Request) -> None:
        raise ValueError("unhandled")

    @app.get("/handled")
    async def handled(request: Request) -> None:
        raise KeyError("handled")

    @app.exception(KeyError)
    async def handle(request: Request, error: KeyError) -> HTTPResponse:
        return response("handled", 418)

    @app.get("/stream")
    async def stream(request: Request) -> None:
        writer = await request.respond(content_type="text/plain")
        await writer.send("a")
        await writer.send("b")
        await writer.eof()

    @app.post("/reads", stream=True)
    async def reads(request: Request) -> HTTPResponse:
        return text(f"{sum([len(part) async for part in request.stream])}")

    @app.websocket("/ws")
    async def talk(request: Request, ws: Websocket) -> None:
        async for message in ws:
            assert message is not None
            await ws.send(message)

    @app.on_request
    async def before(request: Request) -> None:
        request.ctx.seen = "seen"

    @app.on_response
    async def after(request: Request, response: HTTPResponse) -> None:
        response.headers["x-after"] = "yes"

    @app.listener("before_server_start")
    async def start(app: Any) -> None:
        app.add_task(nothing(), name="job")

    (folder / "file.txt").write_text("file")
    app.static("/files", folder)
    app.blueprint(bp)
    return app


def answers(client: TestClient) -> Iterator[tuple[int, str]]:
    for path in ("/", "/user/ada/7?q=1", "/handled", "/stream", "/files/file.txt", "/none", "/files/none"):
        response = client.get(path)
        yield response.status_code, response.text if response.status_code < 420 and "none" not in path else ""
    yield client.post("/echo", data=b"body").status_code, ""
    yield client.post("/reads", data=b"body").status_code, ""
    yield client.get("/fail").status_code, ""
    yield client.delete("/").status_code, ""
    with client.websocket_connect("/ws") as ws:
        ws.send_text("hello")
        yield 101, ws.receive_text()


EXPECTED = [
    *((200, "plain"), (200, "ada 7 1 seen"), (418, "handled"), (200, "ab"), (200, "file"), (404, ""), (404, "")),
    *((200, ""), (200, ""), (500, ""), (405, ""), (101, "hello")),
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_subclass_may_have_any_other_attribute(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classes: dict[str, Any] = {"Sanic": Sanic, "Blueprint": Blueprint, "Request": Request, "HTTPResponse": HTTPResponse}
    if kind == "Websocket":
        # No keyword chooses its class.
        for name, value in free(kind).items():
            monkeypatch.setattr(Websocket, name, value, raising=False)
    else:
        classes[kind] = type("Mine", (classes[kind],), free(kind))
    app = classes["Sanic"]("Mine", request_class=classes["Request"])
    application(tmp_path, app, classes["Blueprint"]("part"), classes["HTTPResponse"])
    with TestClient(app, raise_server_exceptions=False) as client:
        assert list(answers(client)) == EXPECTED
    assert app.test_client.get("/")[1].text == "plain"


# The attributes that the constructor of the engine's router sets.
OF_THE_CONSTRUCTOR = {*("by_name", "choose", "compile", "direct", "fallback", "foreign", "forward", "hosts", "index")}
OF_THE_CONSTRUCTOR |= {"mounts", "path_types", "states"}
ROUTERS: dict[type, tuple[object, object]] = {
    Router: (sanic.Sanic("Routers").router, starlette.routing.Router()),
    SignalRouter: (sanic.Sanic("SignalRouters").signal_router, None),
}


def of_routers(kind: type) -> set[str]:
    """Return the names that a router has in Sanic or in Starlette."""
    return set[str]().union(*(public(router) for router in ROUTERS[kind]))


@pytest.mark.parametrize("kind", ROUTERS)
def test_the_methods_of_routers_are_sanics_or_starlettes(kind: type) -> None:
    # An object of the class does not list the names of old releases.
    assert public(kind()) - of_routers(kind) - OF_THE_CONSTRUCTOR == set()


def test_subclasses_of_routers_may_have_any_other_method(tmp_path: Path) -> None:
    old = {*("build", "find", "find_again", "look_up", "miss", "allowed", "refused", "parse", "parameter")}
    old |= {*("calls", "emitter", "report")}
    made: dict[type, Any] = {
        kind: type("Mine", (kind,), dict.fromkeys(WORDS - of_routers(kind) - OF_THE_CONSTRUCTOR | old, Startled()))
        for kind in ROUTERS
    }
    app = Sanic[Any, Any]("Mine", router=made[Router](), signal_router=made[SignalRouter]())
    application(tmp_path, app, Blueprint("part"), HTTPResponse)
    reported = []

    @app.report_exception
    async def report(app: Any, exception: Exception) -> None:
        reported.append(exception)

    with TestClient(app, raise_server_exceptions=False) as client:
        assert list(answers(client)) == EXPECTED
    assert len(reported) == 5
    assert app.test_client.get("/")[1].text == "plain"
    assert app.url_for("plain") == "/"


def test_an_application_may_have_any_other_attribute(tmp_path: Path) -> None:
    app = application(tmp_path, Sanic[Any, Any]("Mine"), Blueprint("part"), HTTPResponse)
    for name, value in free("Sanic").items():
        setattr(app, name, value)
    with TestClient(app, raise_server_exceptions=False) as client:
        assert list(answers(client)) == EXPECTED
    assert app.test_client.get("/")[1].text == "plain"
