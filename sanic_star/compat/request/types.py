"""`Request`: Sanic's request, created from an ASGI scope.

A value is parsed on first access, and stored in the object. Starlette's class is the base, so that code for Starlette
requests accepts this one. Both frameworks use some names: `json`, `body`, `form`, `url`, `headers`, `cookies` and
`stream`. Here they have Sanic's meaning, which explains each `type: ignore[override]` in this file; the attribute
`starlette` is a plain Starlette request on the same connection.
"""

from __future__ import annotations

import uuid
import weakref
from collections import defaultdict
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, overload
from urllib.parse import parse_qs, parse_qsl, quote, unquote

from starlette.requests import Request as StarletteRequest
from starlette.routing import NoMatchFound
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sanic_star.compat._support.json import Codec, codec
from sanic_star.compat._support.json import loads as json_loads
from sanic_star.compat._support.lazy import BoundedTable, OldName, names_without_old
from sanic_star.compat.compat import Header
from sanic_star.compat.constants import (
    CACHEABLE_HTTP_METHODS,
    DEFAULT_HTTP_CONTENT_TYPE,
    IDEMPOTENT_HTTP_METHODS,
    SAFE_HTTP_METHODS,
)
from sanic_star.compat.exceptions import BadRequest, ServerError, URLBuildError
from sanic_star.compat.headers import (
    AcceptList,
    Options,
    parse_accept,
    parse_content_header,
    parse_credentials,
    parse_forwarded,
    parse_host,
    parse_xforwarded,
)
from sanic_star.compat.helpers import _default
from sanic_star.compat.request._field_size import DEFAULT_LIMIT, ParsedFields, check_field_size
from sanic_star.compat.request._url import RequestURL, encode_root_path, leads_to_sanic, path_for_guards
from sanic_star.compat.request.parameters import URLENCODED, RequestParameters, _read_query
from sanic_star.compat.response._writer import ResponseWriter
from sanic_star.compat.response.types import BaseHTTPResponse, HTTPResponse
from sanic_star.engine import requests
from sanic_star.engine.index import PATH_SAFE
from sanic_star.engine.routing import Route, wire_path

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from sanic_star.compat.app import Sanic
    from sanic_star.compat.cookies.request import CookieRequestParameters
    from sanic_star.compat.models.http_types import Credentials
    from sanic_star.compat.models.server_types import ConnInfo
    from sanic_star.compat.request._body import BodyStream
    from sanic_star.compat.request._protocol import Protocol, Transport
    from sanic_star.compat.request._upload import Upload
    from sanic_star.compat.request.form import AwaitableForm, File

    # With defaults (PEP 696, in `typing` from Python 3.13 on), so that `Request` needs no argument. Covariant, so that
    # a function that accepts `Request` also accepts a request with arguments.
    AppT = TypeVar("AppT", bound="Sanic[Any, Any]", default="Sanic[Any, Any]", covariant=True)
    CtxT = TypeVar("CtxT", default=Any, covariant=True)
else:
    from typing import TypeVar

    AppT = TypeVar("AppT")
    CtxT = TypeVar("CtxT")

QueryOptions = tuple[bool, bool, str, str]
_QUERY_DEFAULTS = (False, False, "utf-8", "replace")
_TOKEN_SCHEMES = ("Bearer", "Token")
_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
# An ASGI extension.
_TRAILERS = "http.response.trailers"


# The readers of header fields and cookies are imported with the first request that needs them. Each replaces its
# loader, so that later calls have no extra frame.
def _load_and_read_fields(fields: Iterable[tuple[bytes, bytes]]) -> Header:
    global _read_fields
    from sanic_star.compat.request._headers import read_fields as _read_fields

    return _read_fields(fields)


def _load_and_read_cookies(headers: Iterable[str]) -> CookieRequestParameters:
    global _read_cookies
    from sanic_star.compat.cookies.request import _read_cookies

    return _read_cookies(headers)


_read_fields: Callable[[Iterable[tuple[bytes, bytes]]], Header] = _load_and_read_fields
_read_cookies: Callable[[Iterable[str]], CookieRequestParameters] = _load_and_read_cookies


@cache
def _load_plain_path() -> Callable[..., str | None]:
    """Return `plain_path`, which builds most paths; it is imported for the first URL."""
    from sanic_star.compat._app.urls import plain_path

    return plain_path


