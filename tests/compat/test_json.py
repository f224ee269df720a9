"""JSON: values that ujson, Sanic's library, can write and read work here too; differences of form are tested."""

from __future__ import annotations

import collections
import enum
import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from unittest import mock
from uuid import UUID

import attrs
import pydantic
import pytest
import ujson
from hypothesis import given
from hypothesis import strategies as st

from sanic_star import json as json_response
from sanic_star.compat._support import json as _json
from sanic_star.compat._support import plain_json
from sanic_star.compat._support.json import dumps, loads


class Text(str):
    """A subclass as libraries for safe markup have it."""


class Whole(int):
    """A subclass of a number."""


class Level(enum.IntEnum):
    HIGH = 3


class WithJson:
    def __init__(self, written: Any = '{"own":1}') -> None:
        self.written = written

    def __json__(self) -> Any:
        return self.written


class WithToDict:
    def __init__(self, value: Any = None) -> None:
        self.value = {"own": 1} if value is None else value

    def toDict(self) -> Any:
        return self.value


@dataclass
class Data:
    x: int = 1


Point = collections.namedtuple("Point", "x y")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.none(), inner, max_size=3),
    max_leaves=10,
)
SAME = [
    None,
    {"a": [1, 2.5, None, True, "text"], "b": {}},
    {None: 1, "x": {None: [None]}},
    {(1, 2): 3},
    {1: "a", "1": "b"},
    {None: 1, 1: "a", "1": "b"},
    {True: 1, False: [{True: 2}]},
    {None: 1, True: 2, 1.5: 3, b"a": 4, UUID(int=1): 5},
    {date(2020, 1, 1): 1},
    10**30,
    Text("a"),
    Whole(5),
    Level.HIGH,
    Point(1, 2),
    collections.OrderedDict(a=1),
    collections.defaultdict(int, a=1),
    WithJson(),
    WithJson(b"[1]"),
    WithToDict(),
    WithToDict({None: [WithToDict(), WithJson()]}),
    [{None: WithJson()}],
    {None: Point(1, (2, Text("x")))},
    "\ud800",
    {None: "\ud800"},
    {"a": "b</script>\x7f\n\x00"},
    Decimal("9.99"),
    {None: Decimal("9.99")},
]
REFUSED = [
    object(),
    1j,
    (x for x in [1]),
    {None: object()},
    WithJson(5),
    WithToDict([1]),
    {None: WithToDict([1])},
    [{None: WithJson(5)}],
]


@pytest.mark.parametrize("value", SAME, ids=lambda value: type(value).__name__)
def test_writes_what_sanic_writes(value: Any) -> None:
    assert dumps(value).decode() == ujson.dumps(value, escape_forward_slashes=False)


@pytest.mark.parametrize("value", REFUSED, ids=lambda value: type(value).__name__)
def test_unserialisable_values_are_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        ujson.dumps(value)
    with pytest.raises(TypeError):
        dumps(value)


def test_a_value_that_contains_itself() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(RecursionError):
        dumps(value)
    with pytest.raises(RecursionError):
        dumps(value, indent=1)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("hélló", '"hélló"'),
        ({None: "ü"}, '{"null":"ü"}'),
        (float("nan"), "null"),
        ([float("inf")], "[null]"),
        (1e22, "1e22"),
        (Decimal("1.10"), "1.10"),
        (datetime(2020, 1, 2, 3, 4, 5), '"2020-01-02T03:04:05"'),
        ({None: date(2020, 1, 2)}, '{"null":"2020-01-02"}'),
        (UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (b"bytes", '"Ynl0ZXM="'),
        ({1}, "[1]"),
        (Data(), '{"x":1}'),
    ],
)
def test_writes_in_a_form_of_its_own(value: Any, written: str) -> None:
    assert dumps(value).decode() == written


@given(VALUES)
def test_written_json_is_read_back(value: Any) -> None:
    expected = json.loads(ujson.dumps(value))
    assert loads(dumps(value)) == expected
    assert loads(dumps(value, sort_keys=False)) == expected


OPTIONS: list[dict[str, Any]] = [
    {"indent": 2},
    {"indent": 0},
    {"indent": -1},
    {"sort_keys": True},
    {"ensure_ascii": False},
    {"ensure_ascii": True},
    {"separators": (", ", ": ")},
    {"separators": (", ", ": "), "indent": -1},
    {"escape_forward_slashes": True},
    {"encode_html_chars": True, "escape_forward_slashes": False},
    {"reject_bytes": False},
    {"default": str},
    {"allow_nan": False},
]
OPTION_VALUE = {"b": [1, {"x": 1.0, "y": 1e22, "e": [], "d": {}}], "a": "ü/<&>\\😀", "k": Decimal("1.10")}


