"""HTTP statuses and headers, the marker for missing arguments, truth values from text, and imports by name."""

from __future__ import annotations

import json
import sys
from functools import partial
from importlib import import_module
from inspect import ismodule
from typing import TYPE_CHECKING, Any

from sanic_star.compat._support.lazy import old_names

# Sanic's phrases, which for 413, 414 and 416 are those of RFC 2616. Clients get them as default messages, so they must
# not change; the phrases of `http.HTTPStatus` differ between versions of Python.
STATUS_CODES: dict[int, bytes] = {
    100: b"Continue",
    101: b"Switching Protocols",
    102: b"Processing",
    103: b"Early Hints",
    200: b"OK",
    201: b"Created",
    202: b"Accepted",
    203: b"Non-Authoritative Information",
    204: b"No Content",
    205: b"Reset Content",
    206: b"Partial Content",
    207: b"Multi-Status",
    208: b"Already Reported",
    226: b"IM Used",
    300: b"Multiple Choices",
    301: b"Moved Permanently",
    302: b"Found",
    303: b"See Other",
    304: b"Not Modified",
    305: b"Use Proxy",
    307: b"Temporary Redirect",
    308: b"Permanent Redirect",
    400: b"Bad Request",
    401: b"Unauthorized",
    402: b"Payment Required",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    406: b"Not Acceptable",
    407: b"Proxy Authentication Required",
    408: b"Request Timeout",
    409: b"Conflict",
    410: b"Gone",
    411: b"Length Required",
    412: b"Precondition Failed",
    413: b"Request Entity Too Large",
    414: b"Request-URI Too Long",
    415: b"Unsupported Media Type",
    416: b"Requested Range Not Satisfiable",
    417: b"Expectation Failed",
    418: b"I'm a teapot",
    421: b"Misdirected Request",
    422: b"Unprocessable Entity",
    423: b"Locked",
    424: b"Failed Dependency",
    425: b"Too Early",
    426: b"Upgrade Required",
    428: b"Precondition Required",
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
    451: b"Unavailable For Legal Reasons",
    500: b"Internal Server Error",
    501: b"Not Implemented",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
    505: b"HTTP Version Not Supported",
    506: b"Variant Also Negotiates",
    507: b"Insufficient Storage",
    508: b"Loop Detected",
    510: b"Not Extended",
    511: b"Network Authentication Required",
}

# RFC 2616, 7.1.
_ENTITY_HEADERS = frozenset(
    (
        "allow",
        "content-encoding",
        "content-language",
        "content-length",
        "content-location",
        "content-md5",
        "content-range",
        "content-type",
        "expires",
        "last-modified",
        "extension-header",
    )
)
# RFC 2616, section 13.5.1, where "trailers" is an erratum for "trailer"; both are included.
_HOP_BY_HOP_HEADERS = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
    )
)

json_dumps = partial(json.dumps, separators=(",", ":"))


class Default:
    """The type of `_default`, the default of arguments for which `None` is a valid value."""

    def __repr__(self) -> str:
        return "<Default>"


_default = Default()


def has_message_body(status: int) -> bool:
    """Return whether a response with this status may have a body (RFC 9110, section 6.4.1).

    Examples:
        >>> has_message_body(204), has_message_body(404)
        (False, True)
    """
    return status not in (204, 304) and not 100 <= status < 200


def is_entity_header(header: str) -> bool:
    """Return whether a header describes the body.

    Examples:
        >>> is_entity_header("Content-Type")
        True
    """
    return header.lower() in _ENTITY_HEADERS


def is_hop_by_hop_header(header: str) -> bool:
    """Return whether a header is only for the next hop, and must not be forwarded.

    Examples:
        >>> is_hop_by_hop_header("Connection")
        True
    """
    return header.lower() in _HOP_BY_HOP_HEADERS


_TRUE = frozenset(("y", "yes", "yep", "yup", "t", "true", "on", "enable", "enabled", "1"))
_FALSE = frozenset(("n", "no", "nope", "f", "false", "off", "disable", "disabled", "0"))


def str_to_bool(val: str) -> bool:
    """Convert text to a truth value.

    Args:
        val: one of y yes yep yup t true on enable enabled 1, or n no nope f false off disable disabled 0, in any case.

    Raises:
        ValueError: it is none of these.

    Examples:
        >>> str_to_bool("Yes"), str_to_bool("off")
        (True, False)
    """
    word = val.lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f"Invalid truth value {word}")


def import_string(module_name: str, package: str | None = None) -> Any:
    """Import a module or a class by its dotted name; a class is called without arguments.

    Args:
        module_name: `"package.module"` or `"package.module.Class"`.
        package: the package of a relative name.

    Returns:
        The module, or an instance of the class.

    Raises:
        ValueError: the name has no dot.
        ImportError, AttributeError: the module or its attribute does not exist.

    Examples:
        >>> import_string("collections.OrderedDict")
        OrderedDict()
    """
    module, dot, name = module_name.rpartition(".")
    if not dot:
        raise ValueError(f"{module_name!r} cannot be imported: it has to look like 'package.module.name'")
    value = getattr(import_module(module, package=package), name)
    return value if ismodule(value) else value()


def is_atty() -> bool:
    """Return whether the standard output is a terminal."""
    return bool(sys.stdout and sys.stdout.isatty())


if not TYPE_CHECKING:
    __getattr__ = old_names(__name__)
