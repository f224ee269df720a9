"""Bytes on the wire: valid requests, and mutations with lost, doubled or invented bytes.

`exchange` yields byte strings for a seed: a request from one of the templates, with no or a few mutations. An unchanged
request must be answered. A mutated one must not be answered with a status of 500 or more, and must not stay in the
server.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

# Seconds to wait for the answer to a valid request, and to a mutated one: its server may wait for bytes that never
# arrive.
TIMEOUT_S = 30.0
SILENCE_S = 0.5
MAX_BYTES = 2_000_000


@dataclass(frozen=True)
class Request:
    """Bytes to send, and their origin.

    Attributes:
        data: the bytes to write.
        template: the name of the template.
        is_unchanged: whether the request is unchanged.
        cuts: the offsets between separate writes.
    """

    data: bytes
    template: str
    is_unchanged: bool
    cuts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Reply:
    """The first response, or the reason why there is none.

    Attributes:
        status: of the first final response; 0 for none.
        body: of that response, without its chunk framing.
        remaining: the number of bytes after that response.
        end: "closed" by the server, or "silence" if no more bytes arrived.
    """

    status: int
    body: bytes
    remaining: int
    end: str


# Templates -----------------------------------------------------------------------------------------------------------

WORDS = (
    *("a", "b c", "ü", "%61", "%2F", "%00", "%ff", "%zz", "..", "", "0", "-1", "9" * 30, "x" * 300, "/", "a;b"),
    "é=1",
)
TYPES = (
    *("text/plain", "application/json", "multipart/form-data", "*/*", "text/*;q=0.5", "text/html; q=abc"),
    *(";", ",", "/"),
)


def _get(path: str, *fields: str, version: str = "1.1", method: str = "GET") -> bytes:
    head = (f"{method} {path} HTTP/{version}", "host: 127.0.0.1", *fields, "connection: close", "", "")
    return "\r\n".join(head).encode("latin-1", "replace")


def _post(path: str, body: bytes, *fields: str, chunked: bool = False) -> bytes:
    if not chunked:
        return _get(path, *fields, f"content-length: {len(body)}", method="POST") + body
    chunks = [body[at : at + 7] for at in range(0, len(body), 7)]
    framed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in chunks)
    return _get(path, *fields, "transfer-encoding: chunked", method="POST") + framed + b"0\r\n\r\n"


def _words(random: Random, max_words: int = 4) -> list[str]:
    return random.choices(WORDS, k=random.randint(0, max_words))


def _quote(text: str) -> str:
    plain = "%./=;-"
    return "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in plain) else f"%{ord(letter) % 256:02x}"
        for letter in text
    )


def _query(random: Random) -> str:
    return random.choice("&&&;").join(f"{_quote(word)}={_quote(random.choice(WORDS))}" for word in _words(random, 6))


def index(random: Random) -> bytes:
    return _get("/", version=random.choice(("1.1", "1.1", "1.0")))


def echo(random: Random) -> bytes:
    method = random.choice(("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"))
    body = random.randbytes(random.choice((0, 1, 100, 5000)))
    return _get("/echo", f"content-length: {len(body)}", method=method) + body


def json_body(random: Random) -> bytes:
    bodies = ('{"a":[1,2.5,null,true,"\\u00fc"]}', "[]", '"x"', "1e5", "{", "[1,]", '{"a":NaN}', "\ufeff1", "")
    body = random.choice((*bodies, '"\\ud800"', "[" * 5000, '{"a":' * 2000 + "1" + "}" * 2000))
    return _post("/json", body.encode(), "content-type: application/json", chunked=random.random() < 0.3)


def form(random: Random) -> bytes:
    kind = random.choice(("application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=latin-1"))
    return _post("/form", _query(random).encode("latin-1", "replace"), f"content-type: {kind}")


def multipart(random: Random) -> bytes:
    parts = []
    for word in _words(random, 5):
        name = word.replace('"', "")
        extra = random.choice(("", f'; filename="{name}.txt"', "; filename*=UTF-8''%c3%bc", "; filename*=idna''%ff"))
        kind = random.choice(("", "content-type: text/plain\r\n", "content-type: text/plain; charset=punycode\r\n"))
        head = f'content-disposition: form-data; name="{name}"{extra}\r\n{kind}\r\n'
        parts.append(b"--B\r\n" + head.encode("utf-8") + random.randbytes(random.choice((0, 3, 200))) + b"\r\n")
    path = random.choice(("/form", "/form", "/mounted/form", "/starlette"))
    return _post(path, b"".join(parts) + b"--B--\r\n", "content-type: multipart/form-data; boundary=B")


def args(random: Random) -> bytes:
    number, word = random.choice(("1", "-5", "0", "9" * 25, "1.5", "a", "%31")), _quote(random.choice(WORDS))
    return _get(f"/args/{number}/{word}?{_query(random)}")


def cookies(random: Random) -> bytes:
    pairs = "; ".join(f"{word}={random.choice(WORDS)}" for word in _words(random, 8))
    return _get("/cookies", *[f"cookie: {pairs}"] * random.randint(1, 2))


def who(random: Random) -> bytes:
    values = ("Bearer abc", "Token x", "Basic YTpi", "Basic YTpiOmM=", "Basic !!!", "Basic", "Basic /w==", "Digest a=b")
    return _get("/who", f"authorization: {random.choice((*values, ''))}")


def origin(random: Random) -> bytes:
    hosts = ("a.test", "a.test:80", "[::1]:8000", "[::1", "a..b", "", "a b", "ü", "a:b:c", "9" * 400)
    fields = (
        f"x-forwarded-for: {random.choice(('1.2.3.4', 'unknown', '::1', '1.2.3.4, 5.6.7.8', ',', 'ü'))}",
        f"x-real-ip: {random.choice(('1.2.3.4', '_hidden', '', '[::1]', '1.2.3.4:80'))}",
        f"forwarded: {random.choice(('for=1.2.3.4', 'for=', ';', 'for=a;secret=b', 'for=[::1];proto=https', '=,='))}",
        f"x-forwarded-host: {random.choice(hosts)}",
        f"x-scheme: {random.choice(('https', 'ü', '', 'javascript'))}",
    )
    return _get("/from", *random.sample(fields, random.randint(0, 5)))


def accept(random: Random) -> bytes:
    kinds = ", ".join(random.choices(TYPES, k=random.randint(0, 6)))
    path = random.choice(("/accept", "/not-here", "/nowhere"))
    return _get(path, f"accept: {kinds}", f"content-type: {random.choice(TYPES)}")


def where(random: Random) -> bytes:
    tail = random.choice(("/", "//", "")).join(_quote(word) for word in _words(random))
    prefix = random.choice(("/where/", "/mounted/", "/api/", "/v1/api/", "/files/", "/starlette/", "/", "//"))
    return _get(f"{prefix}{tail}?{_query(random)}")


def stream(random: Random) -> bytes:
    return _post("/stream", random.randbytes(random.choice((0, 10, 3000))), chunked=random.random() < 0.6)


def parts(random: Random) -> bytes:
    return _get("/parts", version=random.choice(("1.1", "1.0")))


def file(random: Random) -> bytes:
    ranges = ("bytes=0-3", "bytes=5-", "bytes=-2", "bytes=9-1", "bytes=a-b", "bytes=0-1,3-4", "lines=1-2", "bytes=")
    fields = (
        f"range: {random.choice(ranges)}",
        f"if-modified-since: {random.choice(('Wed, 21 Oct 2015 07:28:00 GMT', 'never', '', '9' * 50))}",
        f"if-range: {random.choice(('x', 'Wed, 21 Oct 2015 07:28:00 GMT'))}",
    )
    name = random.choice(("a.txt", "b.bin", "none", "sub/c.txt", "sub", "", "../features.py", "%2e%2e/x"))
    return _get(f"/files/{name}", *random.sample(fields, random.randint(0, 2)), method=random.choice(("GET", "HEAD")))


def handshake(random: Random) -> bytes:
    key = random.choice(("AAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAAA==", "short", ""))
    number = random.choice(("13", "13", "8", "x"))
    fields = (f"sec-websocket-key: {key}", f"sec-websocket-version: {number}", "upgrade: websocket")
    head = _get(random.choice(("/socket", "/echo", "/nowhere")), *fields)
    head = head.replace(b"connection: close", b"connection: upgrade")
    # A masked text frame, a close frame, and bytes that are neither.
    frames = (b"\x81\x83\0\0\0\0abc", b"\x88\x82\0\0\0\0\x03\xe8", random.randbytes(20), b"\x81\xff" + b"\xff" * 8)
    return head + b"".join(random.choices(frames, k=random.randint(0, 3)))


def pipelined(random: Random) -> bytes:
    first = index(random).replace(b"connection: close\r\n", b"").replace(b"HTTP/1.0", b"HTTP/1.1")
    return first * random.randint(1, 3) + index(random)


Template = Callable[[Random], bytes]
TEMPLATES: tuple[Template, ...] = (
    *(index, echo, json_body, form, multipart, multipart, args, cookies, who, origin, accept, where, where),
    *(stream, parts, file, file, handshake, pipelined),
)
# Their answers are compared with Sanic's; answers to the others differ between servers.
COMPARED = {"index", "echo", "args", "cookies", "who", "accept", "stream", "parts", "json_body", "form"}

# The entry `malformed-headers` of `docs/compatibility.md`: two Cookie headers, names of cookies that are not tokens,
# malformed credentials. And requests that each server's parser reads differently: targets that are not a
# path (RFC 9112, 3.2), folded lines, methods in lower case, `Upgrade: h2c`.
_READ_DIFFERENTLY = re.compile(
    rb"(?is)\ncookie:.*\ncookie:|\ncookie:[^\r]*[\x80-\xff]|authorization:[^\r]*basic(?! YTpi\r)|basibasi"
    rb"|^\S* (\*|[^/\r]|[^ \r]*#)|\n folded|upgrade: h2c|^(?-i:[A-Z]*[a-z])"
)


def is_comparable(request: Request) -> bool:
    """Return whether both frameworks should read the same from a request that their servers' parsers accept."""
    return request.template in COMPARED and not _READ_DIFFERENTLY.search(request.data)


