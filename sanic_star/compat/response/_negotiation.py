"""`NegotiatedResponse`: one value, in the media type that the client prefers (RFC 9110, section 12.5.1).

A response has *renderers*, one for each media type that it offers. The `Accept` field of the request says which one
writes the body. `headers.parse_accept` reads the field, as for `request.accept`; the choice differs from Sanic's
`AcceptList.match`, which takes the highest weight of all entries that fit. By the RFC the most specific entry that
fits an offer decides, so that `text/html;q=0, */*` refuses HTML.

A handler of this package gets the body at once: the choice is made when the response is made, so that middleware reads
the body, and a 406 is raised where the handler is. A Starlette endpoint has no current request, or one whose scope
differs from its own. There the choice is made when the response is sent, by the scope that it is sent to.
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
        offered: the media types, the server's favourite first; the detail lists them, too.
    """

    def __init__(self, offered: list[str]) -> None:
        super().__init__(406, f"Not acceptable. Available: {', '.join(offered)}", {"Vary": "Accept"})
        self.offered = offered


class _Offer(NamedTuple):
    type: str
    subtype: str
    parameters: dict[str, str]


def _parameters(media_type: MediaType) -> dict[str, str]:
    """Return the parameters of a media type: what follows the weight is none of them (RFC 7231, section 5.3.2)."""
    parameters: dict[str, str] = {}
    for name, value in media_type.params.items():
        if name == "q":
            break
        value = value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
        parameters[name.lower()] = value.lower() if name.lower() == "charset" else value
    return parameters


@lru_cache(256)
def _read_offer(media_type: str) -> _Offer:
    """Read a media type that a response offers.

    Raises:
        ValueError: it is none, or a range.
    """
    try:
        # Whatever could not stand in a Content-Type is refused when it is registered.
        header_field("content-type", media_type)
        (entry,) = parse_accept(media_type)
    except (ValueError, InvalidHeader):
        entry = MediaType("*", "*")
    if entry.has_wildcard or "q" in entry.params:
        raise ValueError(f"a renderer has one media type, such as 'text/csv;header=present', not {media_type!r}")
    # Text is sent as UTF-8, so that a client which asks for that gets what it asks for.
    return _Offer(entry.type.lower(), entry.subtype.lower(), {"charset": "utf-8", **_parameters(entry)})


def _weight(accept: AcceptList, offer: _Offer) -> float:
    """Return the weight, from 0 to 1, that a client gives to an offer: that of the most specific entry."""
    best: tuple[bool, bool, int, float] | None = None
    for entry in accept:
        type_, subtype = entry.type.lower(), entry.subtype.lower()
        if type_ not in ("*", offer.type) or subtype not in ("*", offer.subtype):
            continue
        parameters = _parameters(entry)
        if all(offer.parameters.get(name) == value for name, value in parameters.items()):
            rank = (type_ != "*", subtype != "*", len(parameters), entry.q)
            best = rank if best is None else max(best, rank)
    return 0.0 if best is None else min(max(best[3], 0.0), 1.0)


def choose(accept: AcceptList, offered: list[str]) -> str:
    """Choose the media type that a client likes best; of those that it likes alike, the first.

    Args:
        accept: what the client accepts.
        offered: media types, the server's favourite first.

    Raises:
        NotAcceptable: the client accepts none of them.

    Examples:
        >>> choose(parse_accept("text/*;q=0.5, application/json"), ["text/html", "application/json"])
        'application/json'
    """
    weights = [_weight(accept, _read_offer(media_type)) for media_type in offered]
    best = max(weights, default=0.0)
    if best <= 0:
        raise NotAcceptable(offered)
    return offered[weights.index(best)]


