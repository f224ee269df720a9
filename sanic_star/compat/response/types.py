"""Sanic's response classes, each of them a Starlette `Response`.

A response keeps its arguments, and builds its header fields once, when it is sent. Most responses have no header fields
but a length and a type, so `headers` and `cookies` are created on first use.
"""

from __future__ import annotations

from asyncio import sleep
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, Unpack

from multidict import istr
from starlette import responses as starlette
from starlette.background import BackgroundTask
from starlette.types import Message, Receive, Scope, Send

from sanic_star.compat._support.json import dumps as json_bytes
from sanic_star.compat._support.lazy import BoundedTable, OldName, names_without_old
from sanic_star.compat.compat import Header, _add_item, _field_names, _header_of_response, check_field
from sanic_star.compat.exceptions import SanicException, ServerError
from sanic_star.compat.helpers import Default, _default, has_message_body
from sanic_star.compat.log import deprecation, logger
from sanic_star.compat.response._writer import PARTS_A_TURN, ResponseWriter, run_background
from sanic_star.engine import requests, responses

# Imported late, when the first cookie is set: many applications set none.
if TYPE_CHECKING:
    from sanic_star.compat.cookies.response import Cookie, CookieJar, SameSite, _CookieOptions

# The class cannot be imported here. Code that evaluates annotations at run time finds a name, as in Sanic.
Request = TypeVar("Request")


if TYPE_CHECKING:

    class AnsweredRequest(Protocol):
        """The members of a request that a `ResponseStream` uses."""

        @property
        def respond(self) -> Callable[..., Awaitable[Any]]: ...


def header_field(name: str, value: object) -> tuple[bytes, bytes]:
    """Encode one header field for the wire.

    Args:
        name: the field's name.
        value: any object; its `str()` is sent, as UTF-8.

    Returns:
        The name in lower case, and the value.

    Raises:
        ValueError: the name is not a token (RFC 9110, section 5.6.2), or the value contains CR, LF or NUL (section
            5.5), which could inject other fields.

    Examples:
        >>> header_field("X-Count", 3)
        (b'x-count', b'3')
    """
    text = value if type(value) is str else str(value)
    # PERF: saves the searches of `check_field`, 0.6 µs a field («errors»). Safe because CR, LF, NUL and lone surrogates
    # are not printable.
    if text.isprintable():
        return _field_names[name], text.encode()
    check_field(name, text)
    return _field_names[name], text.encode("utf-8", "surrogateescape")


def _content_type_field(value: str | None) -> tuple[bytes, bytes]:
    return header_field("content-type", value)


def _content_length_field(size: int) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % size


# PERF: saves encoding type and length for each response, a tenth of a text response: an application has few content
# types, and most of its responses have one of a few lengths. Safe because both tables are bounded.
_content_type_fields: BoundedTable[str | None, tuple[bytes, bytes]] = BoundedTable(_content_type_field, 256)
_length_fields = BoundedTable(_content_length_field, 1024)
# Only of content types, because an application has few: bodies may have more lengths than the table holds.
_known_content_types = _content_type_fields.entries
# The fields that `_head` does not copy unchanged.
_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"connection"})
_OWN_FIELDS = _FRAMING | {b"content-type"}
_CONTENT_LENGTH, _SET_COOKIE = istr("content-length"), istr("Set-Cookie")


@cache
def _cookie_class() -> type[Cookie]:
    """Return the class `Cookie`, which is imported when the first cookie is set."""
    from sanic_star.compat.cookies.response import Cookie

    return Cookie


def has_valid_head(response: Any) -> bool:
    """Return whether `_head` of a response surely does not raise; `False` if that is unknown.

    Args:
        response: a response of any class.

    PERF: takes a third of the time of `_head`, for an error page with an `Allow` field («errors»). Safe because after
    `False` the caller calls `_head`.
    """
    if type(response) is not HTTPResponse and type(response) is not JSONResponse:
        return False
    status, headers = response.status, response._headers
    if type(status) is not int or not 200 <= status <= 599 or response.content_type not in _content_type_fields:
        return False
    if headers is None:
        return True
    for name, value in headers.items():
        if name not in _field_names or type(value) is not str or not value.isprintable():
            return False
    return True