# Mutations -----------------------------------------------------------------------------------------------------------

_LINES = (
    *(b"content-length: -1", b"content-length: 5", b"content-length: 5, 6", b"content-length: 9999999999999999999999"),
    *(b"content-length: 1e3", b"content-length: +4", b"transfer-encoding: chunked", b"te: trailers", b"upgrade: h2c"),
    *(b"transfer-encoding: gzip, chunked", b"transfer-encoding: \x0bchunked", b"host: b.test", b"host:", b"no colon"),
    *(b" folded: line", b": no name", b"a b: c", b"x-nul: a\0b", b"x-high: \xff\xfe", b"x-long: " + b"a" * 5000),
    *(b"expect: 100-continue", b"expect: 200-ok", b"content-encoding: gzip", b"content-type: multipart/form-data"),
    *(b"content-type: multipart/form-data; boundary=", b'content-type: multipart/form-data; boundary="\xff"'),
    *(b"content-type: text/plain; charset=undefined", b"cookie: =", b"x-mark: \t ", b"accept-encoding: gzip;q=0"),
    b"connection: keep-alive, upgrade",
)
_TARGETS = (
    *(b"*", b"http://a.test/echo", b"http://[::1/echo", b"//", b"/%", b"/%%%", b"/echo#x", b"/echo?\xff", b"/\xff\xfe"),
    *(b"", b"/..//../", b"http:", b"a.test:443", b"/" + b"a/" * 300, b"/?" + b"a=1&" * 3000),
    b"/where/" + b"%25" * 500,
)
_METHODS = (b"get", b"PRI", b"CONNECT", b"TRACE", b"G\0T", b"", b"A" * 300, b"OPTIONS", b"PROPFIND", b"M-SEARCH")