class Request(requests.Request, Generic[AppT, CtxT]):
    """An HTTP request, or the handshake of a websocket; handlers and middleware get it as their first argument.

    An annotation may give the types of `app` and `ctx`: `Request[Sanic[MyConfig, MyContext], MyRequestContext]`.

    The first argument is an ASGI scope (a mapping) or a URL (bytes). With a URL, the arguments are those of Sanic
    25.12: `url_bytes`, `headers`, `version`, `method`, `transport` and `app`. Request factories use that form. In
    tests, use `Request.build`.

    Args:
        scope: the connection's ASGI scope, of type `http` or `websocket`.
        receive: the ASGI callable that returns the body's messages.
        send: the ASGI callable that sends the response's messages.

    Raises:
        BadURL: 400, the URL is invalid.
        URITooLong: 414, the URL has more than 65,535 bytes.
        TypeError: the first argument has another type, or arguments are missing.

    Examples:
        >>> request = Request({"type": "http", "method": "GET", "path": "/a", "query_string": b"b=1", "headers": []})
        >>> request.path, request.args.get("b")
        ('/a', '1')
        >>> request = Request(b"/a?b=1", {"host": "example.org"}, "1.1", "GET", transport=None, app=None)
        >>> request.url
        'http://example.org/a?b=1'
    """

    _loads: ClassVar[Callable[[bytes], Any]] = staticmethod(json_loads)
    # Reads most bodies; if it raises, `_loads` decides. `None` in a class with its own `load_json`.
    _codec: ClassVar[Codec | None] = codec

    __dir__ = names_without_old
    raw_args = OldName()
    body_init = OldName()
    body_push = OldName()
    body_finish = OldName()
    clear = OldName()
    copy = OldName()
    pop = OldName()
    popitem = OldName()
    setdefault = OldName()
    update = OldName()
    __setitem__ = OldName()
    __delitem__ = OldName()
    # The names of the items that were set on the request: `request["user"] = …`.
    _items: dict[str, None] | None = None

    # Whether error pages may read the `Accept` field themselves, because no subclass overrides the attributes.
    _reads_accept = True
    _writer: ResponseWriter | None = None
    # Whether the scope is a changed copy; see `_amend`.
    _amended = False
    # The route, while handlers of the events before routing run: they see no route.
    _hidden_route: Any = None
    # Whether the request was routed again, because an event's handler had changed the method, host or path.
    _was_rerouted = False
    _request_middleware_started = False
    # Whether an exception handler was called for the request.
    _answers_error = False
    # Chooses another exception handler; a test client sets it: see `testing.refusals`.
    _stand_in: Callable[[Any, BaseException, Any], Any] | None = None
    _response_middleware_started = False
    # Whether `ErrorHandler.response` found a handler that handles the exception; an override may call that method.
    _is_error_handled: bool | None = None
    # The first result of `protocol`.
    _open_protocol: Protocol | None = None
    # The result of `Sanic.handle_exception`, for the override that called it.
    _answer: tuple[ASGIApp | None, BaseException | None] | None = None
    _ctx: Any = None
    _id: uuid.UUID | str | int | None = None
    _name: str | None = None
    parsed_json: Any = None
    parsed_form: RequestParameters | None = None
    parsed_files: RequestParameters | None = None
    parsed_accept: AcceptList | None = None
    parsed_cookies: CookieRequestParameters | None = None
    parsed_credentials: Credentials | None = None
    parsed_forwarded: Options | None = None
    parsed_token: str | None = None
    _headers: Header | None = None  # type: ignore[assignment]
    _app: Any = None
    _conn_info: ConnInfo | None = None
    _upload: Upload | None = None
    # The number of bytes of the body that a mounted application or one of Starlette's routes has received.
    _forwarded_size = 0
    _protocol: Protocol | None = None
    _parsed_args: defaultdict[QueryOptions, RequestParameters] | None = None
    # The result of `get_args` for its default arguments.
    _args: RequestParameters | None = None
    _parsed_not_grouped_args: defaultdict[QueryOptions, list[tuple[str, str]]] | None = None

    # The values of Sanic's arguments, if the request was created with them; see `_sanic_form`.
    _head: bytes | None = None
    _raw_url: bytes | None = None
    _stream_id: int | None = None
    _transport: Any = _default
    # A test may set `stream`.
    _stream: Any = None

    @overload
    def __init__(self, scope: Scope, receive: Receive = ..., send: Send = ...) -> None: ...
    @overload
    def __init__(
        self,
        url_bytes: bytes,
        headers: Mapping[str, str],
        version: str,
        method: str,
        transport: Any,
        app: Any,
        head: bytes = b"",
        stream_id: int = 0,
    ) -> None: ...
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        first = args[0] if args else kwargs.get("url_bytes")
        if isinstance(first, bytes | bytearray | memoryview):
            # Imported here, because only tests create requests with Sanic's arguments.
            from sanic_star.compat.request._sanic_form import fill_request

            fill_request(self, *args, **kwargs)
        elif isinstance(first, str) or len(args) > 3:
            raise TypeError(f"Request takes an ASGI scope or the URL as bytes, got {first!r}")
        else:
            super().__init__(*args, **kwargs)

    _plain_init = __init__

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "load_json" in vars(cls):
            cls._codec = None
        cls._reads_accept = cls._reads_accept and not {"accept", "headers", "route", "json"} & vars(cls).keys()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.method} {self.path}>"

    def __getitem__(self, key: str) -> Any:
        """Return an entry of the scope, as in Starlette, or an item that was set, as in old releases of Sanic.

        New code uses `request.ctx` instead of items.

        Args:
            key: the name of the entry or item.

        Raises:
            KeyError: there is neither an entry nor an item of that name.
        """
        if key in self.scope and not (self._items and key in self._items):
            return self.scope[key]
        from sanic_star.compat._old import request  # imported late: only old applications and mistakes need it

        return request.read_item(self, key)

    def __iter__(self) -> Iterator[str]:
        return iter({**self.scope, **(self._items or {})})

    def __len__(self) -> int:
        return len({**self.scope, **(self._items or {})})

    @staticmethod
    def make_context() -> Any:
        """Return a new object for `ctx`; a subclass may choose another type."""
        return SimpleNamespace()

    @classmethod
    def get_current(cls) -> Request:
        """Return the request that the current task or thread answers.

        Raises:
            ServerError: it answers no request.

        Examples:
            >>> from sanic_star import Request, Sanic, text
            >>> app = Sanic("shop")
            >>> def language():
            ...     return Request.get_current().headers.get("accept-language", "en")
            >>> @app.get("/")
            ... async def hello(request):
            ...     return text(language())
            >>> app.test_client.get("/", headers={"accept-language": "nl"})[1].text
            'nl'
        """
        try:
            return requests.current_request()  # type: ignore[return-value]
        except LookupError:
            raise ServerError("No current request") from None

    @classmethod
    def build(
        cls,
        method: str = "GET",
        url: str = "/",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        app: Sanic[Any, Any] | None = None,
        scope: Mapping[str, Any] | None = None,
    ) -> Self:
        """Create a request without a connection, for tests.

        Args:
            method: the HTTP method.
            url: path and query, or a whole URL.
            headers: header fields.
            body: the body.
            app: the value of `request.app`.
            scope: further entries of the ASGI scope.

        Examples:
            >>> Request.build("POST", "/items?page=2", body=b"[1]").json
            [1]
        """
        parsed_url = RequestURL(url)
        fields = {"host": parsed_url.netloc or "localhost", "content-length": str(len(body)), **(headers or {})}
        request = cls(
            {
                "type": "http",
                "method": method,
                "http_version": "1.1",
                "scheme": parsed_url.scheme or "http",
                "path": unquote(parsed_url.path),
                "raw_path": parsed_url.path.encode(),
                "query_string": parsed_url.query.encode(),
                "headers": [(name.lower().encode(), value.encode()) for name, value in fields.items()],
                **({} if app is None else {"app": app}),
                **(scope or {}),
            }
        )
        request._body = body
        return request

    # Application, method, route -------------------------------------------------------------------------------------

    @property
    def app(self) -> AppT:
        """The application that answers the request."""
        return self.scope.get("app") if self._app is None else self._app  # type: ignore[return-value]

    @app.setter
    def app(self, app: Any) -> None:
        # Not in the scope, by which an application recognises its requests.
        self._app = app

    @property
    def method(self) -> str:
        """The HTTP method; `GET` for the handshake of a websocket.

        Examples:
            >>> from sanic_star import Request
            >>> request = Request.build("DELETE", "/items/7")
            >>> request.method
            'DELETE'
        """
        return self.scope.get("method", "GET")  # type: ignore[no-any-return]

    @method.setter
    def method(self, method: str) -> None:
        self._amend(method=method)

    @property
    def version(self) -> str:
        """The HTTP version: `1.1`, `2`, `3`."""
        return self.scope.get("http_version", "1.1")  # type: ignore[no-any-return]

    @version.setter
    def version(self, version: str) -> None:
        self._amend(http_version=version)

    def _amend(self, **entries: Any) -> None:
        # A copy, because the server reads its own scope, for example the method: a response to HEAD has no body.
        self.scope = {**self.scope, **entries}
        self._amended = True

    @property
    def starlette(self) -> StarletteRequest:
        """A plain Starlette request on the same connection, which reads the same body.

        Raises:
            HTTPException: 400, the request is a form in a charset that a client may not choose.
        """
        # PERF: keeps the module out of `import sanic_star`. Safe because a repeated import only reads `sys.modules`.
        from sanic_star.compat.request._plain import PlainRequest

        receive = partial(self._receive_body, self.receive)
        return PlainRequest(self.scope, receive, self._send, self._config)

    async def _receive_body(self, receive: Receive) -> Message:
        """Receive a message for Starlette's methods, with the time limit that `stream` has."""
        if self._body_is_read or self._stream_consumed:
            return await self._watched_receive(receive)
        self._waits_for_part = True
        try:
            message = await self._watched_receive(receive)
        finally:
            self._waits_for_part = False
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            self._stream_consumed = not message.get("more_body", False)
        return message

    @property
    def ctx(self) -> CtxT:
        """An object for your own attributes of this request.

        Examples:
            >>> from sanic_star import Request
            >>> request = Request.build()
            >>> request.ctx.user = "ada"
            >>> request.ctx.user
            'ada'
        """
        ctx = self._ctx
        if ctx is None:
            ctx = self._ctx = self.make_context()
        return ctx  # type: ignore[no-any-return]

    @classmethod
    def generate_id(cls, *_: Any) -> uuid.UUID | str | int:
        """Return an identifier for a request that has none; a subclass may return another one.

        Args:
            _: the request.
        """
        return uuid.uuid4()

    @property
    def id(self) -> uuid.UUID | str | int | None:
        """The identifier: the value of the header field named by `REQUEST_ID_HEADER`, or else a generated one."""
        if self._id is None:
            field = self._parsed_fields.get(self.app.config.REQUEST_ID_HEADER)
            identifier = self.generate_id(self) if field is None else field
            # As in Sanic 25.12, this also converts the text of an overridden `generate_id`.
            self._id = _read_id(identifier) if isinstance(identifier, str) else identifier
        return self._id

    @property
    def route(self) -> Any:
        """The route that answers the request; `None` if no route matches."""
        return self.scope.get("route")

    @route.setter
    def route(self, route: Any) -> None:
        self._amend(route=route)

    @property
    def name(self) -> str | None:
        """The route's name."""
        return self._name or getattr(self.route, "name", None)

    @property
    def endpoint(self) -> str | None:
        """The route's name, as `name`."""
        return self.name

    @property
    def uri_template(self) -> str | None:
        """The route's path with its parameters, such as `/items/<number:int>`; `None` without a route."""
        return getattr(self.route, "uri", None)

    @property
    def match_info(self) -> dict[str, Any]:
        """The path parameters by name; if request middleware adds one here, the handler gets it as an argument.

        Examples:
            >>> from sanic_star import Sanic, json
            >>> app = Sanic("shop")
            >>> @app.get("/items/<number:int>")
            ... async def item(request, number):
            ...     return json(request.match_info)
            >>> app.test_client.get("/items/7")[1].json
            {'number': 7}
        """
        if self._route_params is Request._route_params:
            # All requests without parameters share the class's dictionary, so it must not be changed.
            self._route_params = {}
        return self._route_params

    @match_info.setter
    def match_info(self, parameters: dict[str, Any]) -> None:
        self._route_params = parameters

    # Header fields --------------------------------------------------------------------------------------------------

    @property  # type: ignore[override]
    def headers(self) -> Header:
        """The header fields; look-ups ignore the case of names.

        Examples:
            >>> from sanic_star import Request
            >>> request = Request.build(headers={"Accept-Language": "nl"})
            >>> request.headers["accept-language"], request.headers.get("x-missing")
            ('nl', None)
        """
        headers = self._headers
        if headers is None:
            headers = self._headers = _read_fields(self.scope.get("headers", ()))
        return headers

    @headers.setter
    def headers(self, headers: Mapping[str, str]) -> None:
        self._headers = headers if isinstance(headers, Header) else Header(headers)

    @property
    def last_event_id(self) -> str | None:
        """The `id` of the last event that the client received before it reconnected to an event stream.

        `None` if the client sends no `Last-Event-ID` (HTML Standard, section 9.2.4). Bytes that are not UTF-8 are
        replaced by U+FFFD. The value comes from the client: validate it like any other input.
        """
        value = self.headers.get("last-event-id")
        if value is None or value.isascii():
            return value
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

    @property
    def request_line(self) -> bytes:
        """The request line of HTTP/1.1, built from method, URL and version (RFC 9112, section 3)."""
        if self._head:
            return self._head.partition(b"\r\n")[0]
        return b"%s %s HTTP/%s" % (self.method.encode(), self.raw_url, self.version.encode())

    @property
    def head(self) -> bytes:
        """The request line and header fields of HTTP/1.1, built from the request; names are in lower case."""
        return self._head or self.request_line + b"\r\n" + self.raw_headers

    @head.setter
    def head(self, head: bytes) -> None:
        self._head = head

    @property
    def raw_headers(self) -> bytes:
        """The header fields as lines of bytes; names are in lower case."""
        if self._head:
            return self._head.partition(b"\r\n")[2]
        return b"\r\n".join(name + b": " + value for name, value in self.scope.get("headers", ()))

    @property
    def _parsed_fields(self) -> ParsedFields:
        """The header fields for parsers: to read a field longer than `REQUEST_MAX_HEADER_SIZE` raises 431."""
        return ParsedFields(self.headers, self._config)

    def _parsed_field(self, name: str, default: Any = None) -> Any:
        # PERF: 0.5 µs less than `_parsed_fields.get`. Safe because every usable limit exceeds 64 bytes.
        values = self.headers.getall(name, ())
        if not values:
            return default
        if len(values) > 1 or len(values[0]) > 64:
            check_field_size(name, values, self._config)
        return values[0]

    @property
    def accept(self) -> AcceptList:
        """The media types that the client accepts, in order of preference.

        Raises:
            InvalidHeader: 400, the header has no valid entry.
            SanicException: 431, the header is longer than `REQUEST_MAX_HEADER_SIZE`.

        Examples:
            >>> from sanic_star import Request
            >>> request = Request.build(headers={"accept": "text/html;q=0.5, application/json"})
            >>> str(request.accept.match("text/html", "application/json").mime)
            'application/json'
        """
        if self.parsed_accept is None:
            self.parsed_accept = parse_accept(self._parsed_field("accept"))
        return self.parsed_accept

    @property
    def content_type(self) -> str:
        """The value of `Content-Type`, by default `application/octet-stream`.

        Raises:
            SanicException: 431, the header is longer than `REQUEST_MAX_HEADER_SIZE`.
        """
        return self._parsed_field("content-type", DEFAULT_HTTP_CONTENT_TYPE)  # type: ignore[no-any-return]

    @property
    def token(self) -> str | None:
        """The token of the `Authorization` header: after `Bearer` or `Token`, or else the whole value.

        Raises:
            SanicException: 431, the header is longer than `REQUEST_MAX_HEADER_SIZE`.

        Examples:
            >>> from sanic_star import Request
            >>> request = Request.build(headers={"authorization": "Bearer 7f3a"})
            >>> request.token
            '7f3a'
        """
        token = self.parsed_token
        if token is None:
            # PERF: most tokens are read without `parse_credentials`, `getall` and `_parsed_field`: 0.5 µs («real»).
            # Safe because a long, repeated or different value is read by them, and because every usable limit exceeds
            # 64 bytes.
            # A subclass may have `headers` of another type.
            fields = getattr(self.headers, "_fields", None)
            value = fields.get(b"authorization") if fields else None
            if value is not None and len(value) <= 64 and value.startswith(b"Bearer ") and value.isascii():
                token = value[7:].decode().strip()
            else:
                token = parse_credentials(self._parsed_field("authorization"), _TOKEN_SCHEMES)[1]
            self.parsed_token = token
        return token

    @property
    def credentials(self) -> Credentials | None:
        """The type and token of the `Authorization` header, for `Basic` also name and password; `None` without it.

        Raises:
            SanicException: 431, the header is longer than `REQUEST_MAX_HEADER_SIZE`.

        Examples:
            >>> from sanic_star import Request
            >>> request = Request.build(headers={"authorization": "Basic YWRhOnNlY3JldA=="})
            >>> request.credentials.username, request.credentials.password
            ('ada', 'secret')
        """
        if self.parsed_credentials is None:
            kind, token = parse_credentials(self._parsed_field("authorization"))
            if token:
                from sanic_star.compat.models.http_types import Credentials

                self.parsed_credentials = Credentials(auth_type=kind, token=token)
        return self.parsed_credentials

    def get_cookies(self) -> CookieRequestParameters:
        """Read the cookies from the header fields again.

        Raises:
            SanicException: 431, all Cookie headers together are longer than `REQUEST_MAX_HEADER_SIZE`.
        """
        fields = getattr(self.headers, "_fields", None)
        value = fields.get(b"cookie") if fields else None
        headers: Sequence[str]
        # PERF: as in `token`, and safe for the same reasons.
        if value is not None and len(value) <= 64 and value.isascii():
            headers = (value.decode(),)
        else:
            headers = self.headers.getall("cookie", [])
            check_field_size("cookie", headers, self._config)
        self.parsed_cookies = cookies = _read_cookies(headers)
        return cookies

    @property
    def cookies(self) -> CookieRequestParameters:  # type: ignore[override]
        """The cookies.

        Examples:
            >>> from sanic_star import Request
            >>> request = Request.build(headers={"cookie": "theme=dark"})
            >>> request.cookies.get("theme")
            'dark'
        """
        cookies = self.parsed_cookies
        return self.get_cookies() if cookies is None else cookies

    # The body -------------------------------------------------------------------------------------------------------

    @property  # type: ignore[override]
    def body(self) -> bytes:
        """The body, which is read before the handler is called; empty in a handler that streams it.

        Examples:
            >>> from sanic_star import Request
            >>> request = Request.build("POST", "/items", body=b"tea")
            >>> request.body
            b'tea'
        """
        # PERF: a test of `__dict__` would create that dictionary. Safe because the attribute is only in there.
        try:
            return self._body
        except AttributeError:
            if self._upload is None:
                return b""
            self._body = self._upload.body()
            return self._body

    @body.setter
    def body(self, value: bytes) -> None:
        self._body = value
        self._upload = None

    @property
    def stream(self) -> BodyStream:
        """The body's parts, for a handler that streams it: `async for chunk in request.stream`.

        Examples:
            >>> from sanic_star import Sanic, text
            >>> app = Sanic("shop")
            >>> @app.post("/count", stream=True)
            ... async def count(request):
            ...     size = 0
            ...     async for chunk in request.stream:
            ...         size += len(chunk)
            ...     return text(f"{size} bytes")
            >>> app.test_client.post("/count", data=b"1234")[1].text
            '4 bytes'
        """
        from sanic_star.compat.request._body import BodyStream  # imported late: few handlers stream the body

        # Created each time, because a stored one would form a reference cycle with the request.
        return BodyStream(self) if self._stream is None else self._stream

    @stream.setter
    def stream(self, stream: Any) -> None:
        self._stream = stream

    async def receive_body(self) -> None:
        """Read the whole body in a handler that streams it, so that you can use `body`, `json` and `form`."""
        if not self._body_is_read:
            await self._store_body(self.stream)

    async def _read_body(self, first: Message, limit: int | None) -> None:
        """Read a body that arrives in several messages; a multipart form is stored in a spool."""
        await self._store_body(self._arriving_body(first, limit))

    async def _store_body(self, parts: AsyncIterable[bytes]) -> None:
        from sanic_star.compat.request._upload import Upload

        upload = Upload.of(self.content_type, self._config)
        if upload is None:
            self._body = b"".join([part async for part in parts])
            return
        try:
            async for part in parts:
                await upload.add(part)
        except BaseException:
            upload.spool.close()
            raise
        upload.finish()
        self._upload = upload
        self._holds = True

    @property
    def _config(self) -> Mapping[str, Any]:
        # PERF: two frames less than `self.app.config`, 0.1 µs with each use of a parser («real»). Safe because it reads
        # what `app` returns. A Starlette application has no settings, or settings of another type.
        config = getattr(self.scope.get("app") if self._app is None else self._app, "config", None)
        return config if isinstance(config, dict) else {}

    @property
    def _max_field_size(self) -> int | None:  # type: ignore[override]
        return self._config.get("REQUEST_MAX_HEADER_SIZE", DEFAULT_LIMIT)  # type: ignore[no-any-return]

    @property
    def _body_is_read(self) -> bool:
        """Whether the whole body was read."""
        return self._upload is not None or "_body" in self.__dict__

    def _kept_body(self) -> Iterator[bytes]:
        """Yield the body that was read; a form in a spool in chunks."""
        return super()._kept_body() if self._upload is None else self._upload.spool.blocks()

    def _release(self) -> None:
        """Release what only the handling of the request needs.

        A form's files on disk are removed, except those that are still referenced.
        """
        super()._release()
        if self._writer is not None:
            self._writer.release()
        if self._upload is not None and self._upload.is_on_disk:
            self._upload.release()
            self.parsed_files = None

    @property
    def json(self) -> Any:
        """The body, parsed as JSON; `None` if the body is empty.

        Raises:
            BadRequest: the body is not JSON.

        Examples:
            >>> from sanic_star import Request
            >>> request = Request.build("POST", "/items", body=b'{"name": "tea"}')
            >>> request.json["name"]
            'tea'
        """
        parsed = self.parsed_json
        if parsed is not None:
            return parsed
        # PERF: three frames less than `load_json`, 0.4 µs of a request with a body («in process»). Safe because after
        # any exception `load_json` reads the body again, and raises the right exception.
        try:
            self.parsed_json = self._codec.decode(self._body)  # type: ignore[union-attr]
        except Exception:
            self.load_json()
        return self.parsed_json

    def load_json(self, loads: Callable[[bytes], Any] | None = None) -> Any:
        """Parse the body as JSON, even if it was parsed before; return the value, or `None` for an empty body.

        Args:
            loads: the function that parses the body; by default that of the application.

        Raises:
            BadRequest: the body is not JSON.
        """
        try:
            parsed = self.parsed_json = (loads or type(self)._loads)(self.body)
        except Exception:
            # Not tested before the call, because an application's own `loads` may accept an empty body.
            if not self.body:
                return None
            raise BadRequest("Failed when parsing body as json") from None
        return parsed

    def get_form(self, keep_blank_values: bool = False) -> RequestParameters | None:
        """Parse the body as an urlencoded or multipart form, even if it was parsed before; return its fields.

        Args:
            keep_blank_values: whether to keep fields with an empty value.

        Raises:
            BadRequest: the form is invalid, or has too many fields or files.
            PayloadTooLarge: a field or a file is too large.
        """
        uploads, forms = _form_modules()
        fields, files = RequestParameters(), RequestParameters()
        kind, _ = parse_content_header(self.content_type)
        if kind == URLENCODED:
            limits = uploads.form_limits(self._config)
            fields = forms.parse_urlencoded_form(
                self.body,
                keep_blank_values=keep_blank_values,
                max_fields=limits.fields,
                max_field_size=limits.field_size,
            )
        elif self._upload is not None:
            fields, files = self._upload.form()
        elif kind == uploads.MULTIPART:
            boundary, limits = uploads.boundary(self.content_type), uploads.form_limits(self._config)
            fields, files = forms.parse_multipart_form(self.body, boundary, limits)
        self.parsed_form, self.parsed_files = Form(fields, self), files
        return self.parsed_form

    @property
    def form(self) -> Form:
        """The fields of a form; a call of it, `await request.form()`, returns Starlette's `FormData`.

        Examples:
            >>> from sanic_star import Request
            >>> request = Request.build("POST", "/", {"content-type": "application/x-www-form-urlencoded"}, b"name=tea")
            >>> request.form.get("name")
            'tea'
        """
        if self.parsed_form is None:
            self.get_form()
        if not isinstance(self.parsed_form, Form):
            self.parsed_form = Form(self.parsed_form or {}, self)
        return self.parsed_form

    @property
    def files(self) -> RequestParameters:
        """The files of a multipart form.

        Examples:
            >>> from sanic_star import Sanic, text
            >>> app = Sanic("shop")
            >>> @app.post("/upload")
            ... async def upload(request):
            ...     picture = request.files.get("picture")
            ...     return text(f"{picture.name}: {len(picture.body)} bytes")
            >>> app.test_client.post("/upload", files={"picture": ("tea.png", b"1234")})[1].text
            'tea.png: 4 bytes'
        """
        if self.parsed_files is None:
            self.get_form()
        return self.parsed_files  # type: ignore[return-value]

    # The query ------------------------------------------------------------------------------------------------------

    @property
    def query_string(self) -> str:
        """The query, not decoded, without its question mark."""
        return self.scope.get("query_string", b"").decode("latin-1")  # type: ignore[no-any-return]

    @property
    def parsed_args(self) -> defaultdict[QueryOptions, RequestParameters]:
        """The results of `get_args` so far, by its arguments."""
        if self._parsed_args is None:
            self._parsed_args = defaultdict(RequestParameters)
            if self._args is not None:
                # The caller may change the dictionary, and `args` has to follow.
                self._parsed_args[_QUERY_DEFAULTS], self._args = self._args, None
        return self._parsed_args

    @parsed_args.setter
    def parsed_args(self, parsed: defaultdict[QueryOptions, RequestParameters]) -> None:
        self._parsed_args, self._args = parsed, None

    @property
    def parsed_not_grouped_args(self) -> defaultdict[QueryOptions, list[tuple[str, str]]]:
        """The results of `get_query_args` so far, by its arguments."""
        if self._parsed_not_grouped_args is None:
            self._parsed_not_grouped_args = defaultdict(list)
        return self._parsed_not_grouped_args

    @parsed_not_grouped_args.setter
    def parsed_not_grouped_args(self, parsed: defaultdict[QueryOptions, list[tuple[str, str]]]) -> None:
        self._parsed_not_grouped_args = parsed

    def get_args(
        self,
        keep_blank_values: bool = False,
        strict_parsing: bool = False,
        encoding: str = "utf-8",
        errors: str = "replace",
    ) -> RequestParameters:
        """Parse the query; return its values by name.

        Args:
            keep_blank_values: whether to keep parameters with an empty value.
            strict_parsing: whether a malformed parameter raises an exception; by default it is skipped.
            encoding: the charset of percent-encoded text.
            errors: the handling of bytes that are not in that charset, as for `bytes.decode`.

        Raises:
            ValueError: a parameter is malformed, and `strict_parsing` is true.
        """
        options = keep_blank_values, strict_parsing, encoding, errors
        # PERF: creates no dictionary of results before something reads it: 0.5 µs («real»). Safe because `parsed_args`
        # then contains this result.
        if self._parsed_args is None and options == _QUERY_DEFAULTS:
            arguments = self._args
            if arguments is None:
                arguments = self._args = _read_query(self.query_string)
            return arguments
        parsed = self.parsed_args
        if options not in parsed and self.query_string:
            parsed[options] = RequestParameters(parse_qs(self.query_string, *options))
        return parsed[options]

    def get_query_args(
        self,
        keep_blank_values: bool = False,
        strict_parsing: bool = False,
        encoding: str = "utf-8",
        errors: str = "replace",
    ) -> list[tuple[str, str]]:
        """Parse the query; return pairs of name and value in their order.

        Args:
            keep_blank_values: whether to keep parameters with an empty value.
            strict_parsing: whether a malformed parameter raises an exception; by default it is skipped.
            encoding: the charset of percent-encoded text.
            errors: the handling of bytes that are not in that charset, as for `bytes.decode`.

        Raises:
            ValueError: a parameter is malformed, and `strict_parsing` is true.
        """
        options, parsed = (keep_blank_values, strict_parsing, encoding, errors), self.parsed_not_grouped_args
        if options not in parsed and self.query_string:
            parsed[options] = parse_qsl(self.query_string, *options)
        return parsed[options]

    @property
    def args(self) -> RequestParameters:
        """The query parameters by name.

        Examples:
            >>> from sanic_star import Request
            >>> request = Request.build(url="/items?tag=a&tag=b&page=2")
            >>> request.args.get("tag"), request.args.getlist("tag"), request.args.get("size")
            ('a', ['a', 'b'], None)
        """
        # As in Sanic, an overridden `get_args` does not change this attribute.
        return self._args or Request.get_args(self)

    @property
    def query_args(self) -> list[tuple[str, str]]:
        """The query parameters as pairs of name and value, in their order.

        Examples:
            >>> from sanic_star import Request
            >>> request = Request.build(url="/items?tag=a&tag=b")
            >>> request.query_args
            [('tag', 'a'), ('tag', 'b')]
        """
        return Request.get_query_args(self)  # as in `args`

    # Addresses ------------------------------------------------------------------------------------------------------

    @property
    def conn_info(self) -> ConnInfo:
        """Facts about the connection; under uvicorn, all its requests share the object."""
        if self._conn_info is None:
            from sanic_star.compat.models.server_types import CONNECTION, conn_info_of

            self._conn_info = self.scope.get(CONNECTION) or conn_info_of(self.scope, self._receive)
        return self._conn_info

    @conn_info.setter
    def conn_info(self, conn_info: ConnInfo) -> None:
        self._conn_info = conn_info
        if conn_info is not None:
            # In the scope, because `ip`, `port` and `scheme` are read from there. A test may set an object that has
            # only some of the attributes.
            client = getattr(conn_info, "client_ip", ""), getattr(conn_info, "client_port", 0)
            plain_scheme = "ws" if self.scope["type"] == "websocket" else "http"
            scheme = f"{plain_scheme}s" if getattr(conn_info, "ssl", False) else plain_scheme
            if (self.scope.get("client"), self.scope.get("scheme")) != (client, scheme):
                self._amend(client=client, scheme=scheme)

    @property
    def network_paths(self) -> list[Any] | None:
        """The network paths of an HTTP/3 connection, as in Sanic; `None` under a server that does not report them."""
        return self.conn_info.network_paths

    @property
    def protocol(self) -> Protocol:
        """An object with attributes of Sanic's protocol: the connection, and limits of time and size.

        As in Sanic, it is `None` if the connection is already closed on first access, and the server reports that; see
        `conn_info.lost`.
        """
        if self._transport not in (_default, None):
            return self._transport.get_protocol()  # type: ignore[no-any-return]
        if self._open_protocol is None:
            self._open_protocol = self._make_protocol().transport.get_protocol()
        return self._open_protocol

    def _make_protocol(self) -> Protocol:
        if self._protocol is None:
            # PERF: keeps the module out of `import sanic_star`. Safe because a repeated import only reads
            # `sys.modules`.
            from sanic_star.compat.request._protocol import Protocol

            self._protocol = Protocol(self.scope, self.conn_info, type(self))
        return self._protocol

    @property
    def transport(self) -> Transport:
        """An object with two methods of asyncio's transports: `get_extra_info` and `get_protocol`."""
        return self._make_protocol().transport if self._transport is _default else self._transport

    @transport.setter
    def transport(self, transport: Any) -> None:
        self._transport = transport

    @property
    def stream_id(self) -> int:
        """The number of the HTTP/3 stream, for a request that was created with a number: ASGI does not report it.

        Raises:
            ServerError: the request has no number, or its version is not HTTP/3.
        """
        if self._stream_id is None or self.version != "3":
            raise ServerError("Stream ID is only a property of a HTTP/3 request")
        return self._stream_id

    @property
    def socket(self) -> tuple[str, int] | tuple[None, None]:
        """Address and port of the peer; `(None, None)` if the server does not report them."""
        client = self.scope.get("client")
        return (client[0], client[1]) if client else (None, None)

    @property
    def ip(self) -> str:
        """The address of the peer, which may be a proxy; empty if the server does not report it."""
        client = self.scope.get("client")
        return (client[0] if client else None) or ""

    @property
    def port(self) -> int:
        """The port of the peer; 0 if the server does not report it."""
        return self.socket[1] or 0

    @property
    def forwarded(self) -> Options:
        """Facts about the client from trusted proxies; empty if the configuration names no trusted proxy.

        Raises:
            SanicException: 431, a header of the proxies is longer than `REQUEST_MAX_HEADER_SIZE`.
        """
        if self.parsed_forwarded is None:
            config, fields = self.app.config, self._parsed_fields
            self.parsed_forwarded = parse_forwarded(fields, config) or parse_xforwarded(fields, config) or {}
        return self.parsed_forwarded

    @property
    def remote_addr(self) -> str:
        """The client's address from trusted proxies, or else an empty string."""
        return str(self.forwarded.get("for", ""))

    @property
    def client_ip(self) -> str:
        """The client's address from trusted proxies, or else the peer's."""
        return self.remote_addr or self.ip

    @property
    def _server_name(self) -> str:
        # `//shop.example` has no scheme, like `shop.example`.
        return (self.app.config.get("SERVER_NAME") or "").removeprefix("//") if "app" in self.scope else ""

    @property
    def scheme(self) -> str:
        """`http`, `https`, `ws` or `wss`: from `SERVER_NAME`, or else from trusted proxies or the connection."""
        public_scheme, is_url, _ = self._server_name.partition("://")
        if not is_url:
            public_scheme = ""
        if not public_scheme and "app" in self.scope:
            public_scheme = str(self.forwarded.get("proto", ""))
        if not public_scheme:
            return str(self.scope.get("scheme") or ("ws" if self.scope["type"] == "websocket" else "http"))
        # `SERVER_NAME` and proxies name the scheme of the site, which is `https` for its websockets too.
        return public_scheme.replace("http", "ws") if self.scope["type"] == "websocket" else public_scheme

    @property
    def host(self) -> str:
        """Host and port that the client addressed: from `SERVER_NAME`, or else from trusted proxies or `Host`.

        Raises:
            SanicException: 431, the header is longer than `REQUEST_MAX_HEADER_SIZE`.
        """
        if self._server_name:
            return self._server_name.split("//", 1)[-1].split("/", 1)[0]
        forwarded_host = self.forwarded.get("host") if "app" in self.scope else None
        return str(forwarded_host or self._parsed_field("host", ""))

    @property
    def _public_origin(self) -> str | None:
        """Scheme and host from `SERVER_NAME` or trusted proxies; `None` if they come from the client alone."""
        if self._server_name or ("app" in self.scope and not self.forwarded.keys().isdisjoint(("host", "proto"))):
            return f"{self.scheme}://{self.host}"
        return None

    @property
    def base_url(self) -> RequestURL:  # type: ignore[override]
        """The URL of the application's root, with the scheme and host of `url`."""
        origin = self._public_origin
        if origin is None:
            return RequestURL(super().base_url)
        root: str = self.scope.get("app_root_path", self.scope.get("root_path", ""))
        return RequestURL(f"{origin}{encode_root_path({'root_path': root})}/")

    @property
    def server_name(self) -> str:
        """The host without its port."""
        return parse_host(self.host)[0] or ""

    @property
    def server_port(self) -> int:
        """The port that the client addressed; by default that of the scheme."""
        port = self.forwarded.get("port") or parse_host(self.host)[1]
        return int(port or _DEFAULT_PORTS.get(self.scheme, 443))

    @property
    def server_path(self) -> str:
        """The path that the client requested, before proxies changed it."""
        # Imported late, to keep `import sanic_star` fast.
        from sanic_star.engine.urls import split_root_path

        return str(self.forwarded.get("path") or "".join(split_root_path(self._own_scope)) + self.path)

    @property
    def path(self) -> str:
        """The path in the encoding that the route matches, so that a path check cannot be bypassed by an escape.

        The path begins below the root path of a proxy (`uvicorn --root-path`) and of mounts around the application;
        `url` and `server_path` include it.

        For a mounted application or a Starlette route it is decoded. For a Sanic route it is percent-encoded, as in
        Sanic, but without unnecessary escapes: `/users/%40me` becomes `/users/@me`, and `%2F` is kept. `raw_url` is
        the URL exactly as the client sent it.

        Examples:
            >>> from sanic_star import Request
            >>> request = Request.build(url="/items?page=2")
            >>> request.path
            '/items'
        """
        return path_for_guards(self._own_scope)

    @property
    def _own_scope(self) -> Scope:
        # Inside a mount the scope has the root path of the mount.
        return {**self.scope, **self._outer} if self._outer else self.scope

    @property
    def _public_path(self) -> str:
        """The percent-encoded path that clients use, with the root path, which a server may remove from `path`."""
        scope = self._own_scope
        path = path_for_guards(scope)
        if not leads_to_sanic(scope):
            path = quote(path, PATH_SAFE)
        return encode_root_path(scope) + path if scope.get("root_path") else path

    @property
    def raw_url(self) -> bytes:
        """Path and query as the client sent them."""
        if self._raw_url is not None:
            return self._raw_url
        query: bytes = self.scope.get("query_string", b"")
        return wire_path(self.scope).encode("latin-1") + (b"?" + query if query else b"")

    @raw_url.setter
    def raw_url(self, url: bytes) -> None:
        self._raw_url = url

    @property
    def url(self) -> RequestURL:  # type: ignore[override]
        """The whole URL, percent-encoded, with the root path.

        Examples:
            >>> from sanic_star import Request
            >>> request = Request.build(url="https://shop.example.org/items?page=2")
            >>> request.url
            'https://shop.example.org/items?page=2'
        """
        query, path = self.query_string, self._public_path
        if not path.startswith("/"):
            path = f"/{path}"  # `OPTIONS *`
        return RequestURL.of(self.scheme, self.host, path + (f"?{query}" if query else ""))

    def url_for(self, view_name: str, /, **kwargs: Any) -> RequestURL:  # type: ignore[override]
        """Build the whole URL of a view, with the scheme and host of this request.

        In a mounted application its own views are searched first, then those of the outermost application, as in
        Starlette. Path parameters of outer mounts that you omit have the values of this request.

        Args:
            view_name: the view's name, in the notation of Sanic or of Starlette (`mount:name`).
            kwargs: path and query parameters, and the options of `Sanic.url_for`.

        Raises:
            URLBuildError: no view has that name, or a parameter is missing or invalid.

        Examples:
            >>> from sanic_star import Sanic, text
            >>> app = Sanic("shop")
            >>> @app.get("/items/<number:int>")
            ... async def item(request, number):
            ...     return text(request.url_for("item", number=number + 1))
            >>> app.test_client.get("http://shop.example.org/items/7")[1].text
            'http://shop.example.org/items/8'
        """
        try:
            return self._own_url_for(view_name, kwargs)
        except URLBuildError:
            outermost = self.scope.get("router")
            if outermost is None or outermost is self.app.router:
                raise
            try:
                # Imported late: only URLs of an outer application need it.
                from sanic_star.engine.urls import fill_in

                path = fill_in(outermost.url_path_for, view_name, kwargs, self.scope.get("path_params", {}))
            except NoMatchFound:
                pass
            else:
                return RequestURL(path.make_absolute_url(base_url=str(self.base_url)))
            raise

    def _own_url_for(self, view_name: str, kwargs: dict[str, Any]) -> RequestURL:
        app: Any = self.app
        server_name = self._server_name
        if not server_name and not self.forwarded and app.url_for == app._plain_url_for:
            host = self._parsed_field("host")
            path = _load_plain_path()(app, view_name, kwargs, external=True) if host else None
            if path is not None:
                return RequestURL(_origins[f"{self.scheme}://{host}"] + path)
        if "://" in server_name:
            return RequestURL(self.app.url_for(view_name, _external=True, **kwargs))
        netloc = _netloc(self.scheme, self.server_name, self.server_port)
        options = {"_external": True, "_scheme": self.scheme, "_server": netloc, **kwargs}
        return RequestURL(self.app.url_for(view_name, **options))

    # The method -----------------------------------------------------------------------------------------------------

    @property
    def is_safe(self) -> bool:
        """Whether the method changes nothing (RFC 9110, section 9.2.1)."""
        return self.method in SAFE_HTTP_METHODS

    @property
    def is_idempotent(self) -> bool:
        """Whether the request may be repeated (RFC 9110, section 9.2.2)."""
        return self.method in IDEMPOTENT_HTTP_METHODS

    @property
    def is_cacheable(self) -> bool:
        """Whether the response may be cached (RFC 9110, section 9.2.3)."""
        return self.method in CACHEABLE_HTTP_METHODS

    # The response ---------------------------------------------------------------------------------------------------

    async def respond(
        self,
        response: Any = None,
        *,
        status: int = 200,
        headers: Mapping[str, Any] | None = None,
        content_type: str | None = None,
        endless: bool | None = None,
    ) -> Any:
        """Begin the response while the handler runs; response middleware runs now.

        A response without a body becomes a stream at once, before its first part is sent. Then a disconnect cancels
        the handler; if the stream is endless, the stop of the application does so too.

        Args:
            response: the response; by default one is created from the other arguments.
            status: the HTTP status.
            headers: header fields.
            content_type: the value of `content-type`.
            endless: `True`: the response never ends by itself, so the stop of the application ends it. `False`: the
                stop waits for the response, up to `GRACEFUL_SHUTDOWN_TIMEOUT` seconds. By default the content type
                `text/event-stream` is endless. Sanic has no such argument.

        Returns:
            The response; its `send` method sends a part of the body.

        Raises:
            ServerError: the request already has a response.

        Examples:
            Send lines of JSON until the client disconnects::

                response = await request.respond(content_type="application/x-ndjson", endless=True)
                while True:
                    await response.send(dumps(await queue.get()) + "\\n")
        """
        if self.responded and (self._writer is None or self._writer.head_sent or self._writer.response is not None):
            raise ServerError("Second respond call is not allowed.")
        if response is None:
            response = HTTPResponse(None, status, headers, content_type)
        writer = self._begin()
        writer.endless = endless
        if isinstance(response, BaseHTTPResponse):
            writer.respond(response)
            if endless is None:
                writer.endless = response._endless
        final_response = await self.app._answers.run_response_middleware(self, response)
        if isinstance(final_response, BaseHTTPResponse) and final_response is not response:
            writer.respond(final_response)
        if writer.on_open is not None:
            writer.on_open()
        if isinstance(final_response, BaseHTTPResponse):
            await final_response._prepare_for(self)
        return final_response

    def supports(self, extension: str) -> bool:
        """Return whether the server offers an ASGI extension for this request.

        Args:
            extension: its name, such as `http.response.push`, `http.response.early_hint` or `http.response.pathsend`;
                see the ASGI specification, «Extensions».

        Examples:
            >>> scope = {"type": "http", "method": "GET", "path": "/", "extensions": {"http.response.push": {}}}
            >>> Request(scope).supports("http.response.push")
            True
        """
        if extension == _TRAILERS and self.scope.get("http_version") == "3":
            # hypercorn 0.18 with aioquic 1.7 sends the fields, and then fails to end the stream: the client waits.
            return False
        return extension in (self.scope.get("extensions") or ())

    async def send_early_hints(  # type: ignore[override]
        self, link: str | Iterable[str], /, *additional_links: str
    ) -> bool:
        """Send links to resources that the client will need, before the response: 103 Early Hints (RFC 8297).

        Sanic has no such method. Starlette's method of this name returns `None`, and does not validate its arguments.

        Args:
            link: the value of a `Link` field (RFC 8288), such as `</style.css>; rel=preload; as=style`, or several
                values.
            additional_links: further values.

        Returns:
            Whether the links were sent; `False` if the server does not offer `http.response.early_hint`.

        Raises:
            TypeError: a link is not a string.
            ValueError: there is no link, or a link is invalid or contains CR, LF or NUL.
            ServerError: the response has already begun.

        Examples:
            Let the browser fetch a style sheet while the page is rendered::

                await request.send_early_hints("</style.css>; rel=preload; as=style")
        """
        # Imported late: few applications use it.
        from sanic_star.compat.request._hints import early_hints

        message = early_hints(link, *additional_links)
        return await self._send_ahead(message, "http.response.early_hint")

    async def send_push_promise(  # type: ignore[override]
        self, path: str, headers: Mapping[str, str] | None = None
    ) -> bool:
        """Push a response that the client did not request (HTTP/2 server push); the application answers it as usual.

        Browsers no longer support it; use `send_early_hints` for them. Sanic has no such method. Starlette's method of
        this name returns `None`, and has no parameter `headers`.

        Args:
            path: path and query of the promised request, percent-encoded, such as `/style.css?v=2`.
            headers: header fields of the promised request. By default it has those fields of this request that select
                a representation: Accept, Accept-Encoding, Accept-Language, Cache-Control and User-Agent. A field here
                overrides the field of the same name.

        Returns:
            Whether the promise was passed to the server; `False` if the server does not offer `http.response.push`. A
            server drops it if the client does not accept pushes.

        Raises:
            TypeError: the header fields are not a mapping.
            ValueError: the path does not begin with a slash, or the path or a header field is invalid in HTTP.
            ServerError: the response is already complete.
        """
        from sanic_star.compat.request._hints import push_promise  # imported late, as above

        message = push_promise(self.scope, path, headers)
        return await self._send_ahead(message, "http.response.push")

    async def _send_ahead(self, message: Message, extension: str) -> bool:
        """Send a message that precedes the response, if the server offers its extension; return whether it does."""
        if extension == "http.response.push":
            too_late = self._is_answered or (self._writer is not None and self._writer.send is None)
        else:
            too_late = self.responded if self._writer is None else self._writer.head_sent
        if too_late:
            raise ServerError(f"{extension} has to be sent before the response, which was already sent")
        if not self.supports(extension):
            return False
        await self._send(message)
        return True

    def reset_response(self) -> None:
        """Discard a response that `respond` has begun, so that another one can be sent.

        Raises:
            ServerError: a part of the response was already sent.
        """
        if self._writer is not None and self._writer.head_sent:
            raise ServerError("Cannot reset response because previous response was sent.")
        if self._writer is not None and self._writer.on_end is not None:
            # A stop of the application would end this response; it must not end the one that replaces it.
            self._writer.on_end()
        if self._writer is not None and isinstance(self._writer.response, BaseHTTPResponse):
            self._writer.response.stream = None
        self._writer = None
        self.responded = False

    def _take_back_response(self) -> None:
        """Record that nothing of the response has reached the server."""
        super()._take_back_response()
        self._writer = None

    def _begin(self) -> ResponseWriter:
        self.responded = True
        if self._writer is None:
            self._writer = ResponseWriter(self._send, self.method == "HEAD")
            self._writer.offers_trailers = self.supports(_TRAILERS)
            if "app" in self.scope:
                self._writer.on_open = partial(self.app._answers.stream_opened, self, self._writer)
                self._writer.on_end = partial(self.app._engine.streams.complete, self)
        return self._writer


