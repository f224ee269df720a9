"""The functions between the engine and a handler."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from sanic_star import HTTPResponse, Request, Sanic, text
from sanic_star.compat._app.pipeline import (
    calls_of_middleware,
    handler_call,
    is_coroutine_function,
    run_request_middleware,
    run_response_middleware,
    with_middleware,
)
from sanic_star.compat.middleware import Middleware, MiddlewareLocation
from sanic_star.compat.types.hashable_dict import HashableDict
from sanic_star.testing import TestClient


async def coroutine(request: Any, **params: Any) -> Any:
    return ("coroutine", params)


def plain(request: Any, **params: Any) -> Any:
    return ("plain", params)


def gives_awaitable(request: Any, **params: Any) -> Any:
    return coroutine(request, **params)


class Object:
    async def __call__(self, request: Any, **params: Any) -> Any:
        return ("object", params)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (coroutine, True),
        (plain, False),
        (gives_awaitable, False),
        (Object(), True),
        (partial(partial(coroutine), x=1), True),
        (partial(plain), False),
    ],
)
def test_functions_that_always_return_an_awaitable(function: Any, expected: bool) -> None:
    assert is_coroutine_function(function) is expected


@pytest.mark.parametrize(
    ("handler", "kind"),
    [(coroutine, "coroutine"), (plain, "plain"), (gives_awaitable, "coroutine"), (Object(), "object")],
)
@pytest.mark.parametrize(("has_params", "params"), [(False, {}), (True, {"x": "a%20b", "y": 5})])
async def test_a_handler_gets_its_parameters(handler: Any, kind: str, has_params: bool, params: Any) -> None:
    request = SimpleNamespace(_route_params={"x": "a%20b", "y": 5})
    assert await handler_call(handler, has_params)(request) == (kind, params)


async def other_name(request: Any, y: Any = 1, x: Any = 2) -> Any:
    return (x, y)


async def second(request: Any, x: Any, *arguments: Any, z: Any = 3) -> Any:
    return (x, z)


async def by_place_only(request: Any, x: Any, /) -> Any: ...


async def by_name_only(request: Any, *, x: Any) -> Any:
    return x


async def test_a_handler_gets_its_only_parameter_under_its_name() -> None:
    request = SimpleNamespace(_route_params={"x": "a"})
    assert await handler_call(other_name, True, "x")(request) == ("a", 1)
    assert await handler_call(second, True, "x")(request) == ("a", 3)
    assert await handler_call(by_name_only, True, "x")(request) == "a"
    assert await handler_call(coroutine, True, "x")(request) == ("coroutine", {"x": "a"})
    assert await handler_call(partial(second, z=4), True, "x")(request) == ("a", 4)
    with pytest.raises(TypeError, match="positional-only"):
        await handler_call(by_place_only, True, "x")(request)


@pytest.mark.parametrize("handler", [second, other_name, by_name_only, coroutine])
@pytest.mark.parametrize("params", [{"x": "a"}, {"x": "a", "y": 5}, {"y": 5}, {}, HashableDict(x="a"), {"no name": 1}])
async def test_changed_parameters_reach_a_handler_as_keywords_do(handler: Any, params: Any) -> None:
    async def answer(called: Any) -> Any:
        try:
            return await called(SimpleNamespace(_route_params=params))
        except TypeError as error:
            return str(error)

    expected = await answer(handler_call(handler, True))
    assert await answer(handler_call(handler, True, "x", changeable=True)) == expected


@pytest.mark.parametrize("change", [{"x": "b"}, {"x": "b", "y": 1}, {}, None])
async def test_request_middleware_changes_parameters(change: dict[str, Any] | None) -> None:
    app: Sanic[Any, Any] = Sanic("Changing")

    @app.on_request
    async def replace(request: Request) -> None:
        if change is not None:
            request.match_info = change

    @app.get("/<x:str>/items")
    async def handler(request: Request, x: str = "default", y: int = 0) -> HTTPResponse:
        return text(f"{x} {y}")

    expected = {"x": "a"} if change is None else change
    answer = await app.asgi_client.get("/a/items")
    assert answer[1].text == f"{expected.get('x', 'default')} {expected.get('y', 0)}"


async def test_without_middleware_the_dispatch_is_called_directly() -> None:
    assert with_middleware(coroutine, [], []) is coroutine
    assert handler_call(coroutine, False) is coroutine


async def test_answered_requests_skip_response_middleware() -> None:
    seen: list[str] = []
    after = calls_of_middleware(
        [Middleware(lambda request, response: seen.append("after"), MiddlewareLocation.RESPONSE)]
    )

    async def call(request: Any) -> Any:
        return request.answer

    async def unseen(scope: Any, receive: Any, send: Any) -> None: ...  # an ASGI application

    call_with = with_middleware(call, [], after)
    for responded, answer in ((True, text("a")), (False, unseen), (False, None)):
        request = SimpleNamespace(responded=responded, answer=answer, _response_middleware_started=False)
        assert await call_with(request) is answer
    assert seen == []
    await call_with(SimpleNamespace(responded=False, answer=text("a"), _response_middleware_started=False))
    assert seen == ["after"]


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_middleware_outside_of_a_route(asynchronous: bool) -> None:
    async def before(request: Any) -> Any:
        return request.early

    async def after(request: Any, response: Any) -> Any:
        return request.late

    functions: Any = (
        (before, after) if asynchronous else (lambda request: request.early, lambda request, response: request.late)
    )
    for early, late in (("early", "late"), (None, None)):
        request = SimpleNamespace(early=early, late=late)
        assert await run_request_middleware(request, [(functions[0], asynchronous)]) == early
        response = text("response")
        assert await run_response_middleware(request, response, [(functions[1], asynchronous)]) == (late or response)
        assert await run_response_middleware(request, {"no": "response"}, [(functions[1], asynchronous)]) == (
            late or {"no": "response"}
        )
        assert await run_response_middleware(request, None, [(functions[1], asynchronous)]) is None
        assert request._request_middleware_started
        assert request._response_middleware_started


@pytest.mark.parametrize("path", ["/sync", "/awaitable", "/object", "/partial"])
def test_handlers_of_every_kind(path: str) -> None:
    class Called:
        async def __call__(self, request: Request) -> HTTPResponse:
            return text("/object")

    async def with_extra(request: Request, extra: str) -> HTTPResponse:
        return text(extra)

    async def inner() -> HTTPResponse:
        return text("/awaitable")

    app: Sanic[Any, Any] = Sanic("Kinds")
    app.add_route(lambda request: text("/sync"), "/sync", name="a")
    app.add_route(lambda request: inner(), "/awaitable", name="b")
    app.add_route(Called(), "/object", name="c")
    app.add_route(partial(with_extra, extra="/partial"), "/partial", name="d")
    assert TestClient(app).get(path).text == path
