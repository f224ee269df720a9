"""Sanic's attributes for Starlette's responses, so that response middleware can read and change any response.

A response of Starlette or a library stays the same object: only its class is replaced with a subclass of its own class
that also has Sanic's names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from starlette.datastructures import MutableHeaders
from starlette.responses import Response as StarletteResponse
from starlette.types import Receive, Scope, Send

from sanic_star.compat.compat import Header
from sanic_star.compat.response.types import BaseHTTPResponse, ResponseStream, header_field
from sanic_star.engine.responses import Response

if TYPE_CHECKING:
    from sanic_star.compat.cookies.response import Cookie, CookieJar

_named_classes: dict[type, type] = {}
# An application has only a few response classes. Weak references, so that classes created at run time don't leak.
_MAX_NAMED_CLASSES = 256
_NO_DEFAULT: Any = object()


class NamedHeaders(MutableHeaders):
    """Starlette's headers with the methods of Sanic's, which take values of any type."""

    def __setitem__(self, key: str, value: Any) -> None:
        field = header_field(key, value)
        indexes = [index for index, (name, _) in enumerate(self._list) if name == field[0]]
        self._list[:] = [item for index, item in enumerate(self._list) if index not in indexes[1:]]
        if indexes:
            self._list[indexes[0]] = field
        else:
            self._list.append(field)

    def add(self, key: str, value: Any) -> None:
        """Add a field, also if there is one with that name.

        Args:
            key: the name.
            value: any object; its `str()` is sent.

        Raises:
            ValueError: the name or the value is invalid.
        """
        self._list.append(header_field(key, value))

    append = add

    def setdefault(self, key: str, value: Any) -> Any:
        """Set a field, unless it exists; return its value.

        Args:
            key: the name.
            value: any object; its `str()` is sent.

        Raises:
            ValueError: the name or the value is invalid.
        """
        if key not in self:
            self[key] = value
        return self[key]

    def extend(self, fields: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Add fields.

        Args:
            fields: names and values, as a mapping or as pairs; of a value, `str()` is sent.

        Raises:
            ValueError: a name or a value is invalid.
        """
        for name, value in fields.items() if isinstance(fields, Mapping) else fields:
            self.add(name, value)

    def getone(self, key: str, default: Any = _NO_DEFAULT) -> Any:
        """Return the value of the first field of a name, or the default.

        Args:
            key: the name, in any case.
            default: returned if there is no such field.

        Raises:
            KeyError: there is no such field, and no default.
        """
        values = self.getlist(key)
        if not values and default is _NO_DEFAULT:
            raise KeyError(key)
        return values[0] if values else default

    def getall(self, key: str, default: Any = _NO_DEFAULT) -> Any:
        """Return the values of all fields of a name as a list, or the default.

        Args:
            key: the name, in any case.
            default: returned if there is no such field.

        Raises:
            KeyError: there is no such field, and no default.
        """
        values = self.getlist(key)
        if not values and default is _NO_DEFAULT:
            raise KeyError(key)
        return values or default

    def get_all(self, key: str) -> list[str]:
        """Return the values of all fields of a name, as a list, which may be empty.

        Args:
            key: the name, in any case.
        """
        return self.getlist(key)

    def pop(self, key: str, default: Any = _NO_DEFAULT) -> Any:
        """Remove all fields of a name; return the first value, or the default.

        Args:
            key: the name, in any case.
            default: returned if there is no such field.

        Raises:
            KeyError: there is no such field, and no default.
        """
        value = self.getone(key, default)
        del self[key]
        return value

    def popall(self, key: str, default: Any = _NO_DEFAULT) -> Any:
        """Remove all fields of a name; return their values as a list, or the default.

        Args:
            key: the name, in any case.
            default: returned if there is no such field.

        Raises:
            KeyError: there is no such field, and no default.
        """
        values = self.getall(key, default)
        del self[key]
        return values

    def clear(self) -> None:
        """Remove all fields."""
        self._list.clear()


class SanicNames(StarletteResponse):
    """Sanic's attributes of a response, for Starlette's responses."""

    _jar: CookieJar | None = None

    @property
    def status(self) -> int:
        """Sanic's name for `status_code`."""
        return self.status_code

    @status.setter
    def status(self, value: int) -> None:
        self.status_code = value

    @property
    def headers(self) -> NamedHeaders:
        """The header fields."""
        if not isinstance(self.__dict__.get("_headers"), NamedHeaders):
            self._headers = NamedHeaders(raw=self.raw_headers)
        return self._headers  # type: ignore[return-value]

    @headers.setter
    def headers(self, value: Mapping[str, Any]) -> None:
        self.headers.clear()
        self.headers.extend(value)

    @property
    def content_type(self) -> str | None:
        """The value of `content-type`."""
        return self.headers.get("content-type")

    @content_type.setter
    def content_type(self, value: str) -> None:
        self.headers["content-type"] = value

    @property
    def body(self) -> Any:
        """The body, if it is available; not for streams and files."""
        if "body" not in self.__dict__:
            raise AttributeError(f"the body of a {type(self).__name__} is not available before it is sent")
        return self.__dict__["body"]

    @body.setter
    def body(self, value: Any) -> None:
        if "body" not in self.__dict__:
            raise AttributeError(f"the body of a {type(self).__name__} is not available before it is sent")
        self.__dict__["body"] = BaseHTTPResponse._encode_body(value)
        if "content-length" in self.headers:
            self.headers["content-length"] = len(self.body)

    @property
    def cookies(self) -> CookieJar:
        """The cookies that Sanic's methods have set; they are added to the header fields when the response is sent."""
        if self._jar is None:
            from sanic_star.compat.cookies.response import CookieJar

            self._jar = CookieJar(Header())
        return self._jar

    def add_cookie(self, key: str, value: str, **options: Any) -> Cookie:
        """Set a cookie.

        Args:
            key: its name, without prefix.
            value: its value.
            options: its attributes: the keyword arguments of `Cookie`.

        Raises:
            ValueError, ServerError: as `Cookie`.
        """
        return self.cookies.add_cookie(key, value, **options)

    delete_cookie = BaseHTTPResponse.delete_cookie  # type: ignore[assignment]

    def add_own_cookies(self) -> None:
        """Add the cookies that Sanic's methods have set to the header fields."""
        if self._jar is not None:
            self.headers.extend(self._jar.headers.items())
            self._jar = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.add_own_cookies()
        await super().__call__(scope, receive, send)


def with_sanic_names(response: Any) -> Any:
    """Return the response for response middleware; `None` if the handler's return value is not a response.

    Args:
        response: the handler's return value. Sanic's responses are returned unchanged, Starlette's with Sanic's names.
    """
    if isinstance(response, (Response, ResponseStream, SanicNames)):
        return response
    if not isinstance(response, StarletteResponse):
        return None
    response_class = type(response)
    named_class = _named_classes.get(response_class)
    if named_class is None:
        attributes = {"__module__": response_class.__module__}
        named_class = type(response_class.__name__, (SanicNames, response_class), attributes)
        if len(_named_classes) < _MAX_NAMED_CLASSES:
            _named_classes[response_class] = named_class
    response.__class__ = named_class
    return response
