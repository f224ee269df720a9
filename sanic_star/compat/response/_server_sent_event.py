"""Server-sent events, and their encoding in the stream (HTML Standard, section 9.2 "Server-sent events").

A stream consists of lines, `name: value`; a blank line ends an event. CR, LF and CRLF all end a line, so a value that
contains one of them would begin a new field: the author of a chat message could set the event's name or the client's
reconnection time. So text of several lines is sent as several `data` lines, which the client joins again. Fields with a
single line raise an exception if they contain a line break.

The other line breaks of `str.splitlines` (U+0085, U+2028, …) have no special meaning here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, TypeAlias

from sanic_star.compat._support.json import dumps as json_bytes

FIELDS = ("data", "event", "id", "retry", "comment")
# Sent to keep a connection open: browsers ignore comments, but proxies see activity.
EMPTY_COMMENT = b":\n\n"


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    r"""One event of an `EventStream`.

    Without `data` a client fires no event, and only uses `id` and `retry`.

    Args:
        data: text, or UTF-8 as bytes; any other value is sent as JSON, written by the application's `dumps`.
        event: the type that the client listens for; by default `message`.
        id: the value of `Last-Event-ID` when the client reconnects; text or an integer. `""` resets it.
        retry: the time that the client waits before it reconnects, in milliseconds.
        comment: text that clients ignore.

    Raises:
        TypeError: a field has a value of another type.
        ValueError: `event` or `id` contains CR or LF, `id` contains NUL (clients ignore such an id), `retry` is
            negative, or `data` is given as bytes that are not UTF-8.

    Examples:
        >>> ServerSentEvent("one\r\ntwo", event="lines", id=7).encode()
        b'id: 7\nevent: lines\ndata: one\ndata: two\n\n'
        >>> ServerSentEvent({"price": 3}).encode()
        b'data: {"price":3}\n\n'
        >>> ServerSentEvent(event="name\ndata: injected")
        Traceback (most recent call last):
        ValueError: the event type 'name\ndata: injected' contains a line break
    """

    data: Any = None
    _: KW_ONLY
    event: str | None = None
    id: str | int | None = None
    retry: int | None = None
    comment: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.data, (bytes, bytearray, memoryview)):
            object.__setattr__(self, "data", bytes(self.data).decode())
        if self.event is not None:
            _check_line(self.event, "event type")
        if self.id is not None:
            if isinstance(self.id, int) and not isinstance(self.id, bool):
                object.__setattr__(self, "id", str(int(self.id)))
            _check_line(self.id, "event id")
            if "\0" in self.id:  # type: ignore[operator]
                raise ValueError(f"the event id {self.id!r:.80} contains NUL: clients ignore such an id")
        if self.retry is not None:
            if not isinstance(self.retry, int) or isinstance(self.retry, bool):
                raise TypeError(f"retry has to be an integer, in milliseconds; got {self.retry!r:.80}")
            if self.retry < 0:
                raise ValueError(f"retry has to be a number of milliseconds from 0 on; got {self.retry}")
        if self.comment is not None and not isinstance(self.comment, str):
            raise TypeError(f"a comment has to be text; got {self.comment!r:.80}")

    def encode(self, dumps: Callable[[Any], str | bytes] = json_bytes) -> bytes:
        r"""Return the encoded event, including the blank line that ends it.

        Encode an event once and yield the bytes to send it to many streams.

        Args:
            dumps: writes JSON, if `data` is neither text nor bytes.

        Raises:
            TypeError: `data` cannot be written as JSON; or another error of `dumps`.
        """
        text = ""
        if self.comment is not None:
            text += _lines(": ", self.comment)
        if self.id is not None:
            text += f"id: {self.id}\n"
        if self.event is not None:
            text += f"event: {self.event}\n"
        if self.retry is not None:
            text += f"retry: {int(self.retry)}\n"
        if self.data is not None:
            data = self.data if isinstance(self.data, str) else dumps(self.data)
            text += _lines("data: ", data if isinstance(data, str) else data.decode())
        # A lone surrogate, which a client may have sent as JSON, must not end the streams of all others.
        return (text + "\n").encode("utf-8", "replace")


Event: TypeAlias = ServerSentEvent | Mapping[str, Any] | str | bytes


def encode_event(event: Any, dumps: Callable[[Any], str | bytes] = json_bytes) -> bytes:
    r"""Return the encoded event of a value that a source has yielded.

    Args:
        event: a `ServerSentEvent`; a mapping of its fields; text, which is the data of an event; bytes, which are sent
            as they are; any other value but `None` is the data of an event, as JSON.
        dumps: writes JSON.

    Raises:
        TypeError, ValueError: it is not an event; see `ServerSentEvent`.

    Examples:
        >>> encode_event({"event": "price", "data": [1]}), encode_event("a\nb"), encode_event(b": raw\n\n")
        (b'event: price\ndata: [1]\n\n', b'data: a\ndata: b\n\n', b': raw\n\n')
    """
    if isinstance(event, ServerSentEvent):
        return event.encode(dumps)
    if isinstance(event, (bytes, bytearray, memoryview)):
        return bytes(event)
    if isinstance(event, Mapping):
        unknown = [name for name in event if name not in FIELDS]
        if unknown or not event:
            names = ", ".join(FIELDS)
            raise TypeError(
                f"a mapping of an event may have the fields {names}; got {', '.join(map(repr, unknown)) or 'none'}. "
                "To send a mapping as JSON, use ServerSentEvent(mapping)."
            )
        return ServerSentEvent(**event).encode(dumps)
    if event is None:
        raise TypeError("None is not an event: use ServerSentEvent, a mapping of its fields, or text")
    return ServerSentEvent(event).encode(dumps)


def _check_line(value: object, field: str) -> None:
    if not isinstance(value, str):
        raise TypeError(f"the {field} has to be text; got {value!r:.80}")
    if "\n" in value or "\r" in value:
        raise ValueError(f"the {field} {value!r:.80} contains a line break")


def _lines(start: str, text: str) -> str:
    """Return each line of a text with the prefix `start`."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return start + text.replace("\n", "\n" + start) + "\n"
