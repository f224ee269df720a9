"""The seams of the engine: what it asks of the layer above, and what it finds on the application.

An application *has* an engine. `Behaviour` is all that the engine asks of the layer above; a collaborator of the
application implements it, never the application itself. So a user's subclass may have an attribute of any name. `Host`
is what the engine uses of the application: Starlette's own names, which tools replace, and the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    from sanic_star.applications import Engine
    from sanic_star.lifespan import Phase
    from sanic_star.requests import Request
    from sanic_star.routing import Call, Route, Router, WebSocketRoute
    from sanic_star.steps import Limit


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits that requests are kept to; `None` stands for no limit.

    Attributes:
        body: the largest body for a route that sets no limit, in bytes.
        field: the longest field of a form that a parser reads, in bytes.
        part_s: how long one part of a request's body may take, in seconds.
        whole_body_s: how long a whole body may take apart from what its size adds, in seconds.
        response_s: how long a response may take to begin, in seconds.
        graceful_s: how long requests may take to end at the stop, in seconds.
        cuts_at_stop: whether the stop waits for no request: in development, where it mostly is a restart.
    """

    body: int | None = None
    field: int | None = None
    part_s: float | None = None
    whole_body_s: float | None = None
    response_s: float | None = None
    graceful_s: float = 15.0
    cuts_at_stop: bool = False


class Behaviour(Protocol):
    """All that the engine asks of the layer above it."""

    # When the application is finalised ------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Check and arrange what routes are compiled from; called first whenever the application is finalised."""

    def compile(self, route: Route | WebSocketRoute) -> Call:
        """Return what a route calls with its connection."""

    def compile_fallback(self) -> Call:
        """Return what answers where no route does."""

    def compile_forward(self) -> Call:
        """Return what hands the connection on to a mounted application or to one of Starlette's own routes."""

    def finalised(self) -> None:
        """Close what nothing may be added to from here on."""

    def limits(self) -> Limits:
        """Return the limits as they are set now."""

    def logged(self, app: ASGIApp) -> ASGIApp:
        """Return what logs the requests that `app` answers, or `app` itself."""

    def surround(self, app: ASGIApp) -> ASGIApp:
        """Return what requests meet first once the application has started."""

    # While it answers requests --------------------------------------------------------------------------------------

    def has_begun(self, request: Any) -> bool:
        """Tell whether a part of the response is sent already, as far as the request knows."""

    async def answer(self, request: Any, error: BaseException) -> tuple[ASGIApp | None, BaseException | None]:
        """Return the response to an exception, `None` where another one has begun, and what is still to be raised.

        The second is `None` where the response settles the exception, else the exception to raise after the response.
        """

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

    async def drain(self) -> None:
        """Wait for background work that shall not be cut off at the stop."""

    def stopped(self) -> None:
        """Let things be added again, for the next start."""


class Host(Protocol):
    """An application that has an engine. All names but the engine's are Starlette's."""

    user_middleware: list[Middleware]
    middleware_stack: ASGIApp | None
    max_body_size: int | None
    _engine: Engine

    @property
    def router(self) -> Router:
        """The application's router."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a connection."""


class MakeRequest(Protocol):
    """Makes the request of a connection: a class, or a function."""

    def __call__(self, scope: Scope, receive: Receive, send: Send, /) -> Request:
        """Return the request."""
