"""Fast implementations against slow ones: random input must give the same results.

Each comparison creates one random input, and returns it with the results of the fast and the slow implementation. The
slow one is the general one of this package or of the standard library, or is written here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import copy, deepcopy
from datetime import UTC, datetime
from pickle import dumps, loads
from random import Random
from typing import Any, TypeAlias
from urllib.parse import parse_qs, quote, unquote

from multidict import CIMultiDict, MultiDict, istr

from sanic_star import HTTPResponse, Request, Sanic, text
from sanic_star.compat.compat import Header, _field_names, check_field
from sanic_star.compat.cookies.request import CookieRequestParameters, _unquote, parse_cookie
from sanic_star.compat.cookies.response import Cookie
from sanic_star.compat.request._headers import read_all, read_fields
from sanic_star.compat.request._urlencoded import UrlencodedReader
from sanic_star.compat.request.form import parse_urlencoded_form
from sanic_star.compat.request.parameters import _read_query
from sanic_star.compat.response.types import header_field
from sanic_star.compat.router import Router

Outcome: TypeAlias = tuple[Any, Any, Any]

_NAMES = ("accept", "Accept", "x-id", "X-ID", "cookie", "x y", "x\n", "", "ü", "content-length", "content-type", "a:b",
          "connection", "x-" + "a" * 70)  # fmt: skip
_FRAGMENTS = (
    "a", "Z9", " ", ";", "=", ",", '"', "\\", "\\073", "%", "%41", "%C3%A9", "%zz", "+", "&", "\t", "\r", "\n",
    "\0", "é", "\xa0", "\u2028", "\udc80", "😀", "__Host-", "__Secure-", "id", "-", "_", "/",
)  # fmt: skip


def outcome(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Return the result of a function, or the type and text of its exception."""
    try:
        return function(*arguments, **options)
    except Exception as error:
        return type(error), str(error)


def words(random: Random, max_words: int = 6) -> str:
    """Return some fragments, joined."""
    return "".join(random.choices(_FRAGMENTS, k=random.randrange(max_words)))


def request_headers(random: Random) -> Outcome:
    """Compare the header fields of a request."""
    fields = [
        (
            (random.choice(_NAMES) if random.random() < 0.8 else words(random)).encode("utf-8", "surrogatepass"),
            words(random).encode("utf-8", "surrogateescape") + (b"\xff" if random.random() < 0.1 else b""),
        )
        for _ in range(random.randrange(6) if random.random() < 0.98 else random.randrange(60, 90))
    ]
    slow = Header([(name.decode("latin-1"), value.decode("utf-8", "surrogateescape")) for name, value in fields])
    fast = read_all(fields)
    return fields, (list(fast.items()), fast), (list(slow.items()), slow)


def request_header(random: Random) -> Outcome:
    """Compare look-ups and changes in the header of a request with those in a mapping of all fields."""
    choices = _NAMES if random.random() < 0.3 else [name.lower() for name in _NAMES]
    names = random.choices(choices, k=random.randrange(70 if random.random() < 0.02 else 6))
    if random.random() < 0.8:
        names = list(dict.fromkeys(names))
    fields: list[tuple[bytes, bytes]] = [
        (name.encode(), words(random).encode("utf-8", "surrogateescape") + random.choice((b"", b"", b"\xff")))
        for name in names
    ]
    odd_names: tuple[Any, ...] = (istr("cookie"), "\u212aey", 1, b"cookie", None)
    looked_up_names = random.choices((*_NAMES, *map(str.upper, names), *odd_names), k=random.randrange(6))
    methods = random.choices((*_LOOK_UPS, *_LOOK_UPS, *_VIEWS), k=len(looked_up_names))

    def look_up(header: Header) -> list[Any]:
        return [outcome(method, header, name) for method, name in zip(methods, looked_up_names, strict=True)]

    header = read_fields(list(fields))
    return (fields, looked_up_names), (look_up(header), header), (look_up(slow := read_all(fields)), slow)