@pytest.mark.parametrize("options", OPTIONS, ids=lambda value: type(value).__name__)
def test_keyword_arguments_give_the_same_bytes(options: dict[str, Any]) -> None:
    # Sanic's own writer is bound to leave slashes alone.
    reference = ujson.dumps(OPTION_VALUE, **{"escape_forward_slashes": False, **options})
    assert dumps(OPTION_VALUE, **options).decode() == reference


def test_default_and_bytes_methods_are_used_for_unknown_types() -> None:
    assert dumps([{2}, date(2020, 1, 1)], default=str) == b'["{2}","2020-01-01"]'
    assert dumps([date(2020, 1, 1)], indent=None, sort_keys=True) == b'["2020-01-01"]'
    assert dumps({"a": b"x"}, reject_bytes=False) == b'{"a":"x"}'
    assert dumps({None: WithJson()}, sort_keys=True) == b'{"null":{"own":1}}'
    with pytest.raises(ValueError, match="JSON compliant"):
        dumps(float("nan"), allow_nan=False)
    with pytest.raises(TypeError):
        dumps([], nosuch=True)


@pytest.mark.parametrize(
    "text",
    [
        "null",
        " [1] ",
        "1e400",
        "NaN",
        "[Infinity, -Infinity]",
        '"\\ud800"',
        '"\\ud83d\\ude00"',
        '"a\nb\t"',
        '{"a":1,"a":2}',
        "123456789012345678901234567890",
        "-0",
    ],
)
def test_reads_what_sanic_reads(text: str) -> None:
    assert repr(loads(text.encode())) == repr(ujson.loads(text))
    assert repr(loads(text)) == repr(ujson.loads(text))


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[1,]", b"\xff", b"\xef\xbb\xbf[1]", '"x"'.encode("utf-16"), b"nope", b"[1] 2"]
)
def test_refuses_to_read_what_sanic_refuses(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        ujson.loads(data)
    with pytest.raises(ValueError, match=r"."):
        loads(data)


@pytest.mark.parametrize("data", [b"01", b"-", b"1."])
def test_invalid_numbers_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        loads(data)


class Money(Decimal):
    """A subclass of a number that msgspec knows by its exact type."""


@dataclass(eq=False)
class Frozen:
    """Can be hashed, whatever it holds: Python refuses to hash a signaling NaN."""

    x: Any


NO_NUMBERS = ["NaN", "-NaN", "NaN123", "sNaN", "Infinity", "-Infinity"]
CONTAINERS = {
    "alone": lambda value: value,
    "dict": lambda value: {"v": value},
    "list": lambda value: [1, [value]],
    "set": lambda value: {Frozen(value)},
    "dataclass": lambda value: Data(value),
    "namedtuple": lambda value: Point(1, value),
    "toDict": lambda value: WithToDict({"v": value}),
    "inside a dataclass": lambda value: {"a": [Data(value), {"b": (value,)}]},
    "beside a key of None": lambda value: {None: value},
}


@pytest.mark.parametrize("kind", [Decimal, Money])
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("number", NO_NUMBERS)
def test_a_non_finite_decimal_becomes_null(number: str, container: str, kind: type[Decimal]) -> None:
    put = CONTAINERS[container]
    assert json.loads(dumps(put(kind(number)))) == json.loads(dumps(put(None)))  # type: ignore[no-untyped-call]
    assert "NaN" in dumps(kind(number), indent=1).decode() or kind(number).is_infinite()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Money("1.50"), b"1.50"),
        (Data(Money("1.50")), b'{"x":1.50}'),  # type: ignore[arg-type]
        ({None: Data(Decimal("0.10"))}, b'{"null":{"x":0.10}}'),  # type: ignore[arg-type]
        ({Decimal("1.5"): 1, Decimal("NaN"): 2}, b'{"1.5":1,"NaN":2}'),
        ({"a": Data("\ud800")}, b'{"a":{"x":"\\ud800"}}'),  # type: ignore[arg-type]
        (Data({None: 1, (1, 2): WithJson("[1]")}), b'{"x":{"null":1,"(1, 2)":[1]}}'),  # type: ignore[arg-type]
        ({None: {date(2026, 11, 29)}}, b'{"null":["2026-11-29"]}'),
    ],
    ids=["subclass", "in a dataclass", "in a dict", "keys", "surrogate", "odd keys", "set"],
)
def test_values_inside_of_objects_keep_their_form(value: Any, written: bytes) -> None:
    assert dumps(value) == written


@pytest.mark.parametrize("options", [{}, {"default": str}, {"sort_keys": True}], ids=["plain", "default", "sorted"])
@pytest.mark.parametrize("container", ["alone", "dict", "list", "toDict", "beside a key of None"])
@pytest.mark.parametrize("name", ["toDict", "__json__"])
@pytest.mark.parametrize("value", ["s", 3, 1.5, [1], (1,), {"a": 1}, Decimal("1.5")], ids=type)
def test_a_subclass_of_a_json_type_is_written_as_that_type(
    value: Any, name: str, container: str, options: dict[str, Any]
) -> None:
    # As in ujson. A cookie mapping, for example, has every attribute: the cookie of that name, else an empty text.
    kind = type("Odd", (type(value),), {name: lambda self: {"t": 1}})
    put = CONTAINERS[container]
    assert json.loads(dumps(put(kind(value)), **options)) == json.loads(dumps(put(value), **options))  # type: ignore[no-untyped-call]


