"""The text of one server-sent event, parsed by the rules of the HTML Standard, section 9.2.6."""

import random
import re
from dataclasses import FrozenInstanceError, dataclass
from typing import Any

import pytest

from sanic_star import ServerSentEvent
from sanic_star.compat.response._server_sent_event import encode_event


@dataclass
class Fired:
    """An event that a client fires."""

    data: str
    event: str = "message"
    id: str = ""


class Client:
    """A browser's reading of an event stream."""

    def __init__(self) -> None:
        self.fired: list[Fired] = []
        self.last_event_id = ""
        self.retry: int | None = None

    def read(self, stream: bytes) -> "Client":
        data, event, last_id = "", "", self.last_event_id
        for line in re.split("\r\n|\r|\n", stream.decode())[:-1]:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line:
                self.last_event_id = last_id
                if data:
                    self.fired.append(Fired(data.removesuffix("\n"), event or "message", last_id))
                data = event = ""
            elif name == "data":
                data += value + "\n"
            elif name == "event":
                event = value
            elif name == "id" and "\0" not in value:
                last_id = value
            elif name == "retry" and re.fullmatch("[0-9]+", value):
                self.retry = int(value)
        return self


@pytest.mark.parametrize(
    ("event", "stream"),
    [
        (ServerSentEvent("x"), b"data: x\n\n"),
        (ServerSentEvent(""), b"data: \n\n"),
        (ServerSentEvent(), b"\n"),
        (ServerSentEvent(" x"), b"data:  x\n\n"),
        (ServerSentEvent("a\nb\r\nc\rd"), b"data: a\ndata: b\ndata: c\ndata: d\n\n"),
        (ServerSentEvent("a\n\r"), b"data: a\ndata: \ndata: \n\n"),
        (ServerSentEvent("a\x0b\x0c\x1c\x85\u2028b"), "data: a\x0b\x0c\x1c\x85\u2028b\n\n".encode()),
        (ServerSentEvent(b"caf\xc3\xa9"), "data: café\n\n".encode()),
        (ServerSentEvent(bytearray(b"x")), b"data: x\n\n"),
        (ServerSentEvent({"a": [1, None]}), b'data: {"a":[1,null]}\n\n'),
        (ServerSentEvent(["a\nb"]), b'data: ["a\\nb"]\n\n'),
        (ServerSentEvent(0), b"data: 0\n\n"),
        (ServerSentEvent(False), b"data: false\n\n"),
        (ServerSentEvent("lone \ud800"), b"data: lone ?\n\n"),
        (ServerSentEvent("x", id=0), b"id: 0\ndata: x\n\n"),
        (ServerSentEvent("x", id=""), b"id: \ndata: x\n\n"),
        (ServerSentEvent(id="é"), "id: é\n\n".encode()),
        (ServerSentEvent("x", event="price"), b"event: price\ndata: x\n\n"),
        (ServerSentEvent(retry=0), b"retry: 0\n\n"),
        (ServerSentEvent(comment="a\nb\r\rdata: c"), b": a\n: b\n: \n: data: c\n\n"),
        (
            ServerSentEvent("x", event="e", id="7", retry=10, comment="c"),
            b": c\nid: 7\nevent: e\nretry: 10\ndata: x\n\n",
        ),
    ],
)
def test_fields_on_the_wire(event: ServerSentEvent, stream: bytes) -> None:
    assert event.encode() == stream


@pytest.mark.parametrize("line_break", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("field", ["event", "id"])
def test_a_line_break_is_refused_where_a_field_has_one_line(field: str, line_break: str) -> None:
    for value in (f"a{line_break}data: injected", f"{line_break}a", f"a{line_break}"):
        with pytest.raises(ValueError, match="line break"):
            ServerSentEvent("x", **{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"id": "a\0b"}, ValueError),
        ({"id": 1.5}, TypeError),
        ({"id": True}, TypeError),
        ({"id": b"7"}, TypeError),
        ({"event": 7}, TypeError),
        ({"event": b"e"}, TypeError),
        ({"retry": -1}, ValueError),
        ({"retry": 1.5}, TypeError),
        ({"retry": "10\ndata: x"}, TypeError),
        ({"retry": True}, TypeError),
        ({"comment": 3}, TypeError),
        ({"data": b"\xff"}, ValueError),
        ({"evnt": "x"}, TypeError),
    ],
)
def test_other_invalid_fields_are_refused(fields: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        ServerSentEvent(**fields)


def test_an_event_cannot_be_changed_past_the_checks() -> None:
    event = ServerSentEvent("x")
    with pytest.raises(FrozenInstanceError):
        event.id = "a\nb"  # type: ignore[misc]


def test_random_fields_come_back_as_they_were() -> None:
    chance = random.Random(21)
    alphabet = ["a", " ", ":", "\r", "\n", "\r\n", "\0", "\x85", "\u2028", "\ufeff", "é", "data: x", "id: 9", "\n\n"]

    def text(limit: int = 9) -> str:
        return "".join(chance.choices(alphabet, k=chance.randrange(limit)))

    for _ in range(3000):
        data, event, id_, comment = text(), text(3), text(3), chance.choice([None, text()])
        valid = not re.search("[\r\n]", event + id_) and "\0" not in id_
        try:
            sent = ServerSentEvent(data, event=event, id=id_, comment=comment).encode()
        except ValueError:
            assert not valid
            continue
        assert valid
        # Something before and behind it shows that it neither begins nor ends within them.
        client = Client().read(b"data: first\n\n" + sent + b"data: last\n\n")
        read = re.sub("\r\n|\r", "\n", data)
        assert client.fired == [Fired("first"), Fired(read, event or "message", id_), Fired("last", "message", id_)]


@pytest.mark.parametrize(
    ("given", "stream"),
    [
        ("text", b"data: text\n\n"),
        ("", b"data: \n\n"),
        ({"data": {"a": 1}, "event": "e", "id": 3}, b'id: 3\nevent: e\ndata: {"a":1}\n\n'),
        (b"data: raw\n\n", b"data: raw\n\n"),
        (memoryview(b": x\n\n"), b": x\n\n"),
        ([1, 2], b"data: [1,2]\n\n"),
        (7, b"data: 7\n\n"),
    ],
)
def test_items_that_a_source_may_yield(given: Any, stream: bytes) -> None:
    assert encode_event(given) == stream


@pytest.mark.parametrize("given", [None, {}, {"price": 3}, {"data": 1, "evnt": "x"}, {1: 2}, object()])
def test_invalid_events_are_refused(given: Any) -> None:
    with pytest.raises(TypeError):
        encode_event(given)


def test_json_of_several_lines_is_one_event() -> None:
    written = encode_event(ServerSentEvent({"a": 1}), lambda value: '{\r\n "a": 1\n}')
    assert Client().read(written).fired == [Fired('{\n "a": 1\n}')]
