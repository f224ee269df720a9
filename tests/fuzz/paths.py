"""Random paths, to routes and to files: never a 500, never a file from outside, and the same status as Sanic.

Both answer in this process, as ASGI applications. Paths that Sanic answers with 500 are skipped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote

SECRET = "what stands outside"
_ODD = r"""
.. %2e%2e %2E. .%2e ..%2f.. %2e%2e%2f %252e%252e %c0%ae%c0%ae %c0%af ..%5c ..\ ..; ... ~root con . %00 a%00 a.txt
a.txt%00 a%2etxt sub sub/b.txt sub%2fb.txt secret.txt link.txt + ~ %20 | * é % %4 %zz %u002e %ff %C3%A4 1 -1 "
"""
_LONG = ("9" * 400, "a" * 300, "a" * 5000, "/" * 40, "../" * 30, "%2e%2e/" * 30, "%2f" * 40)
SEGMENTS = (*_ODD.split(), "", "\xff", "\xc3\xa4", *_LONG)
ROUTES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/", {}),
    ("/p/<x>", {}),
    ("/i/<x:int>", {}),
    ("/f/<x:path>", {}),
    ("/u/<x>", {"unquote": True}),
)
PREFIXES = ("/", "/static/", "/static", "/s/", "/p/", "/i/", "/f/", "/u/", "//", "/static//", "/p%2f", "")


_running: list[asyncio.Future[Any]] = []


@dataclass(frozen=True)
class Response:
    """The parts of a response that are compared."""

    status: int
    body: bytes


def paths(random: Random, count: int) -> Iterator[bytes]:
    """Yield paths as sent on the wire, each with its leading slash."""
    for _ in range(count):
        if random.random() < 0.1:
            tail = bytes(random.randrange(256) for _ in range(random.randint(0, 30))).decode("latin-1")
        else:
            tail = random.choice(("/", "/", "", "//")).join(random.choices(SEGMENTS, k=random.randint(1, 5)))
        path = (random.choice(PREFIXES) + tail).encode("latin-1", "replace")
        # These characters end a target or start its query, so no server passes a path that contains one.
        for byte in b" \r\n\t\0?#":
            path = path.replace(bytes((byte,)), b"")
        yield path if path.startswith(b"/") else b"/" + path


def files(root: Path) -> Path:
    """Create the served files, and one outside that must not be served; return the served directory."""
    served = root / "served"
    (served / "sub").mkdir(parents=True)
    (served / "a.txt").write_text("a")
    (served / "sub" / "b.txt").write_text("b")
    (root / "secret.txt").write_text(SECRET)
    (served / "link.txt").symlink_to(root / "secret.txt")
    return served


def application(package: Any, name: str, served: Path) -> Any:
    """Return an application of one of the frameworks."""
    app = package.Sanic(name)

    async def answer(request: Any, **given: Any) -> Any:
        return package.text(ascii(sorted(given.items())))

    for number, (uri, options) in enumerate(ROUTES):
        app.add_route(answer, uri, name=f"r{number}", **options)
    app.static("/static", served, name="files")
    app.static("/s", served, name="more", use_content_range=True, stream_large_files=True)
    return app


async def ask(app: Any, raw: bytes, method: str = "GET", host: str | None = "a.test") -> Response:
    """Send a request without a body; an exception reraised after its response is ignored, as a server logs it."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw.decode("latin-1")),
        "raw_path": raw,
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", host.encode())] if host else [],
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 80),
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    try:
        await app(scope, receive, send)
    except Exception as error:
        if not sent:
            return Response(500, repr(error).encode())
    return Response(sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:]))


async def start(app: Any) -> None:
    """Start an application as a server does; it is never stopped, because it holds no open resources."""
    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    inbox.put_nowait({"type": "lifespan.startup"})
    task = asyncio.ensure_future(app({"type": "lifespan", "asgi": {"version": "3.0"}}, inbox.get, outbox.put))
    assert (await outbox.get())["type"] == "lifespan.startup.complete"
    _running.append(task)


async def compare_paths(seed: int, count: int, packages: tuple[Any, Any], root: Path) -> list[str]:
    """Request the same paths of both; return the faults."""
    served = files(root)
    sanics, ours = (application(package, f"Paths{place}", served) for place, package in enumerate(packages))
    await start(ours)
    await start(sanics)
    differences = []
    failed_count = 0
    for raw in paths(Random(seed), count):
        our_answer = await ask(ours, raw)
        if our_answer.status >= 500:
            differences.append(f"{raw[:200]!r}: {our_answer}")
        if SECRET.encode() in our_answer.body:
            differences.append(f"{raw[:200]!r}: a file from outside")
        sanic_answer = await ask(sanics, raw)
        failed_count += sanic_answer.status == 500
        if sanic_answer.status != 500 and (sanic_answer.status, sanic_answer.status == 200 and sanic_answer.body) != (
            our_answer.status,
            our_answer.status == 200 and our_answer.body,
        ):
            differences.append(
                f"{raw[:200]!r}: Sanic {sanic_answer.status} {sanic_answer.body[:80]!r}, "
                f"here {our_answer.status} {our_answer.body[:80]!r}"
            )
    if failed_count > count / 2:
        differences.append(f"Sanic answers {failed_count} of {count} with 500: nothing is compared")
    return differences
