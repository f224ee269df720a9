"""By hand: ASGI without a framework, for this one application, with msgspec for JSON."""

import re
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from benchmarks.real_requests import ROWS

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_path = re.compile(r"/shop/customers/([^/]+)/orders(?:/(\d+))?")


def _cookies(header: bytes) -> dict[str, str]:
    cookies = {}
    for pair in header.decode("latin-1").split("; "):
        name, _, value = pair.partition("=")
        cookies[name] = value
    return cookies


def _arguments(query: bytes) -> dict[str, str]:
    arguments = {}
    for pair in query.decode("latin-1").split("&"):
        name, _, value = pair.partition("=")
        arguments[name] = unquote_plus(value) if "%" in value or "+" in value else value
    return arguments


async def _body(receive: Any) -> bytes:
    body = b""
    more_body = True
    while more_body:
        message = await receive()
        body += message.get("body", b"")
        more_body = message.get("more_body", False)
    return body


async def _app(scope: Any, receive: Any, send: Any) -> None:
    match = _path.fullmatch(scope["path"])  # lifespan has no path: the KeyError tells the server that there is none
    fields = dict(scope["headers"])
    scheme, _, token = fields.get(b"authorization", b"").decode("latin-1").partition(" ")
    if not match or scheme != "Bearer":
        await send({"type": "http.response.start", "status": 401 if match else 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    customer, order = match.groups()
    cookies = _cookies(fields.get(b"cookie", b""))
    if scope["method"] == "POST":
        data = _decode(await _body(receive))
        status = 201
        answer = {
            "customer": customer,
            "user": token,
            "basket": cookies.get("basket"),
            "sku": data["sku"],
            "quantity": data["quantity"],
        }
    else:
        arguments = _arguments(scope["query_string"])
        status = 200
        answer = {
            "customer": customer,
            "order": int(order),
            "user": token,
            "session": cookies.get("session"),
            "theme": cookies.get("theme"),
            "address": scope["client"][0],
            "page": int(arguments.get("page", "1")),
            "search": arguments.get("search"),
            "sort": arguments.get("sort"),
            "rows": ROWS,
        }
    body = _encode(answer)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", fields[b"x-request-id"]),
        (b"cache-control", b"private, max-age=0"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if status == 200:
        cookie = f"last_order={order}; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"
        headers.append((b"set-cookie", cookie.encode("latin-1")))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def make() -> Any:
    return _app