_LOOK_UPS: tuple[Callable[[Header, Any], Any], ...] = (
    lambda header, name: header.get(name),
    lambda header, name: header.get(name, 7),
    lambda header, name: header.get(key=name, default=7),  # type: ignore[call-overload]
    lambda header, name: header[name],
    lambda header, name: header.getone(name),
    lambda header, name: header.getone(name, 7),
    lambda header, name: header.getall(name),
    lambda header, name: header.getall(name, ()),
    lambda header, name: header.get_all(name),
    lambda header, name: name in header,
    lambda header, name: getattr(header, name.replace("-", "_")),
    lambda header, name: len(header),
    lambda header, name: bool(header),
)
_VIEWS: tuple[Callable[[Header, Any], Any], ...] = (
    lambda header, name: list(header.items()),
    lambda header, name: (list(header), list(header.keys()), list(header.values())),
    lambda header, name: dict(header),
    lambda header, name: {**header},
    lambda header, name: CIMultiDict(header),
    lambda header, name: MultiDict(header),
    lambda header, name: (repr(header), header == {"x-id": "a"}, header == 7, header == CIMultiDict(header)),
    # multidict compares another mapping name by name: a repeated name makes it unequal.
    lambda header, name: (len(set(header)) < len(header) or CIMultiDict(header) == header, header == header.copy()),
    lambda header, name: (copy(header), deepcopy(header), loads(dumps(header))),
    lambda header, name: Header.checked(header),
    lambda header, name: header.__setitem__(name, "set"),
    lambda header, name: header.__delitem__(name),
    lambda header, name: header.add(name, "added"),
    lambda header, name: header.setdefault(name, "default"),
    lambda header, name: header.extend({"x-id": "extended"}),
    lambda header, name: header.update({"x-id": "updated"}),
    lambda header, name: header.pop(name),
    lambda header, name: header.popall(name, None),
    lambda header, name: header.popitem(),
    lambda header, name: header.clear(),
)


def _parse_cookie(raw: str) -> dict[str, list[str]]:
    cookies: dict[str, list[str]] = {}
    for piece in raw.split(";"):
        name, equals, value = piece.partition("=")
        name, value = (name.strip(), value.strip()) if equals else ("", name.strip())
        if piece.strip() and re.fullmatch(r"[\w!#$%&'*+\-.^`|~]*", name, re.ASCII):
            cookies.setdefault(name, []).append(_unquote(value))
    return cookies


def request_cookies(random: Random) -> Outcome:
    """Compare the cookies of a request, and their look-up."""
    raw = "; ".join(words(random) + random.choice(("=", "")) + words(random) for _ in range(random.randrange(5)))
    slow = _parse_cookie(raw)
    cookies = CookieRequestParameters(slow)
    names = [*slow, "id", "a"]
    first = [
        next((slow[key][0] for key in (f"__Host-{name}", f"__Secure-{name}", name) if key in slow), None)
        for name in names
    ]
    return raw, (parse_cookie(raw), [cookies.get(name) for name in names]), (slow, first)


def arguments(random: Random) -> Outcome:
    """Compare the arguments of a query, and the fields of a form."""
    query = words(random, 20).encode("utf-8", "surrogateescape").decode("latin-1")
    if random.random() < 0.001:
        query += "%41&" * 2000 + "%C3" * 2000
    keep = random.random() < 0.3
    body, count = query.encode("latin-1"), random.randrange(1, 20)
    fast = _read_query(query, keep), outcome(parse_urlencoded_form, body, keep_blank_values=keep, max_fields=count)
    return query, fast, (parse_qs(query, keep), outcome(_read_form, body, keep, count))


