"""What happens between the engine and a handler, put together when the application is finalised.

A route's callable is the handler itself where nothing else is to be done; arguments, middleware, synchronous handlers
each add what they need and nothing that is asked for per request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from inspect import isawaitable, iscoroutinefunction
from types import FunctionType
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.endpoints import HTTPEndpoint

from sanic_star.compat.log import error_logger
from sanic_star.compat.middleware import Middleware
from sanic_star.engine.failures import log_error
from sanic_star.engine.responses import Response

Call = Callable[[Any], Awaitable[Any]]
Step = tuple[Callable[..., Any], bool]

FAILED = "Exception occurred in one of response middleware handlers"


def is_coroutine_function(function: Callable[..., Any]) -> bool:
    """Tell whether calling `function` surely gives an awaitable; partials and callable objects are looked into."""
    while isinstance(function, partial):
        function = function.func
    return iscoroutinefunction(function) or iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def steps(middleware: Sequence[Middleware]) -> list[Step]:
    """Return each middleware's function, and whether it surely gives an awaitable."""
    return [(entry.func, is_coroutine_function(entry.func)) for entry in middleware]


def is_endpoint(handler: Any) -> bool:
    """Tell whether a handler is one of Starlette's class-based endpoints: a class whose objects are awaited."""
    return isinstance(handler, type) and hasattr(handler, "__await__")


def _of_endpoint(endpoint: Any) -> Call:
    """Return what lets an HTTP endpoint's method answer.

    It gets a plain Starlette request, because it awaits `request.json()`. Its own `dispatch`, if it has one, answers as
    an ASGI application, which response middleware does not see.
    """

    async def handle(request: Any) -> Any:
        if endpoint.dispatch is not HTTPEndpoint.dispatch:
            return endpoint
        made = endpoint(request.scope, request.receive, request._send)
        name = request.method.lower()
        method = getattr(made, "get" if name == "head" and not hasattr(made, "head") else name)
        plain = request.starlette
        return await method(plain) if iscoroutinefunction(method) else await run_in_threadpool(method, plain)

    return handle


def handler_call(
    handler: Callable[..., Any], has_params: bool, only: str | None = None, changeable: bool = False
) -> Call:
    """Return what calls a handler with the request and its path parameters.

    Args:
        handler: the user's.
        has_params: whether the handler may get parameters.
        only: the name of the route's parameter, where it has just one.
        changeable: whether middleware or listeners may change the parameters.
    """
    if is_endpoint(handler):
        return _of_endpoint(handler)
    call: Callable[[Any], Any] = handler
    if has_params:
        if only is not None and _is_second(only, handler):
            # PERF: a call by keyword out of a dictionary takes three times as long; `benchmarks/`: `/user/<id:int>`.
            # Safe because the only parameter is surely the handler's second argument.
            call = _with_one_parameter(handler, only) if changeable else _with_only_parameter(handler, only)
        else:
            call = lambda request: handler(request, **request._route_params)  # noqa: E731
    if is_coroutine_function(handler):
        return call

    async def settled(request: Any) -> Any:
        response = call(request)
        return await response if isawaitable(response) else response

    return settled


def _with_only_parameter(handler: Callable[..., Any], name: str) -> Callable[[Any], Any]:
    """Return what calls a handler with the one path parameter that there is."""
    return lambda request: handler(request, request._route_params[name])


def _with_one_parameter(handler: Callable[..., Any], name: str) -> Callable[[Any], Any]:
    """Return what does the same where somebody may have changed the parameters: it looks at them first."""

    def call(request: Any) -> Any:
        params = request._route_params
        if type(params) is dict and len(params) == 1 and name in params:
            return handler(request, params[name])
        return handler(request, **params)

    return call


def _is_second(name: str, handler: Callable[..., Any]) -> bool:
    """Tell whether a plain function's second argument is surely the one of this name."""
    if not isinstance(handler, FunctionType):
        return False
    code = handler.__code__
    return code.co_posonlyargcount < 2 <= code.co_argcount and code.co_varnames[1] == name


def handler_in_middleware(
    handler: Callable[..., Any],
    has_params: bool,
    only: str | None,
    before: Sequence[Step],
    after: Sequence[Step],
    around: Callable[[Call], Call] | None = None,
    changeable: bool = False,
) -> Call:
    """Return what calls a handler with middleware around it; see `handler_call` and `with_middleware`.

    Args:
        handler: the user's.
        has_params: whether the handler may get parameters.
        only: the name of the route's parameter, where it has just one.
        before: request middleware.
        after: response middleware.
        around: puts something between the middleware and the handler.
        changeable: whether middleware or listeners may change the parameters.
    """
    call = handler_call(handler, has_params, only, changeable)
    return with_middleware(call if around is None else around(call), before, after)


def with_middleware(call: Call, before: Sequence[Step], after: Sequence[Step]) -> Call:
    """Return `call` with middleware around it.

    Args:
        call: what gives the response.
        before: request middleware; the first that returns something answers the request.
        after: response middleware, `respond_through` in short.
    """
    if not before and not after:
        return call

    async def call_with_middleware(request: Any) -> Any:
        request._request_middleware_started = True
        for function, coroutine in before:
            response = function(request)
            if coroutine or (response is not None and isawaitable(response)):
                response = await response
            if response:
                break
        else:
            response = await call(request)
        # Once for each request: also where `respond` ran it, and was taken back.
        if after and not request.responded and not request._response_middleware_started:
            if not isinstance(response, Response):
                return await respond_through(request, response, after)
            request._response_middleware_started = True
            try:
                for function, coroutine in after:
                    changed = function(request, response)
                    if coroutine or (changed is not None and isawaitable(changed)):
                        changed = await changed
                    if changed:
                        return changed
            except Exception as error:
                log_error(error_logger, error, FAILED)
        return response

    return call_with_middleware


async def run_before(request: Any, before: Sequence[Step]) -> Any:
    """Run request middleware; return what the first of them answered, or `None`."""
    request._request_middleware_started = True
    for function, _ in before:
        response = function(request)
        if isawaitable(response):
            response = await response
        if response:
            return response
    return None


async def respond_through(request: Any, response: Any, after: Sequence[Step]) -> Any:
    """Run response middleware; the first that returns something replaces the response and is the last to run.

    An exception in one is logged and leaves the response as it is, so that an answer that is ready is not lost. Values
    that are no responses are passed to them, too: some applications return dictionaries, and a middleware makes
    responses of them. Response middleware does not run for an ASGI application, and not for `None`.
    """
    # Loaded with the first response that is not one of Sanic's.
    from sanic_star.compat.response._foreign import named

    answer = named(response)
    if answer is None:
        if response is None or callable(response):
            return response
        answer = response
    request._response_middleware_started = True
    try:
        for function, _ in after:
            changed = function(request, answer)
            if isawaitable(changed):
                changed = await changed
            if changed:
                return changed
    except Exception as error:
        log_error(error_logger, error, FAILED)
    return response
