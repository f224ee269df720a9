"""sentry-sdk: it replaces `Sanic._startup`, listens to signals, and knows Starlette as well."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import requests

from tests.ecosystem import ROOT
from tests.ecosystem.conftest import Serve
from tests.engine.processes import TIMEOUT_S, Process

APP = """
    import json
    import sentry_sdk
    from sanic import Blueprint, Sanic, text
    from sanic.exceptions import NotFound

    def report(kind):
        def show(event, hint):
            chosen = {key: event.get(key) for key in ("transaction", "request", "exception", "tags")}
            print("SENTRY", kind, json.dumps(chosen, default=str), flush=True)
        return show

    sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", traces_sample_rate=1.0, send_default_pii=True,
                    before_send=report("event"), before_send_transaction=report("transaction"))
    app = Sanic("Watched")
    api = Blueprint("api", url_prefix="/api")

    @api.get("/items/<n:int>")
    async def item(request, n):
        sentry_sdk.set_tag("n", n)
        return text(str(n))

    @api.post("/fails")
    async def fails(request):
        raise ValueError("fails")

    @app.get("/plain")
    def plain(request):
        return text("plain")

    @app.get("/gone")
    async def gone(request):
        raise NotFound("gone")

    app.blueprint(api)
"""


def reports(process: Process, kind: str) -> list[dict[str, Any]]:
    prefix = f"SENTRY {kind} "
    return [json.loads(line.removeprefix(prefix)) for line in process.lines if line.startswith(prefix)]


def test_transactions(serve: Serve) -> None:
    """Each request is one transaction, named by its handler."""
    process = serve(APP)
    base = f"http://127.0.0.1:{process.port}"
    for path in ("/api/items/5", "/plain", "/api/items/6"):
        assert requests.get(base + path, timeout=TIMEOUT_S).status_code == 200
    process.until(lambda: len(reports(process, "transaction")) >= 3 or None)
    # As a request that comes after them shows, there are no more.
    assert requests.get(base + "/plain", timeout=TIMEOUT_S).status_code == 200
    process.until(lambda: len(reports(process, "transaction")) >= 4 or None)
    names = [report["transaction"] for report in reports(process, "transaction")]
    assert names == ["api.item", "plain", "api.item", "plain"]
    assert [(report["tags"] or {}).get("n") for report in reports(process, "transaction")] == [5, None, 6, None]


# Without `uvicorn`: what the applications send is compared, not how they are served.
NESTED = """
    import sys
    sys.path.insert(0, ROOT)
    from sanic_star.compat import install; install()
    import asyncio
    import httpx2
    import sentry_sdk
    from sentry_sdk.transport import Transport

    sent = []

    class Keeping(Transport):
        def capture_envelope(self, envelope):
            sent.extend(f"{item.type} {item.payload.json['transaction']}" for item in envelope.items
                        if item.type in ("event", "transaction"))

    sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", transport=Keeping, traces_sample_rate=1.0)

    from sanic import Sanic, text
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Mount, Route

    def sanic(name):
        app = Sanic(name)

        @app.get("/ours/<n:int>")
        async def ours(request, n):
            return text("ours")

        @app.get("/fails")
        async def fails(request):
            raise ValueError("ours")

        return app

    async def theirs(request):
        return PlainTextResponse("theirs")

    async def broken(request):
        raise ValueError("theirs")

    def starlette(*more):
        return Starlette(routes=[Route("/theirs/{n:int}", theirs), Route("/broken", broken), *more])

    outer = sanic("Outer")
    outer.mount("/starlette", starlette())
    outer.mount("/sanic", sanic("Inner"))
    outer.add_route("/route/{n:int}", theirs)
    outer.add_route("/breaks", broken)
    site = starlette(Mount("/sanic", sanic("Mounted")))

    async def ask(app, *paths):
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            for path in paths:
                sent.clear()
                # In a task for each, as servers do.
                status = (await asyncio.create_task(client.get(path))).status_code
                print("SENT", type(app).__name__, path, status, *sent, flush=True)

    # No lifespan: the first request starts the application.
    asyncio.run(ask(outer, "/ours/1", "/ours/2", "/fails", "/starlette/theirs/1", "/starlette/broken", "/sanic/ours/1",
                    "/sanic/fails", "/route/1", "/breaks", "/none"))
    # Without anything of Sanic, to compare the names with.
    asyncio.run(ask(Starlette(routes=[Mount("/starlette", starlette())]), "/starlette/theirs/1", "/starlette/broken"))
    asyncio.run(ask(site, "/sanic/ours/1", "/sanic/ours/2", "/sanic/fails", "/theirs/1", "/broken"))
