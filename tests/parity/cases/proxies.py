"""What is believed of the headers of proxies: nothing, unless the configuration names what to trust."""

from tests.parity.case import case
from tests.parity.expressions import expressions
from tests.parity.wire import Exchange, get

TOLD = (
    "request.remote_addr",
    "request.forwarded",
    "request.client_ip == (request.remote_addr or request.ip)",
    "request.scheme",
    "request.host",
    "request.server_name",
    "request.server_port",
    "request.server_path",
    "request.url",
    "request.url_for('show', path='x')",
)
ADDRESS = ("request.remote_addr", "request.forwarded", "request.client_ip == request.remote_addr")


def x(address: str | None = None, **fields: str) -> Exchange:
    headers = {f"x-forwarded-{name}": value for name, value in fields.items()}
    return get("/p?q=1", {**({"x-forwarded-for": address} if address is not None else {}), **headers})


def forwarded(*values: str, host: str = "parity.test") -> Exchange:
    return get("/p", [("host", host), *(("forwarded", value) for value in values)])


ONE = "app.config.PROXIES_COUNT = 1"
TWO = "app.config.PROXIES_COUNT = 2"
REAL = 'app.config.REAL_IP_HEADER = "x-real-ip"'
SECRET = 'app.config.FORWARDED_SECRET = "s3cret"'