class NegotiatedResponse(HTTPResponse, own_names=False):
    """A response that renders a value in the media type that the client prefers, by its `Accept` field.

    It offers JSON, HTML, text and MessagePack, in this order; `renderers` and `register` add media types. It carries
    `Vary: Accept`. Starlette endpoints may return it, in any Starlette application; it is an ASGI application, too.

    A missing or empty `Accept` field accepts everything: the first renderer writes the body. Several `Accept` fields
    count as one (RFC 9110, section 5.3).

    What an exception handler returns is sent in any case: where the client accepts none of the media types, the first
    renderer writes it (RFC 9110, section 12.5.1, allows that). A status without a body (204, 304) renders nothing.

    Args:
        value: what is rendered.
        status: the HTTP status.
        headers: header fields.
        html: what renders HTML: the name of a template, a template (an object with `render`), or a function that takes
            the value. A template gets `value`, `request`, and the items of a mapping as names. By default the value is
            shown as escaped text.
        renderers: further media types and the functions that render them, for this response; `None` as a function
            takes a media type away. A function takes the value, and returns text, which is sent as UTF-8, or bytes. It
            may be a coroutine function: then the body is there when the response is sent, and middleware can't read it.
        background: a background task of Starlette's, which runs once the response is sent.
        status_code: Starlette's name for `status`.

    Attributes:
        templates: where the names of templates are looked up: Starlette's `Jinja2Templates`, or an environment of
            Jinja. By default it is that of Sanic Extensions (`app.ext.environment`).
        renderers: the media types of the class and their functions, the favourite first. A subclass may have others.

    Raises:
        NotAcceptable: 406, the client accepts none of the media types that are offered.
        InvalidHeader: 400, no entry of the `Accept` field makes sense. Outside of a Sanic handler an `HTTPException`.
        SanicException: 431, the field is longer than `REQUEST_MAX_HEADER_SIZE`; likewise.
        ValueError: a renderer's media type is none.
        TypeError: a renderer is no function, or returns neither text nor bytes.

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
    # What a coroutine function will return; the body, once the response is sent.
    _pending: Awaitable[str | bytes] | None = None
    _rendered = False
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
            raise TypeError(f"html is a function, a template or the name of one, not {html!r}")
        self._renderers = dict(type(self).renderers)
        for media_type, renderer in (renderers or {}).items():
            if renderer is None:
                self._renderers.pop(media_type, None)
            else:
                _check(media_type, renderer)
                self._renderers[media_type] = renderer
        if html is not None:
            self._renderers.setdefault(HTML, render_html)
        request = _handled_request()
        if request is not None and has_message_body(self.status):
            self._choose(request, request, request._answers_error)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for media_type, renderer in cls.renderers.items():
            _check(media_type, renderer)

    @overload
    @classmethod
    def register(cls, media_type: str) -> Callable[[R], R]: ...
    @overload
    @classmethod
    def register(cls, media_type: str, renderer: R) -> R: ...
    @classmethod
    def register(cls, media_type: str, renderer: Any = None) -> Any:
        """Add a media type to this class and its subclasses, or replace its renderer; also a decorator.

        Subclasses with `renderers` of their own keep those.

        Args:
            media_type: the type, with parameters if it has some: `text/csv;header=present`.
            renderer: a function that takes the value, and returns text or bytes; or a coroutine function.

        Returns:
            The function, or without one a decorator.

        Raises:
            ValueError: the media type is none, or a range.
            TypeError: the renderer is no function.

        Examples:
            >>> class Table(NegotiatedResponse): ...
            >>> @Table.register("text/csv")
            ... def as_csv(rows):
            ...     return "".join(",".join(row) + "\\r\\n" for row in rows)
        """

        def add(renderer: R) -> R:
            _check(media_type, renderer)
            cls.renderers = {**cls.renderers, media_type: renderer}
            return renderer

        _read_offer(media_type)
        return add if renderer is None else add(renderer)

    @property
    def body(self) -> bytes:
        """The body, where it is rendered already.

        Raises:
            RuntimeError: it is rendered when the response is sent.
        """
        if not self._rendered and not self._by_hand and has_message_body(self.status):
            raise RuntimeError("the body of this NegotiatedResponse is rendered when it is sent")
        return self._body

    @body.setter
    def body(self, value: Any) -> None:
        self._drop_pending()
        self._body = self._encode_body(value)
        self._by_hand = True

    def _head(self, length: bool = True, declared: bool = False) -> list[tuple[bytes, bytes]]:
        """Return the header fields as they go over the wire, `Vary: Accept` among them."""
        fields = super()._head(length, declared)
        listed = [name.strip().lower() for field, value in fields if field == b"vary" for name in value.split(b",")]
        if b"accept" not in listed and b"*" not in listed:
            fields.append((b"vary", b"Accept"))
        return fields

    _build_head = _head

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Render the body, unless it is there already, and send the response.

        Raises:
            NotAcceptable: 406; where no application is in the scope that is sent as a response.
            HTTPException: 400 or 431, the Accept field; likewise.
        """
        try:
            if not self._by_hand and has_message_body(self.status):
                await self._render(scope)
        except HTTPException as error:
            if "app" in scope:
                raise
            await PlainTextResponse(error.detail, error.status_code, error.headers)(scope, receive, send)
            return
        await super().__call__(scope, receive, send)

    async def _declared(self, request: Any) -> None:
        # `request.respond` sends the body itself.
        if not self._by_hand and has_message_body(self.status):
            await self._render(request.scope)

    async def _render(self, scope: Scope) -> None:
        request = Request(scope)
        try:
            # The scope decides: middleware may have changed its field, and several requests may get one response.
            if self._accept is None or self._accept != _accept_field(request):
                # Starlette has no request for the handshake of a websocket, which a response may refuse.
                shown = StarletteRequest(scope) if scope["type"] == "http" else request
                # The response of an exception handler is sent while the exception is handled.
                self._choose(request, shown, sys.exc_info()[1] is not None)
        except SanicException as error:
            # Starlette knows its own exceptions only.
            detail = str(error).encode("utf-8", "backslashreplace").decode()
            raise HTTPException(error.status_code, detail) from None
        if self._pending is not None:
            pending, self._pending = self._pending, None
            self._take_body(await pending)

    def _choose(self, request: Request, shown: StarletteRequest, answers_error: bool) -> None:
        """Choose a media type for a request, and render the value.

        Args:
            request: its Accept fields decide.
            shown: the request as a template gets it: in an endpoint of Starlette's it is one of Starlette's.
            answers_error: whether an exception handler makes the response.
        """
        offered, accept = list(self._renderers), None
        try:
            accept = _accept_field(request)
            chosen = choose(_read_accept(request, accept), offered)
        except (NotAcceptable, SanicException):
            # The client learns more from the answer than from a 406 or 400 about its Accept field.
            if not offered or not answers_error:
                raise
            chosen = offered[0]
        self._drop_pending()
        self._rendered = False
        self._media_type, self._accept = chosen, accept
        self.content_type = chosen
        if chosen.startswith("text/") and "charset=" not in chosen.lower():
            self.content_type += "; charset=utf-8"
        if chosen == HTML and self._html is not None:
            rendered = self._render_html(shown)
        else:
            rendered = self._renderers[chosen](self._value)
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
        self._rendered = True

    def _drop_pending(self) -> None:
        close = getattr(self._pending, "close", None)
        self._pending = None
        if close is not None:
            close()


