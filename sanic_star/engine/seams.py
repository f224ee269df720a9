"""The seams of the engine: what it asks of the layer above, and what it finds on the application.

An application *has* an engine. `Behaviour` is all that the engine asks of the layer above; a collaborator of the
application implements it, never the application itself. So a user's subclass may have an attribute of any name. `Host`
is what the engine uses of the application: Starlette's own names, which tools replace, and the engine.
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
    """All that the engine asks of the layer above it."""

    # When the application is finalised ------------------------------------------------------------------------------

    def prepare(self) -> Limits:
        """Check and arrange what routes are compiled from; called first whenever the application is finalised.

        Returns:
            The limits that hold until the next time.
        """

    def compile(self, *routes: Route | WebSocketRoute) -> None:
        """Give each of these routes the callable that it calls with its connection."""

    def compile_fallback(self) -> Call:
        """Return what answers where no route does."""

    def compile_forward(self) -> Call:
        """Return what hands the connection on to a mounted application or to one of Starlette's own routes."""

    def finalised(self) -> None:
        """Arrange the router's index, and close what nothing may be added to from here on."""

    def finalise(self) -> None:
        """Finalise the application at its start; calls the engine's `finalise`, perhaps by methods of the user's."""

    def limits(self) -> Limits:
        """Return the limits as they are set now."""

    def logged(self, app: ASGIApp) -> ASGIApp:
        """Return what logs the requests that `app` answers, or `app` itself."""

    def hand_over(self, dispatch: ASGIApp) -> ASGIApp:
        """Return what is called instead of the dispatch, or the dispatch itself.

        What is called makes the request of a connection, and leaves it for the dispatch in the scope, as `HANDED`.
        """

    def surround(self, app: ASGIApp) -> ASGIApp:
        """Return what requests meet first once the application has started."""

    # While it answers requests --------------------------------------------------------------------------------------

    def has_begun(self, request: Any) -> bool:
        """Tell whether a part of the response is sent already, as far as the request knows."""

    async def answer(self, request: Any, error: BaseException) -> tuple[ASGIApp | None, BaseException | None]:
        """Return the response to an exception, `None` where another one has begun, and what is still to be raised.

        The second is `None` where the response settles the exception, else the exception to raise after the response.
        """

    async def report(self, request: Any, error: BaseException) -> BaseException | None:
        """Log an exception that no response can answer: its websocket is open. Return what is still to be raised."""

    async def run_websocket_handler(self, connection: Any, error: Any) -> None:
        """Call the user's exception handler for a `WebSocketException`; the engine closes what that leaves open.

        Args:
            connection: the websocket; its client is still there.
            error: the exception.
        """

    def settles(self, request: Any, error: BaseException) -> bool:
        """Tell whether `answer` settles an exception; asked where the user's ASGI middleware is still to be passed."""

    async def send_other(self, request: Any, response: Any, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what a route's callable returned where that is none of the engine's responses."""

    def declare_streams(self) -> None:
        """Tell the engine of endless responses that nobody watches yet; called before the stop ends them."""

    # Start and stop -------------------------------------------------------------------------------------------------

    async def run_phase(self, phase: Phase) -> None:
        """Run the listeners of a phase."""

    def step_limit(self, stopping: bool) -> Limit | None:
        """Return how long a listener or a lifespan may take; `None` for no limit.

        Args:
            stopping: whether it belongs to the stop.
        """

    def stopping(self) -> None:
        """Hear that a server of this package begins its stop."""

    async def drain(self) -> None:
        """Wait for background work that shall not be cut off at the stop."""

    def stopped(self) -> None:
        """Let things be added again, for the next start."""


class RunningLifecycle(Protocol):
    """The life cycle of an application, as a server of ours uses it; see `lifespan.Lifecycle`."""

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
    """What ends the requests in flight; see `timeouts.Sweeper`."""

    async def refuse(self, error: RefusedRequest, scope: Scope, receive: Receive, send: Send) -> None: ...
    def cut_all(self, engines: Sequence[RunningEngine]) -> None: ...
    def end_all(self) -> None: ...


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
    def cut_short(self, request: Request, task: asyncio.Task[Any], error: HTTPException) -> None: ...
    async def refuse(
        self, request: Request, error: BaseException, scope: Scope, receive: Receive, send: Send, /
    ) -> None: ...


class Host(Protocol):
    """An application that has an engine. All names but the engine's are Starlette's."""

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
    """Makes the request of a connection: a class, or a function."""

    def __call__(self, scope: Scope, receive: Receive, send: Send, /) -> Request:
        """Return the request."""
