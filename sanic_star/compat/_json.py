"""JSON as Sanic reads and writes it, at the speed of msgspec.

msgspec does the work; what it refuses and Sanic accepts goes to the standard library: `None` and boolean keys, lone
surrogates, subclasses of builtin types, objects with `__json__`, and keyword arguments that only the latter knows.
The rule is that nothing which Sanic can serialise fails here.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

# What `json.dumps` understands and msgspec has no word for.
_COMPACT = (",", ":")


def _through_hook(value: Any) -> Any:
    """Give msgspec something it knows for an object that it does not."""
    if hasattr(value, "__json__"):
        written = value.__json__()
        return msgspec.Raw(written if isinstance(written, bytes) else str(written).encode())
    for kind in (str, int, float, list, tuple, dict):
        if isinstance(value, kind):
            return kind(value)
    if hasattr(value, "_asdict"):
        return value._asdict()
    raise TypeError(f"{value!r} is not JSON serializable")


def _for_stdlib(value: Any) -> Any:
    if hasattr(value, "__json__"):
        written = value.__json__()
        return json.loads(written)
    return json.loads(_encode(value))


_encode = msgspec.json.Encoder(enc_hook=_through_hook, decimal_format="number").encode
_decode = msgspec.json.Decoder().decode


def dumps(value: Any, **options: Any) -> bytes:
    """Write a value as JSON.

    Args:
        value: anything that msgspec or the standard library can write; an object's `__json__` is asked.
        options: keyword arguments of `json.dumps`; with any of them the standard library writes.

    Returns:
        UTF-8, without spaces between the parts.

    Raises:
        TypeError: something in `value` has no form in JSON.

    Example:
        >>> dumps({"a": [1, None]})
        b'{"a":[1,null]}'
        >>> dumps({None: 1})
        b'{"null":1}'
        >>> dumps({"b": 1, "a": 2}, sort_keys=True)
        b'{"a":2,"b":1}'
    """
    if not options:
        try:
            return _encode(value)
        except (TypeError, ValueError, RecursionError, UnicodeEncodeError, msgspec.MsgspecError):
            # Told apart by trying again: the standard library's verdict is the one that counts.
            pass
    options.pop("escape_forward_slashes", None)
    # ujson's way to say it: a number of spaces, where the standard library has its own default separators.
    options.setdefault("separators", _COMPACT if not options.get("indent") else None)
    options.setdefault("default", _for_stdlib)
    return json.dumps(value, **options).encode("utf-8", "surrogatepass")


def loads(data: str | bytes) -> Any:
    """Read JSON.

    Raises:
        ValueError: the data is not JSON, or not UTF-8.

    Example:
        >>> loads(b"[1, 100000000000000000000000000000]")
        [1, 100000000000000000000000000000]
    """
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # NaN, Infinity and lone surrogates: outside the standard, inside what Sanic's reader takes.
        return json.loads(data)
