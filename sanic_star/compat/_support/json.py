"""JSON as Sanic reads and writes it, at the speed of msgspec.

msgspec does the work. Whatever it refuses, with whichever exception, is converted to plain values by the rules of
`_plain` and written once more: keys that are `None` or tuples, lone surrogates, objects with `toDict`, decimals that
are no finite number. Keyword arguments are those of Sanic's own default writer, ujson, and of `json.dumps`; with any of
them the standard library writes. The rule is that nothing which Sanic can serialise fails here; `docs/compatibility.md`
says under `json-msgspec` in what the bytes differ.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

_SCALARS = (str, int, float)
_NO_MODEL = object()
_BUILTIN: tuple[Any, ...] = (str, int, float, list, tuple, dict, Decimal)
# What may stand in a page's script only as an escape; written so on request.
_HTML = (("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e"))


def _through_hook(value: Any) -> Any:
    """Convert an object that msgspec does not know to one that it does; what `__json__` returns stays as it is."""
    return msgspec.Raw(_own_json(value)) if _has_own_json(value) else _converted(value)


def _through_plain_hook(value: Any) -> Any:
    """Do the same for `msgspec.to_builtins`, which knows no raw JSON."""
    return json.loads(_own_json(value)) if _has_own_json(value) else _converted(value)


def _has_own_json(value: Any) -> bool:
    return hasattr(value, "__json__") and not hasattr(value, "toDict")


def _converted(value: Any) -> Any:
    if hasattr(value, "toDict"):
        return _own_dict(value)
    if isinstance(value, bool):
        # It comes only as a key, and its base is `int`: `_plain` writes it as a word, as it does beside other keys.
        raise TypeError("a boolean key")
    for kind in _BUILTIN:
        # An exact one comes as a key that can't be one; returned as it is it would come again.
        if isinstance(value, kind) and type(value) is not kind:
            return kind(value)
    dumped = _dumped_model(value)
    if dumped is not _NO_MODEL:
        return dumped
    raise TypeError(f"{value!r} is not JSON serializable")


def _dumped_model(value: Any) -> Any:
    """Return what a pydantic model dumps; `_NO_MODEL` for any other object. attrs classes are known to msgspec.

    Its class is looked at, so that pydantic need not be installed, and a mock that has every attribute is no model.
    """
    kind = type(value)
    if hasattr(kind, "__pydantic_serializer__") and callable(getattr(kind, "model_dump", None)):
        return value.model_dump(mode="json")
    if hasattr(kind, "__fields__") and hasattr(kind, "__validators__") and callable(getattr(kind, "dict", None)):
        return value.dict()  # pydantic 1
    return _NO_MODEL


def _own_dict(value: Any) -> dict[Any, Any]:
    made = value.toDict()
    if not isinstance(made, dict):
        raise TypeError(f"toDict() should return a dict, got {type(made).__name__}")
    return made


def _own_json(value: Any) -> bytes:
    written = value.__json__()
    if not isinstance(written, (str, bytes)):
        raise TypeError(f"__json__() should return str or bytes, got {type(written).__name__}")
    return written.encode() if isinstance(written, str) else written


# What `dumps` and `loads` try first. PERF: builtins, so that a caller on the way of every request may try them without
# a Python frame (0.1 µs of 0.6); safe where it leaves whatever they refuse to `dumps` and `loads`.
encode = msgspec.json.Encoder(enc_hook=_through_hook, decimal_format="number").encode
decode = msgspec.json.Decoder().decode


def dumps_text(value: Any, **options: Any) -> str:
    """Write a value as JSON, as text; arguments and exceptions are those of `dumps`.

    >>> dumps_text({"a": 1})
    '{"a":1}'
    """
    return dumps(value, **options).decode()


def dumps(value: Any, **options: Any) -> bytes:
    """Write a value as JSON.

    Args:
        value: anything that msgspec or ujson can write; an object's `toDict` or `__json__` is asked.
        options: keyword arguments of `ujson.dumps` and `json.dumps`; with any of them the standard library writes.

    Returns:
        UTF-8, without spaces between the parts.

    Raises:
        TypeError: something in `value` has no form in JSON.
        RecursionError: `value` contains itself, or is nested too deep.

    Examples:
        >>> dumps({"a": [1, None]})
        b'{"a":[1,null]}'
        >>> dumps({None: 1})
        b'{"null":1}'
        >>> dumps({"b": 1, "a": 2}, sort_keys=True)
        b'{"a":2,"b":1}'
        >>> dumps([Decimal("1.50"), Decimal("NaN"), float("inf")])
        b'[1.50,null,null]'
    """
    if not options:
        try:
            return encode(value)
        except Exception:
            # Whatever it was, the second try below decides.
            plain = _plain(value)
        try:
            return encode(plain)
        except UnicodeEncodeError:
            # Lone surrogates have no form in UTF-8, but one as an escape.
            return json.dumps(plain, separators=(",", ":")).encode()
    return _with_options(value, **options)


def _with_options(
    value: Any,
    *,
    indent: Any = None,
    separators: tuple[str, str] | None = None,
    default: Callable[[Any], Any] | None = None,
    escape_forward_slashes: bool = False,
    encode_html_chars: bool = False,
    reject_bytes: bool = True,
    **options: Any,
) -> bytes:
    plain = _plain(value, default, text_of_bytes=not reject_bytes, decimals=False)
    if isinstance(indent, int) and indent <= 0:
        # ujson's words: none at all, or one line with spaces after the colons.
        separators = separators or ((",", ":") if indent == 0 else (",", ": "))
        indent = None
    if separators is None and indent is None:
        separators = (",", ":")
    # Circular values have ended in `_plain`, which follows every reference.
    text = json.dumps(plain, indent=indent, separators=separators, **{"check_circular": False, **options})
    if escape_forward_slashes:
        text = text.replace("/", "\\/")
    if encode_html_chars:
        for mark, escape in _HTML:
            text = text.replace(mark, escape)
    return text.encode("utf-8", "surrogatepass")


def _plain(
    value: Any, default: Callable[[Any], Any] | None = None, *, text_of_bytes: bool = False, decimals: bool = True
) -> Any:
    """Return a value in types that both msgspec and the standard library write.

    Args:
        value: the value.
        default: makes something writable of what else can't be written.
        text_of_bytes: whether bytes are written as the text that they encode.
        decimals: whether a `Decimal` may stay one.
    """

    def plain(value: Any) -> Any:
        if value is None or isinstance(value, _SCALARS):
            return value
        if hasattr(value, "toDict"):
            return plain(_own_dict(value))
        if isinstance(value, dict):
            return {_key(key): plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        if isinstance(value, Decimal):
            return _plain_decimal(value) if decimals else _plain_float(value)
        if text_of_bytes and isinstance(value, bytes):
            return value.decode()
        if hasattr(value, "__json__"):
            return json.loads(_own_json(value))
        if default:
            return plain(default(value))
        # Sets, dataclasses, dates and the like: into dictionaries, lists and scalars, of which some may need us again.
        return plain(msgspec.to_builtins(value, builtin_types=(Decimal,), enc_hook=_through_plain_hook))

    return plain(value)


def _plain_decimal(value: Decimal) -> Decimal | None:
    """Return `value` as an exact `Decimal`, not of a subclass; `None` where JSON has no such number, as for a float."""
    return Decimal(value) if value.is_finite() else None


def _plain_float(value: Decimal) -> float:
    """Return `value` as a float; a signaling NaN, which `float` refuses, as a NaN."""
    return math.nan if value.is_nan() else float(value)


def _key(key: Any) -> str | int | float:
    """Return a dictionary's key as one that JSON has; `1` and `"1"` stay two."""
    if key is None:
        return "null"
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, _SCALARS):
        return key
    return key.decode() if isinstance(key, bytes) else str(key)


def loads(data: str | bytes) -> Any:
    """Read JSON.

    Raises:
        ValueError: the data is not JSON, or not UTF-8.

    Examples:
        >>> loads(b"[1, 100000000000000000000000000000]")
        [1, 100000000000000000000000000000]
    """
    try:
        return decode(data)
    except RecursionError:
        raise
    except Exception:
        # Whatever msgspec raised, the standard library decides. It also reads NaN, Infinity, lone
        # surrogates and control characters in text: outside the standard, inside what Sanic's reader takes. As text,
        # because the standard library would take UTF-16 and a byte order mark, which Sanic's doesn't.
        return json.loads(data.decode() if isinstance(data, bytes) else data, strict=False)
