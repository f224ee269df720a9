"""The Protocols between the engine and the layer above it.

An application *has* an engine. `Behaviour` lists all calls of the engine to the layer above. A collaborator of the
application implements it, never the application itself, so a user's subclass may have an attribute of any name. `Host`
lists the attributes of the application that the engine uses: Starlette's names, which tools replace, and the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence
    from types import CodeType

    from starlette.exceptions import HTTPException

    from sanic_star.engine.failures import RefusedRequest
    from sanic_star.engine.requests import Limits, Request
    from sanic_star.engine.routing import Call, Route, Router, WebSocketRoute
    from sanic_star.engine.steps import Limit, Phase, Stage, Starter
    from sanic_star.engine.streams import OpenStreams


class Behaviour(Protocol):
    """All calls of the engine to the layer above it."""

    # When the application is finalised ------------------------------------------------------------------------------

    def prepare(self) -> Limits:
        """Validate the settings, and prepare what routes are compiled from; the first step of each finalisation.

        Returns:
            The limits that hold until the next finalisation.
        """

    def compile(self, *routes: Route | WebSocketRoute) -> None:
        """Set the `call` of each route: the callable that gets its connections.

        Args:
            routes: the routes.
        """

    def compile_fallback(self) -> Call:
        """Return the callable for connections that no route matches."""

    def compile_forward(self) -> Call:
        """Return the callable that passes a connection on to a mounted application or to one of Starlette's routes."""

    def build_index(self) -> None:
        """Build the router's index, and close the router to further routes; the last step of each finalisation."""

    def finalise(self) -> None:
        """Finalise the application at its start: call the engine's `finalise`, through overridden methods if any."""

    def limits(self) -> Limits:
        """Return the limits of the current settings."""

    def with_access_log(self, app: ASGIApp) -> ASGIApp:
        """Return an ASGI application that logs the requests that `app` answers; without an access log, `app`.

        Args:
            app: the application inside.
        """

    def wrap_dispatch(self, dispatch: ASGIApp) -> ASGIApp:
        """Return an ASGI application that calls the dispatch; usually the dispatch itself.

        Another application makes the request of a connection, and puts it into the scope as `PREPARED_REQUEST`.

        Args:
            dispatch: the dispatch.
        """

    def wrap_stack(self, app: ASGIApp) -> ASGIApp:
        """Return the outermost ASGI application of a started application; usually `app`.

        Args:
            app: the dispatch and the ASGI middleware around it.
        """

    # While it answers requests --------------------------------------------------------------------------------------

    def has_begun(self, request: Any) -> bool:
        """Return whether a part of the response has been sent.

        Args:
            request: the request.
        """

    async def answer(self, request: Any, error: BaseException) -> tuple[ASGIApp | None, BaseException | None]:
        """Make the response to an exception.

        Args:
            request: the request that failed.
            error: the exception.

        Returns:
            The response, `None` if another one has begun; and the exception to raise after the response, `None` if the
            response handles it completely.
        """

    async def report(self, request: Any, error: BaseException) -> BaseException | None:
        """Log an exception that cannot be answered by a response, because the websocket is open.

        Args:
            request: the request of the websocket's handshake.
            error: the exception.

        Returns:
            The exception to raise afterwards, or `None`.
        """

    async def run_websocket_handler(self, connection: Any, error: Any) -> None:
        """Call the user's exception handler for a `WebSocketException`; the engine closes what that leaves open.

        Args:
            connection: the websocket; its client has not left.
            error: the exception.
        """

    def handles(self, request: Any, error: BaseException) -> bool:
        """Return whether `answer` handles an exception completely, so that ASGI middleware does not get it.

        Args:
            request: the request that failed.
            error: the exception.
        """

    async def send_other(self, request: Any, response: Any, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a result of a route's callable that is not a response of the engine's.

        Args:
            request: the request.
            response: the result.
            scope: the ASGI scope of the request.
            receive: the ASGI `receive`.
            send: the ASGI `send`.
        """

    def declare_streams(self) -> None:
        """Register endless responses that are not watched yet; called before a stop ends them."""

    # Start and stop -------------------------------------------------------------------------------------------------

    async def run_phase(self, phase: Phase) -> None:
        """Run the listeners of a phase.

        Args:
            phase: the phase.
        """

    def step_limit(self, stopping: bool) -> Limit | None:
        """Return the time limit of a listener or a lifespan; `None` for no limit.

        Args:
            stopping: whether it belongs to the stop.
        """

    def stopping(self) -> None:
        """Called when a server of this package begins its stop, before any listener."""

    async def drain(self) -> None:
        """Wait for background work that the stop must not cancel at once."""

    def stopped(self) -> None:
        """Called at the end of a stop: the application accepts routes and listeners again."""


class RunningLifecycle(Protocol):
    """The life cycle of an application, as far as a server of this package uses it; see `lifespan.Lifecycle`."""

    starter: Starter
    owns_process: bool
    on_stop_step: Callable[[str, float | None], None] | None

    @property
    def stage(self) -> Stage: ...
    @property
    def is_up(self) -> bool: ...
    @property
    def stopping(self) -> bool: ...
    @property
    def step(self) -> str: ...
    async def after_start(self) -> None: ...
    async def before_stop(self) -> None: ...
    async def stop(self) -> None: ...


class RunningSweeper(Protocol):
    """The part that cancels requests in flight; see `timeouts.Sweeper`."""

    async def refuse(self, error: RefusedRequest, scope: Scope, receive: Receive, send: Send) -> None: ...
    def cancel_all(self, engines: Sequence[RunningEngine]) -> None: ...
    def abort_all(self) -> None: ...


class RunningEngine(Protocol):
    """An engine, as its life cycle, its sweeper and the servers use it; see `application.Engine`."""

    lazy_state: dict[str, Any]
    dispatch_codes: frozenset[CodeType]
    fail_code: CodeType

    @property
    def app(self) -> Host: ...
    @property
    def behaviour(self) -> Behaviour: ...
    @property
    def streams(self) -> OpenStreams: ...
    @property
    def lifecycle(self) -> RunningLifecycle: ...
    @property
    def limits(self) -> Limits: ...
    @property
    def kept_limits(self) -> Limits: ...
    @property
    def make_request(self) -> MakeRequest: ...
    @property
    def sweeper(self) -> RunningSweeper: ...
    def finalise(self) -> None: ...
    def started(self) -> None: ...
    def stopped(self) -> None: ...
    def mounted(self) -> Sequence[RunningEngine]: ...
    async def endless_ended(self, seconds: float, /) -> bool: ...
    async def requests_ended(self) -> None: ...
    def cancel_and_answer(self, request: Request, task: asyncio.Task[Any], error: HTTPException) -> None: ...
    async def refuse(
        self, request: Request, error: BaseException, scope: Scope, receive: Receive, send: Send, /
    ) -> None: ...


class Host(Protocol):
    """An application that has an engine. All other names are Starlette's."""

    user_middleware: list[Middleware]
    middleware_stack: ASGIApp | None
    max_body_size: int | None

    @property
    def _engine(self) -> RunningEngine: ...
    @property
    def router(self) -> Router:
        """The application's router."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a connection."""


class MakeRequest(Protocol):
    """A class or function that makes the request of a connection."""

    def __call__(self, scope: Scope, receive: Receive, send: Send, /) -> Request:
        """Make a request from the three arguments of an ASGI application."""
