"""Signals: events that are dispatched by name, and their handlers.

A name has three parts: `shop.order.placed`. The last one may be a parameter, `shop.order.<action>` or
`shop.order.<id:int>`, whose value comes from the dispatched event. A name without dots is valid too. The namespaces
`server`, `http` and `websocket` are reserved for the events of the application and its requests (`Event`), which
`_app.events` fires.

Signals with the same first two parts and the same type of the last part form a group. If several groups match an event,
the one with the most specific type is used: `<id:int>` comes before `<action>`. Literal last parts have the type `str`.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from enum import Enum
from functools import cache, partial
from inspect import isawaitable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from sanic_star.compat import _routing
from sanic_star.compat._support.lazy import pattern
from sanic_star.compat.exceptions import InvalidSignal
from sanic_star.compat.log import error_logger
from sanic_star.compat.router import Router, typed
from sanic_star.engine.failures import attributes, log_error
from sanic_star.engine.index import Parameter

if TYPE_CHECKING:
    from sanic_star.compat.models.handler_types import SignalHandler

Condition = Mapping[str, Any] | None
Emit = Callable[[dict[str, Any]], Awaitable[Any]]


class Event(Enum):
    """The events of the server, of requests and of websockets.

    A name in upper case stands for the event: `HTTP_LIFECYCLE_REQUEST` is `http.lifecycle.request`. The guide lists all
    of them.
    """

    # In the order in which they are fired.
    SERVER_INIT_BEFORE = "server.init.before"
    SERVER_INIT_AFTER = "server.init.after"
    SERVER_SHUTDOWN_BEFORE = "server.shutdown.before"
    SERVER_SHUTDOWN_AFTER = "server.shutdown.after"
    SERVER_EXCEPTION_REPORT = "server.exception.report"
    HTTP_LIFECYCLE_BEGIN = "http.lifecycle.begin"
    HTTP_LIFECYCLE_READ_HEAD = "http.lifecycle.read_head"
    HTTP_LIFECYCLE_REQUEST = "http.lifecycle.request"
    HTTP_ROUTING_BEFORE = "http.routing.before"
    HTTP_ROUTING_AFTER = "http.routing.after"
    HTTP_LIFECYCLE_HANDLE = "http.lifecycle.handle"
    HTTP_LIFECYCLE_READ_BODY = "http.lifecycle.read_body"
    HTTP_MIDDLEWARE_BEFORE = "http.middleware.before"
    HTTP_MIDDLEWARE_AFTER = "http.middleware.after"
    HTTP_HANDLER_BEFORE = "http.handler.before"
    HTTP_HANDLER_AFTER = "http.handler.after"
    HTTP_LIFECYCLE_EXCEPTION = "http.lifecycle.exception"
    HTTP_LIFECYCLE_RESPONSE = "http.lifecycle.response"
    HTTP_LIFECYCLE_SEND = "http.lifecycle.send"
    HTTP_LIFECYCLE_COMPLETE = "http.lifecycle.complete"
    WEBSOCKET_HANDLER_BEFORE = "websocket.handler.before"
    WEBSOCKET_HANDLER_AFTER = "websocket.handler.after"
    WEBSOCKET_HANDLER_EXCEPTION = "websocket.handler.exception"


RESERVED_NAMESPACES: dict[str, tuple[str, ...]] = {
    space: tuple(event.value for event in Event if event.value.startswith(f"{space}."))
    for space in ("server", "http", "websocket")
}
GENERIC_SIGNAL_FORMAT = "__generic__.__signal__.%s"
_TRIGGER = "<__trigger__:str>"
# A dot inside a parameter's brackets is not a separator: it is part of a regular expression.
_SEPARATOR = pattern(r"\.(?=[^>]*(?:<(?<!\?<)|$))")
_REPORT = Event.SERVER_EXCEPTION_REPORT.value
# Marks an exception that was reported, because it may pass several places that report exceptions.
_REPORTED_MARK = "_sanic_star_report_dispatched"


def _applies(requirements: Condition, exclusive: bool, condition: Condition) -> bool:
    """Return whether requirements match the condition of a dispatched event."""
    if condition is None:
        return not exclusive or not requirements
    return condition == requirements


class Signal:
    """A handler of an event; created by `SignalRouter.add`.

    Attributes:
        name: the event's name, with `*` for a parameter.
        path: the event's name, with the parameter and its type.
        parts: the three parts of `path`.
        handler: the function.
        requirements: the condition with which the event has to be dispatched.
        priority: of two handlers, the one with the higher priority runs first.
        ctx: an object with `definition` (the event as it was registered), `exclusive`, `trigger` (the name of the
            parameter) and `waiters`.
        router: the `SignalRouter`.
    """

    def __init__(
        self,
        router: SignalRouter,
        handler: SignalHandler,
        definition: str,
        parts: tuple[str, str, str],
        requirements: Mapping[str, Any],
        exclusive: bool,
        priority: int,
    ) -> None:
        self.router = router
        self.handler = handler
        self.requirements = dict(requirements)
        self.priority = priority
        last = parts[2]
        self.parameter = _parameter(last, definition) if _is_parameter(last) else None
        trigger = self.parameter.name if self.parameter else ""
        self.name = ".".join((*parts[:2], "*" if trigger else last))
        last_part = f"<{trigger}:{self.parameter.label}>" if self.parameter else _TRIGGER
        self.parts = (*parts[:2], last_part)
        self.path = ".".join(self.parts)
        waiters: deque[SignalWaiter] = deque()
        self.ctx = SimpleNamespace(exclusive=exclusive, trigger=trigger, definition=definition, waiters=waiters)
        self.extra = SimpleNamespace(requirements=self.requirements)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: name={self.name} path={self.path}>"

    def applies(self, condition: Condition) -> bool:
        """Return whether the handler is called when its event is dispatched with a condition."""
        return _applies(self.requirements, self.ctx.exclusive, condition)


class SignalWaiter:
    """Waits for an event; created by `SignalRouter.get_waiter`.

    Args:
        signal: a signal of that event.
        event_definition: the event's name, with its parameter.
        trigger: the name of its parameter, if it has one; `*` for any.
        requirements: the condition that the event has to be dispatched with.
        exclusive: whether an event without a condition does not match.
        future: gets the event's context.
    """

    def __init__(
        self,
        signal: Signal,
        event_definition: str,
        trigger: str = "",
        requirements: Condition = None,
        exclusive: bool = True,
        future: asyncio.Future[Any] | None = None,
    ) -> None:
        self.signal = signal
        self.event_definition = event_definition
        self.trigger = trigger
        self.requirements = requirements
        self.exclusive = exclusive
        self.future = future

    async def wait(self) -> Any:
        """Wait for the event; return its context."""
        self.future = asyncio.get_running_loop().create_future()
        self.signal.ctx.waiters.append(self)
        try:
            return await self.future
        finally:
            self.signal.ctx.waiters.remove(self)

    def matches(self, event: str, condition: Condition) -> bool:
        """Return whether the event and its condition match."""
        return bool(event == self.event_definition or self.trigger) and _applies(
            self.requirements, self.exclusive, condition
        )


class SignalGroup:
    """Signals with the same first two parts of the name and the same type of the last part.

    Args:
        parts: the first two parts, and the type of the last one.
        parameter: the last part.
    """

    def __init__(self, parts: tuple[str, str, str], parameter: Parameter) -> None:
        self.parts = parts
        self.parameter = parameter
        self.routes: list[Signal] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: path={self.path} len={len(self.routes)}>"

    def __len__(self) -> int:
        return len(self.routes)

    def __iter__(self) -> Iterator[Signal]:
        return iter(self.routes)

    @property
    def path(self) -> str:
        """The common name, with the type of the last part."""
        return f"{self.parts[0]}.{self.parts[1]}.<__trigger__:{self.parameter.label}>"

    def signals(self, event: str) -> list[Signal]:
        """Return the signals of an event, in calling order."""
        matching = [signal for signal in self.routes if signal.ctx.trigger or signal.ctx.definition == event]
        return sorted(matching, key=lambda signal: -signal.priority)


class SignalRouter:
    """The signals of an application.

    Attributes:
        routes: all signals.
        name_index: the signals by name.
        groups: the signals by the first two parts of their names and the type of the last part.
        finalized: whether the application has started.
        ctx: an object with `app` and `loop`.
        allow_fail_builtin: whether it is an error to dispatch an event of a reserved namespace that has no handler.

    Examples:
        >>> router = SignalRouter()
        >>> async def placed(**context): ...
        >>> router.add(placed, "shop.order.placed").name
        'shop.order.placed'
        >>> router.add(placed, "shop.order")
        Traceback (most recent call last):
        sanic_star.compat.exceptions.InvalidSignal: Invalid signal event: shop.order
    """

    delimiter = "."

    def __init__(self) -> None:
        self.ctx = SimpleNamespace(loop=None, app=None)
        self.allow_fail_builtin = True
        self.finalized = False
        self.routes: list[Signal] = []
        self.name_index: dict[str, Signal] = {}
        self.groups: dict[tuple[str, str, str], SignalGroup] = {}
        # asyncio has only weak references to tasks.
        self._running: set[asyncio.Task[Any]] = set()

    @staticmethod
    def format_event(event: str | Enum) -> str:
        """Return the full name of an event, which may be an enumeration member, or a name without dots.

        Raises:
            TypeError: it is not a name.
        """
        name = event.value if isinstance(event, Enum) else event
        if not isinstance(name, str):
            raise TypeError(f"an event has a name, got {name!r}")
        return name if "." in name else GENERIC_SIGNAL_FORMAT % name

    @property
    def dynamic_routes(self) -> dict[tuple[str, str, str], SignalGroup]:
        """The groups by the parts of their names; as in Sanic's router, the last part is always a parameter."""
        return self.groups

    # Registration ---------------------------------------------------------------------------------------------------

    def add(
        self,
        handler: SignalHandler,
        event: str | Enum,
        condition: Mapping[str, Any] | None = None,
        exclusive: bool = True,
        *,
        priority: int = 0,
    ) -> Signal:
        """Call a function when an event is dispatched.

        Args:
            handler: called with the event's context as keyword arguments; may be a coroutine function.
            event: the event's name.
            condition: call it only for events dispatched under this condition.
            exclusive: whether a handler with a condition ignores events without one.
            priority: higher is called first.

        Raises:
            InvalidSignal: the name is invalid.
            sanic_routing.exceptions.FinalizationError: the router is closed.
        """
        name = self.format_event(event)
        parts = _split_name(name)
        if self.finalized:
            raise _routing.exceptions.FinalizationError("Cannot finalize router more than once.")
        signal = Signal(self, handler, name, parts, condition or {}, exclusive, priority)
        parameter = signal.parameter or _parameter(_TRIGGER, name)
        key = (*parts[:2], parameter.label)
        group = self.groups.setdefault(key, SignalGroup(key, parameter))
        group.routes.append(signal)
        self.routes.append(signal)
        self.name_index[signal.name] = signal
        return signal

    def finalize(self, do_compile: bool = True, do_optimize: bool = False) -> None:
        """Close the router: no signal can be added until `reset`.

        Args:
            do_compile: ignored; there is nothing to compile.
            do_optimize: ignored.

        Raises:
            sanic_routing.exceptions.FinalizationError: the router is already closed.
            RuntimeError: no event loop runs.
        """
        try:
            self.ctx.loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError("Cannot finalize signals outside of event loop") from None
        if self.finalized:
            raise _routing.exceptions.FinalizationError("Cannot finalize router more than once.")
        self.finalized = True

    def reset(self) -> None:
        """Reopen the router."""
        self.finalized = False

    # Finding --------------------------------------------------------------------------------------------------------

    def get(
        self, event: str | Enum, condition: dict[str, str] | None = None
    ) -> tuple[SignalGroup, list[SignalHandler], dict[str, Any]]:
        """Find the handlers of an event.

        Args:
            event: the event's name.
            condition: used in the exception's message.

        Returns:
            The group of its signals, their handlers, and the value of the last part.

        Raises:
            sanic_routing.exceptions.NotFound: no group matches the event.
        """
        name = self.format_event(event)
        group, signals, value = self._find(name, condition)
        return group, [signal.handler for signal in signals], {"__trigger__": value}

    def _find(self, event: str, condition: Condition) -> tuple[SignalGroup, list[Signal], Any]:
        parts = event.split(self.delimiter)
        matches: list[tuple[SignalGroup, list[Signal], Any]] = []
        for group in sorted(self._groups(parts), key=lambda group: -group.parameter.priority):
            parameter = group.parameter
            if parameter.needs_regex and not re.fullmatch(parameter.convertor.regex, parts[2]):
                continue
            try:
                value = parameter.convertor.convert(parts[2])
            except ValueError:
                continue
            signals = group.signals(event)
            matches.append((group, signals, value))
            if signals:
                return matches[-1]
        if not matches:
            condition_text = f" with {condition}" if condition else ""
            raise _routing.exceptions.NotFound(f"Could not find signal {event}{condition_text}", path=event)
        return matches[0]

    def _groups(self, parts: list[str]) -> Iterable[SignalGroup]:
        if len(parts) != 3:
            return []
        return [group for key, group in self.groups.items() if key[:2] == (parts[0], parts[1])]

    def get_waiter(
        self, event: str | Enum, condition: dict[str, Any] | None = None, exclusive: bool = True
    ) -> SignalWaiter | None:
        """Return a waiter for an event; `None` if no signal has that name.

        Args:
            event: the event's name.
            condition: the condition that the event has to be dispatched with.
            exclusive: whether an event without a condition does not match.

        Raises:
            InvalidSignal: the name is invalid.
        """
        name = self.format_event(event)
        parts = _split_name(name)
        parameter = _parameter(parts[2], name) if _is_parameter(parts[2]) else None
        signal = self.name_index.get(".".join((*parts[:2], "*")) if parameter else name)
        if signal is None:
            return None
        # `shop.order.*` matches any last part, if a signal has a parameter there.
        trigger = parameter.name if parameter else "*" if parts[2] == "*" else ""
        return SignalWaiter(signal, name, trigger, condition, exclusive)

    # Dispatching ----------------------------------------------------------------------------------------------------

    async def dispatch(
        self,
        event: str | Enum,
        *,
        context: dict[str, Any] | None = None,
        condition: dict[str, str] | None = None,
        fail_not_found: bool = True,
        inline: bool = False,
        reverse: bool = False,
    ) -> Any:
        """Dispatch an event: wake its waiters, and call its handlers until one returns a true value.

        Args:
            event: the event's name.
            context: keyword arguments for the handlers.
            condition: selects handlers; see `add`.
            fail_not_found: whether an inline dispatch raises if the event never had a handler.
            inline: whether to wait for the handlers.
            reverse: whether to call them in reverse order.

        Returns:
            The task that calls the handlers; inline, the last handler's return value if it is true. The stop of the
            application waits for the task up to `GRACEFUL_SHUTDOWN_TIMEOUT`.

        Raises:
            sanic_routing.exceptions.NotFound: inline, the event never had a handler.
        """
        name = self.format_event(event)
        job = self._dispatch(name, context, condition, fail_not_found and inline, reverse)
        if inline:
            return await job
        app = self.ctx.app
        if app is not None:
            task = app._background.start_dispatch(job, name)
        else:
            task = asyncio.get_running_loop().create_task(job)
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        # As in Sanic, handlers that never wait have finished when this returns.
        await asyncio.sleep(0)
        return task

    async def _dispatch(
        self, event: str, context: dict[str, Any] | None, condition: Condition, fail_not_found: bool, reverse: bool
    ) -> Any:
        try:
            _, signals, value = self._find(event, condition)
        except _routing.exceptions.NotFound as error:
            reserved = event.split(self.delimiter)[0] in RESERVED_NAMESPACES
            if fail_not_found and (not reserved or self.allow_fail_builtin):
                raise
            app = self.ctx.app
            if app is not None and app.debug and app.state.verbosity >= 1:
                error_logger.warning(str(error))
            return None
        return await self._call(event, signals[::-1] if reverse else signals, value, condition, context or {})

    async def _call(
        self, event: str, signals: list[Signal], value: Any, condition: Condition, context: dict[str, Any]
    ) -> Any:
        try:
            self._wake(event, signals, value, condition, context)
            for signal in signals:
                if signal.applies(condition):
                    result = signal.handler(**_with_value(signal, value, context))
                    if isawaitable(result):
                        result = await result
                    if result:
                        return result
        except Exception as error:
            if event == _REPORT:
                log_error(error_logger, error, "A handler of %s failed", _REPORT)
                return None
            await self._report(error)
            raise
        return None

    @staticmethod
    def _wake(event: str, signals: list[Signal], value: Any, condition: Condition, context: dict[str, Any]) -> None:
        for signal in signals:
            for waiter in signal.ctx.waiters:
                if waiter.matches(event, condition) and not waiter.future.done():
                    waiter.future.set_result(_with_value(signal, value, context))

    async def _report(self, error: BaseException, answered: bool = False) -> None:
        """Call the handlers of `server.exception.report` for an exception, once.

        Args:
            error: the exception.
            answered: whether the exception ends here. If it is raised again later, it is reported again.
        """
        was_reported = _REPORTED_MARK in attributes(error)
        if was_reported and answered:
            del attributes(error)[_REPORTED_MARK]
        if was_reported or not self.routes:
            return
        if not answered:
            # Not with `setattr`, which some exceptions refuse, such as frozen dataclasses.
            attributes(error)[_REPORTED_MARK] = True
        await self._dispatch(_REPORT, {"exception": error}, None, False, False)

    def _emitter(self, event: Event, condition: Condition = None) -> Emit | None:
        """Return a function that dispatches an event inline to its current handlers; `None` if it has none.

        For events of the package itself: the look-up is done once, when the application is finalised.

        Args:
            event: the event.
            condition: as in `dispatch`.
        """
        name = event.value
        if not self.routes:
            return None
        try:
            _, signals, value = self._find(name, condition)
        except _routing.exceptions.NotFound:
            return None
        return partial(self._call, name, signals, value, condition) if signals else None

    def _handler_calls(self, event: Event, context: dict[str, Any]) -> list[Callable[[], Any]]:
        """Return the calls that `dispatch` would make, for callers that handle exceptions differently.

        Args:
            event: the event.
            context: keyword arguments for the handlers.
        """
        if not self.routes:
            return []
        try:
            _, signals, value = self._find(event.value, None)
        except _routing.exceptions.NotFound:
            return []
        self._wake(event.value, signals, value, None, context)
        return [
            partial(signal.handler, **_with_value(signal, value, context)) for signal in signals if signal.applies(None)
        ]


