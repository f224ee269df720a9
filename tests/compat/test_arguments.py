"""Handlers whose parameters do not fit their path: a warning at the start, and a note on the exception."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import pytest
from fastapi import Cookie, Depends, Path, Query

from sanic_star import Request, Sanic, text
from sanic_star.compat.views import HTTPMethodView
from sanic_star.testing import TestClient


class Item:
    """A value that FastAPI would create from the body."""


def wrapped(handler: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(handler)
    async def call(request: Request, *args: Any, **kwargs: Any) -> Any:
        return await handler(request, *args, item="from the decorator", **kwargs)

    return call


async def with_item(request: Request, item: Item) -> Any:
    return text(str(item))


async def with_keyword(request: Request, *, item: Item) -> Any:
    return text(str(item))


async def with_other_name(request: Request, ident: int) -> Any:
    return text(str(ident))


async def with_nothing(request: Request) -> Any:
    return text("nothing")


async def with_default(request: Request, item: Item | None = None) -> Any:
    return text(str(item))


async def with_any(request: Request, *args: Any, **kwargs: Any) -> Any:
    return text(str(kwargs))


async def by_position(request: Request, number: int, /) -> Any:
    return text(str(number))


class CallableHandler:
    async def __call__(self, request: Request) -> Any:
        return text("called")


class View(HTTPMethodView):
    async def get(self, request: Request, number: int) -> Any:
        return text(str(number))

    async def post(self, request: Request, item: Item) -> Any:
        return text(str(item))


def warnings_at_the_start(app: Sanic[Any, Any], caplog: pytest.LogCaptureFixture) -> list[str]:
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="sanic.root"):
        app.finalize()
        app.finalize()
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("path", "handler", "message"),
    [
        ("/items", with_item, "with_item() requires `item`, which the path '/items' does not have"),
        ("/items", with_keyword, "with_keyword() requires `item`, which the path '/items' does not have"),
        ("/<id:int>", with_other_name, "with_other_name() has no parameter `id`, which the path '/<id:int>' has"),
        ("/<id:int>", with_nothing, "with_nothing() has no parameter `id`, which the path '/<id:int>' has"),
        ("/<number:int>", by_position, None),
        ("/<number:int>", View.as_view(), "View.post() has no parameter `number`"),
        ("/items", with_default, None),
        ("/<anything>", with_any, None),
        ("/<item>", with_item, None),
        ("/<item>", with_keyword, None),
        ("/items", wrapped(with_item), None),
        ("/items", View.as_view, None),
        ("/<item:ext>", with_any, None),
    ],
)
def test_a_handler_that_surely_fails_is_warned_of_once(
    path: str, handler: Any, message: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    app: Sanic[Any, Any] = Sanic("Arguments")
    app.route(path, ["GET", "POST"], name="route")(handler)
    warnings = warnings_at_the_start(app, caplog)
    assert len(warnings) == (message is not None)
    assert (message or "") in "".join(warnings)


def test_a_websocket_handler_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Arguments")

    @app.websocket("/feed/<name>")
    async def feed(request: Request, ws: Any) -> None: ...

    @app.websocket("/chat/<name>")
    async def chat(request: Request, ws: Any, name: str) -> None: ...

    (warning,) = warnings_at_the_start(app, caplog)
    assert "feed() has no parameter `name`" in warning


class DispatchingView(View):
    def dispatch_request(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        return self.post(request, item=Item())


class DecoratedView(View):
    decorators = [wrapped]


@pytest.mark.parametrize("view", [DispatchingView, DecoratedView])
def test_views_that_pass_other_arguments_are_not_warned_of(view: Any, caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Arguments")
    app.add_route(view.as_view(), "/items")
    assert warnings_at_the_start(app, caplog) == []


def add_middleware(app: Sanic[Any, Any]) -> None:
    @app.on_request
    async def add_argument(request: Request) -> None:
        request.match_info["item"] = "from middleware"


def add_signal(app: Sanic[Any, Any]) -> None:
    @app.signal("http.routing.after")
    async def add_argument(request: Request, **context: Any) -> None:
        request.match_info["item"] = "from a signal"


@pytest.mark.parametrize("add", [add_middleware, add_signal])
def test_arguments_that_others_add(add: Callable[[Sanic[Any, Any]], None], caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Arguments")
    add(app)
    app.get("/items")(with_item)
    assert warnings_at_the_start(app, caplog) == []
    assert app.test_client.get("/items")[1].text.startswith("from ")


def get_item() -> Item:
    raise AssertionError("no dependency runs")


async def with_depends(request: Request, item: Any = Depends(get_item)) -> Any:  # noqa: B008 - as users of FastAPI write it
    return text(type(item).__name__)


async def with_keyword_query(request: Request, plain: int = 1, *, page: Any = Query(1)) -> Any:  # noqa: B008
    return text(type(page).__name__)


async def with_path(request: Request, number: int = Path(ge=1)) -> Any:
    return text(str(number))


async def with_annotated_query(request: Request, page: Annotated[int, Query(ge=1)] = 1) -> Any:
    return text(str(page))


async def with_annotated_string(request: Request, *, page: "Annotated[int, Query(ge=1)]" = 1) -> Any:
    return text(str(page))


async def with_annotated_path(request: Request, number: Annotated[int, Path(ge=1)]) -> Any:
    return text(str(number))


async def with_annotated_item(request: Request, item: Annotated[Item, Depends(get_item)]) -> Any:
    return text(str(item))


async def with_unknown_annotation(request: Request, item: "Unknown" = 1) -> Any:  # type: ignore[name-defined] # noqa: F821
    return text(str(item))


class ViewWithCookie(HTTPMethodView):
    async def get(self, request: Request, number: int, theme: Any = Cookie(None)) -> Any:  # noqa: B008
        return text(type(theme).__name__)


@pytest.mark.parametrize("add", [None, add_middleware, add_signal])
@pytest.mark.parametrize(
    ("path", "handler", "message"),
    [
        ("/items", with_depends, "with_depends() of the path '/items' has an object of FastAPI's class Depends"),
        ("/items", wrapped(with_depends), "with_depends() of the path '/items' has an object of FastAPI's class"),
        ("/items", with_keyword_query, "class Query for its parameter `page`"),
        ("/<number:int>", with_path, "class Path for its parameter `number`"),
        ("/items", with_annotated_query, "class Query for its parameter `page`"),
        ("/items", with_annotated_string, "class Query for its parameter `page`"),
        ("/<number:int>", with_annotated_path, "class Path for its parameter `number`"),
        ("/<number:int>", ViewWithCookie.as_view(), "ViewWithCookie.get() of the path '/<number:int>' has"),
    ],
)
def test_a_parameter_of_fastapi_is_warned_of_once(
    path: str,
    handler: Any,
    message: str,
    add: Callable[[Sanic[Any, Any]], None] | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app: Sanic[Any, Any] = Sanic("Arguments")
    if add is not None:
        add(app)
    app.add_route(handler, path)
    app.add_route(handler, f"/again{path}", name="again")
    (warning,) = warnings_at_the_start(app, caplog)
    assert message in warning
    assert "instead of Depends" in warning


def test_other_defaults_are_not_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Arguments")
    app.get("/items")(with_default)
    app.get("/unknown")(with_unknown_annotation)
    # The decorator passes the argument.
    app.get("/annotated")(wrapped(with_annotated_item))
    app.get("/called", name="called")(CallableHandler())
    assert warnings_at_the_start(app, caplog) == []


def test_a_websocket_with_a_default_of_fastapi_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Arguments")

    @app.websocket("/feed")
    async def feed(request: Request, ws: Any, user: Any = Depends(get_item)) -> None: ...  # noqa: B008

    (warning,) = warnings_at_the_start(app, caplog)
    assert "feed() of the path '/feed' has an object of FastAPI's class Depends for its parameter `user`" in warning


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    ("path", "handler", "request_path", "note"),
    [
        ("/items", with_item, "/items", "with_item() requires `item`, which the path '/items' does not have"),
        ("/<id:int>", with_other_name, "/7", "with_other_name() has no parameter `id`"),
        ("/items", View.as_view(), "/items", "View.get() requires `number`"),
    ],
)
def test_the_exception_of_a_request_gets_a_note(
    path: str, handler: Any, request_path: str, note: str, debug: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app: Sanic[Any, Any] = Sanic("Arguments")
    app.debug = debug
    app.get(path)(handler)
    # With middleware, the start does not warn.
    app.on_request(lambda request: None)
    _, response = app.test_client.get(request_path)
    assert response.status == 500
    (record,) = (record for record in caplog.records if record.exc_info)
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], TypeError)
    (written,) = record.exc_info[1].__notes__
    assert note in written


@pytest.mark.parametrize("raising", [lambda: with_nothing(), lambda: int("7", bass=8), lambda: "a" + 1])  # type: ignore
def test_other_exceptions_get_no_note(raising: Callable[[], Any], caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Arguments")

    @app.get("/")
    async def handler(request: Request) -> Any:
        raising()

    assert app.test_client.get("/")[1].status == 500
    (record,) = (record for record in caplog.records if record.exc_info)
    assert record.exc_info is not None
    assert not hasattr(record.exc_info[1], "__notes__")


def test_a_handler_that_calls_itself_gets_no_note(caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Arguments")

    async def handler(request: Request, depth: int) -> Any:
        return await handler(request)  # type: ignore[call-arg]

    app.get("/<depth:int>")(handler)
    assert app.test_client.get("/1")[1].status == 500
    (record,) = (record for record in caplog.records if record.exc_info)
    assert record.exc_info is not None
    assert not hasattr(record.exc_info[1], "__notes__")


def test_the_exception_of_a_websocket_gets_a_note(caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Arguments")

    @app.websocket("/feed")
    async def feed(request: Request, ws: Any, item: Item) -> None: ...

    with pytest.raises(TypeError) as caught, TestClient(app) as client, client.websocket_connect("/feed") as ws:
        ws.receive_text()
    (note,) = caught.value.__notes__
    assert "feed() requires `item`, which the path '/feed' does not have" in note