def _read_form(body: bytes, keep_blank_values: bool, max_fields: int) -> dict[str, list[str]]:
    reader = UrlencodedReader(max_fields, keep_blank_values=keep_blank_values)
    reader.feed(body)
    fields: dict[str, list[str]] = {}
    for name, value in reader.finish():
        fields.setdefault(name, []).append(value)
    return fields


class _SlowCookie(Cookie):
    """Each subclass of `Cookie` uses the slow implementation."""

    __slots__ = ()


def response_cookies(random: Random) -> Outcome:
    """Compare a cookie of a response, also one that was changed."""
    key = random.choice(("id", "__Host-id", "__secure-x", "path", "a b", "theme"))
    value: Any = random.choice((words(random), words(random), 1, None, b"x", True))
    choices: dict[str, tuple[Any, ...]] = {
        "path": ("/", "/a", None, "/;x", ""),
        "domain": (None, "example.org", "a b", ""),
        "secure": (True, False, 1, "yes", None),
        "max_age": (None, 0, 60, -1, "60", "x", True, 1.5),
        "expires": (None, datetime(2030, 1, 2, tzinfo=UTC), "tomorrow"),
        "httponly": (True, False, 1, None),
        "samesite": ("Lax", "strict", "None", "none", None, "x"),
        "partitioned": (False, True, None, 0),
        "comment": (None, "note", "a;b"),
        "host_prefix": (False, True),
        "secure_prefix": (False, True),
    }
    options = {name: random.choice(values[: random.choice((1, 1, 2, 9))]) for name, values in choices.items()
               if random.random() < 0.4}  # fmt: skip
    changes = [(name, random.choice(choices[name])) for name in ("path", "secure", "samesite", "max_age", "domain")
               if random.random() < 0.1]  # fmt: skip

    def write(kind: Callable[..., Cookie]) -> tuple[Any, ...]:
        cookie = kind(key, value, **options)
        seen: list[Any] = [outcome(str, cookie)]
        for name, changed in changes:
            seen.append(outcome(setattr, cookie, name, changed))
        attributes = [getattr(cookie, name) for name in ("key", "value", *choices) if not name.endswith("prefix")]
        return (*seen, outcome(str, cookie), attributes)

    return (key, value, options, changes), outcome(write, Cookie), outcome(write, _SlowCookie)


def _set_slowly(headers: Header, name: str, value: Any) -> None:
    check_field(name, value)
    super(Header, headers).__setitem__(name, value)


def _field(name: str, value: object) -> tuple[bytes, bytes]:
    check_field(name, str(value))
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+", name):
        raise ValueError(f"header {name!r}: a name has only letters, digits and !#$%&'*+-.^_`|~")
    return name.lower().encode(), str(value).encode("utf-8", "surrogateescape")


def _head(response: HTTPResponse, declared: bool) -> list[tuple[bytes, bytes]]:
    if not 200 <= response.status <= 599:
        raise RuntimeError(f"status {response.status!r}: a response has one from 200 to 599 (RFC 9110, section 15)")
    fields = [_field(name, value) for name, value in response.headers.items()]
    names = [name for name, _ in fields]
    bodiless = response.status in (204, 304)
    keeps_length = declared and b"content-length" in names and not bodiless
    dropped = {b"transfer-encoding", b"connection"} | (set() if keeps_length else {b"content-length"})
    fields = [field for field in fields if field[0] not in dropped]
    if bodiless:
        return fields
    if not keeps_length:
        fields.append((b"content-length", str(len(response.body)).encode()))
    if response.content_type is not None and b"content-type" not in names:
        fields.append(_field("content-type", response.content_type))
    return fields


