"""`NegotiatedResponse`: one value, in the media type that the client prefers (RFC 9110, section 12.5.1).

A response has *renderers*, one for each media type that it offers. The request's `Accept` field selects one.
`headers.parse_accept` parses the field, as for `request.accept`. The selection differs from Sanic's `AcceptList.match`,
which uses the highest weight of all matching entries. By the RFC the most specific matching entry decides, so that
`text/html;q=0, */*` refuses HTML.

In a Sanic handler the body is rendered when the response is created, so that middleware can read it, and a 406 is
raised in the handler. A Starlette endpoint has no current request, or one with another scope. There the body is
rendered when the response is sent, by the scope that it is sent to.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from inspect import isawaitable
from typing import Any, ClassVar, NamedTuple, TypeVar, overload

from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from sanic_star.compat.exceptions import InvalidHeader, SanicException
from sanic_star.compat.headers import AcceptList, MediaType, parse_accept
from sanic_star.compat.helpers import has_message_body
from sanic_star.compat.request.types import Request
from sanic_star.compat.response._renderers import render_html, render_json, render_msgpack, render_text
from sanic_star.compat.response.types import HTTPResponse, header_field
from sanic_star.engine.requests import current_request
from sanic_star.engine.routing import Route

Renderer = Callable[[Any], str | bytes | Awaitable[str | bytes]]
R = TypeVar("R", bound=Renderer)
HTML = "text/html"


class NotAcceptable(HTTPException):
    """The client accepts none of the media types that a response offers: 406.

    Attributes:
        offered: the media types in order of preference; the detail also lists them.
    """

    def __init__(self, offered: list[str]) -> None:
        super().__init__(406, f"Not acceptable. Available: {', '.join(offered)}", {"Vary": "Accept"})
        self.offered = offered


class _Offer(NamedTuple):
    type: str
    subtype: str
    parameters: dict[str, str]


def _parameters(media_type: MediaType) -> dict[str, str]:
    """Return a media type's parameters, without those after the weight (RFC 7231, section 5.3.2)."""
    parameters: dict[str, str] = {}
    for name, value in media_type.params.items():
        if name == "q":
            break
        value = value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
        parameters[name.lower()] = value.lower() if name.lower() == "charset" else value
    return parameters


@lru_cache(256)
def _read_offer(media_type: str) -> _Offer:
    """Parse a media type that a response offers.

    Raises:
        ValueError: it is not a media type, or is a range.
    """
    try:
        # A type that is invalid in `Content-Type` is refused at its registration.
        header_field("content-type", media_type)
        (entry,) = parse_accept(media_type)
    except (ValueError, InvalidHeader):
        entry = MediaType("*", "*")
    if entry.has_wildcard or "q" in entry.params:
        raise ValueError(f"a renderer needs one media type, such as 'text/csv;header=present', not {media_type!r}")
    # Text is sent as UTF-8, so that clients which request that charset accept it.
    return _Offer(entry.type.lower(), entry.subtype.lower(), {"charset": "utf-8", **_parameters(entry)})


def _weight(accept: AcceptList, offer: _Offer) -> float:
    """Return a client's weight for an offer, from 0 to 1: the weight of the most specific matching entry."""
    best_rank: tuple[bool, bool, int, float] | None = None
    for entry in accept:
        type_, subtype = entry.type.lower(), entry.subtype.lower()
        if type_ not in ("*", offer.type) or subtype not in ("*", offer.subtype):
            continue
        parameters = _parameters(entry)
        if all(offer.parameters.get(name) == value for name, value in parameters.items()):
            rank = (type_ != "*", subtype != "*", len(parameters), entry.q)
            best_rank = rank if best_rank is None else max(best_rank, rank)
    return 0.0 if best_rank is None else min(max(best_rank[3], 0.0), 1.0)


