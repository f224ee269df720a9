"""Protocols of the application for its own parts: `compat.app` imports the parts, so they cannot import it.

`Sanic` has a runner, background tasks and answers, each in a module of its own. They get the application, and use
it through these Protocols.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from sanic_star.engine.seams import Host

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine

    from sanic_star.compat._app.error_handler import ErrorHandler
    from sanic_star.compat._app.listeners import Listeners
    from sanic_star.compat.application.state import ApplicationState
    from sanic_star.compat.config import Config
    from sanic_star.compat.middleware import Middleware
    from sanic_star.compat.router import Router
    from sanic_star.compat.signals import SignalRouter
    from sanic_star.compat.types.shared_ctx import SharedContext
    from sanic_star.compat.worker.manager import WorkerManager
    from sanic_star.engine.application import Engine
    from sanic_star.engine.threads import ThreadPool


class BackgroundOfApplication(Protocol):
    """The methods of the background tasks that `Answers` uses."""

    delayed: list[Any]
    dispatches: Any

    def begin_to_drain(self) -> None: ...
    def start_dispatch(self, job: Coroutine[Any, Any, Any], event: str, /) -> asyncio.Task[Any]: ...
    async def drain_dispatches(self, seconds: float, /) -> None: ...
    def start_delayed_tasks(self) -> None: ...
    def start_timers(self) -> None: ...
    async def drain_tasks(self, seconds: float, /) -> None: ...


class RunnerOfApplication(Protocol):
    """The members of the runner that the start of an application uses."""

    is_stopped: bool
    has_logged_server_settings: bool
    inspector: Any
    manager: WorkerManager | None

    def extend(self) -> None: ...
    def set_up_logging(self) -> None: ...
    def log_server_settings(self) -> None: ...
    def warn_of_main_listeners(self, reason: str) -> None: ...


class AnswersOfApplication(Protocol):
    """The members of `Answers` that background tasks and functions in threads use."""

    loop: asyncio.AbstractEventLoop | None

    @property
    def threads(self) -> ThreadPool: ...


class Application(Host, Protocol):
    """The members of the application that its parts use."""

    _app_registry: ClassVar[dict[str, Any]]
    name: str
    debug: bool
    _debug: bool
    auto_reload: bool
    state: ApplicationState
    error_handler: ErrorHandler
    signal_router: SignalRouter
    exception_handlers: Any
    request_middleware: deque[Middleware]
    response_middleware: deque[Middleware]
    named_request_middleware: dict[str, deque[Middleware]]
    named_response_middleware: dict[str, deque[Middleware]]
    _listeners: Listeners
    _server_classes: tuple[type[Any] | None, type[Any] | None]
    _sync_handlers: str

    @property
    def config(self) -> Config: ...
    @property
    def router(self) -> Router: ...
    @property
    def _engine(self) -> Engine: ...
    @property
    def _answers(self) -> AnswersOfApplication: ...
    @property
    def shared_ctx(self) -> SharedContext: ...
    @property
    def listeners(self) -> Mapping[str, Sequence[Any]]: ...
    @property
    def _background(self) -> BackgroundOfApplication: ...
    @property
    def _runner(self) -> RunnerOfApplication: ...
    @property
    def add_task(self) -> Any: ...
    @property
    def get_task(self) -> Any: ...
    @property
    def _startup(self) -> Any: ...
    @property
    def dispatch(self) -> Any: ...
    @property
    def finalize(self) -> Any: ...
    @property
    def finalize_middleware(self) -> Any: ...
    @property
    def get_motd_data(self) -> Any: ...
    @property
    def handle_exception(self) -> Any: ...
    @property
    def handle_request(self) -> Any: ...
    @property
    def motd(self) -> Any: ...
    @property
    def shutdown_tasks(self) -> Any: ...
    @property
    def signalize(self) -> Any: ...
    @property
    def stop(self) -> Any: ...
    def unregister_app(self, app: Any, /) -> None: ...
