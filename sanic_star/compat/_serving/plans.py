"""The plan for `sanic_star.servers`: what is served, and how another process finds the application again.

That process imports the main module once more, or calls the application's factory. The options of the run (debug mode,
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
    """How an application is to be served, once.

    Attributes: `settings` in Sanic's words; `stage`; `server`, which is what somebody sets there; and for
    `sanic_star.servers`: `how`, `sock`, `signals`.
    """

    settings: dict[str, Any]
    stage: ServerStage = field(default=ServerStage.STOPPED)
    server: Any = None
    how: Settings = field(default_factory=Settings)
    sock: socket | None = None
    signals: bool = True


@dataclass
class Loader:
    """A factory in the form of an `AppLoader`."""

    load: Callable[[], Any]


@dataclass
class _Said:
    """What was said when an application was run, for its copies in other processes."""

    name: str
    debug: bool
    state: dict[str, Any]
    config: dict[str, Any]
    shared: dict[str, Any]

    @classmethod
    def of(cls, app: Any) -> _Said:
        names = ("host", "port", "unix", "workers", "auto_reload", "verbosity", "fast", "server", "primary")
        return cls(
            app.name,
            app.debug,
            # Whether there is TLS: a context cannot be pickled.
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


def _load(loader: Any, everything: list[_Said]) -> list[Any]:
    """Find the applications in another process; one for each time that one is served."""
    found: dict[str, Any] = {}
    if loader is not None:
        found[everything[0].name] = loader.load()
    for said in everything:
        if said.name not in found:
            try:
                found[said.name] = find_application(said.name)
            except SanicException as error:
                raise CannotServe(str(error)) from None
        said.apply(found[said.name])
    return [found[said.name] for said in everything]


def plan(
    apps: Sequence[Any],
    loader: Any,
    jobs: Jobs | None = None,
    listeners: MainListeners | None = None,
    start_method: str = "spawn",
) -> Plan:
    """Return what the engine shall serve.

    Args:
        apps: the applications.
        loader: makes the first one in other processes.
        jobs: the processes of the main process; None where there is none.
        listeners: run those for restarts.
        start_method: how other processes are started.
    """
    primary = apps[0]
    served = [(app, info) for app in apps for info in app.state.server_info]
    watch: list[str] | None = None
    if any(app.state.auto_reload for app in apps):
        folders = {folder for app in apps for folder in app.state.reload_dirs}
        watch = sorted(str(folder) for folder in folders if folder.is_dir())
    from sanic_star.servers import Plan  # late: only a process that serves needs servers

    return Plan(
        apps=[app for app, _ in served],
        settings=[info.how for _, info in served],
        load=partial(_load, loader),
        sockets=[info.sock for _, info in served],
        workers=primary.state.workers,
        watch=watch,
        prelude=_prelude(),
        shared=[_Said.of(app) for app, _ in served],
        notify=(listeners or MainListeners(primary)).notify,
        signals=all(info.signals for _, info in served),
        supervised=jobs is not None,
        jobs=jobs,
        start_method=start_method,
        # The lines of its log begin with its name.
        in_fork=primary._runner.set_up_logging,
    )


# What the process that watches tells of, and the moments of listeners that these are.
_MOMENTS = {
    "start": "reload_process_start",
    "before": "before_reload_trigger",
    "after": "after_reload_trigger",
    "stop": "reload_process_stop",
}


class MainListeners:
    """Runs listeners of the main process, all on one event loop: what one has opened there, another may close.

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

    def run(self, event: str, **more: Any) -> None:
        """Run the listeners of a moment.

        Args:
            event: the moment's name.
            more: keyword arguments for listeners that take them.

        Raises:
            Exception: what a listener raises.
        """
        if not self._app.listeners.get(event):
            return
        if self._runner is None:
            self._runner = asyncio.Runner()
        lifecycle = self._app._engine.lifecycle
        lifecycle.owns_process = threading.current_thread() is threading.main_thread()
        try:
            self._runner.run(self._app._listeners.run(event, self._app, more))
        finally:
            lifecycle.owns_process = False

    def notify(self, event: str, changed: set[str]) -> None:
        """Run the listeners for restarts on changes; one that fails stops no restart.

        Args:
            event: what has happened: `start`, `before`, `after`, `stop`.
            changed: the files that have changed.
        """
        more = {"changed": changed} if event == "after" else {}
        try:
            self.run(_MOMENTS[event], **more)
        except StepTimeout:
            pass  # the log has named the listener
        except Exception as error:
            log_error(error_logger, error, "A listener of %s failed", _MOMENTS[event])


def _prelude() -> Callable[[], object] | None:
    """Return what other processes have to do before they import the main module: what this one has done."""
    known = sys.modules.get("sanic")
    if known is None or not known.__name__.startswith("sanic_star"):
        return None
    from sanic_star.compat._alias.alias import install  # late: most processes need no alias

    return install
