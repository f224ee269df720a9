"""The answers to exceptions, composed when the application is finalised.

Exceptions of the router (404, 405, 426), handlers, middleware and the engine all go the same way:

    signals              server.exception.report, http.lifecycle.exception
    request middleware   if it has not run yet
    exception handler    the one that `ErrorHandler` finds, else the error page
    response middleware  if it has not run yet
    signals              http.lifecycle.response

Signal handlers and the order of middleware are fixed when the application is finalised. So an unused step costs one
truth test, and nothing is sorted or searched per error.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Protocol

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from sanic_star.compat._app.error_handler import OWN_RESPONSE, as_sanic_exception
from sanic_star.compat._app.events import Events
from sanic_star.compat._app.pipeline import MiddlewareCall, run_request_middleware, run_response_middleware
from sanic_star.compat.compat import check_foreign
from sanic_star.compat.exceptions import SanicException, ServerError
from sanic_star.compat.log import error_logger, logger
from sanic_star.compat.middleware import MiddlewareLocation
from sanic_star.compat.request._url import url_for_log
from sanic_star.compat.response._writer import BACKGROUND_FAILED
from sanic_star.compat.response.types import HTTPResponse, ResponseStream, has_valid_head
from sanic_star.compat.signals import Event
from sanic_star.engine.failures import (
    RefusedRequest,
    attribute,
    encodable,
    format_error,
    log_error,
    message_of,
    only_member,
    related,
)
from sanic_star.engine.requests import current_request

if TYPE_CHECKING:
    from sanic_star.compat._app.seams import Application
    from sanic_star.compat.request.types import Request

Answer = tuple[ASGIApp | None, BaseException | None]


if TYPE_CHECKING:

    class Answers(Protocol):
        """The members of `answers.Answers` that are used here."""

        @property
        def app(self) -> Application: ...
        def has_begun(self, request: Any, /) -> bool: ...
        async def send_other(
            self, request: Any, response: Any, scope: Scope, receive: Receive, send: Send, /
        ) -> None: ...
        def _middleware_calls(self, location: MiddlewareLocation, name: str | None, /) -> list[MiddlewareCall]: ...


class ErrorAnswers:
    """Answers the exceptions of one application.

    Args:
        answers: the application's answers, which own this object.
        events: the events that have handlers; `None` if no event has one.
        request_middleware: the request middleware for all routes, in running order.
        response_middleware: the response middleware for all routes, in running order.
    """

    def __init__(
        self,
        answers: Answers,
        events: Events | None,
        request_middleware: list[MiddlewareCall],
        response_middleware: list[MiddlewareCall],
    ) -> None:
        self._answers = answers
        self._app = app = answers.app
        # Used only if one of the two attributes below is true.
        self._events: Any = events
        emitters = events.emitters if events is not None else {}
        self._listens_to_exceptions = Event.HTTP_LIFECYCLE_EXCEPTION in emitters
        self._listens_to_responses = Event.HTTP_LIFECYCLE_RESPONSE in emitters
        self._request_middleware, self._response_middleware = request_middleware, response_middleware
        # The value of `scope["starlette.exception_handlers"]`: handlers by class, and by status.
        self.handlers_for_starlette: tuple[dict[Any, Any], dict[Any, Any]] = _HandlersForStarlette(self), {}
        request_location, response_location = MiddlewareLocation
        self._named_request_middleware = {
            name: answers._middleware_calls(request_location, name) for name in app.named_request_middleware
        }
        self._named_response_middleware = {
            name: answers._middleware_calls(response_location, name) for name in app.named_response_middleware
        }

    async def answer(self, request: Request, error: BaseException) -> Answer:
        """Return the response to an exception, after middleware, and the exception to raise after it.

        The response is `None` if another one has begun. The exception is `None` if the response handles it.
        """
        if type(error) is TypeError:
            _explain_arguments(request, error)
        # Signals get the exception group that was raised, exception handlers its only member.
        raised = error
        if issubclass(type(error), BaseExceptionGroup):
            error = self._answerable(request, error)
        subject = error if issubclass(type(error), SanicException) else as_sanic_exception(error)
        if type(error) is RefusedRequest:
            # The engine has no Sanic exceptions. Handlers get the Sanic exception, as if that had been raised.
            error = subject
            raised = raised if issubclass(type(raised), BaseExceptionGroup) else subject
        if self._app.signal_router.routes:
            await self.report_and_fire(request, raised)
        if request.responded or request._writer is not None:
            if request._is_answered:
                if any(id(cause) == request._answered_error for cause in related(raised)):
                    # A mounted application of another framework has answered its own exception.
                    self._app.error_handler.log(request, subject)
                    await self._call_dropped(request, error)
                else:
                    await self.handle_background_failure(request, error)
                return None, raised
            if self._answers.has_begun(request):
                self._log_too_late(request, error, subject)
                return None, raised
            request.reset_response()
        response = None
        if not request._request_middleware_started:
            request._request_middleware_started = True
            request_middleware = (
                self._named_request_middleware.get(request.name or "", self._request_middleware)
                if self._named_request_middleware
                else self._request_middleware
            )
            if request_middleware:
                try:
                    response = await run_request_middleware(request, request_middleware)
                except Exception as failure:
                    # This exception is answered instead, without another run of request middleware.
                    raised, error = failure, self._answerable(request, failure)
                    subject = as_sanic_exception(error)
                    await self.report_and_fire(request, raised)
        if response:
            is_handled = True
        else:
            response, is_handled = await self._response(request, error, subject)
        if (self._response_middleware or self._named_response_middleware) and not request.responded:
            response = await self.run_response_middleware(request, response)
        if not callable(response):
            response = await self._ensure_response(request, response)
        if self._listens_to_responses:
            await self._events.fire_safely(Event.HTTP_LIFECYCLE_RESPONSE, request=request, response=response)
        if request.responded or isinstance(response, ResponseStream):
            response = partial(self._answers.send_other, request, response)
        return response, None if is_handled else raised

    async def report(self, request: Request, error: BaseException) -> BaseException | None:
        """Log and report an exception of an open websocket; return it if it has to be raised.

        As in Sanic, neither exception handlers nor response middleware run, because there is no response.
        """
        app = self._app
        if type(error) is TypeError:
            _explain_arguments(request, error)
        subject = as_sanic_exception(only_member(error))
        is_handled = issubclass(type(subject), SanicException)
        app.error_handler.log(request, subject if is_handled else error)
        if app.signal_router.routes:
            await app.signal_router._report(error, answered=True)
        return None if is_handled else error

    async def report_and_fire(self, request: Request, raised: BaseException) -> None:
        """Report an exception that has a response, and fire its event."""
        if self._app.signal_router.routes:
            await self._app.signal_router._report(raised, answered=True)
        if self._listens_to_exceptions:
            await self._events.fire_safely(Event.HTTP_LIFECYCLE_EXCEPTION, request=request, exception=raised)

    def _answerable(self, request: Request, error: BaseException) -> BaseException:
        """Return the exception to answer: the only member of a group if that has a handler, else the exception itself.

        A group is not unwrapped if a handler was registered for its own class, or if only a handler for `Exception`
        matches, which handles groups too.
        """
        if not issubclass(type(error), BaseExceptionGroup):
            return error
        member = only_member(error)
        if not issubclass(type(member), Exception) or member is error:
            return error
        lookup, name = self._app.error_handler._registered_handler, request.name
        general_handler = lookup(Exception(), name)
        if lookup(error, name) not in (None, general_handler):
            return error
        if issubclass(type(member), HTTPException) or lookup(member, name) not in (None, general_handler):
            return member
        return error

    def handles(self, request: Request, error: BaseException) -> bool:
        """Return whether `answer` handles an exception completely, so that it is not raised again."""
        if (request.responded or request._writer is not None) and self._answers.has_begun(request):
            return False
        if issubclass(type(error), BaseExceptionGroup):
            error = self._answerable(request, error)
        if issubclass(type(error), HTTPException):
            return True
        table = self._app.error_handler
        return table.handles(table._registered_handler(error, request.name), error)

    def handles_class(self, request: Request, kind: type[Exception]) -> bool:
        """Do the same as `handles` for an exception class."""
        return not self._answers.has_begun(request) and self._app.error_handler._handles_class(kind, request.name)

    def find_own_handler(self, request: Request, error: BaseException) -> tuple[Callable[..., Any] | None, bool]:
        """Return the handler that was registered for this kind of exception; handlers for `Exception` don't count.

        The second value is whether the handler takes Sanic's exception of the same status.
        """
        return self._app.error_handler._match_own(error, request.name)

    async def answer_inside(self, connection: Any, error: Exception) -> ASGIApp | None:
        """Return the response to an exception for one of Starlette's routes, which sends it through its middleware.

        Args:
            connection: Starlette's request; handlers get the application's own.
            error: the exception that the route has raised.
        """
        request: Any = current_request()
        # The scope outside the mount. A copy, because the mount's middleware still uses its own scope.
        request.scope = {**request.scope, **request._outer, "app": self._app}
        response, _ = await self.answer(request, error)
        return response

    async def run_response_middleware(self, request: Request, response: Any) -> Any:
        """Run response middleware once per request."""
        if request._response_middleware_started:
            return response
        response_middleware = (
            self._named_response_middleware.get(request.name or "", self._response_middleware)
            if self._named_response_middleware
            else self._response_middleware
        )
        return await run_response_middleware(request, response, response_middleware)

    async def _response(self, request: Request, error: BaseException, subject: BaseException) -> tuple[Any, bool]:
        """Return the exception handler's response or the error page, and whether that handles the exception."""
        table = self._app.error_handler
        is_handled = True
        try:
            try:
                if getattr(table.response, "__func__", None) is OWN_RESPONSE:
                    answer, is_handled = table._respond(request, error)
                else:
                    request._is_error_handled = None
                    answer = table.response(request, error)
                    if not isinstance(answer, HTTPResponse) and isawaitable(answer):
                        answer = await answer
                    is_handled = table._handles_by_response(request, error)
                if not isinstance(answer, HTTPResponse) and isawaitable(answer):
                    answer = await answer
            except (SanicException, HTTPException) as raised:
                answer = table.default(request, as_sanic_exception(raised))
            if not has_valid_head(answer):
                check_foreign(answer)
        except Exception as raised:
            answer = self._response_to_failure(raised)
        is_handled = is_handled or issubclass(type(subject), SanicException)
        # Response middleware may convert any value but `None` to a response.
        return (await self._ensure_response(request, answer) if answer is None else answer), is_handled

    def _response_to_failure(self, raised: Exception) -> HTTPResponse:
        """Return the response if the exception handler itself raises."""
        log_error(error_logger, raised, "Exception raised in exception handler")
        if not self._app.debug:
            return HTTPResponse("An error occurred while handling an error", 500)
        message = f"Error while handling error: {message_of(raised)}\nStack: {format_error(raised)}"
        return HTTPResponse(encodable(message), 500)

    async def _ensure_response(self, request: Request, response: Any) -> Any:
        """Return a response to an exception; if `response` is not a valid response, an error page that says so."""
        if _is_sendable(request, response):
            return response
        invalid_response = ServerError(f"Invalid response type {response!r} (need HTTPResponse)")
        response, _ = await self._response(request, invalid_response, invalid_response)
        return (
            response if _is_sendable(request, response) else self._app.error_handler.default(request, invalid_response)
        )

    async def handle_background_failure(self, request: Request, error: BaseException) -> None:
        """Log the exception of a background task, and call its exception handler, as Starlette does.

        The response was already sent, so the handler's response is dropped.
        """
        log_error(error_logger, error, BACKGROUND_FAILED, request.scope["path"])
        await self._call_dropped(request, error)

    async def _call_dropped(self, request: Request, error: BaseException) -> None:
        """Call the handler of an exception, if there is one, and drop its response."""
        handler, takes_twin = self._app.error_handler._match_any(error, request.name)
        if handler is None:
            return
        try:
            answer = handler(request, as_sanic_exception(error) if takes_twin else error)
            if isawaitable(answer):
                await answer
        except Exception as raised:
            log_error(error_logger, raised, "Exception raised in exception handler")

    def _log_too_late(self, request: Request, error: BaseException, subject: BaseException) -> None:
        """Log an exception that was raised after a part of the response was sent."""
        app = self._app
        app.error_handler.log(request, subject)
        handler = app.error_handler.lookup(error, request.name)
        if handler is not None:
            logger.warning(
                "The exception handler %s is not called: a part of the response to %r was already sent",
                getattr(handler, "__name__", repr(handler)),
                url_for_log(request),
            )
        if attribute(subject, "quiet", False) and not app.config.NOISY_EXCEPTIONS:
            # Exceptions are quiet because their status informs the client. Here the client does not get it.
            log_error(
                error_logger,
                subject,
                "Exception after the response to %r has begun: the client does not get an error response",
                url_for_log(request),
            )


class _HandlersForStarlette(dict[Any, Any]):
    """The exception handlers by class, for Starlette's look-up; computed each time, because handlers may be added."""

    def __init__(self, answers: ErrorAnswers) -> None:
        self._answers = answers

    def __contains__(self, kind: object) -> bool:
        if not isinstance(kind, type) or not issubclass(kind, Exception):
            return False
        try:
            request: Any = current_request()
        except LookupError:
            return False
        return self._answers.handles_class(request, kind)

    def __getitem__(self, kind: Any) -> Any:
        return self._answers.answer_inside


def _explain_arguments(request: Request, error: TypeError) -> None:
    """Add a note to the exception if the handler was called with missing or unknown arguments."""
    # Imported late: only an error needs it.
    from sanic_star.compat._app.arguments import explain

    explain(request, error)


def _is_sendable(request: Request, response: Any) -> bool:
    return request.responded or isinstance(response, ResponseStream) or callable(response)