class JSONWriting:
    """The function that writes the JSON of this process's responses.

    Attributes:
        by_application: whether an application with its own `dumps` exists. Without one, a response need not look up
            its application.
        newest_dumps: the `dumps` of the newest such application, for responses that are created outside of a request,
            for example at module level. (Sanic 25.12 uses it for all responses.)
    """

    by_application = False
    newest_dumps: Callable[..., str | bytes] | None = None


json_writing = JSONWriting()


def choose_writer_by_app(dumps: Callable[..., str | bytes]) -> None:
    """Write the JSON of each response by the `dumps` of its application, from now on.

    Args:
        dumps: the `dumps` of the newest application.
    """
    json_writing.by_application, json_writing.newest_dumps = True, dumps
    # As in Sanic, it replaces a function that a user has set.
    BaseHTTPResponse._dumps = staticmethod(write_json_text)


def write_json(value: Any, **options: Any) -> str | bytes:
    """Return a value as JSON, written by the `dumps` of the application that answers, or by this package's.

    Args:
        value: the value.
        options: keyword arguments for `dumps`.

    Raises:
        TypeError: the value cannot be written as JSON; or another error of `dumps`.
    """
    dumps: Callable[..., str | bytes] | None = None
    if json_writing.by_application:
        try:
            request = requests.current_request()
        except LookupError:
            dumps = json_writing.newest_dumps
        else:
            dumps = getattr(request.scope.get("app"), "dumps", None)  # `None` for an application of another framework
    return (dumps or json_bytes)(value, **options)


def write_json_text(value: Any, **options: Any) -> str:
    """Return a value as JSON like `write_json`, but always as text, as `BaseHTTPResponse._dumps` of Sanic 25.12."""
    json_text = write_json(value, **options)
    return json_text if isinstance(json_text, str) else json_text.decode()


