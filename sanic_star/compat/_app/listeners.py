"""Listeners: functions that are called at certain moments of an application's life.

Four of the moments are events too, `server.init.before` and its like: the signals of those are called together with the
listeners, in one order. What starts is called in the order of definition, the higher priority first; what stops in
reverse, as what it undoes was done. The other moments know no priority, as in Sanic.
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

# The moments, and the events that are the same.
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
_REVERSED = ("before_server_stop", "after_server_stop")
# Where `SHUTDOWN_LISTENER_TIMEOUT` counts, and not `STARTUP_LISTENER_TIMEOUT`.
_STOPPING = (*_REVERSED, "main_process_stop", "reload_process_stop", "before_reload_trigger")


# How long each listener may take, in seconds; `None` for ever. Settings of this package, not of Sanic.
LISTENER_TIMEOUTS: dict[str, float | None] = {"STARTUP_LISTENER_TIMEOUT": None, "SHUTDOWN_LISTENER_TIMEOUT": 60.0}


async def _without_limit(call: Callable[[], Any], name: str, *, stopping: bool) -> Any:
    return await run_step(call, name, None)


class Listeners:
    """The listeners of one application.

    Args:
        signals: the application's signals.
        lifecycle: runs each listener within its time; without it they may take as long as they like.
    """

    def __init__(self, signals: SignalRouter, lifecycle: Lifecycle | None = None) -> None:
        self._run_step: Callable[..., Any] = _without_limit if lifecycle is None else lifecycle.run_step
        self._known: defaultdict[str, list[ListenerDefinition]] = defaultdict(list)
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
            listener: called with the application, with application and event loop, or with nothing.
            event: the moment's name, in any case.
            priority: of several the higher runs first.
            signal: the application's decorator, where a subclass overrides it: it registers the listener's signal.

        Raises:
            BadRequest: there is no moment of that name.
        """
        if not isinstance(event, str) or event.lower() not in LISTENER_EVENTS:
            raise BadRequest(f"Invalid event: {event}. Use one of: {', '.join(LISTENER_EVENTS)}")
        event = event.lower()
        if priority and event not in _EVENTS:
            error_logger.warning("Priority is not supported for %s", event)
            priority = 0
        definition = ListenerDefinition(listener, event, priority)
        self._known[event].append(definition)
        if event in _EVENTS:
            self._join(definition, signal)

    def _join(self, definition: ListenerDefinition, signal: Callable[..., Callable[[Any], Any]] | None) -> None:
        """Put a listener among the signals of its event."""
        event, call = _EVENTS[definition.event], partial(_called, definition.listener)
        # A listener may be added while the application runs, for its stop.
        closed, self._signals.finalized = self._signals.finalized, False
        if signal is None:
            self._signals.add(call, event, priority=definition.priority)
        else:
            signal(event, priority=definition.priority)(call)
        self._signals.finalized = closed

    def by_event(self) -> dict[str, list[Callable[..., Any]]]:
        """Return the functions by the name of their moment, in order of registration."""
        return {
            event: [definition.listener for definition in definitions] for event, definitions in self._known.items()
        }

    async def run(self, event: str, app: Any, more: Mapping[str, Any] | None = None) -> None:
        """Call the listeners of a moment, one after the other.

        One that fails ends the start. On the stop side the others run before its exception is raised, because they
        free what was taken; of several exceptions the first is raised and the others are logged.

        Args:
            event: the moment's name.
            app: the application.
            more: keyword arguments for listeners that take them.
        """
        failed: Exception | None = None
        stopping = event in _STOPPING
        for call in self._calls(event, app, more or {}):
            try:
                await self._run_step(call, f"the {event} listener {_name_of(call)}", stopping=stopping)
            except StepTimeout:
                # The log has named it. What comes next in the stop frees what was taken, too.
                if not stopping:
                    raise
            except Exception as error:
                if event not in _REVERSED:
                    raise
                if failed is not None:
                    log_error(error_logger, error, "A listener of %s failed", event)
                failed = failed or error
        if failed is not None:
            raise failed

    def _calls(self, event: str, app: Any, more: Mapping[str, Any]) -> list[Callable[[], Any]]:
        if event not in _EVENTS:
            definitions = self._known.get(event, [])
            return [partial(call_listener, definition.listener, app, more) for definition in definitions]
        context = {"app": app, "loop": asyncio.get_running_loop()}
        if app is not None and app._answers.overrides.dispatch:
            reverse = event in _REVERSED
            name = _EVENTS[event].value
            return [partial(app.dispatch, name, fail_not_found=False, context=context, inline=True, reverse=reverse)]
        calls = self._signals._calls(_EVENTS[event], context) if self._signals.routes else []
        return calls[::-1] if event in _REVERSED else calls


def call_listener(listener: Callable[..., Any], app: Any, more: Mapping[str, Any] | None = None) -> Any:
    """Call a listener with as much as it takes: nothing, the application, application and event loop.

    Args:
        listener: the listener.
        app: the application.
        more: keyword arguments, of which it gets those that it names.
    """
    parameters = signature(listener).parameters
    kinds = [parameter.kind for parameter in parameters.values()]
    named = {
        name: value
        for name, value in (more or {}).items()
        if name in parameters or any(kind is kind.VAR_KEYWORD for kind in kinds)
    }
    positional = [
        parameter
        for parameter in parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        and parameter.name not in named
    ]
    if len([parameter for parameter in positional if parameter.default is parameter.empty]) >= 2:
        return listener(app, asyncio.get_running_loop(), **named)
    takes_any = any(kind is kind.VAR_POSITIONAL for kind in kinds)
    return listener(app, **named) if positional or takes_any else listener(**named)


def _name_of(call: Callable[..., Any]) -> str:
    """Return the name of the listener or signal that a call is for."""
    while isinstance(call, partial):
        call = call.args[0] if call.func in (_called, call_listener) else call.func
    named = call if hasattr(call, "__qualname__") else type(call)
    return f"{named.__module__}.{named.__qualname__}"


async def _called(listener: Callable[..., Any], app: Any, loop: Any, **more: Any) -> None:
    """Call a listener as a signal is; no closure, which could not be pickled with the application."""
    result = call_listener(listener, app)
    if isawaitable(result):
        await result
