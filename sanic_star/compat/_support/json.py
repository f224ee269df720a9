"""Read and write JSON with Sanic's results, at the speed of msgspec.

If msgspec raises any exception, `plain_json.plain` converts the value, and it is written again: keys that are `None` or
tuples, lone surrogates, objects with `toDict`, decimals that are not finite. Keyword arguments are those of Sanic's
default writer ujson and of `json.dumps`; with any of them the standard library writes. Every value that Sanic can
serialise can be serialised here; the compatibility page lists under `json-msgspec` how the bytes differ.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


class Codec:
    """msgspec's encoder and decoder; imported with the first value, or when an application is created.

    PERF: without msgspec and its dependencies, `import sanic_star` takes 5 % less. After the import both attributes are
    builtins, which callers in the path of a request call without a Python frame (0.1 µs of 0.6). Safe if the caller
    passes a value to `dumps` or `loads` after any exception.

    Attributes:
        encode: `(value) -> bytes`.
        decode: `(data) -> value`.
    """

    __slots__ = ("decode", "encode")

    def __init__(self) -> None:
        self.encode: Callable[[Any], bytes] = self._load_and_encode
        self.decode: Callable[[str | bytes], Any] = self._load_and_decode

    def load(self) -> None:
        """Import msgspec, if it is not imported yet."""
        if self.encode == self._load_and_encode:
            from sanic_star.compat._support.plain_json import decode, encode

            self.encode, self.decode = encode, decode

    def _load_and_encode(self, value: Any) -> bytes:
        self.load()
        return self.encode(value)

    def _load_and_decode(self, data: str | bytes) -> Any:
        self.load()
        return self.decode(data)


codec = Codec()


def dumps_text(value: Any, **options: Any) -> str:
    """Return a value as JSON text; arguments and exceptions are those of `dumps`.

    >>> dumps_text({"a": 1})
    '{"a":1}'
    """
    return dumps(value, **options).decode()


def dumps(value: Any, **options: Any) -> bytes:
    """Return a value as JSON.

    Args:
        value: anything that msgspec or ujson can write; an object's `toDict` or `__json__` is called.
        options: keyword arguments of `ujson.dumps` and `json.dumps`; with any of them the standard library writes.

    Returns:
        UTF-8, without spaces between the parts.

    Raises:
        TypeError: something in `value` cannot be written as JSON.
        RecursionError: `value` contains itself, or is nested too deeply.

    Examples:
        >>> dumps({"a": [1, None]})
        b'{"a":[1,null]}'
        >>> dumps({None: 1})
        b'{"null":1}'
        >>> dumps({"b": 1, "a": 2}, sort_keys=True)
        b'{"a":2,"b":1}'
        >>> from decimal import Decimal
        >>> dumps([Decimal("1.50"), Decimal("NaN"), float("inf")])
        b'[1.50,null,null]'
    """
    if not options:
        try:
            return codec.encode(value)
        except Exception:
            from sanic_star.compat._support.plain_json import dumps_plain
        # Whatever it raised, the second attempt decides: outside of the block, so that a traceback holds one.
        return dumps_plain(value)
    from sanic_star.compat._support.plain_json import dumps_with_options  # loads msgspec

    return dumps_with_options(value, **options)


def loads(data: str | bytes) -> Any:
    """Read JSON.

    Raises:
        ValueError: the data is not JSON, or not UTF-8.

    Examples:
        >>> loads(b"[1, 100000000000000000000000000000]")
        [1, 100000000000000000000000000000]
    """
    try:
        return codec.decode(data)
    except RecursionError:
        raise
    except Exception:
        # Whatever msgspec raised, the standard library decides. Like Sanic's reader, it also accepts NaN, Infinity,
        # lone surrogates and control characters in text, which the standard does not allow. Decoded first, because the
        # standard library would accept UTF-16 and a byte order mark, which Sanic's reader does not.
        return json.loads(data.decode() if isinstance(data, bytes) else data, strict=False)