class Form(RequestParameters):
    """The fields of a form; a call parses the same body with Starlette.

    Args:
        fields: lists of values by name.
        request: the form's request.
    """

    def __init__(self, fields: Any, request: Request) -> None:
        super().__init__(fields)
        # Weak, because the request refers to the form: a cycle would have to be garbage collected.
        self._request = weakref.ref(request)

    def __call__(self, **limits: Any) -> AwaitableForm:
        """Parse the form with Starlette: `await request.form()`, `async with request.form() as form`.

        Args:
            limits: `max_files`, `max_fields` and `max_part_size` (bytes) of `starlette.requests.Request.form`.

        Raises:
            ServerError: the request does not exist any more.
        """
        request = self._request()
        if request is None:
            raise ServerError("The request of this form has ended.")
        return request.starlette.form(**limits)


def _netloc(scheme: str, host: str, port: int) -> str:
    return host if port == _DEFAULT_PORTS.get(scheme) else f"{host}:{port}"


def _origin(scheme_and_host: str) -> str:
    """Return the origin for a scheme and a `Host` header, parsed like `server_name` and `server_port`."""
    scheme, _, header = scheme_and_host.partition("://")
    host, port = parse_host(header)
    return f"{scheme}://{_netloc(scheme, host or '', int(port or _DEFAULT_PORTS.get(scheme, 443)))}"


# PERF: parses the `Host` header of many requests once: 3 µs of each `request.url_for` («templates»). Safe because an
# origin depends only on its key, and because the table is bounded.
_origins = BoundedTable(_origin, 256)


@cache
def _form_modules() -> tuple[Any, Any]:
    """Return the modules that parse forms; they are imported with the first form.

    PERF: a late import takes 0.9 µs a form («forms»), because it looks for `__path__` in the module. Safe because
    modules stay the same.
    """
    from sanic_star.compat.request import _upload, form

    return _upload, form


def _read_id(field: str) -> uuid.UUID | str | int:
    """Return a request's identifier as a UUID or a number if it is one, or else as text."""
    for id_type in (uuid.UUID, int):
        try:
            return id_type(field)
        except ValueError:
            continue
    return field


__all__ = ["File", "Request", "RequestParameters", "Route"]

if not TYPE_CHECKING:

    def __getattr__(name):
        if name != "File":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from sanic_star.compat.request.form import File

        return File

    def __dir__():
        return sorted({*globals(), "File"})
