"""Serve the applications that were prepared: `Sanic.serve` and `Sanic.serve_single`.

Imported when an application is served with the API of Sanic; under `uvicorn server:app` and other servers it is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sanic_star.compat._serving.running import MAIN_PROCESS_EVENTS
from sanic_star.compat.helpers import Default
from sanic_star.compat.log import error_logger, logger
from sanic_star.engine.lifespan import InvalidSetting
from sanic_star.engine.steps import StepTimeout

if TYPE_CHECKING:
    from sanic_star.compat._app.seams import Application
    from sanic_star.servers.jobs import Jobs


def serve(apps: list[Application], app_loader: Any = None, factory: Callable[[], Any] | None = None) -> None:
    """Serve applications until they are stopped, with the listeners of the main process; see `Sanic.serve`.

    Args:
        apps: the prepared applications, the primary one first.
        app_loader: an object whose `load` returns the primary application, called in other processes.
        factory: a function that returns the primary application, instead of `app_loader`.
    """
    from sanic_star import servers
    from sanic_star.compat._serving import plans as _plans
    from sanic_star.compat.types.shared_ctx import lock

    if not apps:
        return
    _refuse_running_loop(apps)
    primary = apps[0]
    if app_loader is None and factory is not None:
        app_loader = _plans.Loader(factory)
    try:
        # Done before anything starts, so that nothing must be stopped after an error.
        primary._runner.extend()
        # Called after `extend`, because extensions may add listeners of the main process.
        supervised = _needs_main_process(primary)
        start_method = _start_method(primary)
    except InvalidSetting as error:
        error_logger.error("%s", error)
        _discard_prepared(apps)
        raise SystemExit(1) from None
    except BaseException:
        _discard_prepared(apps)
        raise
    with _plans.MainListeners(primary) as listeners:
        try:
            if supervised:
                _set_start_method(start_method)
            listeners.run("main_process_start")
            for app in apps:
                app.config._validate()
            _warn_of_main_listeners(apps)
            _warn_of_different_loops(apps)
            jobs = _create_manager(primary) if supervised else None
            listeners.run("main_process_ready")
            for app in apps:
                lock(app.shared_ctx)
            servers.run(_plans.make_plan(apps, app_loader, jobs, listeners, start_method))
        except StepTimeout:
            # It was logged.
            raise SystemExit(1) from None
        except InvalidSetting as error:
            error_logger.error("%s", error)
            raise SystemExit(1) from None
        finally:
            logger.info("Server Stopped")
            try:
                listeners.run("main_process_stop")
            finally:
                if primary._runner.manager is not None:
                    primary._runner.manager.close()
                    primary._runner.manager = primary._runner.inspector = None
                _discard_prepared(apps)


def _needs_main_process(primary: Application) -> bool:
    """Return whether an application needs a main process beside its workers.

    Listeners of the main process may use `app.manager`; as in Sanic, their changes stay in the main process.
    """
    from sanic_star.compat.types.shared_ctx import shared_values

    state = primary.state
    has_listeners = any(primary.listeners.get(event) for event in MAIN_PROCESS_EVENTS)
    is_inspected = bool(primary.config.INSPECTOR)
    return (
        state.workers > 1
        or state.auto_reload
        or has_listeners
        or is_inspected
        or bool(shared_values(primary.shared_ctx))
    )


def _create_manager(primary: Application) -> Jobs:
    """Create an application's manager, and its inspector if it is enabled; return the table of its processes.

    Raises:
        InvalidSetting: a setting of the inspector is invalid.
    """
    from sanic_star.compat.worker.manager import WorkerManager
    from sanic_star.servers.jobs import Jobs

    jobs = Jobs(primary.state.workers)
    manager = primary._runner.manager = WorkerManager(jobs)
    if primary.config.INSPECTOR:
        from sanic_star.compat.worker.inspector import inspector_of

        inspector = primary._runner.inspector = inspector_of(primary, manager.monitor_publisher, manager.worker_state)
        manager.manage("Inspector", inspector, {})
    return jobs


def serve_single(apps: list[Application]) -> None:
    """Serve applications in this process, without listeners of a main process; see `Sanic.serve_single`."""
    from sanic_star import servers
    from sanic_star.compat._serving import plans as _plans

    if not apps:
        return
    _refuse_running_loop(apps)
    if any(app.state.workers > 1 or app.state.auto_reload for app in apps):
        _discard_prepared(apps)
        raise RuntimeError("Single process cannot be run with multiple workers or auto-reload")
    for app in apps:
        app._runner.warn_of_main_listeners("a single process has no main process beside it")
    if apps[0].config.INSPECTOR:
        logger.warning("INSPECTOR has no effect in a single process, because the inspector runs beside the workers")
    _warn_of_different_loops(apps)
    try:
        servers.run(replace(_plans.make_plan(apps, None), workers=1))
    finally:
        logger.info("Server Stopped")
        _discard_prepared(apps)


def _refuse_running_loop(apps: Iterable[Application]) -> None:
    """Raise if an event loop already runs in this thread, as in a notebook, because a server runs its own.

    Args:
        apps: the prepared applications; if this raises, they are no longer prepared.

    Raises:
        RuntimeError: an event loop runs in this thread; the message says what to use instead.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    _discard_prepared(apps)
    raise RuntimeError(
        "An event loop is already running here, as in a notebook. Instead of app.run, use "
        "`server = await app.create_server(port=8000)` and `await server.serve_forever()`, or run the application in a "
        "script of its own."
    )


