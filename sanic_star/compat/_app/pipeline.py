"""The call of a handler with its arguments and middleware, composed when the application is finalised.

Without path parameters and middleware, a route's callable is the handler itself. Arguments, middleware and synchronous
handlers each add a wrapper, so that no request has to test for them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from inspect import isawaitable, iscoroutinefunction
from types import FunctionType
from typing import Any

from starlette.concurrency import run_in_threadpool

from sanic_star.compat.log import error_logger
from sanic_star.compat.middleware import Middleware
from sanic_star.engine.failures import log_error
from sanic_star.engine.responses import Response

Call = Callable[[Any], Awaitable[Any]]
# The function of a middleware, and whether it certainly returns an awaitable.
MiddlewareCall = tuple[Callable[..., Any], bool]

MIDDLEWARE_FAILED = "Exception occurred in one of response middleware handlers"


def is_coroutine_function(function: Callable[..., Any]) -> bool:
    """Return whether `function` certainly returns an awaitable; looks into partials and callable objects."""
    while isinstance(function, partial):
        function = function.func
    return iscoroutinefunction(function) or iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def calls_of_middleware(middleware: Sequence[Middleware]) -> list[MiddlewareCall]:
    """Return each middleware's function, and whether it certainly returns an awaitable."""
    return [(entry.func, is_coroutine_function(entry.func)) for entry in middleware]


def is_endpoint(handler: Any) -> bool:
    """Return whether a handler is one of Starlette's class-based endpoints, whose instances are awaitable."""
    return isinstance(handler, type) and hasattr(handler, "__await__")


def _call_of_endpoint(endpoint: Any) -> Call:
    """Return a callable that runs the method of a Starlette `HTTPEndpoint`.

    The method gets a plain Starlette request, because it awaits `request.json()`. An endpoint that overrides `dispatch`
    responds as an ASGI application, and response middleware does not run.
    """
    # Imported late, because few applications have such an endpoint.
    from starlette.endpoints import HTTPEndpoint

    async def handle(request: Any) -> Any:
        if endpoint.dispatch is not HTTPEndpoint.dispatch:
            return endpoint
        endpoint_instance = endpoint(request.scope, request.receive, request._send)
        name = request.method.lower()
        method = getattr(
            endpoint_instance, "get" if name == "head" and not hasattr(endpoint_instance, "head") else name
        )
        starlette_request = request.starlette
        return (
            await method(starlette_request)
            if iscoroutinefunction(method)
            else await run_in_threadpool(method, starlette_request)
        )

    return handle


def handler_call(
    handler: Callable[..., Any], has_params: bool, only_parameter: str | None = None, changeable: bool = False
) -> Call:
    """Return a callable that calls a handler with the request and its path parameters.

    Args:
        handler: the user's handler.
        has_params: whether the handler may get parameters.
        only_parameter: the name of the route's parameter, where it has just one.
        changeable: whether middleware or listeners may change the parameters.
    """
    if is_endpoint(handler):
        return _call_of_endpoint(handler)
    call: Callable[[Any], Any] = handler
    if has_params:
        if only_parameter is not None and _is_second_argument(only_parameter, handler):
            # PERF: a call by keyword out of a dictionary takes three times as long; `benchmarks/`: `/user/<id:int>`.
            # Safe because the only parameter is surely the handler's second argument.
            call = (
                _with_changeable_parameter(handler, only_parameter)
                if changeable
                else _with_fixed_parameter(handler, only_parameter)
            )
        else:
            call = lambda request: handler(request, **request._route_params)  # noqa: E731
    if is_coroutine_function(handler):
        return call

    async def call_and_await(request: Any) -> Any:
        response = call(request)
        return await response if isawaitable(response) else response

    return call_and_await


def _with_fixed_parameter(handler: Callable[..., Any], name: str) -> Callable[[Any], Any]:
    """Return a callable that passes the route's only path parameter."""
    return lambda request: handler(request, request._route_params[name])


