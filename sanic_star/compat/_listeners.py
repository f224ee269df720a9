"""Listeners: functions that are called at certain moments of an application's life."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from inspect import isawaitable, signature
from typing import Any

from sanic_star.compat._definitions import ListenerDefinition
from sanic_star.compat.exceptions import BadRequest
from sanic_star.compat.log import error_logger

LISTENER_EVENTS = (
    "before_server_start",
    "after_server_start",
    "before_server_stop",
    "after_server_stop",
    "main_process_start",
    "main_process_ready",
    "main_process_stop",
)
# Listeners of the stop side run in the reverse of their order, as what they undo was done.
_REVERSED = ("before_server_stop", "after_server_stop")


class Listeners:
    """The listeners of one application."""

    def __init__(self) -> None:
        self._known: defaultdict[str, list[ListenerDefinition]] = defaultdict(list)

    def add(self, listener: Callable[..., Any], event: str, priority: int) -> None:
        """Add a listener.

        Args:
            listener: called with the application, with application and event loop, or with nothing.
            event: the moment's name, in any case.
            priority: of several the higher runs first.

        Raises:
            BadRequest: there is no moment of that name.
        """
        if not isinstance(event, str) or event.lower() not in LISTENER_EVENTS:
            raise BadRequest(f"Invalid event: {event}. Use one of: {', '.join(LISTENER_EVENTS)}")
        self._known[event.lower()].append(ListenerDefinition(listener, event.lower(), priority))

    def by_event(self) -> dict[str, list[Callable[..., Any]]]:
        """Return the functions by the name of their moment, in order of registration."""
        return {event: [each.listener for each in found] for event, found in self._known.items()}

    async def run(self, event: str, app: Any) -> None:
        """Call the listeners of a moment, one after the other.

        One that fails ends the start. On the stop side the others run before its exception is raised, because they
        free what was taken; of several exceptions the first is raised and the others are logged.
        """
        found = sorted(self._known[event], key=lambda each: -each.priority)
        failed: Exception | None = None
        for definition in reversed(found) if event in _REVERSED else found:
            try:
                result = call_listener(definition.listener, app)
                if isawaitable(result):
                    await result
            except Exception as error:
                if event not in _REVERSED:
                    raise
                if failed is not None:
                    error_logger.error("A listener of %s failed", event, exc_info=error)
                failed = failed or error
        if failed is not None:
            raise failed


def call_listener(listener: Callable[..., Any], app: Any) -> Any:
    """Call a listener with as much as it takes: nothing, the application, application and event loop."""
    required = [
        each
        for each in signature(listener).parameters.values()
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    if len([each for each in required if each.default is each.empty]) >= 2:
        return listener(app, asyncio.get_running_loop())
    takes_any = any(each.kind is each.VAR_POSITIONAL for each in signature(listener).parameters.values())
    return listener(app) if required or takes_any else listener()
