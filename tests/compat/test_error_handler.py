"""The handler of an exception, and failures of that handler."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from starlette.exceptions import HTTPException

from sanic_star import NotFound, Sanic, SanicException, text
from sanic_star.compat._app.error_handler import as_sanic_exception
from sanic_star.compat.exceptions import (
    Forbidden,
    MethodNotAllowed,
    RangeNotSatisfiable,
    ServerError,
    Unauthorized,
    URITooLong,
)
from sanic_star.compat.handlers import ErrorHandler
from sanic_star.testing import TestClient


class Base(Exception):
    pass


class Derived(Base):
    pass


async def handler(request: Any, exception: BaseException) -> Any:
    return text(type(exception).__name__)


async def other(request: Any, exception: BaseException) -> Any:
    return text("other")


def test_the_own_class_counts_before_its_bases_and_the_route_before_all() -> None:
    table = ErrorHandler()
    table.add(Base, handler)
    assert table.lookup(Derived()) is handler
    table.add(Derived, other)
    assert table.lookup(Derived()) is other
    table.add(Base, other, ["route"])
    assert (table.lookup(Base(), "route"), table.lookup(Base(), "elsewhere")) == (other, handler)
    assert table.lookup(ValueError()) is None


def test_status_codes_are_keys_too() -> None:
    table = ErrorHandler()
    table.add(418, handler)
    assert table.lookup(HTTPException(418)) is handler
    assert table.lookup(HTTPException(419)) is None


def test_a_second_handler_of_the_same_is_refused() -> None:
    table = ErrorHandler()
    table.add(Base, handler)
    with pytest.raises(ServerError, match="Duplicate exception handler definition on: route=__ALL_ROUTES__"):
        table.add(Base, other)


def test_a_handler_for_500_gets_unexpected_exceptions() -> None:
    table = ErrorHandler()
    table.add(500, handler)
    assert table.lookup(ValueError()) is table.lookup(ServerError()) is handler
    assert table.lookup(BaseException()) is None
    assert not table.handles(handler, ValueError())
    assert table.handles(handler, ServerError())
    table.add(ValueError, other)
    assert table.lookup(ValueError()) is other
    assert table.handles(other, ValueError())
    assert not table.handles(None, ValueError())


def test_exceptions_answered_with_500_are_logged_and_reraised(caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("FiveHundred", exception_handlers={500: lambda *_: text("Sorry", 500)})

    @app.get("/")
    async def fail(request: Any) -> Any:
        raise LookupError

    assert TestClient(app, raise_server_exceptions=False).get("/").text == "Sorry"
    assert [type(record.exc_info[1]) for record in caplog.records if record.exc_info] == [LookupError]
    with pytest.raises(LookupError):
        TestClient(app).get("/")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Unauthorized), (405, MethodNotAllowed), (414, URITooLong), (416, RangeNotSatisfiable), (500, ServerError)],
)
def test_each_status_of_starlettes_has_the_class_for_it(status: int, kind: type[SanicException]) -> None:
    exception = as_sanic_exception(HTTPException(status, headers={"Allow": "GET,  PUT"}))
    assert type(exception) is kind
    assert exception.headers == {"Allow": "GET,  PUT"}
    if isinstance(exception, MethodNotAllowed):
        assert (exception.method, exception.allowed_methods) == ("", ["GET", "PUT"])


@pytest.mark.parametrize(("status", "logged"), [(401, False), (405, False), (418, False), (500, True), (502, True)])
def test_client_errors_raised_by_starlette_are_not_logged(
    status: int, logged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app: Sanic[Any, Any] = Sanic("Quiet")

    @app.get("/")
    async def fail(request: Any) -> Any:
        raise HTTPException(status)

    assert TestClient(app).get("/").status_code == status
    assert bool(caplog.records) is logged


def test_exceptions_of_starlette() -> None:
    exception = as_sanic_exception(HTTPException(403, "no", {"x-a": "b"}))
    assert isinstance(exception, Forbidden)
    assert (str(exception), exception.headers, type(exception.__cause__)) == ("no", {"x-a": "b"}, HTTPException)
    unknown = as_sanic_exception(HTTPException(418))
    assert isinstance(unknown, SanicException)
    assert unknown.status_code == 418
    same = NotFound("x")
    assert as_sanic_exception(same) is same


@pytest.mark.parametrize(
    ("debug", "shown"),
    [(False, "An error occurred while handling an error"), (True, 'Exception raised in exception handler "failing"')],
)
def test_a_handler_that_fails(debug: bool, shown: str, caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Failing", debug=debug)

    @app.exception(Base)
    def failing(request: Any, exception: Base) -> Any:
        raise ValueError("again")

    @app.get("/")
    async def view(request: Any) -> Any:
        raise Derived

    with caplog.at_level(logging.ERROR, "sanic.error"):
        answer = TestClient(app, raise_server_exceptions=False).get("/")
    assert answer.status_code == 500
    assert answer.text.startswith(shown)
    assert "again" in caplog.text


def test_a_handler_that_leaves_it_to_the_default(caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Leaving")
    app.config.NOISY_EXCEPTIONS = True

    @app.exception(NotFound)
    def leave(request: Any, exception: NotFound) -> None:
        return None

    with caplog.at_level(logging.ERROR, "sanic.error"):
        answer = TestClient(app).get("/nosuch")
    assert (answer.status_code, "Requested URL /nosuch not found" in answer.text) == (404, True)
    assert "Exception occurred while handling uri: 'http://testserver/nosuch'" in caplog.text