class BaseHTTPResponse(responses.Response):
    """The members of all responses of Sanic: status, headers, cookies, content type, and the stream that sends it."""

    # Users replace it: it is Sanic's name.
    _dumps: ClassVar[Callable[..., str | bytes]] = staticmethod(write_json_text)

    __dir__ = names_without_old
    output = OldName()
    get_headers = OldName()

    asgi = False
    stream: ResponseWriter | None = None
    background: BackgroundTask | None = None
    content_type: str | None = None
    status: int = 200
    _body: bytes = b""
    _headers: Header | None = None  # type: ignore[assignment]
    _cookies: CookieJar | None = None
    # Whether the stop of the application ends the response; see `Request.respond`.
    _endless: bool | None = None
    # Whether a user has set `body` after the response was created.
    _body_was_set = False
    # Whether a subclass defines `body` or `headers`: then the response is sent with the values of these attributes.
    _own_names = False
    # Whether a subclass defines `headers` or `cookies`: then cookies are added through these attributes.
    _own_headers = False

    def __init__(self) -> None:
        pass

    def __init_subclass__(cls, own_names: bool = True, **kwargs: Any) -> None:
        """Let a subclass define `body` and `headers`, as in Sanic: as properties, slots or attributes.

        Args:
            own_names: whether their values are sent; `False` for a subclass that sends itself.
        """
        super().__init_subclass__(**kwargs)
        defines_names = any(getattr(cls, name) is not getattr(BaseHTTPResponse, name) for name in ("body", "headers"))
        cls._own_names = own_names and defines_names
        names = ("headers", "cookies")
        cls._own_headers = any(getattr(cls, name) is not getattr(BaseHTTPResponse, name) for name in names)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.status} {self.content_type}>"

    @staticmethod
    def _encode_body(data: Any) -> bytes:
        if data is None:
            return b""
        if isinstance(data, (bytes, bytearray, memoryview)):
            return bytes(data)
        if hasattr(data, "encode"):
            return data.encode()  # type: ignore[no-any-return]
        raise TypeError(f"a body is text or bytes, got {type(data).__name__}: {data!r:.80}")

    @property
    def body(self) -> bytes:
        """The body as bytes."""
        return self._body

    @body.setter
    def body(self, value: Any) -> None:
        self._body = self._encode_body(value)
        self._body_was_set = True

    @property  # type: ignore[override]
    def headers(self) -> Header:
        """The header fields that were set; further ones are added when the response is sent.

        Examples:
            >>> from sanic_star import text
            >>> response = text("hello", headers={"X-Stock": "3"})
            >>> response.headers["x-stock"]
            '3'
        """
        headers = self._headers
        if headers is None:
            headers = self._headers = Header()
        return headers

    @headers.setter
    def headers(self, value: Mapping[str, Any] | None) -> None:
        self._headers = _header_of_response(value)

    def _store_body(self, body: bytes) -> None:
        """Set the body that this package has written."""
        if self._own_names:
            self.body = body
        else:
            self._body = body
        self._body_was_set = False

    def _copy_to_own_names(self) -> None:
        """Set `headers` and `body` of a subclass that defines them to the values of the initialiser."""
        self.headers = self._headers or Header()
        self._store_body(self._body)

    @property
    def cookies(self) -> CookieJar:
        """The cookies that the response sets."""
        if self._cookies is None:
            from sanic_star.compat.cookies.response import CookieJar

            self._cookies = CookieJar(self.headers)
        return self._cookies

    @property
    def status_code(self) -> int:
        """Starlette's name for `status`."""
        return self.status

    @status_code.setter
    def status_code(self, value: int) -> None:
        self.status = value

    @property
    def media_type(self) -> str | None:  # type: ignore[override]
        """Starlette's name for the content type, without its parameters."""
        return self.content_type.split(";")[0] if self.content_type else None

    @property
    def processed_headers(self) -> list[tuple[bytes, bytes]]:
        """The encoded header fields, without the length."""
        return [field for field in self._build_head() if field[0] != b"content-length"]

    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:  # type: ignore[override]
        """The encoded header fields (Starlette's name); a copy."""
        return self._head()

    def _head(self, with_length: bool = True, keeps_own_length: bool = False) -> list[tuple[bytes, bytes]]:
        """Return the encoded header fields.

        Args:
            with_length: whether the body is complete, so that its length is known.
            keeps_own_length: whether a `content-length` in the headers is sent, as for HEAD, where the body is missing.

        Raises:
            ValueError: the name or the value of a field is invalid.
            RuntimeError: the status is invalid.
        """
        status = self.status
        # A status below 200 announces another response; most servers refuse one above 599.
        if not isinstance(status, int) or not 200 <= status <= 599:
            raise RuntimeError(f"status {status!r}: a response has one from 200 to 599 (RFC 9110, section 15)")
        # RFC 9110, sections 8.6 and 15: no content and no length with 204; 304 describes another response.
        bodiless = status == 204 or status == 304
        body, headers = self._body, self._headers
        if self._own_names:
            body, headers = self.body, self.headers
        content_type = self.content_type
        fields: list[tuple[bytes, bytes]] = []
        if headers is not None:
            # The server frames the body. A user may have copied the fields of another response, with its framing.
            keeps_own_length = (keeps_own_length or not with_length) and not bodiless
            for name, value in headers.items():
                # PERF: saves the frame of `header_field`, 0.1 µs a field («real»). Safe because it does the same, and
                # calls `header_field` for a value that is not printable.
                text = value if type(value) is str else str(value)
                if text.isprintable():
                    encoded_name = _field_names[name]
                    encoded_value = text.encode()
                else:
                    encoded_name, encoded_value = header_field(name, text)
                if encoded_name in _OWN_FIELDS:
                    if encoded_name == b"content-type":
                        content_type = None
                    elif keeps_own_length and encoded_name == b"content-length":
                        with_length = False
                    else:
                        continue
                fields.append((encoded_name, encoded_value))
        if bodiless:
            return fields
        if with_length:
            fields.append(_length_fields[len(body)])
        if content_type is not None:
            fields.append(_content_type_fields[content_type])
        return fields

    # Not replaced in a subclass that overrides `processed_headers`, while `_head` is.
    _build_head = _head

    def _head_as_processed(self, with_length: bool = True, keeps_own_length: bool = False) -> list[tuple[bytes, bytes]]:
        """Return the fields of a subclass's `processed_headers`, and the length."""
        lengths = [field for field in self._build_head(with_length, keeps_own_length) if field[0] == b"content-length"]
        return [*(field for field in self.processed_headers if field[0].lower() not in _FRAMING), *lengths]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response; on a websocket, refuse the handshake with it.

        Raises:
            ValueError, RuntimeError: a header field or the status is invalid.
        """
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        # Read together with its length: a response for several requests may be changed while this one is sent.
        body = self.body if self._own_names else self._body
        head = self._head(keeps_own_length=scope["method"] == "HEAD")
        await send({"type": "http.response.start", "status": self.status, "headers": head})
        # Such a response ends with its header: a client would take a body for the next response (RFC 9112, section
        # 6.3).
        if body and (self.status == 204 or self.status == 304):
            logger.warning(
                "%r: a response with status %d has no body; the body that was set is not sent",
                scope["path"],
                self.status,
            )
            body = b""
        await send({"type": "http.response.body", "body": body})
        if self.background is not None:
            await run_background(self, scope)

    async def _prepare_for(self, request: Any) -> None:
        """Prepare the response, once `request.respond` has made it the answer to `request`."""

    async def send(self, data: str | bytes | None = None, end_stream: bool | None = None) -> None:
        """Send a part of the body; the first call sends the head before it.

        Args:
            data: the part; text is sent as UTF-8.
            end_stream: whether it is the last part; a call without arguments ends the response.

        Raises:
            SanicException: the response belongs to no request yet (`await request.respond(response)` connects it).
            ServerError: the response was ended already.

        Examples:
            >>> from sanic_star import Sanic
            >>> app = Sanic("shop")
            >>> @app.get("/numbers")
            ... async def numbers(request):
            ...     response = await request.respond(content_type="text/plain")
            ...     for number in range(3):
            ...         await response.send(f"{number} ")
            ...     await response.eof()
            >>> app.test_client.get("/numbers")[1].text
            '0 1 2 '
        """
        writer = self.stream
        if writer is None:
            raise SanicException("No stream is connected to the response object instance.")
        last = data is None if end_stream is None else end_stream
        send = writer.send
        if send is None:
            if last and not data:
                return
            raise ServerError("Response stream was ended, no more response data is allowed to be sent.")
        # PERF: a fourth of the call for a short text («streams»). Safe because `_encode_body` does the same.
        part = data if type(data) is bytes else data.encode() if type(data) is str else self._encode_body(data)
        if last or not part or not writer.head_sent or writer.head_only:
            await writer.write(self, part, last)
            return
        # PERF: saves the coroutine of `write` for each part; `benchmarks/` shows it as the chunks. Safe because the
        # head was sent, and this is what `write` does then.
        await send({"type": "http.response.body", "body": part, "more_body": True})
        writer.parts += 1
        if not writer.parts % PARTS_A_TURN:
            await sleep(0)

    async def send_trailers(self, trailers: Mapping[str, object] | Iterable[tuple[str, object]]) -> None:
        """End the response with trailer fields (RFC 9110, section 6.5).

        The header announces them in the field `trailer`. Servers with the ASGI extension `http.response.trailers` send
        them (hypercorn, over HTTP/2), to clients that have sent `te: trailers`. Elsewhere they are checked,
        and the response ends without them.

        Args:
            trailers: names and values, as a mapping or as pairs; in pairs, a name may occur several times.

        Raises:
            ValueError: a name or a value is not allowed in a header, or the field may not be a trailer:
                `content-length`, `set-cookie`, … The response is still open.
            SanicException: the response belongs to no request yet (`await request.respond(response)` connects it).
            ServerError: the header has not announced trailers, or the response was ended already.

        Example:

            response = await request.respond(headers={"trailer": "x-checksum"})
            async for part in parts:
                await response.send(part)
            await response.send_trailers({"x-checksum": checksum})
        """
        # Imported late, because few applications send trailers.
        from sanic_star.compat.response._trailers import check_trailers

        pairs = trailers.items() if isinstance(trailers, Mapping) else trailers
        fields = [header_field(name, value) for name, value in pairs]
        check_trailers(fields)
        writer = self.stream
        if writer is not None and writer.send is not None:
            if "trailer" not in self.headers:
                raise ServerError("Announce trailers before the body: set the header field 'trailer' to their names")
            # Sends the head, if no part of the body was sent.
            await self.send(b"", False)
            if writer.trailers is not None:
                writer.trailers += fields
            await self.send(b"", True)
        else:
            # Raises the exception.
            await self.send(b"trailers", True)

    def add_cookie(self, key: str, value: str, **options: Unpack[_CookieOptions]) -> Cookie:
        """Set a cookie.

        Args:
            key: its name, without prefix.
            value: its value.
            options: its attributes: the keyword arguments of `Cookie`.

        Raises:
            ValueError, ServerError: as `Cookie`.

        Returns:
            The cookie, which may still be changed.

        Examples:
            >>> from sanic_star import text
            >>> response = text("hello")
            >>> cookie = response.add_cookie("theme", "dark", max_age=3600)
            >>> str(cookie)
            'theme=dark; Path=/; Max-Age=3600; SameSite=Lax; Secure'
        """
        if self._cookies is not None or self._own_headers:
            return self.cookies.add_cookie(key, value, **options)
        # PERF: saves the creation of a jar, 1 µs («real»). Safe because a jar that is created later reads the cookies
        # from the headers.
        cookie_class = _cookie_class()
        cookie = cookie_class(key, value, **options)
        if self._headers is None:
            self._headers = Header()
        _add_item(self._headers, _SET_COOKIE, cookie)
        return cookie

    def delete_cookie(  # type: ignore[override]
        self,
        key: str,
        path: str = "/",
        domain: str | None = None,
        secure: bool = True,
        httponly: bool = False,
        samesite: SameSite | None = None,
        *,
        host_prefix: bool = False,
        secure_prefix: bool = False,
    ) -> None:
        """Delete a cookie in the client; takes Sanic's arguments and Starlette's.

        Args:
            key: its name, without prefix.
            path: the path that it was set with.
            domain: the domain that it was set with.
            secure: whether the field that deletes it has the attribute `Secure`.
            httponly: whether that field has the attribute `HttpOnly`.
            samesite: the attribute `SameSite` of that field; a cookie that is used inside other sites needs `"None"`.
            host_prefix: whether its name has the prefix `__Host-`.
            secure_prefix: whether its name has the prefix `__Secure-`.

        Examples:
            >>> from sanic_star import text
            >>> response = text("hello")
            >>> response.delete_cookie("theme")
            >>> str(response.headers["set-cookie"])
            'theme=""; Path=/; Max-Age=0; Secure'
        """
        identity = {"path": path, "domain": domain, "host_prefix": host_prefix, "secure_prefix": secure_prefix}
        self.cookies.delete_cookie(key, secure=secure, **identity)  # type: ignore[arg-type]
        deletion = self.cookies.get_cookie(key, **identity)  # type: ignore[arg-type]
        if deletion is not None:
            deletion.httponly = httponly or deletion.httponly
            deletion.samesite = samesite or deletion.samesite
            deletion.check()

    def set_cookie(self, *args: Any, **options: Any) -> None:
        """Set a cookie; arguments and exceptions as in `starlette.responses.Response.set_cookie`."""
        from sanic_star.compat.cookies.response import check_starlette_cookie

        starlette_response = starlette.Response()
        starlette_response.set_cookie(*args, **options)
        check_starlette_cookie(*args, **options)
        self.headers.add("set-cookie", starlette_response.headers["set-cookie"])


class HTTPResponse(BaseHTTPResponse):
    """A response with a body.

    Args:
        body: text (sent as UTF-8) or bytes.
        status: the HTTP status.
        headers: header fields; values may be of any type, their `str()` is sent.
        content_type: the value of `content-type`.
        starlette_names: `content`, `status_code`, `media_type` and `background`, as in Starlette.

    Examples:
        >>> HTTPResponse("hello", content_type="text/plain").body
        b'hello'
    """

    def __init__(
        self,
        body: Any = None,
        status: int = 200,
        headers: Mapping[str, Any] | None = None,
        content_type: str | None = None,
        **starlette_names: Any,
    ) -> None:
        self._body = body.encode() if isinstance(body, str) else self._encode_body(body)
        self.status = status
        self.content_type = content_type
        self._headers = Header.checked(headers) if headers else None
        if starlette_names:
            self._set_starlette_names(**starlette_names)
        if self._own_names:
            self._copy_to_own_names()

    def __init_subclass__(cls, own_start: bool = False, **kwargs: Any) -> None:
        """Call `__call__` of a subclass that overrides a method or property which the fast path does not use.

        Args:
            own_start: whether the subclass overrides `_start_message`, which decides about the fast path.
            kwargs: as in `BaseHTTPResponse`.
        """
        super().__init_subclass__(**kwargs)
        if cls.processed_headers is not HTTPResponse.processed_headers:
            cls._head = BaseHTTPResponse._head_as_processed  # type: ignore[method-assign]
        names = ("__call__", "_head", "headers", "body")
        if not own_start and any(getattr(cls, name) is not getattr(HTTPResponse, name) for name in names):
            cls._start_message = BaseHTTPResponse._start_message  # type: ignore[method-assign]

    def _start_message(self) -> Message | None:
        """Return the message that starts this response; `None` if it depends on the request or a task follows it.

        Raises:
            ValueError, RuntimeError: a header field or the status is invalid.
        """
        # PERF: saves the properties on `status` and `_body`, and for the two fields that most responses have a call of
        # `_head`: 0.3 µs of 2 («in process»). Safe because a subclass that overrides one of these has another
        # `_start_message`; see `__init_subclass__`.
        content_type, status, headers = self.content_type, self.status, self._headers
        if self.background is not None:
            return None
        if headers is None and status == 200 and content_type is not None:
            try:
                fields = [_length_fields[len(self._body)], _known_content_types[content_type]]
                return {"type": "http.response.start", "status": 200, "headers": fields}
            except KeyError:
                pass  # below, `_head` makes the fields, and the table keeps that of the content type
        if status == 204 or status == 304:
            # The header fields depend on the request's method.
            return None
        if headers is None:
            return {"type": "http.response.start", "status": status, "headers": self._head()}
        if content_type is not None and type(status) is int and 200 <= status <= 599:
            # PERF: saves the frame and the conditions of `_head`, 0.3 µs («real»). Safe because a field that has to be
            # checked or left out ends the loop, and `_head` builds the header below.
            fields = []
            for name, value in headers.items():
                if type(value) is not str or not value.isprintable():
                    break
                encoded_name = _field_names[name]
                if encoded_name in _OWN_FIELDS:
                    break
                fields.append((encoded_name, value.encode()))
            else:
                fields.append(_length_fields[len(self._body)])
                fields.append(_content_type_fields[content_type])
                return {"type": "http.response.start", "status": status, "headers": fields}
        if _CONTENT_LENGTH in headers:
            # Whether this field is sent depends on the request's method.
            return None
        return {"type": "http.response.start", "status": status, "headers": self._head()}

    def _set_starlette_names(
        self,
        content: Any = None,
        status_code: int | None = None,
        media_type: str | None = None,
        background: BackgroundTask | None = None,
        body_bytes: bytes | None = None,
    ) -> None:
        if body_bytes is not None:
            deprecation("HTTPResponse(body_bytes=…) was removed in Sanic 20.12: pass the bytes as the body.", 20.12)
            # As in Sanic 20.9, `body` has precedence.
            self._body = self._body or self._encode_body(body_bytes)
        if content is not None:
            self._body = self._encode_body(content)
        if status_code is not None:
            self.status = status_code
        if media_type is not None:
            needs_charset = media_type.startswith("text/") and "charset=" not in media_type
            self.content_type = media_type + ("; charset=utf-8" if needs_charset else "")
        self.background = background

    async def eof(self) -> None:
        """End the response."""
        await self.send("", True)

    async def __aenter__(self) -> Callable[..., Coroutine[Any, Any, None]]:
        return self.send

    async def __aexit__(self, *_: object) -> None:
        await self.eof()


class JSONResponse(HTTPResponse):
    """A response with a JSON body, whose value can be changed until it is sent.

    Args:
        body: the value to write.
        status: the HTTP status.
        headers: header fields.
        content_type: the value of `content-type`.
        dumps: writes the value, instead of the application's `dumps`; returns text or bytes.
        kwargs: keyword arguments for `dumps`.

    Raises:
        TypeError: the value cannot be written as JSON; or another error of `dumps`.

    Examples:
        >>> response = JSONResponse([1])
        >>> response.append(2)
        >>> response.body
        b'[1,2]'
    """

    content_type = "application/json"
    # The function that writes the value, `None` for the application's `dumps`; and its keyword arguments.
    _writer: tuple[Callable[..., str | bytes] | None, Mapping[str, Any]] = (None, {})

    def __init__(
        self,
        body: Any = None,
        status: int = 200,
        headers: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        dumps: Callable[..., str | bytes] | None = None,
        **kwargs: Any,
    ) -> None:
        self._value = body
        self.status = status
        self.content_type = content_type
        self._headers = Header.checked(headers) if headers else None
        if dumps is not None or kwargs:
            self._writer = (dumps, kwargs)
        self._body = self._write(body)
        if self._own_names:
            self._copy_to_own_names()

    def _write(self, value: Any) -> bytes:
        dumps, options = self._writer
        if dumps is None:
            dumps = type(self)._dumps
            if dumps is write_json_text:
                dumps = write_json
        return self._encode_body(dumps(value, **options))

    @property
    def raw_body(self) -> Any:
        """The value of the body.

        Raises:
            SanicException: `body` was set, so there is no such value.
        """
        if self._body_was_set:
            raise SanicException("Cannot use raw_body after body has been manually set.")
        return self._value

    @raw_body.setter
    def raw_body(self, value: Any) -> None:
        self._value = value
        self._store_body(self._write(value))

    def set_body(self, body: Any, dumps: Callable[..., str | bytes] | None = None, **dumps_kwargs: Any) -> None:
        """Replace the value.

        Args:
            body: the new value.
            dumps: writes it, instead of the function of this response; returns text or bytes.
            dumps_kwargs: keyword arguments for `dumps`.

        Raises:
            TypeError: the value cannot be written as JSON; or another error of `dumps`.
        """
        if dumps is not None:
            encoded_body = self._encode_body(dumps(body, **dumps_kwargs))
            self._value = body
            self._store_body(encoded_body)
        else:
            self.raw_body = body

    def _value_of_type(self, types: type | tuple[type, ...], message: str) -> Any:
        value = self.raw_body
        if not isinstance(value, types):
            raise SanicException(message)
        return value

    def append(self, value: Any) -> None:
        """Append an item to the value, which is a list.

        Args:
            value: the item.

        Raises:
            SanicException: the value is not a list, or `body` was set.
        """
        self._value_of_type(list, "Cannot append to a non-list object.").append(value)
        self.raw_body = self._value

    def extend(self, value: Any) -> None:
        """Append several items to the value, which is a list.

        Args:
            value: an iterable of the items.

        Raises:
            SanicException: the value is not a list, or `body` was set.
        """
        self._value_of_type(list, "Cannot extend a non-list object.").extend(value)
        self.raw_body = self._value

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Update the value, which is a dictionary.

        Args:
            args: as in `dict.update`.
            kwargs: as in `dict.update`.

        Raises:
            SanicException: the value is not a dictionary, or `body` was set.
        """
        self._value_of_type(dict, "Cannot update a non-dict object.").update(*args, **kwargs)
        self.raw_body = self._value

    def pop(self, key: Any, default: Any = _default) -> Any:
        """Remove an item from the value, which is a list or a dictionary, and return it.

        Args:
            key: an index or a key.
            default: returned if a dictionary does not have the key.

        Raises:
            SanicException: the value is neither a list nor a dictionary, or `body` was set.
            IndexError, KeyError: the item does not exist.
            TypeError: there is a default, and the value is a list.
        """
        value = self._value_of_type((list, dict), "Cannot pop from a non-list and non-dict object.")
        if isinstance(default, Default):
            item = value.pop(key)
        elif isinstance(value, list):
            raise TypeError("pop doesn't accept a default argument for lists")
        else:
            item = value.pop(key, default)
        self.raw_body = value
        return item


