"""`request.headers`: a field is decoded when it is looked up; every other operation makes a full `Header`."""

from __future__ import annotations

import copy
import operator
import pickle
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

import pytest
from multidict import CIMultiDict, MultiDict

from sanic_star import HTTPResponse, Request, Sanic, text
from sanic_star.compat.compat import Header
from sanic_star.compat.request._headers import RequestHeader, read_all, read_fields
from tests.engine.raw import Peer, http_scope

FIELDS = [(b"host", b"a.test"), (b"x-id", b"7"), (b"accept", "é".encode()), (b"x-raw", b"\xff")]


def is_built(header: Header) -> bool:
    """Return whether the mapping of text has been built."""
    lazy: Any = header
    return type(lazy) is not RequestHeader or lazy._built is not None


LOOK_UPS: dict[str, Callable[[Header], Any]] = {
    "get": lambda header: (header.get("Host"), header.get("none"), header.get("none", 1), header.get("accept")),
    "getitem": lambda header: header["X-ID"],
    "getone": lambda header: header.getone("x-id"),
    "keywords": lambda header: (
        header.getone(key="x-id", default="1"),
        header.getall("none", default=["1"]),
        header.getall(key="x-id"),
        header.get("none", default="1"),
    ),
    "getall": lambda header: (header.getall("x-id"), header.getall("none", ["1"])),
    "get_all": lambda header: (header.get_all("x-id"), header.get_all("none")),
    "in": lambda header: ("HOST" in header, "none" in header),
    "len": lambda header: (len(header), bool(header)),
}
OTHER_USES: dict[str, Callable[[Header], Any]] = {
    "bytes that are not UTF-8": lambda header: (header["x-raw"], header.get("x-raw"), header.getall("x-raw")),
    "name beyond ASCII": lambda header: (header.get("é"), "é" in header),
    "attribute": lambda header: (header.x_id, header.none, header.get_),
    "items": lambda header: (list(header.items()), list(header.keys()), list(header.values()), list(header)),
    "dict": lambda header: (dict(header), {**header}),
    "equality": lambda header: (header == Header(header.copy()), Header(header.copy()) == header, header == {"a": "b"}),
    "multidict": lambda header: (CIMultiDict(header), MultiDict(header), Header.checked({"a": "b"}, **header)),
    "repr": repr,
    "copies": lambda header: (copy.copy(header), copy.deepcopy(header), pickle.loads(pickle.dumps(header))),
    "update": lambda header: operator.methodcaller("update", {"X-Id": "8"})(header),
    "set": lambda header: operator.setitem(header, "X-Id", "8"),
    "delete": lambda header: operator.delitem(header, "X-Id"),
    "add": lambda header: operator.methodcaller("add", "X-Id", "8")(header),
    "pop": lambda header: (header.pop("host"), "host" in header),
    "clear": lambda header: operator.methodcaller("clear")(header),
}


@pytest.mark.parametrize("use", [*LOOK_UPS, *OTHER_USES])
def test_it_gives_what_a_mapping_of_all_fields_gives(use: str) -> None:
    function = {**LOOK_UPS, **OTHER_USES}[use]
    lazy, whole = read_fields(list(FIELDS)), read_all(list(FIELDS))
    assert not is_built(lazy)
    assert function(lazy) == function(whole)
    assert is_built(lazy) == (use in OTHER_USES)
    assert list(lazy.items()) == list(whole.items())


