"""The renderers that `NegotiatedResponse` has by itself: JSON, HTML, text, MessagePack."""

from __future__ import annotations

from html import escape
from typing import Any

import msgspec

from sanic_star.compat._support.plain_json import plain, through_plain_hook
from sanic_star.compat.response.types import JSONResponse

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Data</title></head>
<body><pre>%s</pre></body>
</html>
"""
_encode = msgspec.msgpack.Encoder(enc_hook=through_plain_hook, decimal_format="number").encode


def render_json(value: Any) -> bytes:
    """Write a value as JSON, by the `dumps` of the application that answers.

    Raises:
        TypeError: something in `value` has no form in JSON.

    >>> render_json({"id": 1})
    b'{"id":1}'
    """
    return JSONResponse(value).body


def render_text(value: Any) -> str:
    """Return text as it is, and anything else as indented JSON.

    Raises:
        TypeError: something in `value` has no form in JSON.

    >>> print(render_text([1]))
    [
      1
    ]
    """
    if isinstance(value, str):
        return value
    written = render_json(value)
    try:
        return msgspec.json.format(written, indent=2).decode()
    except msgspec.DecodeError:  # an application's own `dumps` may write what JSON has no form for
        return written.decode()


def render_html(value: Any) -> str:
    """Return a page that shows a value as escaped text. What `__html__` of an object returns stays as it is.

    Raises:
        TypeError: something in `value` has no form in JSON.

    >>> print(render_html("a < b"))
    <!DOCTYPE html>
    <html lang="en">
    <head><meta charset="utf-8"><title>Data</title></head>
    <body><pre>a &lt; b</pre></body>
    </html>
    <BLANKLINE>
    """
    if hasattr(value, "__html__"):
        return str(value.__html__())
    return _PAGE % escape(render_text(value))


def render_msgpack(value: Any) -> bytes:
    """Write a value as MessagePack: whatever JSON can write, and bytes.

    Raises:
        TypeError: something in `value` has no form in MessagePack.
        OverflowError: an integer has more than 64 bits.

    >>> render_msgpack({"id": 1})
    b'\\x81\\xa2id\\x01'
    """
    try:
        return _encode(value)
    except OverflowError:
        raise
    except Exception:
        # As in `json.dumps`: what msgspec refuses is converted to plain values, and written once more.
        return _encode(plain(value))
