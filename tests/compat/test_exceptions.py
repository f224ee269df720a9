"""Sanic's exceptions: the same calls on both, and our additions: the base, pickling, the old names."""

from __future__ import annotations

import asyncio
import inspect
import pickle
from types import SimpleNamespace
from typing import Any

import pytest
import sanic.exceptions
import sanic_routing.exceptions
import starlette.exceptions
from starlette.applications import Starlette
from starlette.routing import Route

from sanic_star.compat import exceptions, router
from sanic_star.compat._routing import exceptions as _routing_exceptions

NAMES = [
    name
    for name, value in vars(sanic.exceptions).items()
    if inspect.isclass(value) and value.__module__ == "sanic.exceptions"
]
ATTRIBUTES = (
    "status_code",
    "quiet",
    "message",
    "headers",
    "context",
    "extra",
    "method",
    "allowed_methods",
    "path",
    "args",
)
CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    *((name, (), {}) for name in NAMES if name != "PyFileError"),
    *((name, ("Why",), {}) for name in NAMES),
    *(
        (name, ("Why",), {"quiet": quiet, "context": {"a": 1}, "extra": {"b": 2}, "headers": {"x-y": "z"}})
        for name in NAMES
        for quiet in (True, False)
        if name not in ("RequestCancelled", "ServerKilled")
    ),
    ("SanicException", (b"caf\xc3\xa9", 418), {}),
    ("SanicException", (None, 404), {}),
    ("SanicException", (None, 999), {}),
    ("SanicException", ("", 404), {}),
    ("SanicException", (12,), {}),
    ("MethodNotAllowed", ("no", "PUT", ["GET", "HEAD"]), {}),
    ("MethodNotAllowed", ("no",), {"method": "PUT", "allowed_methods": ("GET",), "headers": {"Allow": "x", "a": "b"}}),
    ("MethodNotAllowed", ("no", "PUT", ()), {}),
    ("FileNotFound", ("no", "/srv/x", "x"), {}),
    ("FileNotFound", ("no",), {"path": "/srv/x", "relative_url": "x"}),
    ("RangeNotSatisfiable", ("no", SimpleNamespace(total=0)), {}),
    ("ContentRangeError", (), {"content_range": SimpleNamespace(total=7), "headers": {"a": "b"}}),
    ("Unauthorized", ("no", "Basic"), {"realm": "Here"}),
    ("Unauthorized", ("no",), {"scheme": "Digest", "qop": "auth, auth-int", "nonce": 1, "headers": {"a": "b"}}),
    ("Unauthorized", ("no",), {"realm": "ignored"}),
    ("PyFileError", ("x.cfg", 400), {}),
]


