"""The tables of names chosen by clients and handlers: they cannot be filled, or slow down usual names."""

from __future__ import annotations

from typing import Any

import pytest

from sanic_star import Request, Sanic, text
from sanic_star.compat._support.lazy import BoundedTable
from sanic_star.compat.compat import Header, _field_names
from sanic_star.compat.cookies import request as request_cookies
from sanic_star.compat.cookies import response as response_cookies
from sanic_star.compat.request._headers import _decoded_names, _encoded_names
from sanic_star.compat.response import types
from tests.engine.raw import Peer, http_scope

TABLES: dict[str, BoundedTable[Any, Any]] = {
    "names of request headers": _decoded_names,
    "names of request headers that are looked up": _encoded_names,
    "names of response headers": _field_names,
    "names of request cookies": request_cookies._names,
    "names of response cookies": response_cookies._names,
    "content types": types._content_type_fields,
    "lengths": types._length_fields,
}


def key(table: BoundedTable[Any, Any], number: int) -> Any:
    if table is types._length_fields:
        return number
    return b"x-%d" % number if table is _decoded_names else f"x-{number}"


def test_a_table_makes_a_value_once() -> None:
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name.upper()

    table = BoundedTable(make, 2, {"seed": "SEED"})
    assert [table[name] for name in ("seed", "a", "a", "b")] == ["SEED", "A", "A", "B"]
    assert made == ["a", "b"]
    assert table["c"] == "C"
    assert dict(table) == table.entries == {"seed": "SEED", "c": "C"}
    assert type(table.entries) is dict
    assert table["x" * 1000] == "X" * 1000
    assert len(table) == len(table.entries) == 2


def test_nothing_is_kept_of_what_is_refused() -> None:
    def refuse(name: str) -> str:
        raise ValueError(name)

    table = BoundedTable(refuse, 2)
    for _ in range(2):
        with pytest.raises(ValueError, match="a"):
            table["a"]
    assert not table


@pytest.mark.parametrize("name", TABLES)
def test_a_flood_of_keys_does_not_fill_a_table(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = TABLES[name]
    made: list[Any] = []
    make, usual = table._make_value, key(table, -1 if table is not types._length_fields else 5000)

    def counting(asked: Any) -> Any:
        made.append(asked)
        return make(asked)

    monkeypatch.setattr(table, "_make_value", counting)
    peak = 0
    for number in range(3000):
        table[key(table, number)]
        table[usual]
        peak = max(peak, len(table))
    assert peak <= table._size <= 1100
    # The cost of the flood for other names: one miss each time that it has filled the table.
    assert made.count(usual) <= 2 + 3000 // (table._size - len(table._seed) - 1)
    assert not set(table._seed) & set(made)


async def test_many_new_header_names_do_not_slow_down_usual_ones() -> None:
    app: Sanic[Any, Any] = Sanic("Flood")

    @app.get("/")
    async def handler(request: Request) -> Any:
        assert len(request.headers) == 100
        assert len(request.cookies) == 50
        return text("")

    for number in range(30):
        names = [b"x-%d-%d" % (number, place) for place in range(99)]
        cookies = "; ".join(f"c{number}-{place}=1" for place in range(50))
        peer = Peer()
        await app(
            http_scope("/", headers=[*((name, b"1") for name in names), (b"cookie", cookies.encode())]),
            peer.receive,
            peer.send,
        )
        assert peer.status == 200
    assert len(_decoded_names) <= _decoded_names._size
    assert len(request_cookies._names) <= request_cookies._names._size
    assert _decoded_names.keys() >= {b"host", b"cookie", b"user-agent", b"content-type", b"x-request-id"}


def test_a_long_name_is_not_kept() -> None:
    name = "x-" + "a" * 100_000
    headers = Header()
    headers[name] = "1"
    assert types.header_field(name, "1") == (name.encode(), b"1")
    assert name not in _field_names