class Unexpected(Exception):
    """An exception that no release of msgspec has raised so far."""


def test_it_does_not_matter_which_exception_the_library_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = []

    def refuse(value: Any) -> Any:
        refused.append(value)
        if len(refused) == 1:
            raise Unexpected
        return json.dumps(value).encode()

    monkeypatch.setattr(_json.codec, "encode", refuse)
    monkeypatch.setattr(plain_json, "encode", refuse)
    assert dumps({"a": {None: Decimal("NaN")}}) == b'{"a": {"null": null}}'

    def refuse_to_read(data: Any) -> Any:
        raise Unexpected

    monkeypatch.setattr(_json.codec, "decode", refuse_to_read)
    assert loads(b'{"a":NaN}')["a"] != loads(b'{"a":NaN}')["a"]
    with pytest.raises(ValueError, match="Expecting"):
        loads(b"{")


# Models ---------------------------------------------------------------------------------------------------------------


class Inner(pydantic.BaseModel):
    day: date = date(2020, 1, 2)
    key: UUID = UUID(int=1)


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(serialize_by_alias=True)

    number: int = pydantic.Field(1, alias="No")
    inner: Inner = Inner()
    secret: pydantic.SecretStr = pydantic.SecretStr("x")

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def double(self) -> int:
        return 2 * self.number


class Numbers(pydantic.RootModel[list[int]]):
    pass


@attrs.frozen
class Defined:
    x: int = 1
    model: Any = None
    when: datetime = datetime(2020, 1, 2)


@attrs.define(slots=False)
class Plain:
    x: int = 1


@dataclass
class Holding:
    value: Any


class Own(pydantic.BaseModel):
    x: int = 1

    def __json__(self) -> str:
        return '"own"'


INNER = {"day": "2020-01-02", "key": "00000000-0000-0000-0000-000000000001"}
MODEL = {"No": 1, "inner": INNER, "secret": "**********", "double": 2}
DEFINED = {"x": 1, "model": None, "when": "2020-01-02T00:00:00"}


@pytest.mark.parametrize("options", [{}, {"indent": 2}, {"sort_keys": True}, {"ensure_ascii": False}])
@pytest.mark.parametrize(
    ("value", "form"),
    [
        (Model(No=1), MODEL),
        ([Model(No=1), (Inner(),)], [MODEL, [INNER]]),
        ({"a": {"b": [Model(No=1)]}, None: Inner()}, {"a": {"b": [MODEL]}, "null": INNER}),
        (Numbers([1, 2]), [1, 2]),
        (Own(), "own"),
        (Defined(), DEFINED),
        (Defined(2, Model(No=1)), {**DEFINED, "x": 2, "model": MODEL}),
        ([Plain(), {"a": Defined()}], [{"x": 1}, {"a": DEFINED}]),
        (Holding(Model(No=1)), {"value": MODEL}),
        (Holding([Defined()]), {"value": [DEFINED]}),
    ],
)
def test_models_are_written(value: Any, form: Any, options: dict[str, Any]) -> None:
    assert json.loads(dumps(value, **options)) == form
    assert json_response(value, **options).body == dumps(value, **options)


@pytest.mark.parametrize(
    "value", [Model, Defined, object(), [object()], Holding(object()), mock.NonCallableMock(spec=[])]
)
def test_invalid_models_are_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        dumps(value)


def test_an_invalid_value_is_one_exception_in_the_log() -> None:
    for write in (dumps, json_response):
        with pytest.raises(TypeError, match="is not JSON serializable") as caught:
            write({"value": object()})
        assert caught.value.__context__ is None


def test_a_custom_writer_gets_the_model() -> None:
    seen: list[Any] = []

    def write(value: Any) -> str:
        seen.append(value)
        return "written"

    model, nested = Model(No=1), [Defined()]
    assert (json_response(model, dumps=write).body, json_response(nested, dumps=write).body) == (b"written",) * 2
    assert (seen[0] is model, seen[1] is nested) == (True, True)


def test_models_of_pydantic_1_are_written() -> None:
    # `pydantic.v1` does not run on Python 3.14: their marks will do.
    class Model1:
        __fields__ = __validators__ = {}  # type: ignore[var-annotated]

        def dict(self) -> dict[str, Any]:
            return {"day": date(2020, 1, 2), "model": Inner()}

    assert json.loads(dumps([Model1()])) == [{"day": "2020-01-02", "model": INNER}]