def attributes(module: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    error = getattr(module, name)(*args, **kwargs)
    return {"str": str(error), "repr": repr(error)} | {key: getattr(error, key, "absent") for key in ATTRIBUTES}


@pytest.mark.parametrize(("name", "args", "kwargs"), CALLS)
def test_an_exception_has_the_attributes_of_sanics(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    assert attributes(exceptions, name, args, kwargs) == attributes(sanic.exceptions, name, args, kwargs)


@pytest.mark.parametrize("name", NAMES)
def test_the_family_is_sanics(name: str) -> None:
    ours, sanics = getattr(exceptions, name), getattr(sanic.exceptions, name)
    above = [kind.__name__ for kind in sanics.__mro__ if kind.__module__ == "sanic.exceptions"]
    assert [kind.__name__ for kind in ours.__mro__ if kind.__module__ == exceptions.__name__] == above


@pytest.mark.parametrize("alias", ["InvalidUsage", "BadURL", "MethodNotSupported", "InternalServerError"])
def test_an_alias_is_the_class_itself(alias: str) -> None:
    assert getattr(exceptions, alias).__name__ == getattr(sanic.exceptions, alias).__name__


def test_subclasses_declare_defaults() -> None:
    class Teapot(exceptions.SanicException):
        status_code = 418
        quiet = True
        message = "Short and stout"
        headers = {"x-tea": "green"}

    error = Teapot()
    error.headers["x-more"] = "1"
    assert (error.status_code, error.quiet, str(error), error.headers["x-tea"]) == (
        418,
        True,
        "Short and stout",
        "green",
    )
    assert Teapot.headers == {"x-tea": "green"}
    assert Teapot("no", 503, quiet=False, headers={}).headers == {}


def test_a_message_may_be_a_property() -> None:
    class Worded(exceptions.SanicException):
        @property
        def message(self) -> str:  # type: ignore[override]
            return f"Hello {self.extra}"

    assert str(Worded(extra={"a": 1})) == "Hello {'a': 1}"
    assert Worded().detail == "Hello None"


def test_a_message_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(UnicodeDecodeError):
        exceptions.SanicException(b"\xff")


def test_each_is_a_starlette_exception() -> None:
    error = exceptions.Forbidden("Stop", headers={"a": "b"})
    assert isinstance(error, starlette.exceptions.HTTPException)
    assert (error.status_code, error.detail, error.headers) == (403, "Stop", {"a": "b"})
    assert exceptions.SanicException(12).detail == "12"  # type: ignore[arg-type]


def test_a_starlette_application_answers_it() -> None:
    async def handler(request: Any) -> Any:
        raise exceptions.Unauthorized("Who?", scheme="Basic", realm="Here")

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    app = Starlette(routes=[Route("/", handler)])
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    asyncio.run(app(scope, receive, send))
    assert (sent[0]["status"], sent[1]["body"]) == (401, b"Who?")
    assert (b"www-authenticate", b'Basic realm="Here"') in sent[0]["headers"]


@pytest.mark.parametrize(
    ("made", "called"),
    [
        (router._not_found("no"), exceptions.NotFound("no")),
        (
            router._method_not_allowed("no", "PUT", ("GET", "HEAD")),
            exceptions.MethodNotAllowed("no", "PUT", ("GET", "HEAD")),
        ),
    ],
)
def test_an_exception_of_the_router_equals_one_that_its_class_makes(made: Any, called: Any) -> None:
    assert type(made) is type(called)
    assert vars(made) == vars(called)
    assert (made.args, str(made), repr(made)) == (called.args, str(called), repr(called))
    made.headers["X-A"] = "1"
    assert "X-A" not in type(made)("no").headers


def test_a_challenge_quotes_its_parameters() -> None:
    error = exceptions.Unauthorized("no", scheme="Basic", realm='the "back" \\ room')
    assert error.headers == {"WWW-Authenticate": r'Basic realm="the \"back\" \\ room"'}


class Named(exceptions.NotFound):
    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}", context={"first": first})


@pytest.mark.parametrize(
    "error",
    [
        exceptions.SanicException("a", 418, context={"b": 1}, extra={"c": 2}, headers={"d": "e"}),
        exceptions.PyFileError("f"),
        exceptions.MethodNotAllowed("m", "PUT", ["GET"]),
        Named("a", "b"),
    ],
)
def test_pickling_keeps_all(error: exceptions.SanicException) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.args, vars(copy), str(copy)) == (type(error), error.args, vars(error), str(error))


def test_a_status_given_to_a_class_that_has_one_is_old() -> None:
    with pytest.warns(DeprecationWarning, match=r"NotFound has a fixed status"):
        assert exceptions.NotFound("gone", status_code=410).status_code == 410
    with pytest.warns(DeprecationWarning, match=r"Unauthorized has a fixed status"):
        assert exceptions.Unauthorized("no", status_code=407, scheme="Basic").headers == {"WWW-Authenticate": "Basic"}


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, exceptions.NotFound), (405, exceptions.MethodNotAllowed), (418, exceptions.SanicException)],
)
def test_abort_raises_the_class_for_the_status(status: int, kind: type[exceptions.SanicException]) -> None:
    with pytest.warns(DeprecationWarning, match=rf"raise {kind.__name__}\(…\)"), pytest.raises(kind) as caught:
        exceptions.abort(status, "Why")
    assert (type(caught.value), caught.value.status_code, str(caught.value)) == (kind, status, "Why")


def test_add_status_code_registers_a_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exceptions, "FOR_STATUS", dict(exceptions.FOR_STATUS))
    with pytest.warns(DeprecationWarning, match="add_status_code") as caught:
        conflict, server_error = exceptions.add_status_code(409), exceptions.add_status_code(500)

    @conflict
    class Conflict(exceptions.SanicException):
        pass

    @server_error
    class Loud(exceptions.SanicException):
        pass

    assert caught[0].filename == __file__
    assert (Conflict.status_code, Conflict.quiet, Loud.quiet) == (409, True, False)
    with pytest.warns(DeprecationWarning, match="raise Conflict"), pytest.raises(Conflict):
        exceptions.abort(409)


ROUTING = [name for name, value in vars(sanic_routing.exceptions).items() if inspect.isclass(value)]
ROUTING_CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    *((name, ("Why",), {}) for name in ROUTING),
    ("NotFound", (), {}),
    ("NotFound", ("Why", "/p"), {}),
    ("NoMethod", (), {}),
    ("NoMethod", ("Why", "GET", {"PUT"}), {"path": "/p"}),
]


@pytest.mark.parametrize(("name", "args", "kwargs"), ROUTING_CALLS)
def test_the_routers_exceptions_are_sanic_routings(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    ours = getattr(_routing_exceptions, name)(*args, **kwargs)
    sanics = getattr(sanic_routing.exceptions, name)(*args, **kwargs)
    assert (repr(ours), ours.args, vars(ours)) == (repr(sanics), sanics.args, vars(sanics))
    assert isinstance(ours, _routing_exceptions.BaseException)