def _check(media_type: str, renderer: Any) -> None:
    _read_offer(media_type)
    if not callable(renderer):
        raise TypeError(f"the renderer of {media_type} is no function: {renderer!r}")


def _handled_request() -> Request | None:
    """Return the request whose Sanic handler is running, if there is one."""
    try:
        request = current_request()
    except LookupError:
        return None
    return request if isinstance(request, Request) and isinstance(request.scope.get("route"), Route) else None


def _accept_field(request: Request) -> str | None:
    """Return all Accept fields as one, `None` where there is none.

    Raises:
        SanicException: 431, they are longer than `REQUEST_MAX_HEADER_SIZE`.
    """
    fields = request._parsed_fields.getall("accept", [])
    return ", ".join(fields) if fields else None


def _read_accept(request: Request, field: str | None) -> AcceptList:
    if not field or not field.strip(", \t"):
        return parse_accept(None)
    # One field is read by the request, whose class a user may have replaced by one with an `accept` of its own.
    return request.accept if field == request.headers.get("accept") else parse_accept(field)


def _environment_of(request: StarletteRequest) -> Any:
    environment = getattr(getattr(request.scope.get("app"), "ext", None), "environment", None)
    if environment is None:
        raise RuntimeError(
            "NegotiatedResponse(html='…') names a template: set NegotiatedResponse.templates to Starlette's "
            "Jinja2Templates or to a Jinja environment, or extend the application with Sanic Extensions"
        )
    return environment
