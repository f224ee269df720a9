"""The answers to exceptions, composed when the application is finalised.

An exception goes one way, whether the router raised it (404, 405, 426), a handler, a middleware, or the engine:

    signals              server.exception.report, http.lifecycle.exception
    request middleware   unless it has run already
    exception handler    the one that `ErrorHandler` finds, else the error page
    response middleware  unless it has run already
    signals              http.lifecycle.response

Which signals somebody listens to, and which middleware runs in which order, is known when the application is finalised.
So a step that nobody uses costs one truth test, and nothing is sorted or searched for a single error.
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
from sanic_star.compat._app.pipeline import Step, respond_through, run_before
from sanic_star.compat.compat import check_foreign
from sanic_star.compat.exceptions import SanicException, ServerError
from sanic_star.compat.log import error_logger, logger
from sanic_star.compat.middleware import MiddlewareLocation
from sanic_star.compat.request._url import url_for_log
from sanic_star.compat.response._writer import BACKGROUND_FAILED
from sanic_star.compat.response.types import HTTPResponse, ResponseStream, is_surely_valid
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
        """What is asked of the answers of an application; see `answers.Answers`."""

        @property
        def app(self) -> Application: ...
        def has_begun(self, request: Any, /) -> bool: ...
        async def send_other(
            self, request: Any, response: Any, scope: Scope, receive: Receive, send: Send, /
        ) -> None: ...
        def _steps(self, location: MiddlewareLocation, name: str | None, /) -> list[Step]: ...


class ErrorAnswers:
    """Answers the exceptions of one application.

    Args:
        answers: asks this object; has the application.
        events: the events that somebody listens to.
        before: the request middleware for all routes, in its order.
        after: the response middleware for all routes, in its order.
    """

    def __init__(self, answers: Answers, events: Events, before: list[Step], after: list[Step]) -> None:
        self._answers = answers
        self._app = app = answers.app
        self._events = events
        self._listens = Event.HTTP_LIFECYCLE_EXCEPTION in events.emitters
        self._listens_to_responses = Event.HTTP_LIFECYCLE_RESPONSE in events.emitters
        self._before, self._after = before, after
        # What Starlette's routes find in `scope["starlette.exception_handlers"]`: by class, and by status.
        self.handlers_for_starlette: tuple[dict[Any, Any], dict[Any, Any]] = _HandledInside(self), {}
        requests, responses = MiddlewareLocation
        self._named_before = {name: answers._steps(requests, name) for name in app.named_request_middleware}
        self._named_after = {name: answers._steps(responses, name) for name in app.named_response_middleware}

    async def answer(self, request: Request, error: BaseException) -> Answer:
        """Return the response to an exception, with middleware applied, and what is still to be raised.

        The response is `None` where another one has begun; the exception is `None` where the response settles it.
        """
        # Signals get the group that was raised, exception handlers its only member.
        raised = error
        if issubclass(type(error), BaseExceptionGroup):
            error = self._answerable(request, error)
        subject = error if issubclass(type(error), SanicException) else as_sanic_exception(error)
        if type(error) is RefusedRequest:
            # The engine has no other words for it. Handlers see Sanic's exception, as if that had been raised.
            error = subject
            raised = raised if issubclass(type(raised), BaseExceptionGroup) else subject
        if self._app.signal_router.routes:
            await self.tell(request, raised)
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
            before = self._named_before.get(request.name or "", self._before) if self._named_before else self._before
            if before:
                try:
                    response = await run_before(request, before)
                except Exception as failure:
                    # From here on it is what went wrong, and its answer runs no middleware again.
                    raised, error = failure, self._answerable(request, failure)
                    subject = as_sanic_exception(error)
                    await self.tell(request, raised)
        if response:
            settled = True
        else:
            response, settled = await self._response(request, error, subject)
        if (self._after or self._named_after) and not request.responded:
            response = await self.respond_through(request, response)
        if not callable(response):
            response = await self._checked(request, response)
        if self._listens_to_responses:
            await self._events.fire_safely(Event.HTTP_LIFECYCLE_RESPONSE, request=request, response=response)
        if request.responded or isinstance(response, ResponseStream):
            response = partial(self._answers.send_other, request, response)
        return response, None if settled else raised

    async def report(self, request: Request, error: BaseException) -> BaseException | None:
        """Log an exception of an open websocket, and report it; return it if it is still to be raised.

        As in Sanic, neither exception handlers nor response middleware run: there is no response to make.
        """
        app = self._app
        subject = as_sanic_exception(only_member(error))
        is_settled = issubclass(type(subject), SanicException)
        app.error_handler.log(request, subject if is_settled else error)
        if app.signal_router.routes:
            await app.signal_router._report(error, answered=True)
        return None if is_settled else error

    async def tell(self, request: Request, raised: BaseException) -> None:
        """Report an exception that is answered, and fire its event."""
        if self._app.signal_router.routes:
            await self._app.signal_router._report(raised, answered=True)
        if self._listens:
            await self._events.fire_safely(Event.HTTP_LIFECYCLE_EXCEPTION, request=request, exception=raised)

    def _answerable(self, request: Request, error: BaseException) -> BaseException:
        """Return the exception to answer: of a group with a single exception that one, if something answers it.

        A group stays a group where a handler was registered for its own class, or where only a handler for `Exception`
        answers, which answers groups, too.
        """
        if not issubclass(type(error), BaseExceptionGroup):
            return error
        only = only_member(error)
        if not issubclass(type(only), Exception) or only is error:
            return error
        lookup, name = self._app.error_handler._registered, request.name
        general = lookup(Exception(), name)
        if lookup(error, name) not in (None, general):
            return error
        if issubclass(type(only), HTTPException) or lookup(only, name) not in (None, general):
            return only
        return error

    def settles(self, request: Request, error: BaseException) -> bool:
        """Tell whether `answer` settles an exception, so that nothing is raised again."""
        if (request.responded or request._writer is not None) and self._answers.has_begun(request):
            return False
        if issubclass(type(error), BaseExceptionGroup):
            error = self._answerable(request, error)
        if issubclass(type(error), HTTPException):
            return True
        table = self._app.error_handler
        return table.settles(table._registered(error, request.name), error)

    def settles_class(self, request: Request, kind: type[Exception]) -> bool:
        """Do what `settles` does for an exception of which only the class is known."""
        return not self._answers.has_begun(request) and self._app.error_handler._settles_class(kind, request.name)

    def find_own_handler(self, request: Request, error: BaseException) -> tuple[Callable[..., Any] | None, bool]:
        """Return the handler that was registered for such exceptions in particular, not for any exception.

        The second value tells whether it takes Sanic's exception of the same status.
        """
        return self._app.error_handler._match_own(error, request.name)

    async def answer_inside(self, connection: Any, error: Exception) -> ASGIApp | None:
        """Return the response to an exception for one of Starlette's routes, which sends it through its middleware.

        Args:
            connection: Starlette's request; handlers get the application's own.
            error: what the route has raised.
        """
        request: Any = current_request()
        # As around the mount; a copy, because the middleware of the mount goes on with its scope.
        request.scope = {**request.scope, **request._outer, "app": self._app}
        response, _ = await self.answer(request, error)
        return response

    async def respond_through(self, request: Request, response: Any) -> Any:
        """Run response middleware, once for each request."""
        if request._response_middleware_started:
            return response
        after = self._named_after.get(request.name or "", self._after) if self._named_after else self._after
        return await respond_through(request, response, after)

    async def _response(self, request: Request, error: BaseException, subject: BaseException) -> tuple[Any, bool]:
        """Return what the exception handler answers, else the error page, and whether that settles the exception."""
        table = self._app.error_handler
        settled = True
        try:
            try:
                if getattr(table.response, "__func__", None) is OWN_RESPONSE:
                    answer, settled = table._respond(request, error)
                else:
                    request._is_error_settled = None
                    answer = table.response(request, error)
                    if not isinstance(answer, HTTPResponse) and isawaitable(answer):
                        answer = await answer
                    settled = table._settles_by_response(request, error)
                if not isinstance(answer, HTTPResponse) and isawaitable(answer):
                    answer = await answer
            except (SanicException, HTTPException) as raised:
                answer = table.default(request, as_sanic_exception(raised))
            if not is_surely_valid(answer):
                check_foreign(answer)
        except Exception as raised:
            answer = self._of_failure(raised)
        settled = settled or issubclass(type(subject), SanicException)
        # Response middleware may make a response of anything but nothing.
        return (await self._checked(request, answer) if answer is None else answer), settled

    def _of_failure(self, raised: Exception) -> HTTPResponse:
        """Return the answer where the exception handler itself has failed."""
        log_error(error_logger, raised, "Exception raised in exception handler")
        if not self._app.debug:
            return HTTPResponse("An error occurred while handling an error", 500)
        explained = f"Error while handling error: {message_of(raised)}\nStack: {format_error(raised)}"
        return HTTPResponse(encodable(explained), 500)

    async def _checked(self, request: Request, response: Any) -> Any:
        """Return the answer to an exception; for one that is no response, the answer to this mistake."""
        if _is_answer(request, response):
            return response
        mistake = ServerError(f"Invalid response type {response!r} (need HTTPResponse)")
        response, _ = await self._response(request, mistake, mistake)
        return response if _is_answer(request, response) else self._app.error_handler.default(request, mistake)

    async def handle_background_failure(self, request: Request, error: BaseException) -> None:
        """Log the exception of a background task, and call its exception handler, as Starlette does.

        The response to the request is sent; what the handler returns is dropped.
        """
        log_error(error_logger, error, BACKGROUND_FAILED, request.scope["path"])
        await self._call_dropped(request, error)

    async def _call_dropped(self, request: Request, error: BaseException) -> None:
        """Call the handler of an exception, if there is one, and drop the response that it makes."""
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
        """Log an exception after a part of the response is sent: no client hears of it."""
        app = self._app
        app.error_handler.log(request, subject)
        handler = app.error_handler.lookup(error, request.name)
        if handler is not None:
            logger.warning(
                "Its exception handler %s is not called: a part of the response to %r is sent",
                getattr(handler, "__name__", repr(handler)),
                url_for_log(request),
            )
        if attribute(subject, "quiet", False) and not app.config.NOISY_EXCEPTIONS:
            # A quiet one may be so because its status tells the client. Of this one nobody else would hear.
            log_error(
                error_logger,
                subject,
                "Exception after the response to %r has begun: the client is not told of it",
                url_for_log(request),
            )


class _HandledInside(dict[Any, Any]):
    """The exception handlers by class, as Starlette looks them up; asked anew each time, for handlers may be added."""

    def __init__(self, answers: ErrorAnswers) -> None:
        self._answers = answers

    def __contains__(self, kind: object) -> bool:
        if not isinstance(kind, type) or not issubclass(kind, Exception):
            return False
        try:
            request: Any = current_request()
        except LookupError:
            return False
        return self._answers.settles_class(request, kind)

    def __getitem__(self, kind: Any) -> Any:
        return self._answers.answer_inside


def _is_answer(request: Request, response: Any) -> bool:
    return request.responded or isinstance(response, ResponseStream) or callable(response)