"""
# Sentry's name for whatever Starlette has mounted.
MOUNTED = "generic Starlette request"
SENT = [
    # It was on its way when the application started, and has Starlette's name.
    "Sanic /ours/1 200 transaction /ours/{n:int}",
    "Sanic /ours/2 200 transaction ours",
    "Sanic /fails 500 event fails transaction fails",
    f"Sanic /starlette/theirs/1 200 transaction {MOUNTED}",
    f"Sanic /starlette/broken 500 event {MOUNTED} transaction {MOUNTED}",
    "Sanic /sanic/ours/1 200 transaction ours",
    "Sanic /sanic/fails 500 event fails transaction fails",
    "Sanic /route/1 200 transaction /route/{n:int}",
    "Sanic /breaks 500 event /breaks transaction /breaks",
    "Sanic /none 404",
    f"Starlette /starlette/theirs/1 200 transaction {MOUNTED}",
    f"Starlette /starlette/broken 500 event {MOUNTED} transaction {MOUNTED}",
    "Starlette /sanic/ours/1 200 transaction /ours/{n:int}",
    "Starlette /sanic/ours/2 200 transaction /ours/{n:int}",
    "Starlette /sanic/fails 500 event /fails transaction /fails",
    "Starlette /theirs/1 200 transaction /theirs/{n:int}",
    "Starlette /broken 500 event /broken transaction /broken",
]


def test_mounted_and_lazily_started(tmp_path: Path) -> None:
    """Mounted in Starlette or mounting it, without lifespan: one transaction a request, one event an exception."""
    (tmp_path / "nested.py").write_text(textwrap.dedent(NESTED).replace("ROOT", repr(str(ROOT)), 1))
    done = subprocess.run((sys.executable, "nested.py"), cwd=tmp_path, capture_output=True, text=True, check=False)
    lines = [line.removeprefix("SENT ") for line in done.stdout.splitlines() if line.startswith("SENT ")]
    assert lines == SENT, done.stderr


LAZY = """
    import uvicorn
    from serving import app
    config = uvicorn.Config(app, port=0, lifespan="off")
    uvicorn.Server(config).run()
"""


def test_without_lifespan(tmp_path: Path) -> None:
    """Under `uvicorn --lifespan off` the first request, which starts the application, is one transaction."""
    alias = "from sanic_star.compat import install; install()\n"
    (tmp_path / "serving.py").write_text(alias + textwrap.dedent(APP))
    (tmp_path / "lazy.py").write_text(textwrap.dedent(LAZY))
    process = Process((sys.executable, "lazy.py"), tmp_path)
    try:
        for _ in range(3):
            assert process.get("/plain").text == "plain"
        process.until(lambda: len(reports(process, "transaction")) >= 3 or None)
    finally:
        process.terminate()
    assert [report["transaction"] for report in reports(process, "transaction")] == ["/plain", "plain", "plain"]


def test_errors(serve: Serve) -> None:
    """An exception is reported with method, URL, cookies and body of its request; a 404 is not reported."""
    process = serve(APP)
    base = f"http://127.0.0.1:{process.port}"
    assert requests.get(base + "/gone", timeout=TIMEOUT_S).status_code == 404
    response = requests.post(base + "/api/fails", json={"a": 1}, cookies={"c": "d"}, timeout=TIMEOUT_S)
    assert response.status_code == 500
    # When the error handler is looked up, and from the log.
    events = process.until(lambda: reported if len(reported := reports(process, "event")) >= 2 else None)
    for event in events:
        exception = event["exception"]["values"][-1]
        assert (exception["type"], exception["value"], event["transaction"]) == ("ValueError", "fails", "api.fails")
        request = event["request"]
        assert (request["method"], request["url"], request["data"]) == ("POST", f"{base}/api/fails", {"a": 1})
        assert request["cookies"] == {"c": ["d"]}
    assert len(process.until(lambda: reports(process, "transaction"))) == 1


CATCH_ALL = """
    @app.exception(Exception)
    async def sorry(request, exception):
        return text("sorry", 500)
"""


def test_errors_behind_a_handler_for_anything(serve: Serve) -> None:
    """An exception that a handler for `Exception` answers is one event."""
    process = serve(APP + CATCH_ALL)
    base = f"http://127.0.0.1:{process.port}"
    for _ in range(2):
        response = requests.post(f"{base}/api/fails", json={"a": 1}, timeout=TIMEOUT_S)
        assert (response.status_code, response.text) == (500, "sorry")
    # As a request that comes after them shows, there are no more.
    assert requests.get(f"{base}/plain", timeout=TIMEOUT_S).status_code == 200
    process.until(lambda: len(reports(process, "transaction")) >= 3 or None)
    events = reports(process, "event")
    assert [event["exception"]["values"][-1]["value"] for event in events] == ["fails", "fails"]
    assert {event["transaction"] for event in events} == {"api.fails"}