def _insert_line(random: Random, data: bytes) -> bytes:
    head, end, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    lines.insert(random.randint(1, len(lines)), random.choice(_LINES))
    return b"\r\n".join(lines) + end + body


def _remove_line(random: Random, data: bytes) -> bytes:
    head, end, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    del lines[random.randrange(len(lines))]
    return b"\r\n".join(lines) + end + body


def _replace_target(random: Random, data: bytes) -> bytes:
    return re.sub(rb" \S* ", lambda match: b" " + random.choice(_TARGETS) + b" ", data, count=1)


def _replace_method(random: Random, data: bytes) -> bytes:
    return random.choice(_METHODS) + data[data.find(b" ") :]


def _change_bytes(random: Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        if changed:
            changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def _cut_off(random: Random, data: bytes) -> bytes:
    return data[: random.randint(0, len(data))]


def _repeat_bytes(random: Random, data: bytes) -> bytes:
    start = random.randint(0, len(data))
    end = random.randint(start, min(len(data), start + 60))
    return data[:end] + data[start:end] * random.randint(1, 30) + data[end:]


def _change_line_ends(random: Random, data: bytes) -> bytes:
    return data.replace(b"\r\n", random.choice((b"\n", b"\r", b"\r\n\r\n", b" \r\n")), random.randint(1, 5))


def _add_noise(random: Random, data: bytes) -> bytes:
    return random.randbytes(random.randint(1, 200)) + (data if random.random() < 0.3 else b"")


MUTATIONS = (
    *(
        _insert_line,
        _insert_line,
        _insert_line,
        _remove_line,
        _replace_target,
        _replace_method,
        _change_bytes,
        _cut_off,
        _repeat_bytes,
        _change_line_ends,
    ),
    _add_noise,
)


def exchange(seed: int, count: int) -> Iterator[Request]:
    """Yield `count` requests; the same seed gives the same requests."""
    random = Random(seed)
    for _ in range(count):
        template = random.choice(TEMPLATES)
        data = template(random)
        changes = random.choice((0, 0, 1, 1, 1, 2, 3))
        for _ in range(changes):
            data = random.choice(MUTATIONS)(random, data)
        cuts = tuple(sorted(random.sample(range(1, len(data)), min(3, len(data) - 1)))) if len(data) > 1 else ()
        yield Request(data[:MAX_BYTES], template.__name__, not changes, cuts if random.random() < 0.2 else ())


# The client ----------------------------------------------------------------------------------------------------------


async def send(port: int, request: Request) -> Reply:
    """Send a request on a new connection, and read until the server closes it or stops sending."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    try:
        start = 0
        for cut in (*request.cuts, len(request.data)):
            writer.write(request.data[start:cut])
            await writer.drain()
            start = cut
            await asyncio.sleep(0)
        # An unchanged handshake may be valid or not; a valid one opens a websocket, which stays open.
        is_certain = request.is_unchanged and request.template != "handshake"
        while True:
            data = await asyncio.wait_for(reader.read(65536), TIMEOUT_S if is_certain else SILENCE_S)
            if not data:
                return parse(received, "closed")
            received += data
    except TimeoutError:
        return parse(received, "silence")
    except OSError:
        return parse(received, "closed")
    finally:
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:
            pass


def parse(received: bytes, end: str) -> Reply:
    """Return the first final response in the received bytes."""
    remaining = received
    while True:
        head, separator, remaining = remaining.partition(b"\r\n\r\n")
        line = re.match(rb"HTTP/1\.[01] (\d{3})", head)
        if not separator or line is None:
            return Reply(0, b"", 0, end)
        status = int(line[1])
        if status >= 200 or status == 101:
            break
    fields = dict(re.findall(rb"(?m)^([^:\r\n]+): *([^\r\n]*)", head.lower()))
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        body, remaining = _unchunk(remaining)
    elif b"content-length" in fields:
        size = int(fields[b"content-length"])
        body, remaining = remaining[:size], remaining[size:]
    else:
        body, remaining = remaining, b""
    return Reply(status, body, len(remaining), end)


def _unchunk(data: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        size, separator, data = data.partition(b"\r\n")
        if not separator:
            return body, data
        length = int(size.split(b";")[0], 16)
        if not length:
            return body, data.removeprefix(b"\r\n")
        body += data[:length]
        data = data[length + 2 :]


async def send_all(port: int, requests: list[Request], at_once: int = 32) -> list[Reply]:
    """Send requests, `at_once` at a time; return their replies in order."""
    replies: list[Reply | None] = [None] * len(requests)
    numbers = iter(range(len(requests)))

    async def work() -> None:
        for number in numbers:
            replies[number] = await send(port, requests[number])

    await asyncio.gather(*(work() for _ in range(at_once)))
    return [reply for reply in replies if reply is not None]
