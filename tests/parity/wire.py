"""Steps that are sent exactly as written, and answers that are read without interpretation.

A request asks the server to close the connection, so an answer ends where the connection ends. This shows a body that
is longer or shorter than its `content-length`, which a usual client would hide.
"""

from __future__ import annotations

import json as stdlib_json
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

HOST = "parity.test"
NO_ANSWER = "no answer: the connection was refused or closed"
Headers = Mapping[str, str | None] | Sequence[tuple[str, str | None]]


@dataclass(frozen=True)
class Answer:
    """One answer; `note` is the fault of its form, or the reason why there is none (then `status` is 0)."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    note: str = ""

    def get(self, name: str) -> str | None:
        """Return the first value of a header, or None."""
        return next((value for key, value in self.headers if key == name), None)


class Step(Protocol):
    """An action on a served app, with its answers."""

    @property
    def label(self) -> str:
        """A description of the step in one line."""

    def play(self, port: int, seconds: float) -> list[Answer]:
        """Play the step on a port of the loopback interface, within a number of seconds."""


@dataclass(frozen=True)
class Exchange:
    """Bytes to send on one connection, in chunks with `pause` seconds between them."""

    label: str
    chunks: tuple[bytes, ...]
    methods: tuple[str, ...]
    pause: float = 0.0

    def play(self, port: int, seconds: float) -> list[Answer]:
        try:
            received = self._exchange(port, seconds)
        except TimeoutError:
            return [Answer(0, note=f"no complete answer within {seconds:g} s")]
        except ConnectionRefusedError:
            return [Answer(0, note=NO_ANSWER)]
        return parse_answers(received, self.methods)

    def _exchange(self, port: int, seconds: float) -> bytes:
        deadline = time.monotonic() + seconds
        received = bytearray()
        with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
            try:
                for number, piece in enumerate(self.chunks):
                    if number and self.pause:
                        time.sleep(self.pause)
                    connection.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                pass  # a server may answer and close the connection before it has read a body that it refuses
            try:
                while True:
                    connection.settimeout(max(0.01, deadline - time.monotonic()))
                    data = connection.recv(65536)
                    if not data:
                        break
                    received += data
            except ConnectionResetError:
                pass
        return bytes(received)


def request(
    method: str,
    path: str | bytes,
    headers: Headers = (),
    body: bytes | str | Sequence[bytes] | None = None,
    *,
    json: object = None,
    form: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
    parts: Sequence[bytes] | None = None,
    version: str = "1.1",
) -> Exchange:
    """Create a request with a method, a raw target and raw headers.

    Args:
        method: The raw method.
        path: The target with its query; not encoded further, non-ASCII text goes out as UTF-8.
        headers: Sent after `host` and `connection`; a value of None removes a default header.
        body: Bytes, or a list of chunks to send with chunked encoding.
        json: A value to send as JSON instead of a body.
        form: Pairs to send as a urlencoded form instead of a body.
        parts: Multipart parts made by `part`, instead of a body.
        version: The HTTP version.
    """
    sent: list[tuple[str, str | None]] = [("host", HOST), ("connection", "close")]
    if json is not None:
        body = stdlib_json.dumps(json)
        sent.append(("content-type", "application/json"))
    elif form is not None:
        body = urlencode(form)
        sent.append(("content-type", "application/x-www-form-urlencoded"))
    elif parts is not None:
        body = b"".join(b"--frontier\r\n" + part for part in parts) + b"--frontier--\r\n"
        sent.append(("content-type", "multipart/form-data; boundary=frontier"))
    content = body.encode() if isinstance(body, str) else body
    if isinstance(content, bytes):
        sent.append(("content-length", str(len(content))))
    elif content is not None:
        sent.append(("transfer-encoding", "chunked"))
    target = path.encode() if isinstance(path, str) else path
    head = b"%s %s HTTP/%s\r\n" % (method.encode(), target, version.encode())
    for name, value in _merge(sent, headers):
        head += name.encode("latin-1") + b": " + value.encode("latin-1") + b"\r\n"
    label = f"{method} {target.decode('latin-1')}"
    return Exchange(label, (head + b"\r\n" + _on_the_wire(content),), (method,))


def get(path: str | bytes, headers: Headers = ()) -> Exchange:
    """Make a GET request."""
    return request("GET", path, headers)


def head(path: str | bytes, headers: Headers = ()) -> Exchange:
    """Make a HEAD request."""
    return request("HEAD", path, headers)


def options(path: str | bytes, headers: Headers = ()) -> Exchange:
    """Make an OPTIONS request."""
    return request("OPTIONS", path, headers)


def post(
    path: str | bytes,
    headers: Headers = (),
    body: bytes | str | Sequence[bytes] | None = None,
    *,
    json: object = None,
    form: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
    parts: Sequence[bytes] | None = None,
) -> Exchange:
    """Make a POST request; see `request`."""
    return request("POST", path, headers, body, json=json, form=form, parts=parts)


def wire(*chunks: bytes, methods: Sequence[str] = ("GET",), pause: float = 0.05) -> Exchange:
    """Send raw bytes, with a pause between the chunks; `methods` has the method of each expected answer.

    The last request must ask the server to close the connection.
    """
    return Exchange(repr(b"".join(chunks)[:60])[2:-1], chunks, tuple(methods), pause)


def part(name: str, content: bytes | str, filename: str | None = None, headers: Headers = ()) -> bytes:
    """Make one part of a multipart body."""
    disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename is not None else "")
    lines = [f"content-disposition: {disposition}"]
    lines += [f"{key}: {value}" for key, value in _merge([], headers)]
    content = content.encode() if isinstance(content, str) else content
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content + b"\r\n"


def parse_answers(received: bytes, methods: Sequence[str]) -> list[Answer]:
    """Split the bytes of one connection into an answer per request, without interim answers (1xx)."""
    answers: list[Answer] = []
    for number, method in enumerate(methods):
        last = number == len(methods) - 1
        if not received:
            return answers or [Answer(0, note=NO_ANSWER)]
        answer, received = _parse_one(received, method, last)
        answers.append(answer)
    return answers


def _parse_one(received: bytes, method: str, last: bool) -> tuple[Answer, bytes]:
    start, separator, remaining = received.partition(b"\r\n\r\n")
    line, *fields = start.decode("latin-1").split("\r\n")
    words = line.split(" ", 2)
    if not separator or not words[0].startswith("HTTP/1.") or len(words) < 2 or not words[1].isdigit():
        return Answer(0, body=received, note="this is no HTTP answer"), b""
    status = int(words[1])
    if 100 <= status < 200 and status != 101:
        return _parse_one(remaining, method, last)
    pairs = tuple((name.lower(), value.strip()) for name, _, value in (field.partition(":") for field in fields))
    has_no_body = method == "HEAD" or status in (204, 304) or status < 200
    body, note, remaining = _body(dict(pairs), remaining, has_no_body, last)
    return Answer(status, pairs, body, note), remaining


def _body(headers: Mapping[str, str], remaining: bytes, has_no_body: bool, last: bool) -> tuple[bytes, str, bytes]:
    if has_no_body:
        return (remaining, "a body where none may be" if remaining else "", b"") if last else (b"", "", remaining)
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _unchunk(remaining)
    length = int(headers.get("content-length", len(remaining)))
    body, after = remaining[:length], remaining[length:]
    if len(body) < length:
        return body, "the body is shorter than its content-length", b""
    return (remaining, "the body is longer than its content-length", b"") if last and after else (body, "", after)


def _unchunk(remaining: bytes) -> tuple[bytes, str, bytes]:
    body = b""
    while True:
        size, separator, remaining = remaining.partition(b"\r\n")
        if not separator:
            return body, "the last chunk is missing", b""
        length = int(size.split(b";")[0], 16)
        if not length:
            return body, "", remaining.partition(b"\r\n")[2]
        body += remaining[:length]
        remaining = remaining[length + 2 :]


def _on_the_wire(content: bytes | Sequence[bytes] | None) -> bytes:
    if content is None or isinstance(content, bytes):
        return content or b""
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in content) + b"0\r\n\r\n"


def _merge(defaults: Iterable[tuple[str, str | None]], fields: Headers) -> list[tuple[str, str]]:
    pairs = list(fields.items()) if isinstance(fields, Mapping) else list(fields)
    named = {name.lower() for name, _ in pairs}
    merged = [pair for pair in defaults if pair[0] not in named] + pairs
    return [(name, value) for name, value in merged if value is not None]
