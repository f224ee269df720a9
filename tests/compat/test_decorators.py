"""Decorators with missing or wrong arguments: each raises where it is written, and says what to write."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from sanic_star import Blueprint, HTTPMethod, HTTPResponse, NotFound, Request, Sanic, text
from sanic_star.compat._routing.exceptions import BadMethod
from sanic_star.compat.exceptions import BadRequest


async def handler(request: Request) -> HTTPResponse:
    return text("answered")


REGISTRARS: list[Callable[[], Any]] = [lambda: Sanic("forms"), lambda: Blueprint("forms")]

# The wrong code, the exception, and a part of its message.
MISTAKES: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda app: app.exception(handler), TypeError, r"write @app\.exception\(NotFound\)"),
    (lambda app: app.exception(), TypeError, r"write @app\.exception\(NotFound\)"),
    (lambda app: app.exception("NotFound"), TypeError, "got 'NotFound'"),
    (lambda app: app.exception(NotFound("x")), TypeError, r"got NotFound\('x'"),
    (lambda app: app.exception([NotFound, None]), TypeError, "got None"),
    (lambda app: app.exception(int), TypeError, "got <class 'int'>"),
    (lambda app: app.exception(True), TypeError, "got True"),
    (lambda app: app.listener(handler), BadRequest, r"write @app\.listener\('before_server_start'\)\.$"),
    (lambda app: app.listener(), TypeError, r"write @app\.listener\('before_server_start'\)"),
    (lambda app: app.listener(when="start"), TypeError, "no keyword 'when'"),
    (lambda app: app.before_server_start("startup"), TypeError, r"write @app\.before_server_start$"),
    (lambda app: app.after_server_stop(5), TypeError, r"write @app\.after_server_stop$"),
    (lambda app: app.middleware("before"), KeyError, "takes 'request' or 'response', got 'before'"),
    (lambda app: app.middleware(handler, "before"), KeyError, "takes 'request' or 'response', got 'before'"),
    (lambda app: app.middleware(None), TypeError, "got None"),
    (lambda app: app.middleware(handler, 5), TypeError, "got 5"),
    (lambda app: app.on_request("/path"), TypeError, r"got '/path': write @app\.on_request$"),
    (lambda app: app.on_request("response"), TypeError, "got 'response'"),
    (lambda app: app.on_response("request"), TypeError, "got 'request'"),
    (lambda app: app.signal(handler), TypeError, r"write @app\.signal\('shop\.order\.created'\)"),
    (lambda app: app.signal(None), TypeError, "got None"),
    (lambda app: app.add_signal("shop.order.created", handler), TypeError, "got <function handler"),
    (lambda app: app.route(None), TypeError, "A route needs a path, got None"),
    (lambda app: app.get(b"/"), TypeError, "A route needs a path, got b'/'"),
    (lambda app: app.websocket(handler), TypeError, "A route needs a path, got <function"),
    (lambda app: app.command("restock"), TypeError, r"write @app\.command\(name='restock'\)"),
    (lambda app: app.route("/", methods="POST"), BadMethod, r"got 'POST': write methods=\['POST'\]"),
    (lambda app: app.route("/", methods="get, post"), BadMethod, r"write methods=\['GET', 'POST'\]"),
    (lambda app: app.route("/", methods=HTTPMethod.PUT), BadMethod, r"got 'PUT': write methods=\['PUT'\]"),
    (lambda app: app.route("/", methods=b"POST"), TypeError, "as text, got b'POST'"),
    (lambda app: app.route("/", methods=[1]), TypeError, "as text, got 1"),
    (lambda app: app.route("/", methods=5), TypeError, "as text, got 5"),
    (lambda app: app.add_route(handler, "/", "DELETE"), BadMethod, r"write methods=\['DELETE'\]"),
    (lambda app: app.websocket("/", subprotocols="chat"), TypeError, r"write subprotocols=\['chat'\]"),
]


@pytest.mark.parametrize("make", REGISTRARS, ids=["app", "blueprint"])
@pytest.mark.parametrize(("register", "kind", "message"), MISTAKES)
def test_a_mistake_says_what_to_write(
    make: Callable[[], Any], register: Callable[[Any], Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        register(make())
    shown = "".join([str(caught.value), *getattr(caught.value, "__notes__", ())])
    assert re.search(message.replace("write", "[wW]rite"), shown)


def test_mistakes_in_other_registrations() -> None:
    app: Sanic[Any, Any] = Sanic("forms")
    with pytest.raises(BadMethod, match=r"write methods=\['POST'\]"):
        app.add_route("/", handler, methods="POST")  # Starlette's order
    with pytest.raises(BadMethod, match=r"write methods=\['POST'\]"):
        app.router.add("/", "POST", handler)
    with pytest.raises(KeyError, match="takes 'request' or 'response'"):
        app.register_middleware(handler, "before")
    with pytest.raises(TypeError, match="got <function handler"):
        app.add_exception_handler(handler, NotFound)
    with pytest.raises(TypeError, match="add_route takes the handler first"):
        Blueprint("swapped").add_route("/", handler)  # type: ignore[arg-type,type-var]
    group: Any = Blueprint.group(Blueprint("member"))
    with pytest.raises(TypeError, match=r"write @app\.on_response$"):
        group.on_response("request")
    with pytest.raises(KeyError, match="takes 'request' or 'response'"):
        group.middleware("before")(handler)


@pytest.mark.parametrize("make", REGISTRARS, ids=["app", "blueprint"])
def test_forms_that_are_valid(make: Callable[[], Any]) -> None:
    registrar = make()
    registrar.exception([])(handler)
    registrar.exception(404, [KeyError, BaseException])(handler)
    iterables: list[Any] = [["get"], ("GET", "POST"), {HTTPMethod.PUT}, (name for name in ("DELETE",)), {"PATCH": 1}]
    for methods in (*iterables, [], "", None):
        registrar.route(f"/{type(methods).__name__}{bool(methods)}", methods=methods)(handler)
    registrar.on_request("request")(handler)
    registrar.on_request(None)(handler)
    registrar.on_response("response")(handler)
    registrar.middleware("REQUEST")(handler)
    registrar.before_server_start()(handler)