def prepared(registry: Mapping[str, Application], primary: Any) -> list[Application]:
    """Return the prepared applications, the primary one first; none in a worker that imports the main module.

    Args:
        registry: all applications by name.
        primary: the application to put first; by default the one that was registered first.
    """
    if is_imported_by_worker():
        return []
    apps = [app for app in registry.values() if app.state.server_info]
    if primary is not None and primary.state.server_info:
        # Compared by identity too, because a test may have created another application with the same name.
        apps = [primary, *(app for app in apps if app is not primary and app.name != primary.name)]
    for number, app in enumerate(apps):
        app.state.primary = number == 0
    return apps


def is_imported_by_worker() -> bool:
    """Return whether this is a worker that imports the main module; see `servers.is_imported_by_worker`."""
    from sanic_star import servers

    return servers.is_imported_by_worker()


def loader_of(load: Callable[[], Any] | None) -> Any:
    """Return a factory with the interface of `AppLoader`, or `None`."""
    from sanic_star.compat._serving import plans as _plans

    return None if load is None else _plans.Loader(load)


def _start_method(primary: Any) -> str:
    """Return the start method of processes: `Sanic.start_method`, by default `spawn`.

    Raises:
        InvalidSetting: this system does not have the method.
    """
    method = type(primary).start_method
    if isinstance(method, Default):
        return "spawn"
    import multiprocessing

    methods = multiprocessing.get_all_start_methods()
    if method not in methods:
        raise InvalidSetting(f"Sanic.start_method must be one of {', '.join(methods)} on this system, got {method!r}")
    return str(method)


def _set_start_method(start_method: str) -> None:
    """Set the start method of this process, so that queues and locks of `shared_ctx` can be sent to the workers."""
    import multiprocessing

    if multiprocessing.get_start_method(allow_none=True) is None:
        multiprocessing.set_start_method(start_method)


def _warn_of_main_listeners(apps: Sequence[Any]) -> None:
    count = sum(len(app.listeners.get(event, ())) for app in apps[1:] for event in MAIN_PROCESS_EVENTS)
    if count:
        logger.warning(
            "%d listener(s) for the main process belong to secondary applications and are ignored; attach them to %r",
            count,
            apps[0],
        )


def _warn_of_different_loops(apps: Sequence[Any]) -> None:
    """Warn if applications of one process have different settings for the event loop."""
    choices = {None if isinstance(app.config.USE_UVLOOP, Default) else bool(app.config.USE_UVLOOP) for app in apps}
    if len(choices) > 1:
        values = ", ".join(f"{app.name}: {app.config.USE_UVLOOP!r}" for app in apps)
        loop = "asyncio's" if False in choices else "uvloop's"
        logger.warning("The applications share one event loop, %s, and have different USE_UVLOOP (%s)", loop, values)


def _discard_prepared(apps: Iterable[Any]) -> None:
    for app in apps:
        app.state.server_info.clear()