class ResponseStream:
    """A response whose body a function writes in parts; a handler returns it.

    Args:
        streaming_fn: a coroutine function that takes this object and calls its `write`.
        status: the HTTP status.
        headers: header fields.
        content_type: the value of `content-type`.
        endless: whether the stop of the application ends the response; see `Request.respond`.
    """

    def __init__(
        self,
        streaming_fn: Callable[[Any], Coroutine[Any, Any, None]],
        status: int = 200,
        headers: Mapping[str, Any] | None = None,
        content_type: str | None = None,
        endless: bool | None = None,
    ) -> None:
        self.streaming_fn = streaming_fn
        self.endless = endless
        self.status = status
        self.headers = _header_of_response(headers)
        self.content_type = content_type
        self.request: AnsweredRequest | None = None
        self.response: HTTPResponse
        self.background: BackgroundTask | None = None
        self._cookies: CookieJar | None = None

    def __call__(self, request: AnsweredRequest) -> ResponseStream:
        self.request = request
        return self

    def __await__(self) -> Any:
        return self.stream().__await__()

    async def stream(self) -> HTTPResponse:
        """Call the streaming function for the request that this object was called with.

        Raises:
            ServerError: this object was not called with a request.
        """
        if self.request is None:
            raise ServerError("Attempted response to unknown request")
        self.response = await self.request.respond(
            status=self.status, headers=self.headers, content_type=self.content_type, endless=self.endless
        )
        await self.streaming_fn(self)
        return self.response

    async def write(self, message: str | bytes) -> None:
        """Send a part of the body.

        Args:
            message: the part; text is sent as UTF-8.

        Raises:
            ServerError: the response was ended already.
        """
        await self.response.send(message)

    async def eof(self) -> None:
        """End the response."""
        await self.response.eof()

    async def send_trailers(self, trailers: Mapping[str, object] | Iterable[tuple[str, object]]) -> None:
        """End the response with trailer fields; raises the exceptions of `HTTPResponse.send_trailers`.

        Args:
            trailers: names and values, as a mapping or as pairs.
        """
        await self.response.send_trailers(trailers)

    @property
    def cookies(self) -> CookieJar:
        """The cookies that the response sets."""
        if self._cookies is None:
            from sanic_star.compat.cookies.response import CookieJar

            self._cookies = CookieJar(self.headers)
        return self._cookies

    @property
    def processed_headers(self) -> list[tuple[bytes, bytes]]:
        """The encoded header fields, without the length."""
        return self.response.processed_headers

    @property
    def body(self) -> Any:
        """The body of the response that sends this stream."""
        return self.response.body