def choose(accept: AcceptList, offered: list[str]) -> str:
    """Return the offered media type with the highest weight; of several, the first one.

    Args:
        accept: the client's `Accept` header.
        offered: media types in order of the server's preference.

    Raises:
        NotAcceptable: the client accepts none of them.

    Examples:
        >>> choose(parse_accept("text/*;q=0.5, application/json"), ["text/html", "application/json"])
        'application/json'
    """
    weights = [_weight(accept, _read_offer(media_type)) for media_type in offered]
    highest_weight = max(weights, default=0.0)
    if highest_weight <= 0:
        raise NotAcceptable(offered)
    return offered[weights.index(highest_weight)]


class NegotiatedResponse(HTTPResponse, own_names=False):
    """A response that renders a value in the media type that the client prefers, by its `Accept` field.

    It offers JSON, HTML, text and MessagePack, in this order; `renderers` and `register` add media types. It has the
    header `Vary: Accept`. It is also an ASGI application, and Starlette endpoints can return it, in any Starlette
    application.

    A missing or empty `Accept` field accepts everything: the first renderer is used. Several `Accept` fields are
    combined (RFC 9110, section 5.3).

    The response of an exception handler is always sent: if the client accepts none of the media types, the first
    renderer is used (allowed by RFC 9110, section 12.5.1). A status without a body (204, 304) renders nothing.

    Args:
        value: the value to render.
        status: the HTTP status.
        headers: header fields.
        html: renders HTML: the name of a template, a template (an object with `render`), or a function that takes the
            value. A template gets `value`, `request`, and the items of a mapping as variables. By default the value is
            shown as escaped text.
        renderers: further media types and the functions that render them, for this response; `None` as a function
            removes a media type. A function takes the value, and returns text, which is sent as UTF-8, or bytes. It may
            be a coroutine function: then the body is rendered when the response is sent, and middleware cannot read it.
        background: a Starlette background task, which runs after the response was sent.
        status_code: Starlette's name for `status`.

    Attributes:
        templates: where the names of templates are looked up: Starlette's `Jinja2Templates`, or an environment of
            Jinja. By default the environment of Sanic Extensions (`app.ext.environment`).
        renderers: the media types of the class and their functions, in order of preference. A subclass may override it.

    Raises:
        NotAcceptable: 406, the client accepts none of the offered media types.
        InvalidHeader: 400, no entry of the `Accept` field is valid. Outside a Sanic handler an `HTTPException`.
        SanicException: 431, the field is longer than `REQUEST_MAX_HEADER_SIZE`. Outside a Sanic handler an
            `HTTPException`.
        ValueError: a renderer's media type is invalid.
        TypeError: a renderer is not callable, or returns neither text nor bytes.

    Examples:
        >>> from sanic_star import NegotiatedResponse, Sanic
        >>> app = Sanic("Users")
        >>> def as_csv(users):
        ...     return "".join(f"{user['id']},{user['name']}\\r\\n" for user in users)
        >>> @app.get("/users")
        ... async def users(request):
        ...     return NegotiatedResponse([{"id": 1, "name": "Ada"}], renderers={"text/csv": as_csv})
        >>> app.test_client.get("/users", headers={"accept": "text/csv"})[1].text
        '1,Ada\\r\\n'
    """

    templates: ClassVar[Any] = None
    renderers: ClassVar[Mapping[str, Renderer]] = {
        "application/json": render_json,
        HTML: render_html,
        "text/plain": render_text,
        "application/msgpack": render_msgpack,
    }

    # The Accept field for which the body was rendered.
    _accept: str | None = None
    # The coroutine of an asynchronous renderer; its result becomes the body when the response is sent.
    _pending: Awaitable[str | bytes] | None = None
    _is_rendered = False
    _media_type = ""

    def __init__(
        self,
        value: Any = None,
        status: int = 200,
        headers: Mapping[str, Any] | None = None,
        *,
        html: Any = None,
        renderers: Mapping[str, Renderer | None] | None = None,
        background: BackgroundTask | None = None,
        status_code: int | None = None,
    ) -> None:
        super().__init__(None, status if status_code is None else status_code, headers, background=background)
        self._value = value
        self._html = html
        if html is not None and not (isinstance(html, str) or callable(html) or hasattr(html, "render")):
            raise TypeError(f"html has to be a function, a template or the name of a template, not {html!r}")
        self._renderers = dict(type(self).renderers)
        for media_type, renderer in (renderers or {}).items():
            if renderer is None:
                self._renderers.pop(media_type, None)
            else:
                _check_renderer(media_type, renderer)
                self._renderers[media_type] = renderer
        if html is not None:
            self._renderers.setdefault(HTML, render_html)
        request = _handled_request()
        if request is not None and has_message_body(self.status):
            self._choose(request, request, request._answers_error)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for media_type, renderer in cls.renderers.items():
            _check_renderer(media_type, renderer)

    @overload
    @classmethod
    def register(cls, media_type: str) -> Callable[[R], R]: ...
    @overload
    @classmethod
    def register(cls, media_type: str, renderer: R) -> R: ...
    @classmethod
    def register(cls, media_type: str, renderer: Any = None) -> Any:
        """Add a media type to this class and its subclasses, or replace its renderer; also a decorator.

        Subclasses with their own `renderers` are not changed.

        Args:
            media_type: the type, optionally with parameters: `text/csv;header=present`.
            renderer: a function that takes the value, and returns text or bytes; or a coroutine function.

        Returns:
            The function, or without a function a decorator.

        Raises:
            ValueError: the media type is invalid, or a range.
            TypeError: the renderer is not callable.

        Examples:
            >>> class Table(NegotiatedResponse): ...
            >>> @Table.register("text/csv")
            ... def as_csv(rows):
            ...     return "".join(",".join(row) + "\\r\\n" for row in rows)
        """

        def add(renderer: R) -> R:
            _check_renderer(media_type, renderer)
            cls.renderers = {**cls.renderers, media_type: renderer}
            return renderer

        _read_offer(media_type)
        return add if renderer is None else add(renderer)

    @property
    def body(self) -> bytes:
        """The body, if it was rendered.

        Raises:
            RuntimeError: the body is rendered when the response is sent.
        """
        if not self._is_rendered and not self._body_was_set and has_message_body(self.status):
            raise RuntimeError("the body of this NegotiatedResponse is rendered when it is sent")
        return self._body

    @body.setter
    def body(self, value: Any) -> None:
        self._drop_pending()
        self._body = self._encode_body(value)
        self._body_was_set = True

    def _head(self, with_length: bool = True, keeps_own_length: bool = False) -> list[tuple[bytes, bytes]]:
        """Return the header fields in wire format, including `Vary: Accept`."""
        fields = super()._head(with_length, keeps_own_length)
        vary_names = [name.strip().lower() for field, value in fields if field == b"vary" for name in value.split(b",")]
        if b"accept" not in vary_names and b"*" not in vary_names:
            fields.append((b"vary", b"Accept"))
        return fields

    _build_head = _head

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Render the body, unless it was rendered, and send the response.

        Raises:
            NotAcceptable: 406; sent as a response if the scope has no application.
            HTTPException: 400 or 431, because of the `Accept` field; sent as a response if the scope has no
                application.
        """
        try:
            if not self._body_was_set and has_message_body(self.status):
                await self._render(scope)
        except HTTPException as error:
            if "app" in scope:
                raise
            await PlainTextResponse(error.detail, error.status_code, error.headers)(scope, receive, send)
            return
        await super().__call__(scope, receive, send)

    async def _prepare_for(self, request: Any) -> None:
        # `request.respond` sends the body itself.
        if not self._body_was_set and has_message_body(self.status):
            await self._render(request.scope)

    async def _render(self, scope: Scope) -> None:
        request = Request(scope)
        try:
            # Decided by the scope, because middleware may have changed it, and a response may be sent to several
            # requests.
            if self._accept is None or self._accept != _accept_field(request):
                # Starlette has no request for a websocket's handshake, which a response may refuse.
                template_request = StarletteRequest(scope) if scope["type"] == "http" else request
                # The response of an exception handler is sent while the exception is handled.
                self._choose(request, template_request, sys.exc_info()[1] is not None)
        except SanicException as error:
            # Starlette handles only its own exceptions.
            detail = str(error).encode("utf-8", "backslashreplace").decode()
            raise HTTPException(error.status_code, detail) from None
        if self._pending is not None:
            pending, self._pending = self._pending, None
            self._take_body(await pending)

    def _choose(self, request: Request, template_request: StarletteRequest, answers_error: bool) -> None:
        """Select a media type for a request, and render the value.

        Args:
            request: the request with the `Accept` fields.
            template_request: the request for templates: in a Starlette endpoint, Starlette's.
            answers_error: whether an exception handler creates the response.
        """
        offered, accept = list(self._renderers), None
        try:
            accept = _accept_field(request)
            chosen_type = choose(_read_accept(request, accept), offered)
        except (NotAcceptable, SanicException):
            # For the client, the response to the exception matters more than a 406 or 400.
            if not offered or not answers_error:
                raise
            chosen_type = offered[0]
        self._drop_pending()
        self._is_rendered = False
        self._media_type, self._accept = chosen_type, accept
        self.content_type = chosen_type
        if chosen_type.startswith("text/") and "charset=" not in chosen_type.lower():
            self.content_type += "; charset=utf-8"
        if chosen_type == HTML and self._html is not None:
            rendered = self._render_html(template_request)
        else:
            rendered = self._renderers[chosen_type](self._value)
        if isawaitable(rendered):
            self._pending = rendered
        else:
            self._take_body(rendered)

    def _render_html(self, request: StarletteRequest) -> Any:
        template = self._html
        processors: Any = ()
        if isinstance(template, str):
            templates = self.templates
            if templates is None:
                templates = _environment_of(request)
            processors = getattr(templates, "context_processors", ())
            template = templates.get_template(template)
        if not hasattr(template, "render"):
            return template(self._value)
        context: dict[str, Any] = {"value": self._value}
        for processor in processors:
            context |= processor(request)
        if isinstance(self._value, Mapping):
            context |= self._value
        context.setdefault("request", request)
        if getattr(getattr(template, "environment", None), "is_async", False):
            return template.render_async(context)
        return template.render(context)

    def _take_body(self, rendered: Any) -> None:
        if not isinstance(rendered, str | bytes | bytearray | memoryview):
            kind = type(rendered).__name__
            raise TypeError(f"the renderer of {self._media_type} returned {kind}, and not text or bytes")
        self._body = self._encode_body(rendered)
        self._is_rendered = True

    def _drop_pending(self) -> None:
        close = getattr(self._pending, "close", None)
        self._pending = None
        if close is not None:
            close()


def _check_renderer(media_type: str, renderer: Any) -> None:
    _read_offer(media_type)
    if not callable(renderer):
        raise TypeError(f"the renderer of {media_type} is not a function: {renderer!r}")


def _handled_request() -> Request | None:
    """Return the request whose Sanic handler is running, if there is one."""
    try:
        request = current_request()
    except LookupError:
        return None
    return request if isinstance(request, Request) and isinstance(request.scope.get("route"), Route) else None


def _accept_field(request: Request) -> str | None:
    """Return all `Accept` fields combined; `None` if there is none.

    Raises:
        SanicException: 431, they are longer than `REQUEST_MAX_HEADER_SIZE`.
    """
    fields = request._parsed_fields.getall("accept", [])
    return ", ".join(fields) if fields else None


def _read_accept(request: Request, field: str | None) -> AcceptList:
    if not field or not field.strip(", \t"):
        return parse_accept(None)
    # A single field is parsed by the request, because a user's request class may override `accept`.
    return request.accept if field == request.headers.get("accept") else parse_accept(field)


def _environment_of(request: StarletteRequest) -> Any:
    environment = getattr(getattr(request.scope.get("app"), "ext", None), "environment", None)
    if environment is None:
        raise RuntimeError(
            "NegotiatedResponse(html='…') names a template: set NegotiatedResponse.templates to Starlette's "
            "Jinja2Templates or to a Jinja environment, or extend the application with Sanic Extensions"
        )
    return environment