def response_headers(random: Random) -> Outcome:
    """Compare header fields from their setting to the sent bytes."""
    if random.random() < 0.01:
        _field_names.clear()
    fields: list[tuple[str, Any]] = [
        (
            random.choice(_NAMES) if random.random() < 0.9 else words(random),
            random.choice((words(random), words(random), 1, None, b"x", Cookie("a", words(random)))),
        )
        for _ in range(random.randrange(5))
    ]
    status = random.choice((200, 200, 201, 204, 304, 404, 599, 600, 99))
    content_type = random.choice(("text/plain", None, words(random)))
    declared = random.random() < 0.3

    def write(set_field: Callable[[Header, str, Any], Any], encode: Callable[[HTTPResponse, bool], Any]) -> Any:
        response = HTTPResponse("body", status, None, content_type)
        refused = [outcome(set_field, response.headers, name, value) for name, value in fields]
        return refused, outcome(encode, response, declared)

    fast = write(Header.__setitem__, lambda response, declared: response._head(keeps_own_length=declared))
    sent = HTTPResponse("body", status, None, content_type)
    sent._headers = Header(fields) if fields else None
    encoded = [outcome(header_field, name, value) for name, value in fields]
    slow = write(_set_slowly, _head)
    start, head = outcome(sent._start_message), outcome(_head, sent, False)
    same = start is None or (start["headers"] if isinstance(start, dict) else start) == head
    return (
        (fields, status, content_type, declared),
        (fast, encoded, same),
        (slow, [outcome(_field, name, value) for name, value in fields], True),
    )


_SEGMENTS = ("a", "b", "1", "items", "new", "<x:int>", "<x:str>", "<x:int>", "<x:str>", "<x:strorempty>", "<x:slug>",
             "<x:float>", "<x:ext>", "<x:[a-c]{1,2}>", "<x:path>", "%40me", "é", "")  # fmt: skip
_RAW_SEGMENTS = (b"a", b"b", b"1", b"items", b"new", b"%6eew", b"-2", b"1.5", b"a.txt", b"ab", b"", b"@me", b"%40me",
                 b"%C3%A9", b"a%20b", b"%2F")  # fmt: skip
_METHODS = ("GET", "POST")


class Routes:
    """Tables of routes, each used many times, because a build takes longer than a look-up."""

    def __init__(self) -> None:
        self.uses_left = 0

    def __call__(self, random: Random) -> Outcome:
        """Compare the route and the parameters of a path."""
        if not self.uses_left:
            self.uses_left = 200
            self._build(random)
        self.uses_left -= 1
        uri, _ = random.choice(self.uris)
        raw = b"/".join(
            random.choice(_RAW_SEGMENTS)
            if piece.startswith("<") or random.random() < 0.08
            else quote(piece, "%").encode()
            for piece in uri.split("/")
        )
        raw = raw if raw.startswith(b"/") else b"/" + raw
        method = random.choice(_METHODS)
        path = unquote(raw.decode())
        if random.random() < 0.02:
            path = "/a/1"  # a middleware has rewritten it
        scope = {"type": "http", "method": method, "path": path, "raw_path": raw, "headers": [(b"host", b"b.test")]}
        fast, slow = dict(scope), dict(scope)
        return (
            (self.uris, scope),
            (outcome(self._ask, self.fast, fast), fast.get("path_params")),
            (outcome(self._ask, self.slow, slow), slow.get("path_params")),
        )

    def _build(self, random: Random) -> None:
        self.uris: list[tuple[str, str]] = []
        self.fast, self.slow = Router(), Router()
        shapes = [random.choices(_SEGMENTS, k=random.randrange(1, 6)) for _ in range(3)]
        for _ in range(random.randrange(1, 12)):
            segments = [piece if random.random() < 0.6 else random.choice(_SEGMENTS) for piece in random.choice(shapes)]
            segments = [piece.replace("<x", f"<x{place}") for place, piece in enumerate(segments)]
            self.uris.append(("/" + "/".join(segments), random.choice(_METHODS)))
        for router in (self.fast, self.slow):
            for place, (uri, method) in enumerate(self.uris):
                hosts = ["b.test"] if place % 7 == 6 else None
                outcome(router.add, uri, [method], _handler, host=hosts, name=f"r{place}")
            router._build()
        self.slow._shapes, self.slow._tails, self.slow._unreserved_tails = {}, {}, {}

    def _ask(self, router: Router, scope: dict[str, Any]) -> Any:
        route, params = router._find(scope)
        if router is self.slow:
            for methods in router._direct.values():
                methods.clear()
        return route.name, params