class StreamingHTTPResponse(ResponseStream):
    """The old name of `ResponseStream`, with its arguments in Sanic 21."""

    def __init__(
        self,
        streaming_fn: Callable[[Any], Coroutine[Any, Any, None]],
        status: int = 200,
        headers: Mapping[str, Any] | None = None,
        content_type: str = "text/plain; charset=utf-8",
        ignore_chunked: object = None,
        chunked: object = None,
        endless: bool | None = None,
    ) -> None:
        deprecation(
            "StreamingHTTPResponse() and stream() were removed in Sanic 22.6: use ResponseStream or request.respond().",
            22.6,
        )
        super().__init__(streaming_fn, status, headers, content_type, endless)


def stream(
    streaming_fn: Callable[[Any], Coroutine[Any, Any, None]],
    status: int = 200,
    headers: Mapping[str, Any] | None = None,
    content_type: str = "text/plain; charset=utf-8",
    chunked: object = None,
    endless: bool | None = None,
) -> StreamingHTTPResponse:
    """Return a response whose body a function writes in parts (removed in Sanic 22.6: use `ResponseStream`).

    Args:
        streaming_fn: a coroutine function that takes the response and calls its `write`.
        status: the HTTP status.
        headers: header fields.
        content_type: the value of `content-type`.
        chunked: ignored; since Sanic 21 the server frames the body.
        endless: whether the stop of the application ends the response; see `Request.respond`.
    """
    return StreamingHTTPResponse(streaming_fn, status, headers, content_type, endless=endless)


__all__ = [
    "BaseHTTPResponse",
    "HTTPResponse",
    "JSONResponse",
    "ResponseStream",
    "StreamingHTTPResponse",
    "has_message_body",
    "header_field",
    "stream",
]
