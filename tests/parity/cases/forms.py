"""Forms, urlencoded and multipart: how they are written, and what is found in them."""

from tests.parity.expressions import expressions
from tests.parity.wire import Exchange, get, part, post, request

FORM = ("dict(request.form)", "dict(request.files)")
URLENCODED = "application/x-www-form-urlencoded"
FILES = (
    "dict(request.form)",
    "[(name, [(f.type, f.body, f.name) for f in files]) for name, files in request.files.items()]",
)


def urlencoded(body: bytes | str, kind: str = URLENCODED) -> Exchange:
    return post("/", {"content-type": kind}, body)


def multipart(
    *parts: bytes, boundary: str = "X", start: bytes = b"", end: bytes = b"--X--\r\n", kind: str = ""
) -> Exchange:
    body = start + b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts) + end
    return post("/", {"content-type": kind or f"multipart/form-data; boundary={boundary}"}, body)


def headed(headers: str, content: bytes = b"1") -> bytes:
    return headers.encode() + b"\r\n\r\n" + content


NAMED = 'Content-Disposition: form-data; name="a"'
FILE = 'Content-Disposition: form-data; name="f"; filename="x.txt"'

expressions("urlencoded, one field", FORM, urlencoded("a=1"), urlencoded("a=1&"), urlencoded("&a=1"), urlencoded("a"))
expressions("urlencoded, repeated fields", FORM, urlencoded("a=1&a=2"), urlencoded("a=2&b=1&a=1"), urlencoded("a=&a=1"))
expressions("urlencoded, blank values", FORM, urlencoded("a=&b=1"), urlencoded("a="), urlencoded("a=+"))
expressions(
    "urlencoded, spaces and pluses", FORM, urlencoded("a=1+2%2B3%20"), urlencoded("a b=1"), urlencoded("+a+=+b+")
)
expressions(
    "urlencoded, escapes",
    FORM,
    urlencoded("%61=%C3%BC"),
    urlencoded("a=%zz&b=%"),
    urlencoded("a=%FF%FE"),
    urlencoded("a=%00"),
)
expressions("urlencoded, text beyond ASCII", FORM, urlencoded("ü=é"), urlencoded("a=😀"), urlencoded("a=%F0%9F%98%80"))
expressions(
    "urlencoded, semicolons and equal signs", FORM, urlencoded("a=1;b=2"), urlencoded("a=b=c"), urlencoded("=1&==2")
)
expressions("urlencoded, line breaks", FORM, urlencoded("a=1\r\nb=2"), urlencoded("a=1\n"), urlencoded("a=%0D%0A"))
expressions(
    "urlencoded, names with brackets", FORM, urlencoded("a[]=1&a[]=2"), urlencoded("a[b][c]=1"), urlencoded("a.b=1")
)
expressions(
    "urlencoded, how the type is written",
    FORM,
    urlencoded("a=1", f"{URLENCODED}; charset=utf-8"),
    urlencoded("a=1", f"{URLENCODED};charset=UTF-8"),
    urlencoded("a=1", URLENCODED.upper()),
    urlencoded("a=1", f" {URLENCODED} "),
    urlencoded("a=%E9", f"{URLENCODED}; charset=latin-1"),
)
expressions(
    "forms of another type",
    FORM,
    urlencoded("a=1", "text/plain"),
    urlencoded("a=1", f"x{URLENCODED}"),
    urlencoded("a=1", "application/json"),
    urlencoded("a=1", ""),
    urlencoded("a=1", "multipart/mixed; boundary=X"),
)
expressions(
    "forms of other methods", FORM, *(request(method, "/", form={"a": "1"}) for method in ("PUT", "DELETE", "GET"))
)
expressions("no form at all", FORM, get("/"), post("/"), urlencoded(b""))
expressions(
    "get_form and blank values",
    ["request.get_form(keep_blank_values=True)", "request.form", "request.get_form()", "request.form"],
    urlencoded("a=&b=1"),
    urlencoded("a"),
    urlencoded("="),
)
expressions(
    "the form is parsed once",
    [
        "request.parsed_form",
        "request.parsed_files",
        "request.form",
        "request.parsed_form",
        "request.form == request.form",
    ],
    urlencoded("a=1"),
    multipart(headed(NAMED)),
    get("/"),
)
expressions(
    "methods of a form",
    [
        "request.form.get('a')",
        "request.form.get('zz')",
        "request.form.get('zz', 5)",
        "request.form.getlist('a')",
        "request.form.getlist('zz')",
        "request.form.getlist('zz', [1])",
        "request.form['a']",
        "request.form['zz']",
        "'a' in request.form",
        "len(request.form)",
        "list(request.form)",
        "list(request.form.items())",
        "request.form == {'a': ['1', '2']}",
        "isinstance(request.form, dict)",
    ],
    urlencoded("a=1&a=2"),
    urlencoded("b=1"),
    multipart(headed(NAMED), headed(NAMED, b"2")),
)
expressions(
    "a form whose fields the handler changes",
    [
        "request.form.update(b=['2'])",
        "request.form.get('b')",
        "request.form.pop('a')",
        "request.form.setdefault('c', [])",
    ],
    urlencoded("a=1"),
)
expressions(
    "multipart, one field",
    FILES,
    multipart(headed(NAMED)),
    multipart(headed(NAMED, b"")),
    multipart(headed(NAMED, b"\r\n")),
)
expressions(
    "multipart, repeated fields",
    FILES,
    multipart(headed(NAMED), headed(NAMED, b"2")),
    multipart(*[headed(NAMED, b"x")] * 20),
)
expressions(
    "multipart, one file",
    FILES,
    multipart(headed(FILE, b"content")),
    multipart(headed(FILE, b"")),
    multipart(headed(FILE, b"\x00\xff\r\n\r\n--Y\r\n--")),
    multipart(headed(FILE, b"\r\n")),
)
expressions(
    "multipart, files and fields", FILES, multipart(headed(NAMED), headed(FILE), headed(NAMED), headed(FILE, b"2"))
)
expressions(
    "multipart, types of files",
    FILES,
    multipart(headed(FILE + "\r\nContent-Type: image/png")),
    multipart(headed(FILE + "\r\nContent-Type: Text/HTML; charset=latin-1", b"\xe9")),
    multipart(headed(FILE + "\r\nContent-Type: nonsense")),
    multipart(headed(FILE + "\r\nContent-Type:")),
    multipart(headed(FILE)),
)
expressions(
    "multipart, charsets of fields",
    FILES,
    multipart(headed(NAMED + "\r\nContent-Type: text/plain; charset=latin-1", b"\xe9")),
    multipart(headed(NAMED + "\r\nContent-Type: text/plain; charset=utf-16", "ü".encode("utf-16"))),
    multipart(headed(NAMED + "\r\nContent-Type: text/plain", "ü".encode())),
    multipart(headed(NAMED + "\r\nContent-Type: application/json", b'{"x": 1}')),
)
expressions(
    "multipart, spellings of charsets",
    FILES,
    *(
        multipart(headed(f"{NAMED}\r\nContent-Type: text/plain; charset={charset}", b"\xe9a"))
        for charset in ("ISO-8859-1", "iso_8859-1", '"latin1"', "cp1252", "Windows-1252", "KOI8-R", "utf-16le")
    ),
    *(
        multipart(headed(f"Content-Disposition: form-data; name=\"f\"; filename*={charset}''%e9%20a"))
        for charset in ("iso-8859-1", "WINDOWS-1251", "shift_jis", "UTF8")
    ),
)
expressions(
    "multipart, charsets that are not web encodings",
    FILES,
    *(
        multipart(headed(f"{NAMED}\r\nContent-Type: text/plain; charset={charset}", b"a-b"))
        for charset in ("punycode", "idna", "undefined", "utf-7", "unicode_escape", "rot13", "bogus", '"a\\0b"')
    ),
    *(
        multipart(headed(f"Content-Disposition: form-data; name=\"f\"; filename*={charset}''%ff"))
        for charset in ("punycode", "idna", "undefined", "bogus")
    ),
    differs="form-charsets",
)
expressions(
    "multipart, the request's charset means nothing",
    FILES,
    *(
        multipart(headed(NAMED, "ü".encode()), kind=f"multipart/form-data; boundary=X; charset={charset}")
        for charset in ("utf-8", "latin-1", "punycode", "undefined", "bogus")
    ),
)
expressions(
    "urlencoded, the request's charset means nothing",
    FORM,
    *(urlencoded("a=%C3%A9-", f"{URLENCODED}; charset={charset}") for charset in ("idna", "punycode", "bogus", '""')),
)
expressions(
    "urlencoded, what looks like an escape",
    FORM,
    urlencoded("a=%%41&b=%%%41%"),
    urlencoded("a=%3D%25%26%2B&%3d=%"),
    urlencoded("a=%\r\n41&b=%4\n1"),
    urlencoded("a=%e9é%C3é%A9"),
)
expressions(
    "multipart, names of files",
    FILES,
    multipart(headed(FILE.replace("x.txt", "ü.txt"))),
    multipart(headed(FILE.replace("x.txt", "a b;c=d.txt"))),
    multipart(headed(FILE.replace("x.txt", "..\\..\\c:\\x"))),
    multipart(headed(FILE.replace("x.txt", "/etc/passwd"))),
    multipart(headed(FILE.replace("x.txt", "a%22b.txt"))),
    multipart(headed(FILE.replace("x.txt", "a%0D%0Ab"))),
    multipart(headed(FILE.replace("x.txt", ""))),
)
expressions(
    "multipart, names of fields",
    FILES,
    multipart(headed(NAMED.replace('"a"', '"ü"'))),
    multipart(headed(NAMED.replace('"a"', '"a b"'))),
    multipart(headed(NAMED.replace('"a"', '""'))),
    multipart(headed(NAMED.replace('"a"', "a"))),
    multipart(headed(NAMED.replace('"a"', '"a%22b"'))),
    multipart(headed(NAMED.replace('"a"', '"a[0][b]"'))),
)
expressions(
    "multipart, names of files as in RFC 5987",
    FILES,
    multipart(headed("Content-Disposition: form-data; name=\"f\"; filename*=utf-8''na%20me.txt")),
    multipart(headed("Content-Disposition: form-data; name=\"f\"; filename*=UTF-8'en'%e2%82%ac.txt")),
    multipart(headed("Content-Disposition: form-data; name=\"f\"; filename*=utf-8''e%CC%81.txt")),
    multipart(headed('Content-Disposition: form-data; name="f"; filename="a"; filename*=utf-8\'\'b')),
)
expressions(
    "multipart, names of files as in RFC 5987, without a charset or a language",
    FILES,
    *(
        multipart(headed(f'Content-Disposition: form-data; name="f"; filename*={name}'))
        for name in (
            "abc.txt",
            "a%20b.txt",
            "%e2%82%ac",
            "%ff",
            "e%CC%81",
            "utf-8'abc",
            "'abc",
            "utf-8''",
            "utf-8'en'a'b",
        )
    ),
    *(
        multipart(headed(f'Content-Disposition: form-data; name="f"; filename*="{name}"'))
        for name in ("abc.txt", "a b.txt", "utf-8''a%20b", "")
    ),
)
expressions(
    "multipart, headers of a part",
    FILES,
    multipart(headed("content-disposition:form-data;name=a")),
    multipart(headed("CONTENT-DISPOSITION: FORM-DATA; NAME=a")),
    multipart(headed("X-Other: 1\r\n" + NAMED + "\r\nContent-Length: 1")),
    multipart(headed(NAMED + "\r\nContent-Transfer-Encoding: base64", b"aGVsbG8=")),
    multipart(headed("Content-Disposition: attachment; name=a")),
    multipart(headed("Content-Type: text/plain\r\n" + NAMED)),
)
expressions(
    "multipart, text before the first boundary and after the last",
    FILES,
    multipart(headed(NAMED), start=b"preamble\r\n"),
    multipart(headed(NAMED), start=b"\r\n"),
    multipart(headed(NAMED), start=b"glued"),
    multipart(headed(NAMED), end=b"--X--"),
    multipart(headed(NAMED), end=b"--X--\r\nepilogue\r\n"),
)
expressions(
    "multipart, boundaries",
    FILES,
    *(
        multipart(headed(NAMED), boundary=boundary, end=f"--{boundary}--\r\n".encode())
        for boundary in ("----WebKitFormBoundaryabc123", "a'()+_,-./:=?z", "0" * 70, "x--y")
    ),
)
expressions(
    "multipart, how the type is written",
    FILES,
    multipart(headed(NAMED), kind='multipart/form-data; boundary="X"'),
    multipart(headed(NAMED), kind="Multipart/Form-Data; Boundary=X"),
    multipart(headed(NAMED), kind="multipart/form-data;boundary=X;charset=utf-8"),
    multipart(headed(NAMED), kind="multipart/form-data ; boundary=X"),
)
expressions(
    "multipart, nothing in it",
    FILES,
    multipart(),
    multipart(end=b""),
    post("/", {"content-type": "multipart/form-data; boundary=X"}),
)
expressions(
    "multipart, in chunks",
    FILES,
    post(
        "/",
        {"content-type": "multipart/form-data; boundary=X"},
        [b"--X\r\nContent-Disposition: form-da", b'ta; name="a"\r\n\r', b"\n1\r", b"\n--", b"X--\r\n"],
    ),
    post(
        "/",
        {"content-type": "multipart/form-data; boundary=X"},
        [bytes([b]) for b in b"--X\r\n" + headed(FILE) + b"\r\n--X--"],
    ),
)
expressions(
    "multipart, a large file",
    [
        "len(request.body)",
        "[len(f.body) for f in request.files['f']]",
        "request.form",
        "len(request.body)",
        "request.files.get('f').name",
    ],
    multipart(headed(NAMED), headed(FILE, b"\x00\r\n-" * 700_000), headed(NAMED, b"2")),
    multipart(*[headed(FILE, b"x" * 300_000)] * 5),
)
expressions(
    "multipart, the raw body",
    ["request.body", "request.form", "request.body", "request.json"],
    multipart(headed(NAMED)),
    multipart(headed(FILE), start=b"pre\r\n"),
    urlencoded("a=1"),
)
expressions(
    "multipart, a file as a tuple",
    [
        "tuple(request.files['f'][0])",
        "request.files['f'][0] == ('text/plain', b'1', 'x.txt')",
        "request.files['f'][0][1]",
        "request.files['f'][0]",
        "request.files.get('f').body",
        "request.files.get('zz')",
        "request.files.getlist('f')[0].name",
        "[kind + name for kind, body, name in request.files['f']]",
        "request.files['zz']",
        "request.files['f'][0]._fields",
        "request.files['f'][0]._asdict()",
        "request.files['f'][0]._replace(name='y', body=b'2')",
        "request.files['f'][0]._replace(nobody=1)",
    ],
    multipart(headed(FILE)),
    multipart(headed(NAMED)),
)
expressions(
    "parse_multipart_form called by hand",
    [
        "parse_multipart_form(b'--X\\r\\ncontent-disposition: form-data; name=\"a\"\\r\\n\\r\\n1\\r\\n--X--', b'X')",
        "parse_multipart_form(b'', b'X')",
        "parse_multipart_form(b'--X--', b'X')",
        "File(type='a/b', body=b'1', name='n')",
        "File('a/b', b'1', 'n').name",
    ],
    before="from sanic.request import File, parse_multipart_form",
)
expressions(
    "forms in a handler that answers other paths, too",
    ["request.form.get('a')", "request.args.get('a')", "request.path"],
    post("/x/y?a=q", form={"a": "f"}),
    post("/x?a=q"),
    post("/", parts=[part("a", "p")]),
)