MISTAKES: dict[str, Callable[[Header], Any]] = {
    "missing item": lambda header: header["none"],
    "missing in getall": lambda header: header.getall("none"),
    "missing in getone": lambda header: header.getone("none"),
    "two defaults": lambda header: header.getone("none", 1, 2),  # type: ignore[call-overload]
    "number": lambda header: header.get(1),  # type: ignore[call-overload]
    "bytes": lambda header: header[b"host"],  # type: ignore[index]
    "list": lambda header: header.getall([]),  # type: ignore[call-overload]
    "line break": lambda header: operator.setitem(header, "x-id", "a\r\nb"),
    "private attribute": lambda header: header._none,
    "hash": hash,
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_raises_what_it_raises_elsewhere(mistake: str) -> None:
    raised = []
    for header in (read_fields(list(FIELDS)), read_all(list(FIELDS))):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - both are compared
            MISTAKES[mistake](header)
        raised.append(caught.type)
    assert raised[0] is raised[1]


def test_it_may_have_attributes_of_its_own() -> None:
    header: Any = read_fields(list(FIELDS))
    header.mine = 1
    assert (header.mine, header["x-id"]) == (1, "7")


def test_it_is_a_header_for_isinstance() -> None:
    header = read_fields(list(FIELDS))
    for kind in (Header, CIMultiDict, MultiDict, MutableMapping):
        assert isinstance(header, kind)
    assert not isinstance(header, dict)
    assert type(header).__name__ == "Header"


@pytest.mark.parametrize(
    "fields",
    [
        [(b"x-id", b"1"), (b"X-Id", b"2")],
        [(b"X-Id", b"2"), (b"x-id", b"1")],
        [(b"X-Id", b"2")],
        [(b"cookie", b"a=1"), (b"x-id", b"3"), (b"cookie", b"b=2")],
        [[b"x-id", b"1"]],
        ((b"x-id", b"1"), (b"a", b"2")),
        [(bytearray(b"x-id"), b"1")],
        [(b"x-\xe9", b"1"), (b"x-id", b"1")],
        [(b"1", b"1")],
        [],
    ],
)
def test_other_names_and_containers_are_read_at_once(fields: Iterable[tuple[bytes, bytes]]) -> None:
    lazy, whole = read_fields(fields), read_all(fields)
    for name in ("x-id", "X-ID", "cookie", "none", "x-é", "1"):
        assert lazy.get(name) == whole.get(name)
        assert lazy.get_all(name) == whole.get_all(name)
    assert lazy == whole


def test_fields_may_come_from_an_iterator() -> None:
    assert read_fields(iter(FIELDS))["x-id"] == "7"


async def ask(app: Sanic[Any, Any], *fields: tuple[bytes, bytes]) -> Peer:
    peer = Peer()
    await app(http_scope("/", headers=list(fields)), peer.receive, peer.send)
    return peer


async def test_a_response_may_take_over_the_headers_of_a_request() -> None:
    app: Sanic[Any, Any] = Sanic("TakesOver")

    @app.get("/")
    async def handler(request: Request) -> HTTPResponse:
        response = text("")
        response.headers = request.headers
        response.add_cookie("a", "1")
        response.headers["x-other"] = "2"
        assert "x-other" not in request.headers
        return response

    peer = await ask(app, (b"x-id", b"7"), (b"x-more", b"8"))
    assert peer.status == 200
    names = [name for name, _ in peer.sent[0]["headers"]]
    assert {b"x-id", b"x-more", b"x-other", b"set-cookie"} <= set(names)


async def test_a_change_is_seen_by_token_and_cookies() -> None:
    app: Sanic[Any, Any] = Sanic("Changed")

    @app.on_request
    async def change(request: Request) -> None:
        assert "authorization" in request.headers
        request.headers["authorization"] = "Bearer other"
        request.headers["cookie"] = "a=2"

    @app.get("/")
    async def handler(request: Request) -> HTTPResponse:
        return text(f"{request.token} {request.cookies.get('a')} {request.headers['x-id']}")

    peer = await ask(app, (b"authorization", b"Bearer own"), (b"cookie", b"a=1"), (b"x-id", b"7"))
    assert peer.body == b"other 2 7"


@pytest.mark.parametrize(
    ("fields", "token"),
    [
        ([(b"authorization", b"Bearer  abc ")], "abc"),
        ([(b"authorization", b"Token abc")], "abc"),
        ([(b"authorization", b"abc")], "abc"),
        ([(b"authorization", b"Bearer " + b"a" * 100)], "a" * 100),
        ([(b"authorization", "Bearer é".encode())], "é"),
        ([(b"authorization", b"Bearer \xff")], "\udcff"),
        ([(b"Authorization", b"Bearer abc")], "abc"),
        ([(b"authorization", b"Bearer abc"), (b"authorization", b"Bearer def")], "abc"),
        ([], None),
    ],
)
def test_token_reads_every_spelling(fields: list[tuple[bytes, bytes]], token: str | None) -> None:
    assert Request({"type": "http", "headers": fields}).token == token


def test_a_subclass_may_have_headers_of_another_kind() -> None:
    class Own(Request[Any, Any]):
        @property  # type: ignore[misc]
        def headers(self) -> Any:
            return CIMultiDict({"authorization": "Bearer abc", "cookie": "a=1"})

    request = Own({"type": "http", "headers": []})
    assert request.token == "abc"
    assert request.cookies.get("a") == "1"