def _with_value(signal: Signal, value: Any, context: dict[str, Any]) -> dict[str, Any]:
    """Return an event's context; for a signal with a parameter, including the value of the last part."""
    return {signal.ctx.trigger: value, **context} if signal.ctx.trigger else dict(context)


def _split_name(event: str) -> tuple[str, str, str]:
    """Split an event's name into its parts, and check it.

    Raises:
        InvalidSignal: an application must not use the name.
    """
    parts = _SEPARATOR.split(event)
    if len(parts) != 3 or not parts[0] or parts[0].startswith("<") or parts[1].startswith("<"):
        raise InvalidSignal(f"Invalid signal event: {event}")
    first, second, last = parts
    parameter = _is_parameter(last)
    # As in Sanic, brackets without a name are literal text.
    if last.startswith("<") and _trigger(last) and not parameter:
        raise InvalidSignal(f"Invalid signal event: {event}")
    if not parameter and event not in RESERVED_NAMESPACES.get(first, (event,)):
        raise InvalidSignal(f"Cannot declare reserved signal event: {event}")
    return first, second, last


def _trigger(part: str) -> str:
    """Return the name of a parameter, which is empty in `<>` and `<:int>`."""
    return part[1:-1].partition(":")[0]


def _is_parameter(part: str) -> bool:
    return part.startswith("<") and part.endswith(">") and bool(_trigger(part))


@cache
def _types() -> Router:
    # Created with the first parameter, because it builds all types of path parameters.
    return Router()


def _parameter(part: str, event: str) -> Parameter:
    """Parse the last part of an event's name.

    Raises:
        InvalidUsage: it is not a valid parameter.
    """
    return _types()._parameter(typed(unquote(part)), event)


__all__ = [
    "GENERIC_SIGNAL_FORMAT",
    "RESERVED_NAMESPACES",
    "Event",
    "Signal",
    "SignalGroup",
    "SignalRouter",
    "SignalWaiter",
]

if not TYPE_CHECKING:

    def __getattr__(name):
        if name != "NotFound":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # Sanic's module has this name of another module, too.
        return _routing.exceptions.NotFound
