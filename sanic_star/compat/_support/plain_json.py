"""JSON that msgspec cannot write: its hooks, and the conversion of values that it refuses."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

_SCALARS = (str, int, float)
_NO_MODEL = object()
_WRITABLE_TYPES: tuple[Any, ...] = (str, int, float, list, tuple, dict, Decimal)
# The characters that `encode_html_chars` escapes, because they are unsafe inside an HTML script.
_HTML_ESCAPES = (("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e"))


def convert_for_encoder(value: Any) -> Any:
    """Convert an unknown object for msgspec; the result of `__json__` is written unchanged."""
    return msgspec.Raw(_own_json(value)) if _has_own_json(value) else _convert_unknown(value)


def convert_to_builtins(value: Any) -> Any:
    """Convert an unknown object for `msgspec.to_builtins`, which does not support raw JSON."""
    return json.loads(_own_json(value)) if _has_own_json(value) else _convert_unknown(value)


def _has_own_json(value: Any) -> bool:
    # As in ujson, a subclass of a JSON type is written as that type, whatever methods it has.
    return hasattr(value, "__json__") and not hasattr(value, "toDict") and not isinstance(value, _WRITABLE_TYPES)


def _convert_unknown(value: Any) -> Any:
    if isinstance(value, bool):
        # It gets here only as a key, because its base is `int`. `plain` writes it as text, like other keys.
        raise TypeError("a boolean key")
    for kind in _WRITABLE_TYPES:
        # A value of exactly this type gets here as an invalid key. If it were returned unchanged, the hook would be
        # called again.
        if isinstance(value, kind) and type(value) is not kind:
            return kind(value)
    if hasattr(value, "toDict"):
        return _own_dict(value)
    dumped = _dump_model(value)
    if dumped is not _NO_MODEL:
        return dumped
    raise TypeError(f"{value!r} is not JSON serializable")


def _dump_model(value: Any) -> Any:
    """Return the dump of a pydantic model; `_NO_MODEL` for any other object. msgspec supports attrs classes itself.

    The class is inspected, so that pydantic need not be installed, and a mock with any attribute is not taken for a
    model.
    """
    kind = type(value)
    if hasattr(kind, "__pydantic_serializer__") and callable(getattr(kind, "model_dump", None)):
        return value.model_dump(mode="json")
    if hasattr(kind, "__fields__") and hasattr(kind, "__validators__") and callable(getattr(kind, "dict", None)):
        return value.dict()  # pydantic 1
    return _NO_MODEL


def _own_dict(value: Any) -> dict[Any, Any]:
    converted = value.toDict()
    if not isinstance(converted, dict):
        raise TypeError(f"toDict() should return a dict, got {type(converted).__name__}")
    return converted


def _own_json(value: Any) -> bytes:
    json_text = value.__json__()
    if not isinstance(json_text, (str, bytes)):
        raise TypeError(f"__json__() should return str or bytes, got {type(json_text).__name__}")
    return json_text.encode() if isinstance(json_text, str) else json_text


encode = msgspec.json.Encoder(enc_hook=convert_for_encoder, decimal_format="number").encode
decode = msgspec.json.Decoder().decode


def dumps_plain(value: Any) -> bytes:
    """Return the JSON of a value that `encode` has refused."""
    converted = plain(value)
    try:
        return encode(converted)
    except UnicodeEncodeError:
        # Lone surrogates cannot be encoded as UTF-8, but can be escaped.
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
    """Return a value as JSON from the standard library, with options of `ujson.dumps` and `json.dumps`."""
    converted = plain(value, default, decodes_bytes=not reject_bytes, keeps_decimals=False)
    if isinstance(indent, int) and indent <= 0:
        # ujson's meaning: 0 for no spaces at all, negative for one line with spaces after the colons.
        separators = separators or ((",", ":") if indent == 0 else (",", ": "))
        indent = None
    if separators is None and indent is None:
        separators = (",", ":")
    # `plain`, which follows every reference, has raised for circular values.
    text = json.dumps(converted, indent=indent, separators=separators, **{"check_circular": False, **options})
    if escape_forward_slashes:
        text = text.replace("/", "\\/")
    if encode_html_chars:
        for mark, escape in _HTML_ESCAPES:
            text = text.replace(mark, escape)
    return text.encode("utf-8", "surrogatepass")


def plain(
    value: Any, default: Callable[[Any], Any] | None = None, *, decodes_bytes: bool = False, keeps_decimals: bool = True
) -> Any:
    """Return a value in types that both msgspec and the standard library write.

    Args:
        value: the value.
        default: converts other objects to writable values.
        decodes_bytes: whether to decode bytes to text.
        keeps_decimals: whether to keep `Decimal` values.
    """

    def convert(value: Any) -> Any:
        if value is None or isinstance(value, _SCALARS):
            return value
        if isinstance(value, dict):
            return {_key(key): convert(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [convert(item) for item in value]
        if isinstance(value, Decimal):
            return _plain_decimal(value) if keeps_decimals else _plain_float(value)
        if hasattr(value, "toDict"):
            return convert(_own_dict(value))
        if decodes_bytes and isinstance(value, bytes):
            return value.decode()
        if hasattr(value, "__json__"):
            return json.loads(_own_json(value))
        if default:
            return convert(default(value))
        # Sets, dataclasses, dates and others become dictionaries, lists and scalars, whose members are converted again.
        return convert(msgspec.to_builtins(value, builtin_types=(Decimal,), enc_hook=convert_to_builtins))

    return convert(value)


def _plain_decimal(value: Decimal) -> Decimal | None:
    """Return `value` as an exact `Decimal`, not of a subclass; `None` if it is not finite, as for a float."""
    return Decimal(value) if value.is_finite() else None


def _plain_float(value: Decimal) -> float:
    """Return `value` as a float; a signaling NaN, which `float` refuses, becomes a NaN."""
    return math.nan if value.is_nan() else float(value)


def _key(key: Any) -> str | int | float:
    """Convert a dictionary's key to a JSON key; `1` and `"1"` stay different."""
    if key is None:
        return "null"
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, _SCALARS):
        return key
    return key.decode() if isinstance(key, bytes) else str(key)
