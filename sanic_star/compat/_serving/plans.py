"""The plan for `sanic_star.servers`: the applications to serve, and the way for another process to find them.

Another process imports the main module again, or calls the application's factory. Options of the run (debug mode,
verbosity, `shared_ctx`) are sent with the plan.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from socket import socket
from typing import TYPE_CHECKING, Any

from sanic_star.compat._app.registry import find_application
from sanic_star.compat.application.constants import ServerStage
from sanic_star.compat.exceptions import SanicException
from sanic_star.compat.log import VerbosityFilter, error_logger, logger
from sanic_star.compat.types.shared_ctx import lock, shared_values
from sanic_star.engine.failures import log_error
from sanic_star.engine.steps import StepTimeout
from sanic_star.servers.settings import CannotServe, Settings

if TYPE_CHECKING:
    from sanic_star.servers import Plan
    from sanic_star.servers.jobs import Jobs


@dataclass
class ApplicationServerInfo:
    """One address at which an application is served.

    Attributes of Sanic: `settings`, `stage`, and `server`, which only users set. Attributes for `sanic_star.servers`:
    `backend_settings`, `sock`, `handles_signals`.
    """

    settings: dict[str, Any]
    stage: ServerStage = field(default=ServerStage.STOPPED)
    server: Any = None
    backend_settings: Settings = field(default_factory=Settings)
    sock: socket | None = None
    handles_signals: bool = True


@dataclass
class Loader:
    """A factory with the interface of `AppLoader`."""

    load: Callable[[], Any]


@dataclass
class _RunOptions:
    """The options with which an application was prepared, for its copies in other processes."""

    name: str
    debug: bool
    state: dict[str, Any]
    config: dict[str, Any]
    shared: dict[str, Any]

    @classmethod
    def of(cls, app: Any) -> _RunOptions:
        names = ("host", "port", "unix", "workers", "auto_reload", "verbosity", "fast", "server", "primary")
        return cls(
            app.name,
            app.debug,
            # Not the context itself, because a context cannot be pickled.
            {name: getattr(app.state, name) for name in names} | {"ssl": True if app.state.ssl is not None else None},
            {name: app.config[name] for name in ("ACCESS_LOG", "AUTO_RELOAD", "NOISY_EXCEPTIONS")},
            shared_values(app.shared_ctx),
        )

    def apply(self, app: Any) -> None:
        if self.debug:
            app.debug = True
            logger.setLevel(logging.DEBUG)
        for name, value in self.state.items():
            setattr(app.state, name, value)
        app.config.update(self.config)
        VerbosityFilter.verbosity = self.state["verbosity"]
        app._runner.set_up_logging()
        shared = shared_values(app.shared_ctx)
        for name, value in self.shared.items():
            if name not in shared:
                setattr(app.shared_ctx, name, value)
        lock(app.shared_ctx)


def _load(loader: Any, run_options_of_apps: list[_RunOptions]) -> list[Any]:
    """Find the applications in another process; an application that is served at two addresses is listed twice."""
    applications_by_name: dict[str, Any] = {}
    if loader is not None:
        applications_by_name[run_options_of_apps[0].name] = loader.load()
    for run_options in run_options_of_apps:
        if run_options.name not in applications_by_name:
            try:
                applications_by_name[run_options.name] = find_application(run_options.name)
            except SanicException as error:
                raise CannotServe(str(error)) from None
        run_options.apply(applications_by_name[run_options.name])
    return [applications_by_name[run_options.name] for run_options in run_options_of_apps]


def make_plan(
    apps: Sequence[Any],
    loader: Any,
    jobs: Jobs | None = None,
    listeners: MainListeners | None = None,
    start_method: str = "spawn",
) -> Plan:
    """Return the plan to serve applications.

    Args:
        apps: the applications.
        loader: an object whose `load` returns the first one in other processes; `None` to find it by its name.
        jobs: the table of the processes; `None` if there is no main process.
        listeners: the object that runs the listeners of a reload.
        start_method: the start method of `multiprocessing`: `fork`, `forkserver` or `spawn`.
    """
    primary = apps[0]
    served = [(app, info) for app in apps for info in app.state.server_info]
    watch: list[str] | None = None
    if any(app.state.auto_reload for app in apps):
        folders = {folder for app in apps for folder in app.state.reload_dirs}
        watch = sorted(str(folder) for folder in folders if folder.is_dir())
    from sanic_star.servers import Plan  # imported late: only a process that serves needs servers

    return Plan(
        apps=[app for app, _ in served],
        settings=[info.backend_settings for _, info in served],
        load=partial(_load, loader),
        sockets=[info.sock for _, info in served],
        workers=primary.state.workers,
        watch=watch,
        prelude=_find_prelude(),
        shared=[_RunOptions.of(app) for app, _ in served],
        notify=(listeners or MainListeners(primary)).notify,
        handles_signals=all(info.handles_signals for _, info in served),
        supervised=jobs is not None,
        jobs=jobs,
        start_method=start_method,
        # Log lines of a forked process begin with its own name, not with that of the main process.
        after_fork=primary._runner.set_up_logging,
    )


# For each notification of the supervisor, the event whose listeners run.
_LISTENER_EVENTS = {
    "start": "reload_process_start",
    "before": "before_reload_trigger",
    "after": "after_reload_trigger",
    "stop": "reload_process_stop",
}


class MainListeners:
    """Runs the listeners of the main process on one event loop: one may close connections that another has opened.

    Args:
        app: the application.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._runner: asyncio.Runner | None = None

    def __enter__(self) -> MainListeners:
        return self

    def __exit__(self, *error: object) -> None:
        if self._runner is not None:
            self._runner.close()

    def run(self, event: str, **extra_arguments: Any) -> None:
        """Run the listeners of an event.

        Args:
            event: the event.
            extra_arguments: keyword arguments for listeners that take them.

        Raises:
            Exception: a listener has raised it.
        """
        if not self._app.listeners.get(event):
            return
        if self._runner is None:
            self._runner = asyncio.Runner()
        lifecycle = self._app._engine.lifecycle
        lifecycle.owns_process = threading.current_thread() is threading.main_thread()
        try:
            self._runner.run(self._app._listeners.run(event, self._app, extra_arguments))
        finally:
            lifecycle.owns_process = False

    def notify(self, event: str, changed: set[str]) -> None:
        """Run the listeners of a reload; an exception is logged and does not prevent the reload.

        Args:
            event: `start`, `before`, `after` or `stop`.
            changed: the files that have changed.
        """
        extra_arguments = {"changed": changed} if event == "after" else {}
        try:
            self.run(_LISTENER_EVENTS[event], **extra_arguments)
        except StepTimeout:
            pass  # it was logged
        except Exception as error:
            log_error(error_logger, error, "A listener of %s failed", _LISTENER_EVENTS[event])


def _find_prelude() -> Callable[[], object] | None:
    """Return the function that installs the alias in other processes; `None` if this process has no alias."""
    sanic_module = sys.modules.get("sanic")
    if sanic_module is None or not sanic_module.__name__.startswith("sanic_star"):
        return None
    from sanic_star.compat._alias.alias import install  # imported late: most processes need no alias

    return install
