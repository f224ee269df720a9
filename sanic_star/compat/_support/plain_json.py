"""JSON that msgspec does not write by itself: the hooks that it calls, and the second way for what it refuses."""

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


def through_hook(value: Any) -> Any:
    """Convert an object that msgspec does not know to one that it does; what `__json__` returns stays as it is."""
    return msgspec.Raw(_own_json(value)) if _has_own_json(value) else _converted(value)


def through_plain_hook(value: Any) -> Any:
    """Do the same for `msgspec.to_builtins`, which knows no raw JSON."""
    return json.loads(_own_json(value)) if _has_own_json(value) else _converted(value)


def _has_own_json(value: Any) -> bool:
    # As in ujson, a subclass of a type that JSON knows is written as that type, whatever else it has.
    return hasattr(value, "__json__") and not hasattr(value, "toDict") and not isinstance(value, _BUILTIN)


def _converted(value: Any) -> Any:
    if isinstance(value, bool):
        # It comes only as a key, and its base is `int`: `plain` writes it as a word, as it does beside other keys.
        raise TypeError("a boolean key")
    for kind in _BUILTIN:
        # An exact one comes as a key that can't be one; returned as it is it would come again.
        if isinstance(value, kind) and type(value) is not kind:
            return kind(value)
    if hasattr(value, "toDict"):
        return _own_dict(value)
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


encode = msgspec.json.Encoder(enc_hook=through_hook, decimal_format="number").encode
decode = msgspec.json.Decoder().decode


def dumps_plain(value: Any) -> bytes:
    """Write a value that `encode` has refused."""
    converted = plain(value)
    try:
        return encode(converted)
    except UnicodeEncodeError:
        # Lone surrogates have no form in UTF-8, but one as an escape.
        return json.dumps(converted, separators=(",", ":")).encode()


def dumps_with_options(
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
    """Write a value by the standard library, with options of `ujson.dumps` and `json.dumps`."""
    converted = plain(value, default, text_of_bytes=not reject_bytes, decimals=False)
    if isinstance(indent, int) and indent <= 0:
        # ujson's words: none at all, or one line with spaces after the colons.
        separators = separators or ((",", ":") if indent == 0 else (",", ": "))
        indent = None
    if separators is None and indent is None:
        separators = (",", ":")
    # Circular values have ended in `plain`, which follows every reference.
    text = json.dumps(converted, indent=indent, separators=separators, **{"check_circular": False, **options})
    if escape_forward_slashes:
        text = text.replace("/", "\\/")
    if encode_html_chars:
        for mark, escape in _HTML:
            text = text.replace(mark, escape)
    return text.encode("utf-8", "surrogatepass")


def plain(
    value: Any, default: Callable[[Any], Any] | None = None, *, text_of_bytes: bool = False, decimals: bool = True
) -> Any:
    """Return a value in types that both msgspec and the standard library write.

    Args:
        value: the value.
        default: makes something writable of what else can't be written.
        text_of_bytes: whether bytes are written as the text that they encode.
        decimals: whether a `Decimal` may stay one.
    """

    def convert(value: Any) -> Any:
        if value is None or isinstance(value, _SCALARS):
            return value
        if isinstance(value, dict):
            return {_key(key): convert(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [convert(item) for item in value]
        if isinstance(value, Decimal):
            return _plain_decimal(value) if decimals else _plain_float(value)
        if hasattr(value, "toDict"):
            return convert(_own_dict(value))
        if text_of_bytes and isinstance(value, bytes):
            return value.decode()
        if hasattr(value, "__json__"):
            return json.loads(_own_json(value))
        if default:
            return convert(default(value))
        # Sets, dataclasses, dates and the like: into dictionaries, lists and scalars, of which some may need us again.
        return convert(msgspec.to_builtins(value, builtin_types=(Decimal,), enc_hook=through_plain_hook))

    return convert(value)


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
