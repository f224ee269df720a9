"""Listeners: functions that an application calls at its start, its stop and a reload.

Four listener events are signals too, such as `server.init.before`: the handlers of those signals are called together
with the listeners, in one order. At a start, the higher priority comes first, then the order of definition; at a stop,
the order is reversed. The other events have no priority, as in Sanic.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from inspect import isawaitable, signature
from typing import Any

from sanic_star.compat._app.definitions import ListenerDefinition
from sanic_star.compat.exceptions import BadRequest
from sanic_star.compat.log import error_logger
from sanic_star.compat.signals import Event, SignalRouter
from sanic_star.engine.failures import log_error
from sanic_star.engine.lifespan import Lifecycle
from sanic_star.engine.steps import StepTimeout, run_step

# Listener events that are signals too.
_EVENTS = {
    "before_server_start": Event.SERVER_INIT_BEFORE,
    "after_server_start": Event.SERVER_INIT_AFTER,
    "before_server_stop": Event.SERVER_SHUTDOWN_BEFORE,
    "after_server_stop": Event.SERVER_SHUTDOWN_AFTER,
}
LISTENER_EVENTS = (
    *_EVENTS,
    "main_process_start",
    "main_process_ready",
    "main_process_stop",
    "reload_process_start",
    "reload_process_stop",
    "before_reload_trigger",
    "after_reload_trigger",
)
_STOP_EVENTS = ("before_server_stop", "after_server_stop")
# `SHUTDOWN_LISTENER_TIMEOUT` applies to these, `STARTUP_LISTENER_TIMEOUT` to the others.
_STOPPING = (*_STOP_EVENTS, "main_process_stop", "reload_process_stop", "before_reload_trigger")


# The default limit of each listener in seconds, `None` for no limit. Sanic does not have these settings.
LISTENER_TIMEOUTS: dict[str, float | None] = {"STARTUP_LISTENER_TIMEOUT": None, "SHUTDOWN_LISTENER_TIMEOUT": 60.0}


async def _without_limit(call: Callable[[], Any], name: str, *, stopping: bool) -> Any:
    return await run_step(call, name, None)


class Listeners:
    """The listeners of one application.

    Args:
        signals: the application's signals.
        lifecycle: runs each listener within its time limit; without it there is no limit.
    """

    def __init__(self, signals: SignalRouter, lifecycle: Lifecycle | None = None) -> None:
        self._run_step: Callable[..., Any] = _without_limit if lifecycle is None else lifecycle.run_step
        self._definitions: defaultdict[str, list[ListenerDefinition]] = defaultdict(list)
        self._signals = signals

    def add(
        self,
        listener: Callable[..., Any],
        event: str,
        priority: int,
        signal: Callable[..., Callable[[Any], Any]] | None = None,
    ) -> None:
        """Add a listener.

        Args:
            listener: called with nothing, with the application, or with the application and the event loop.
            event: the name, upper or lower case.
            priority: higher runs first.
            signal: the application's `signal` if a subclass overrides it; it registers the listener's signal.

        Raises:
            BadRequest: there is no such event.
        """
        if not isinstance(event, str) or event.lower() not in LISTENER_EVENTS:
            raise BadRequest(f"Invalid event: {event}. Use one of: {', '.join(LISTENER_EVENTS)}")
        event = event.lower()
        if priority and event not in _EVENTS:
            error_logger.warning("Priority is not supported for %s", event)
            priority = 0
        definition = ListenerDefinition(listener, event, priority)
        self._definitions[event].append(definition)
        if event in _EVENTS:
            self._add_as_signal(definition, signal)

    def _add_as_signal(
        self, definition: ListenerDefinition, signal: Callable[..., Callable[[Any], Any]] | None
    ) -> None:
        """Register a listener as a handler of its signal."""
        event, call = _EVENTS[definition.event], partial(_call_as_signal, definition.listener)
        # A listener for the stop may be added while the application runs.
        was_finalized, self._signals.finalized = self._signals.finalized, False
        if signal is None:
            self._signals.add(call, event, priority=definition.priority)
        else:
            signal(event, priority=definition.priority)(call)
        self._signals.finalized = was_finalized

    def by_event(self) -> dict[str, list[Callable[..., Any]]]:
        """Return the functions by event, in order of registration."""
        return {
            event: [definition.listener for definition in definitions]
            for event, definitions in self._definitions.items()
        }

    async def run(self, event: str, app: Any, extra_arguments: Mapping[str, Any] | None = None) -> None:
        """Call the listeners of an event, one after the other.

        If a start listener raises, the start ends. If a stop listener raises, the others still run, because they free
        resources; then the first exception is raised. Further exceptions are logged.

        Args:
            event: the name.
            app: the application.
            extra_arguments: keyword arguments for listeners that take them.
        """
        first_error: Exception | None = None
        stopping = event in _STOPPING
        for call in self._listener_calls(event, app, extra_arguments or {}):
            try:
                await self._run_step(call, f"the {event} listener {_name_of(call)}", stopping=stopping)
            except StepTimeout:
                # It was logged. The listeners that follow in a stop free resources, so they run.
                if not stopping:
                    raise
            except Exception as error:
                if event not in _STOP_EVENTS:
                    raise
                if first_error is not None:
                    log_error(error_logger, error, "A listener of %s failed", event)
                first_error = first_error or error
        if first_error is not None:
            raise first_error

    def _listener_calls(self, event: str, app: Any, extra_arguments: Mapping[str, Any]) -> list[Callable[[], Any]]:
        if event not in _EVENTS:
            definitions = self._definitions.get(event, [])
            return [partial(call_listener, definition.listener, app, extra_arguments) for definition in definitions]
        context = {"app": app, "loop": asyncio.get_running_loop()}
        if app is not None and app._answers.overrides.dispatch:
            reverse = event in _STOP_EVENTS
            name = _EVENTS[event].value
            return [partial(app.dispatch, name, fail_not_found=False, context=context, inline=True, reverse=reverse)]
        calls = self._signals._handler_calls(_EVENTS[event], context) if self._signals.routes else []
        return calls[::-1] if event in _STOP_EVENTS else calls


def call_listener(listener: Callable[..., Any], app: Any, extra_arguments: Mapping[str, Any] | None = None) -> Any:
    """Call a listener with the arguments that it takes: none, the application, or the application and the event loop.

    Args:
        listener: the listener.
        app: the application.
        extra_arguments: keyword arguments; the listener gets those that it names.
    """
    parameters = signature(listener).parameters
    kinds = [parameter.kind for parameter in parameters.values()]
    keyword_arguments = {
        name: value
        for name, value in (extra_arguments or {}).items()
        if name in parameters or any(kind is kind.VAR_KEYWORD for kind in kinds)
    }
    positional = [
        parameter
        for parameter in parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        and parameter.name not in keyword_arguments
    ]
    if len([parameter for parameter in positional if parameter.default is parameter.empty]) >= 2:
        return listener(app, asyncio.get_running_loop(), **keyword_arguments)
    takes_any = any(kind is kind.VAR_POSITIONAL for kind in kinds)
    return listener(app, **keyword_arguments) if positional or takes_any else listener(**keyword_arguments)


def _name_of(call: Callable[..., Any]) -> str:
    """Return the name of the function that `call` calls."""
    while isinstance(call, partial):
        call = call.args[0] if call.func in (_call_as_signal, call_listener) else call.func
    target = call if hasattr(call, "__qualname__") else type(call)
    return f"{target.__module__}.{target.__qualname__}"


async def _call_as_signal(listener: Callable[..., Any], app: Any, loop: Any, **extra_arguments: Any) -> None:
    """Call a listener from a signal; a function, because a closure cannot be pickled with the application."""
    result = call_listener(listener, app)
    if isawaitable(result):
        await result
