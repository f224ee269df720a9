"""Header fields of requests, and the functions that read those with a grammar of their own."""

from collections.abc import Iterable

from tests.parity.expressions import expressions
from tests.parity.wire import get, post

ACCEPT = "from sanic.headers import AcceptList, Matched, MediaType, parse_accept"


def reading(name: str, function: str, texts: Iterable[str], made_from: str = "sanic.headers") -> None:
    """Add a case: what a function of header text makes of these."""
    expressions(name, [f"{function}({text!r})" for text in texts], before=f"from {made_from} import {function}")


reading("Accept, one type", "parse_accept", ["text/html", "text/*", "*/*", "TEXT/HTML", " text/html "])
reading(
    "Accept, weights", "parse_accept", ["a/b;q=0.1, c/d", "a/b;q=0, c/d;q=1", "a/b;q=0.5,c/d;q=0.5", "a/b; q=0.001"]
)
reading("Accept, odd weights", "parse_accept", ["a/b;q=2", "a/b;q=-1", "a/b;q=1e-1", "a/b;q= 0.5", "a/b;q=.5"])
reading(
    "Accept, parameters", "parse_accept", ["a/b;level=1", "a/b;level=1;q=0.5", 'a/b;x="y"', "a/b;x=1;y=2, a/b;x=1, a/b"]
)
reading(
    "Accept, the more specific first", "parse_accept", ["*/*, a/*, a/b", "a/*;q=1, */*;q=1, a/b;q=1", "*/*;x=1, a/b"]
)
reading(
    "Accept, of browsers",
    "parse_accept",
    [
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        "image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
        "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
    ],
)
reading("Accept, none and empty", "parse_accept", [""])
reading("Accept, entries of which some make no sense", "parse_accept", ["a/b;x=1;q=0.3,c/d"])
expressions(
    "Accept, none",
    [
        "parse_accept(None)",
        "str(parse_accept(None))",
        "len(parse_accept(None))",
        "parse_accept('')",
        "str(parse_accept(''))",
    ],
    before=ACCEPT,
)
expressions(
    "Accept, choosing",
    [
        f"parse_accept({accept!r}).match(*{mimes!r})"
        for accept in ("text/html, application/json;q=0.5", "text/*", "*/*", "image/png", "a/b;q=0.1, */*;q=0.2")
        for mimes in (("application/json", "text/html"), ("text/plain",), ("text/*",), ("a/b", "c/d"), ())
    ],
    before=ACCEPT,
)
expressions(
    "Accept, choosing without wildcards",
    [
        f"parse_accept({accept!r}).match('text/html', 'a/b', accept_wildcards=False)"
        for accept in ("text/*, a/b;q=0.1", "*/*", "text/html;q=0.1, a/b")
    ],
    before=ACCEPT,
)
expressions(
    "Accept, choosing by parameters",
    [
        f"parse_accept('a/b;x=1, a/b;x=2;q=0.5, c/d').match({mime!r})"
        for mime in ("a/b;x=1", "a/b;x=2", "a/b;x=3", "a/b", "c/d;y=1", "nonsense", "")
    ],
    before=ACCEPT,
)
expressions(
    "Accept, what was chosen",
    [
        "parse_accept('text/*').match('text/html').mime",
        "parse_accept('text/*').match('text/html').header",
        "str(parse_accept('text/*').match('text/html'))",
        "parse_accept('text/*').match('text/html') == 'text/html'",
        "parse_accept('text/*').match('text/html') == 'text/*'",
        "parse_accept('text/*').match('text/html') == 'a/b'",
        "parse_accept('text/*').match('text/html') == parse_accept('*/*').match('text/html')",
        "bool(parse_accept('text/*').match('a/b'))",
        "parse_accept('text/*').match('a/b').mime",
        "parse_accept('text/*').match('a/b').header",
        "repr(parse_accept('text/*').match('a/b'))",
        "parse_accept('text/html').match('text/html').match('text/*')",
        "Matched.parse('text/html')",
        "Matched.parse('nonsense')",
        "Matched('a/b', None)",
    ],
    before=ACCEPT,
)
expressions(
    "media types",
    [
        "MediaType('text', 'html')",
        "MediaType('text', 'html', q='0.5', level='1')",
        "MediaType('text', 'html', q='0.5').q",
        "MediaType('text', 'html').mime",
        "MediaType('text', '*').has_wildcard",
        "MediaType('*', '*').has_wildcard",
        "MediaType('a', 'b').has_wildcard",
        "MediaType('a', 'b', x='1').params",
        "MediaType('a', 'b') == MediaType('a', 'b', x='1')",
        "MediaType('a', 'b') == 'a/b'",
        "MediaType('a', 'b') == 'a/b;x=1'",
        "MediaType('a', 'b') == 1",
        "MediaType('a', '*').match('a/b')",
        "MediaType('a', 'b').match('a/*')",
        "MediaType('a', 'b').match('*/*')",
        "MediaType('a', 'b').match('c/b')",
        "MediaType('a', 'b').match('a')",
        "MediaType('a', 'b').match(MediaType('a', 'b', x='1'))",
        "MediaType('a', 'b', x='1').match(MediaType('a', 'b', x='1'))",
        "MediaType('a', 'b', x='1').match(MediaType('a', 'b'))",
        "MediaType('a', 'b').key",
        "MediaType('a', '*', q='0.5').key",
    ],
    before=ACCEPT,
)
expressions(
    "Accept, of a request",
    [
        "request.accept",
        "request.accept.match('text/html', 'application/json')",
        "request.accept is request.accept",
        "type(request.accept).__name__",
    ],
    get("/"),
    get("/", {"accept": ""}),
    get("/", {"accept": "application/*"}),
    get("/", {"accept": "text/html;q=0.1, application/json"}),
)
reading(
    "content headers, values",
    "parse_content_header",
    ["text/html", "TEXT/HTML", "", " text/html ", "a;b", ";", "form-data"],
)
reading(
    "content headers, parameters",
    "parse_content_header",
    ["a/b; x=1", "a/b;X=1;y=2", "a/b ; x=1 ; y=2", "a/b; x = 1", "a; x=1; x=2"],
)
reading(
    "content headers, quotes",
    "parse_content_header",
    ['a; x="1 2"', 'a; x="a;b=c"', 'a; x=""', 'a; x="open', "a; x='q'"],
)
reading(
    "content headers, escapes of browsers",
    "parse_content_header",
    ['a; x="%22"', 'a; x="a%0D%0Ab"', 'a; x="%41"', 'a; filename="C:\\x\\y"'],
)
reading(
    "content headers, charsets",
    "parse_content_header",
    ["text/plain; charset=utf-8", 'text/plain; charset="UTF-8"', "text/plain; charset"],
)
reading("content headers, text beyond ASCII", "parse_content_header", ['a; x="ü"', "ü; x=1", 'a; x="日本"', "a; ü=1"])
reading("hosts, names", "parse_host", ["a.test", "A.Test", "a-b.c", "localhost", "1.2.3.4", "a_b.test"])
reading("hosts, ports", "parse_host", ["a.test:80", "a.test:0", "a.test:99999", "a.test:", "a.test:x", ":80"])
reading("hosts, addresses of version 6", "parse_host", ["[::1]", "[::1]:80", "[2001:DB8::1]", "::1", "[::1", "[]"])
reading("hosts, malformed", "parse_host", ["", "a b", "a/b", "a@b", "a.test:80:90", "ü.test", "a" * 300])
expressions(
    "hosts of requests",
    ["request.host", "request.server_name", "request.server_port", "request.url", "request.url_for('show', path='x')"],
    get("/", {"host": "a.test"}),
    get("/", {"host": "a.test:8080"}),
    get("/", {"host": "A.TEST:80"}),
    get("/", {"host": "[::1]:81"}),
    get("/", {"host": "1.2.3.4"}),
)
expressions(
    "credentials",
    [
        f"parse_credentials({text!r})"
        for text in (
            "Bearer abc",
            "Basic abc",
            "Token abc",
            "bearer abc",
            "Digest abc",
            "abc",
            "",
            "Bearer",
            "Bearer  a b ",
            None,
        )
    ],
    before="from sanic.headers import parse_credentials",
)
expressions(
    "credentials with other schemes",
    [
        f"parse_credentials({text!r}, {schemes!r})"
        for text in ("Bearer abc", "Digest abc", "X abc")
        for schemes in (("Digest",), ["X", "Bearer"], (), None)
    ],
    before="from sanic.headers import parse_credentials",
)
expressions(
    "credentials of a request",
    [
        "request.token",
        "request.credentials is None",
        "request.credentials.auth_type",
        "request.credentials.token",
        "request.credentials.username",
        "request.credentials.password",
        "request.credentials is request.credentials",
    ],
    get("/"),
    get("/", {"authorization": "Bearer abc"}),
    get("/", {"authorization": "Token abc"}),
    get("/", {"authorization": "Basic dXNlcjpwYXNz"}),
    get("/", {"authorization": "Basic dXNlcjo="}),
    get("/", {"authorization": "Basic Og=="}),
    get("/", {"authorization": "Digest a=b"}),
    get("/", {"authorization": "plain"}),
)
expressions(
    "fields of a request",
    [
        "request.headers['x-one']",
        "request.headers['X-ONE']",
        "request.headers.get('x-one')",
        "request.headers.get('x-two', 2)",
        "request.headers.getone('x-one')",
        "request.headers.getone('x-two')",
        "request.headers.getone('x-two', 2)",
        "request.headers.getone('x-two', default=None)",
        "request.headers.getall('x-two', default=[])",
        "request.headers.getone(key='x-one', default=None)",
        "request.headers.getall('x-one')",
        "request.headers.getall('x-two')",
        "request.headers.getall('x-two', [])",
        "request.headers.get_all('x-one')",
        "request.headers.get_all('x-two')",
        "request.headers.x_one",
        "request.headers.x_two",
        "request.headers.X_One",
        "'X-One' in request.headers",
        "'x-two' in request.headers",
        "len(request.headers.getall('x-one', []))",
    ],
    get("/", {"x-one": "1"}),
    get("/", [("X-One", "1"), ("x-one", "2")]),
    get("/", {"x-one": ""}),
    get("/"),
)
expressions(
    "values of fields",
    ["request.headers.get('x')", "request.headers.x", "request.headers.getall('x')"],
    get("/", {"x": "  spaces  "}),
    get("/", {"x": "a, b,c"}),
    get("/", {"x": 'quo"ted'}),
    get("/", {"x": "Ã¼"}),
    get("/", {"x": "\xff"}),
    get("/", {"x": "a\tb"}),
    get("/", {"x": "y" * 5000}),
)
expressions(
    "the order of fields",
    [
        "[(name, value) for name, value in request.headers.items() if name.startswith('x')]",
        "[n for n in request.headers if n[0] == 'x']",
    ],
    get("/", [("x-b", "1"), ("x-a", "2"), ("x-b", "3")]),
    get("/", [("X-UPPER", "1")]),
)
expressions(
    "headers made by hand",
    [
        "Header({'A': '1'})",
        "Header([('a', '1'), ('A', '2')]).getall('a')",
        "Header([('a', '1'), ('A', '2')])['a']",
        "Header({'x-y': '1'}).x_y",
        "Header().x_y",
        "Header().get_all('x')",
        "Header({'a': '1'}) == Header({'A': '1'})",
        "Header({'a': '1'}) == {'a': '1'}",
        "Header({'a': '1'}).copy()",
        "list(Header({'A': '1'}))",
        "Header({'a': '1'})._private",
    ],
    before="from sanic.compat import Header",
)
expressions(
    "headers that a handler changes",
    [
        "request.headers.add('x', '1')",
        "request.headers.update(y='2')",
        "request.headers.getall('x')",
        "request.headers['y']",
        "request.headers.pop('y')",
    ],
)
expressions(
    "the type of the content",
    ["request.content_type", "request.headers.get('content-type')"],
    get("/"),
    post("/", {"content-type": ""}, b""),
    post("/", {"content-type": "Text/HTML; Charset=X"}, b""),
    post("/", {"content-type": "nonsense"}, b"x"),
)
expressions(
    "identifiers of requests",
    ["request.id", "type(request.id).__name__", "request.id == request.id"],
    *(
        get("/", {"x-request-id": text})
        for text in ("12", "-3", "abc", "123e4567-e89b-12d3-a456-426614174000", "1_000", " 7 ")
    ),
)
expressions(
    "identifiers in another header",
    ["request.id", "type(request.id).__name__"],
    get("/", {"x-trace": "abc"}),
    get("/", {"x-trace": "7", "x-request-id": "8"}),
    before='app.config.REQUEST_ID_HEADER = "X-Trace"',
)