async def _handler(request: Any, **_: Any) -> HTTPResponse:
    return text("")


class Urls:
    """Applications, each used for many URLs of its views."""

    def __init__(self) -> None:
        self.uses_left = 0

    def __call__(self, random: Random) -> Outcome:
        """Compare the URLs of a view by its template with those by all rules."""
        if not self.uses_left:
            self.uses_left = 200
            self._build(random)
        self.uses_left -= 1
        place, uri = random.choice(self.uris)
        name = random.choice((f"v{place}", f"v{place}", f"Urls.v{place}", "missing", "v0.static"))
        given: dict[str, Any] = {
            parameter: random.choice((7, 7, "a", "a b", "x/y", "", None, 1.5, True, "ab", "a.txt", "a\n"))
            for parameter in re.findall(r"<(\w+)", uri)
            if random.random() < 0.95
        }
        others = {"q": ("1", ["a", "b"], "ä&=", None), "page": (2,), "_anchor": ("top",), "_method": ("GET",),
                  "_external": (True, False), "name": ("x",)}  # fmt: skip
        given |= {key: random.choice(values) for key, values in others.items() if random.random() < 0.1}
        headers = [(b"host", random.choice((b"a.test", b"A.test:8000", b"[::1]:80", b"a b", b"", b"a.test:443")))]
        scope = {"type": random.choice(("http", "websocket")), "path": "/", "headers": headers, "app": self.app,
                 "scheme": random.choice(("http", "https", "ws")), "router": self.app.router}  # fmt: skip
        request = Request(scope)
        outcome(self.app.url_for, name, **given)  # the template is created
        fast = outcome(self.app.url_for, name, **given), outcome(request.url_for, name, **given)
        templates, self.app.router._path_templates = self.app.router._path_templates, _Empty()
        slow = outcome(self.app.url_for, name, **given), outcome(request.url_for, name, **given)
        self.app.router._path_templates = templates
        return (self.uris, name, given, scope["scheme"], headers), fast, slow

    def _build(self, random: Random) -> None:
        self.app: Sanic[Any, Any] = Sanic("Urls")
        self.uris: list[tuple[int, str]] = []
        for place in range(8):
            segments = random.choices((*_SEGMENTS, "100%25", "100%"), k=random.randrange(1, 4))
            uri = "/" + "/".join(piece.replace("<x", f"<x{at}") for at, piece in enumerate(segments))
            host = random.choice((None, None, None, "b.test", ["b.test", "c.test"]))
            if not isinstance(outcome(self.app.add_route, _handler, uri, host=host, name=f"v{place}"), tuple):
                self.uris.append((place, uri))
        self.uris.append((99, "/"))


class _Empty(dict[str, Any]):
    """A cache that stores nothing."""

    def __setitem__(self, key: str, value: Any) -> None:
        pass


COMPARISONS: dict[str, Callable[[], Callable[[Random], Outcome]]] = {
    "request headers": lambda: request_headers,
    "request header": lambda: request_header,
    "request cookies": lambda: request_cookies,
    "arguments": lambda: arguments,
    "response cookies": lambda: response_cookies,
    "response headers": lambda: response_headers,
    "routes": Routes,
    "urls": Urls,
}


def compare_ways(name: str, seed: int, count: int) -> list[Outcome]:
    """Compare `count` inputs; return those with different results, with both results."""
    random, compare = Random(f"{name} {seed}"), COMPARISONS[name]()
    outcomes = (compare(random) for _ in range(count))
    return [(random_input, fast, slow) for random_input, fast, slow in outcomes if fast != slow]