expressions(
    "nothing configured, nothing believed",
    TOLD,
    x("1.2.3.4", proto="https", host="evil.test", port="99", path="/evil"),
    get("/", {"x-real-ip": "1.2.3.4", "x-scheme": "https"}),
    forwarded("for=1.2.3.4;proto=https;host=evil.test"),
)
expressions("one proxy", TOLD, x("1.2.3.4"), x("6.6.6.6, 1.2.3.4"), x(" 1.2.3.4 , "), x(), before=ONE)
expressions(
    "two proxies", ADDRESS, x("1.1.1.1, 2.2.2.2"), x("6.6.6.6, 1.1.1.1, 2.2.2.2"), x("2.2.2.2"), x(",,"), before=TWO
)
expressions("proxies, empty entries", ADDRESS, x(""), x(","), x("1.1.1.1,,2.2.2.2"), x(" , 1.1.1.1"), before=TWO)
expressions(
    "proxies, several headers",
    ADDRESS,
    get("/", [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "2.2.2.2")]),
    get("/", [("x-forwarded-for", "6.6.6.6, 1.1.1.1"), ("x-forwarded-for", "2.2.2.2, 3.3.3.3")]),
    get("/", [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "")]),
    before=TWO,
)
expressions(
    "proxies, addresses of version 6",
    ADDRESS,
    x("2001:DB8::1"),
    x("[2001:db8::1]"),
    x("::1"),
    x("[::1]:8080"),
    x("::ffff:1.2.3.4"),
    before=ONE,
)
expressions(
    "proxies, odd addresses",
    ADDRESS,
    x("unknown"),
    x("_hidden"),
    x("EXAMPLE.org"),
    x("1.2.3.4:80"),
    x("a b"),
    before=ONE,
)
expressions(
    "proxies, protocols",
    TOLD,
    x("1.1.1.1", proto="https"),
    x("1.1.1.1", proto="WSS"),
    x("1.1.1.1", proto=""),
    before=ONE,
)
expressions("proxies, a protocol without an address", TOLD, x(proto="https"), x("", proto="https"), before=ONE)
expressions(
    "proxies, hosts",
    TOLD,
    x("1.1.1.1", host="a.test"),
    x("1.1.1.1", host="A.Test:8443"),
    x("1.1.1.1", host="[::1]:80"),
    x("1.1.1.1", host="a b"),
    before=ONE,
)
expressions(
    "proxies, ports",
    TOLD,
    x("1.1.1.1", port="8443"),
    x("1.1.1.1", port="0"),
    x("1.1.1.1", port=""),
    x("1.1.1.1", port="x"),
    before=ONE,
)
expressions(
    "proxies, paths",
    TOLD,
    x("1.1.1.1", path="/base/p"),
    x("1.1.1.1", path="/a%20b"),
    x("1.1.1.1", path=""),
    x("1.1.1.1", path="%zz"),
    before=ONE,
)
expressions("proxies, all at once", TOLD, x("1.1.1.1", proto="https", host="a.test", port="444", path="/b"), before=ONE)
expressions(
    "proxies, the older header of the protocol",
    TOLD,
    get("/", {"x-forwarded-for": "1.1.1.1", "x-scheme": "https"}),
    before=ONE,
)
expressions(
    "proxies, the older header beside the newer",
    TOLD,
    get("/", {"x-forwarded-for": "1.1.1.1", "x-scheme": "https", "x-forwarded-proto": "http"}),
    before=ONE,
)
expressions("proxies, a count of none", ADDRESS, x("1.1.1.1"), x(""), before="app.config.PROXIES_COUNT = 0")
expressions(
    "proxies, another header of addresses",
    ADDRESS,
    get("/", {"x-client": "1.1.1.1"}),
    x("2.2.2.2"),
    get("/", {"X-CLIENT": "6.6.6.6, 1.1.1.1"}),
    before=ONE + '\napp.config.FORWARDED_FOR_HEADER = "X-Client"',
)
expressions(
    "proxies, no header of addresses", ADDRESS, x("1.1.1.1"), x(), before=ONE + '\napp.config.FORWARDED_FOR_HEADER = ""'
)
expressions(
    "the real address",
    TOLD,
    get("/", {"x-real-ip": "1.1.1.1"}),
    get("/", {"x-real-ip": "1.1.1.1", "x-forwarded-proto": "https"}),
    get("/", {"x-real-ip": ""}),
    get("/", {"x-forwarded-for": "1.1.1.1"}),
    before=REAL,
)
expressions(
    "the real address before that of proxies",
    ADDRESS,
    get("/", {"x-real-ip": "1.1.1.1", "x-forwarded-for": "2.2.2.2"}),
    get("/", {"x-real-ip": "", "x-forwarded-for": "2.2.2.2"}),
    get("/", {"x-real-ip": "unknown", "x-forwarded-for": "2.2.2.2"}),
    before=REAL + "\n" + ONE,
)
expressions(
    "the real address, several headers",
    ADDRESS,
    get("/", [("x-real-ip", "1.1.1.1"), ("x-real-ip", "2.2.2.2")]),
    before=REAL,
)
expressions(
    "the real address, odd ones",
    ADDRESS,
    get("/", {"x-real-ip": "2001:DB8::1"}),
    get("/", {"x-real-ip": "1.1.1.1, 2.2.2.2"}),
    get("/", {"x-real-ip": "_x"}),
    before=REAL,
)
expressions(
    "the secret",
    TOLD,
    forwarded("for=1.1.1.1;secret=s3cret"),
    forwarded("for=1.1.1.1;by=s3cret"),
    forwarded("secret=s3cret"),
    before=SECRET,
)
expressions(
    "a wrong secret",
    TOLD,
    forwarded("for=1.1.1.1;secret=s3cre"),
    forwarded("for=s3cret"),
    forwarded("for=1.1.1.1;by=xs3cret"),
    before=SECRET,
)
expressions(
    "the secret, quoted",
    ADDRESS,
    forwarded('for=1.1.1.1;secret="s3cret"'),
    forwarded('for="1.1.1.1";secret=s3cret'),
    forwarded('for=1.1.1.1;secret="s3\\cret"'),
    before=SECRET,
)
expressions(
    "the secret, its place in the header",
    ADDRESS,
    forwarded("for=1.1.1.1, for=2.2.2.2;secret=s3cret, for=3.3.3.3"),
    forwarded("for=1.1.1.1;secret=s3cret, for=2.2.2.2;secret=s3cret"),
    forwarded("secret=s3cret;for=1.1.1.1"),
    forwarded("for=1.1.1.1;secret=s3cret", "for=2.2.2.2"),
    forwarded("for=1.1.1.1", "for=2.2.2.2;secret=s3cret"),
    before=SECRET,
)
expressions(
    "Forwarded, spaces and cases",
    ADDRESS,
    forwarded("For=1.1.1.1 ; Secret=s3cret"),
    forwarded("for=1.1.1.1;SECRET=s3cret;PROTO=HTTPS"),
    forwarded("for = 1.1.1.1;secret=s3cret"),
    forwarded("  secret=s3cret  ;  for=1.1.1.1  "),
    before=SECRET,
)
expressions(
    "Forwarded, addresses of version 6",
    ADDRESS,
    forwarded('for="[2001:DB8::1]";secret=s3cret'),
    forwarded('for="[2001:db8::1]:4711";secret=s3cret'),
    forwarded("for=[::1];secret=s3cret"),
    forwarded('for="::1";secret=s3cret'),
    before=SECRET,
)
expressions(
    "Forwarded, hidden names",
    ADDRESS,
    forwarded("for=_gazonk;secret=s3cret"),
    forwarded("for=_SEVKISEK;by=_Proxy;secret=s3cret"),
    forwarded("for=unknown;secret=s3cret"),
    forwarded("for=UNKNOWN;secret=s3cret"),
    before=SECRET,
)
expressions(
    "Forwarded, the rest",
    TOLD,
    forwarded("for=1.1.1.1;proto=https;host=a.test;port=444;path=/b;secret=s3cret"),
    forwarded('host="a.test:8443";proto=https;secret=s3cret'),
    forwarded("host=A.TEST;secret=s3cret"),
    forwarded('path="/a%20b";secret=s3cret'),
    forwarded("proto=wss;secret=s3cret"),
    before=SECRET,
)
expressions(
    "Forwarded, what is malformed",
    ADDRESS,
    forwarded("secret=s3cret;;for=1.1.1.1"),
    forwarded('for="1.1.1.1;secret=s3cret'),
    forwarded("for;secret=s3cret"),
    forwarded("secret=s3cret,"),
    forwarded("for=1.1.1.1;port=x;secret=s3cret"),
    forwarded("=1;secret=s3cret"),
    before=SECRET,
)
expressions(
    "Forwarded, quotes left open by a client",
    ADDRESS,
    forwarded('for="6.6.6.6, for=1.1.1.1;secret=s3cret'),
    forwarded('", for=1.1.1.1;secret=s3cret'),
    forwarded('for="\\", for=1.1.1.1;secret=s3cret'),
    before=SECRET,
)
expressions(
    "Forwarded before the older headers",
    ADDRESS,
    get("/", {"forwarded": "for=1.1.1.1;secret=s3cret", "x-forwarded-for": "2.2.2.2"}),
    get("/", {"forwarded": "for=1.1.1.1;secret=no", "x-forwarded-for": "2.2.2.2"}),
    get("/", {"x-forwarded-for": "2.2.2.2"}),
    before=SECRET + "\n" + ONE,
)
expressions(
    "a name of the server",
    TOLD,
    get("/"),
    get("/", {"host": "other.test:99"}),
    x("1.1.1.1", host="evil.test", proto="https"),
    before=ONE + '\napp.config.SERVER_NAME = "shop.test"',
)
expressions(
    "a name of the server with port and scheme",
    TOLD,
    get("/"),
    x("1.1.1.1", host="evil.test", proto="http", port="1"),
    before=ONE + '\napp.config.SERVER_NAME = "https://shop.test:8443"',
)
expressions(
    "a name of the server with a path", TOLD, get("/p"), before='app.config.SERVER_NAME = "https://shop.test/base"'
)
expressions(
    "the functions by hand",
    [
        "parse_forwarded(Header({'forwarded': 'for=1.1.1.1;secret=s3cret'}), app.config)",
        "parse_forwarded(Header({}), app.config)",
        "parse_xforwarded(Header({'x-forwarded-for': '1.1.1.1'}), app.config)",
        "parse_xforwarded(Header({}), app.config)",
        "fwd_normalize([('for', '::1'), ('port', 'x'), ('proto', 'HTTP'), ('other', 'Kept'), ('host', None)])",
        "fwd_normalize([])",
        "fwd_normalize_address('_Hidden')",
        "fwd_normalize_address('FE80::1')",
        "fwd_normalize_address('')",
    ],
    before="from sanic.compat import Header\nfrom sanic.headers import fwd_normalize, fwd_normalize_address\n"
    "from sanic.headers import parse_forwarded, parse_xforwarded\n" + SECRET + "\n" + ONE,
)
case(
    "Forwarded where a host with a port lacks its quotes",
    """
    app.config.FORWARDED_SECRET = "s3"
    @app.get("/p")
    async def a(request):
        return text(repr((request.forwarded, request.host, request.server_port, request.server_path, str(request.url))))
    """,
    get("/p?x=1", {"forwarded": "for=9.9.9.9;secret=s3;proto=https;host=fw.test:8443"}),
    get("/p?x=1", {"forwarded": 'for=9.9.9.9;secret=s3;host=fw.test:8443;proto=https;path="/fw"'}),
    get("/p?x=1", {"forwarded": "host=fw.test:8443;for=9.9.9.9;secret=s3"}),
    get("/p?x=1", {"forwarded": "for=::1;secret=s3, for=1.1.1.1"}),
    get("/p?x=1", {"forwarded": "for=9.9.9.9;secret=s3:;host=a"}),
    get("/none", {"forwarded": "for=9.9.9.9;secret=s3;host=fw.test:8443"}),
)
