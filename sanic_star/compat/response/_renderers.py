"""The default renderers of `NegotiatedResponse`: JSON, HTML, text, MessagePack."""

from __future__ import annotations

from html import escape
from typing import Any

import msgspec

from sanic_star.compat._support.plain_json import convert_to_builtins, plain
from sanic_star.compat.response.types import JSONResponse

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Data</title></head>
<body><pre>%s</pre></body>
</html>
"""
_encode = msgspec.msgpack.Encoder(enc_hook=convert_to_builtins, decimal_format="number").encode


def render_json(value: Any) -> bytes:
    """Return a value as JSON, written by the current application's `dumps`.

    Raises:
        TypeError: something in `value` cannot be written as JSON.

    >>> render_json({"id": 1})
    b'{"id":1}'
    """
    return JSONResponse(value).body


def render_text(value: Any) -> str:
    """Return text unchanged, and any other value as indented JSON.

    Raises:
        TypeError: something in `value` cannot be written as JSON.

    >>> print(render_text([1]))
    [
      1
    ]
    """
    if isinstance(value, str):
        return value
    rendered = render_json(value)
    try:
        return msgspec.json.format(rendered, indent=2).decode()
    except msgspec.DecodeError:  # an application's own `dumps` may write invalid JSON
        return rendered.decode()


def render_html(value: Any) -> str:
    """Return a page with a value as escaped text; the result of an object's `__html__` is not escaped.

    Raises:
        TypeError: something in `value` cannot be written as JSON.

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
    """Return a value as MessagePack: any value that JSON can write, and bytes.

    Raises:
        TypeError: something in `value` cannot be written as MessagePack.
        OverflowError: an integer has more than 64 bits.

    >>> render_msgpack({"id": 1})
    b'\\x81\\xa2id\\x01'
    """
    try:
        return _encode(value)
    except OverflowError:
        raise
    except Exception:
        # As in `json.dumps`: values that msgspec refuses are converted to plain values, and written again.
        return _encode(plain(value))
