"""Body limits and the public host for Starlette's routes and mounted applications.

Starlette's code reads the body itself, so the limit is enforced in the `receive` that it gets. A `Route` or `Mount` of
Starlette with `max_body_size=` replaces that limit; Starlette puts its own in the scope. A mounted application of this
package has its own `REQUEST_MAX_SIZE`; of the outer limits only Starlette's keyword applies to it.

Starlette builds redirects from the `Host` header, which the client controls. If `SERVER_NAME` or a trusted proxy sets
the public host and scheme, the redirect is rewritten to them.

Response middleware runs for Starlette's routes of the application itself, not for mounts, whose applications have their
own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from starlette.datastructures import URL
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.responses import Response as StarletteResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sanic_star.compat.exceptions import PayloadTooLarge
from sanic_star.engine.application import engine_of
from sanic_star.engine.requests import TOO_LARGE, announces_more_than

if TYPE_CHECKING:
    from sanic_star.compat.request.types import Request
    from sanic_star.engine.seams import Host


def leads_to_ours(route: Any) -> bool:
    """Return whether a mount leads to an application of this package; cached on the route as `_is_ours`."""
    is_ours = engine_of(getattr(route, "_base_app", None)) is not None
    # A route class of another package may have slots.
    with suppress(AttributeError):
        route._is_ours = is_ours
    return is_ours


async def receive_within_limit(request: Request, receive: Receive, limit: int) -> Message:
    """Receive a message of the body; raise 413 as soon as the body exceeds the limit.

    It also records on the request that the client has disconnected, and that the body has ended.

    Args:
        request: the request; it keeps the exception as its `_body_refusal`.
        receive: the ASGI `receive` that is called.
        limit: in bytes.
    """
    scope = request.scope
    # Looked up at the call: the inner route may have set its own limit by then.
    allowed = scope.get(MAX_BODY_SIZE_SCOPE_KEY, limit)
    if not request._forwarded_size and announces_more_than(scope, allowed):
        _refuse(request)
    message = await receive()
    request._forwarded_size += len(message.get("body", b""))
    if request._forwarded_size > allowed:
        _refuse(request)
    if message["type"] == "http.disconnect":
        request._is_disconnected = True
    elif not message.get("more_body"):
        request._stream_consumed = True
    return message


def _refuse(request: Request) -> NoReturn:
    request._holds, request._body_refusal = True, PayloadTooLarge(TOO_LARGE)
    raise request._body_refusal


def refuse_large_body(request: Request, limit: int, app: ASGIApp) -> ASGIApp:
    """Return an ASGI application that answers 413 if the request announces a body above the limit.

    As in Starlette, the limit applies even if the application does not read the body.

    Args:
        request: the request.
        limit: in bytes; an inner route's own limit replaces it.
        app: the ASGI application.
    """

    async def answer_within_limit(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_within_limit(message: Message) -> None:
            # A redirect may lead to a route with a higher limit. A refusal that was raised already has a response.
            is_unanswered = message["type"] == "http.response.start" and request._body_refusal is None
            is_redirect = is_unanswered and message["status"] // 100 == 3
            if (
                is_unanswered
                and not is_redirect
                and announces_more_than(scope, scope.get(MAX_BODY_SIZE_SCOPE_KEY, limit))
            ):
                _refuse(request)
            await send(message)

        await app(scope, receive, send_within_limit)

    return answer_within_limit


class SentResponse(StarletteResponse):
    """The response of a Starlette route, as response middleware gets it.

    Args:
        start: the ASGI message with the status and the header fields.
        body: the body; `None` if it is sent in parts.
    """

    def __init__(self, start: Message, body: bytes | None) -> None:
        self.status_code, self.background = start["status"], None
        self.raw_headers = list(start.get("headers", ()))
        if body is not None:
            self.body = body


def with_response_middleware(
    request: Request, app: ASGIApp, run_response_middleware: Callable[[Request, Any], Awaitable[Any]]
) -> ASGIApp:
    """Return an ASGI application whose response passes through response middleware.

    Middleware gets the body of a response that is sent in one part. For a response in several parts it runs before the
    first one, and may change the header or return another response.

    Args:
        request: the request.
        app: one of Starlette's routes.
        run_response_middleware: runs the middleware, and returns the response to send.
    """

    async def answer_through_middleware(scope: Scope, receive: Receive, send: Send) -> None:
        start: Message | None = None
        is_replaced = False

        async def respond(body: Message | None) -> None:
            nonlocal start, is_replaced
            assert start is not None
            is_complete = body is not None and body["type"] == "http.response.body" and not body.get("more_body")
            content = body.get("body", b"") if is_complete and body is not None else None
            # Imported late: only Starlette's routes need it.
            from sanic_star.compat.response._foreign import with_sanic_names

            sent_response, head = with_sanic_names(SentResponse(start, content)), start
            start = None
            response = await run_response_middleware(request, sent_response)
            if response is not sent_response:
                is_replaced = True
                await response(scope, receive, send)
                return
            sent_response.add_own_cookies()
            await send({**head, "status": sent_response.status_code, "headers": sent_response.raw_headers})
            if body is not None:
                await send({**body, "body": sent_response.body} if is_complete else body)

        async def send_through_middleware(message: Message) -> None:
            nonlocal start
            if is_replaced:
                return
            if start is not None:
                await respond(message)
            elif message["type"] != "http.response.start" or request._response_middleware_started:
                # The response to an exception has already passed through the middleware.
                await send(message)
            else:
                start = message
                if not any(name.lower() == b"content-length" for name, _ in message.get("headers", ())):
                    # The first part of an event stream may take long, so its header is sent at once.
                    await respond(None)

        await app(scope, receive, send_through_middleware)
        if start is not None:
            await send(start)

    return answer_through_middleware


def with_public_redirects(outer_app: Host, request: Request, app: ASGIApp) -> ASGIApp:
    """Return an ASGI application whose redirects lead to the public host, which is that of `request.url`.

    Args:
        outer_app: the application that forwards the request, and whose configuration applies.
        request: the request, or the request of a websocket's handshake.
        app: the application that it is forwarded to.
    """
    if request.scope["type"] != "http":
        return app

    async def redirect_publicly(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_redirect(message: Message) -> None:
            if message["type"] == "http.response.start" and 300 < message["status"] < 400:
                fields = [(name, _public_location(outer_app, request, value) if name == b"location" else value)
                          for name, value in message.get("headers", ())]  # fmt: skip
                message = {**message, "headers": fields}
            await send(message)

        await app(scope, receive, send_redirect)

    return redirect_publicly


def _public_location(outer_app: Host, request: Request, location: bytes) -> bytes:
    """Return the target of a redirect, with the public host if it leads to this server."""
    # The scope's `app` is the mounted application by now.
    scope = {**request.scope, "app": outer_app}
    public = type(request)(scope)._public_origin
    if public is None:
        return location
    # Starlette computes scheme and host like this, so exactly its prefix is replaced.
    request_url = URL(scope={**scope, "path": "", "query_string": b""})
    origin = f"{request_url.scheme}://{request_url.netloc}".encode("latin-1")
    end = location[len(origin) : len(origin) + 1]
    if not location.startswith(origin) or end not in (b"", b"/", b"?", b"#"):
        return location
    return public.encode() + location[len(origin) :]