def _with_changeable_parameter(handler: Callable[..., Any], name: str) -> Callable[[Any], Any]:
    """Return a callable that passes the only parameter, or all if middleware has changed the parameters."""

    def call(request: Any) -> Any:
        params = request._route_params
        if type(params) is dict and len(params) == 1 and name in params:
            return handler(request, params[name])
        return handler(request, **params)

    return call


def _is_second_argument(name: str, handler: Callable[..., Any]) -> bool:
    """Return whether `name` is the second argument of a plain function."""
    if not isinstance(handler, FunctionType):
        return False
    code = handler.__code__
    return code.co_posonlyargcount < 2 <= code.co_argcount and code.co_varnames[1] == name


def handler_in_middleware(
    handler: Callable[..., Any],
    has_params: bool,
    only_parameter: str | None,
    request_middleware: Sequence[MiddlewareCall],
    response_middleware: Sequence[MiddlewareCall],
    wrap: Callable[[Call], Call] | None = None,
    changeable: bool = False,
) -> Call:
    """Return a callable that runs a handler inside middleware; see `handler_call` and `with_middleware`.

    Args:
        handler: the user's handler.
        has_params: whether the handler may get parameters.
        only_parameter: the name of the route's parameter, where it has just one.
        request_middleware: the request middleware, in running order.
        response_middleware: the response middleware, in running order.
        wrap: wraps the handler, inside the middleware.
        changeable: whether middleware or listeners may change the parameters.
    """
    call = handler_call(handler, has_params, only_parameter, changeable)
    return with_middleware(call if wrap is None else wrap(call), request_middleware, response_middleware)


def with_middleware(
    call: Call, request_middleware: Sequence[MiddlewareCall], response_middleware: Sequence[MiddlewareCall]
) -> Call:
    """Return `call` with middleware around it.

    Args:
        call: returns the response.
        request_middleware: request middleware; the first that returns a response ends the chain.
        response_middleware: response middleware; the loop is `run_response_middleware`, inlined.
    """
    if not request_middleware and not response_middleware:
        return call

    async def call_with_middleware(request: Any) -> Any:
        request._request_middleware_started = True
        for function, is_asynchronous in request_middleware:
            response = function(request)
            if is_asynchronous or (response is not None and isawaitable(response)):
                response = await response
            if response:
                break
        else:
            response = await call(request)
        # Response middleware runs once per request, also if `respond` has run it and was reset afterwards.
        if response_middleware and not request.responded and not request._response_middleware_started:
            if not isinstance(response, Response):
                return await run_response_middleware(request, response, response_middleware)
            request._response_middleware_started = True
            try:
                for function, is_asynchronous in response_middleware:
                    result = function(request, response)
                    if is_asynchronous or (result is not None and isawaitable(result)):
                        result = await result
                    if result:
                        return result
            except Exception as error:
                log_error(error_logger, error, MIDDLEWARE_FAILED)
        return response

    return call_with_middleware


async def run_request_middleware(request: Any, request_middleware: Sequence[MiddlewareCall]) -> Any:
    """Run request middleware; return the first response, or `None`."""
    request._request_middleware_started = True
    for function, _ in request_middleware:
        response = function(request)
        if isawaitable(response):
            response = await response
        if response:
            return response
    return None


async def run_response_middleware(request: Any, response: Any, response_middleware: Sequence[MiddlewareCall]) -> Any:
    """Run response middleware; the first that returns something replaces the response and ends the chain.

    If a middleware raises, the exception is logged and the response is kept, so that a ready response is not lost.
    Values that are not responses are passed too: some applications return dictionaries that a middleware converts.
    Response middleware runs neither for an ASGI application nor for `None`.
    """
    # Imported late: only other responses than Sanic's need it.
    from sanic_star.compat.response._foreign import with_sanic_names

    sanic_response = with_sanic_names(response)
    if sanic_response is None:
        if response is None or callable(response):
            return response
        sanic_response = response
    request._response_middleware_started = True
    try:
        for function, _ in response_middleware:
            result = function(request, sanic_response)
            if isawaitable(result):
                result = await result
            if result:
                return result
    except Exception as error:
        log_error(error_logger, error, MIDDLEWARE_FAILED)
    return response
