"""sentry-sdk with its integration for Starlette: what an application has that imports `sanic_star`."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.ecosystem import ROOT

# In a process of its own, because it replaces methods of Starlette's classes.
SCRIPT = """
    import asyncio, json, sys
    sys.path.insert(0, ROOT)
    HOW, HANDLES, INIT = sys.argv[1:]
    import sentry_sdk
    from sentry_sdk.integrations.sanic import SanicIntegration
    from sentry_sdk.transport import Transport

    sent = []

    class Keeping(Transport):
        def capture_envelope(self, envelope):
            for item in envelope.items:
                content = item.payload.json
                if item.type == "event":
                    exception = content["exception"]["values"][-1]
                    asked = content["request"]
                    sent.append(["event", content["transaction"], exception["value"], asked["method"], asked["url"]])
                elif item.type == "transaction":
                    sent.append(["transaction", content["transaction"]])

    def init():
        # Sanic itself is installed here; where it is not, this integration is off anyway.
        sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", transport=Keeping, traces_sample_rate=1.0,
                        disabled_integrations=[SanicIntegration()])

    if INIT == "first":
        init()

    from starlette.responses import PlainTextResponse
    from sanic_star import text
    from tests.ecosystem.asgi.sites import client, site

    app = site(HOW)
    if INIT == "listener":
        app.before_server_start(lambda app: init())
    kinds = {"anything": Exception, "value": ValueError}
    if HANDLES in kinds:
        if HOW == "here":
            @app.exception(kinds[HANDLES])
            async def sorry(request, error):
                return text("sorry", 500)
        else:
            async def sorry(request, error):
                return PlainTextResponse("sorry", 500)
            app.add_exception_handler(kinds[HANDLES], sorry)

    async def main():
        async with client(app, lifespan=INIT == "listener") as asking:
            for path in PATHS:
                sent.clear()
                # In a task for each, as servers do.
                response = await asyncio.create_task(asking.get(path))
                print("SENT", json.dumps([path, response.status_code, *sent]), flush=True)

    asyncio.run(main())
"""
ROUTES = {
    "/items/5": ("/items/{n:int}", 200),
    "/api/items/6": ("/api/items/{n:int}", 200),
    "/names/first": ("/names/first", 200),
    "/theirs/items/5": ("/items/{n:int}", 200),
}
FAILURES = ["/fails", "/api/fails"]


def sent(tmp_path: Path, how: str, handles: str, init: str, paths: list[str]) -> list[Any]:
    """Return path, status and what was sent for each path."""
    source = textwrap.dedent(SCRIPT).replace("ROOT", repr(str(ROOT)), 1).replace("PATHS", repr(paths), 1)
    (tmp_path / "watched.py").write_text(source)
    command = (sys.executable, "watched.py", how, handles, init)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    lines = [json.loads(line.removeprefix("SENT ")) for line in done.stdout.splitlines() if line.startswith("SENT ")]
    assert len(lines) == len(paths), done.stderr
    return lines


def test_transactions(how: str, tmp_path: Path) -> None:
    """Each request is one transaction, named by the template of its route, also in a mounted Starlette application."""
    for path, status, *items in sent(tmp_path, how, "nothing", "first", [*ROUTES, "/gone"]):
        name, expected = ROUTES.get(path, (path, 404))
        assert (status, items) == (expected, [["transaction", name]])


@pytest.mark.parametrize("handles", ["nothing", "anything"])
def test_failures(how: str, tmp_path: Path, handles: str) -> None:
    """An exception is one event, also with a handler for `Exception` and in the first request; a 404 is no event."""
    paths = [*FAILURES, "/fails", "/theirs/fails", "/gone", "/none"]
    for path, status, *items in sent(tmp_path, how, handles, "first", paths):
        events = [item for item in items if item[0] == "event"]
        name = path.removeprefix("/theirs")
        if path in ("/gone", "/none"):
            assert (events, len(items)) == ([], 1)
        else:
            assert (status, events) == (500, [["event", name, "it fails", "GET", f"http://test{path}"]])
            assert len(items) == 2


def test_expected_failures(how: str, tmp_path: Path) -> None:
    """An exception that has a handler of its own is no event."""
    for path, status, *items in sent(tmp_path, how, "value", "first", FAILURES):
        assert (status, items) == (500, [["transaction", path]])


@pytest.mark.parametrize("handles", ["nothing", "anything"])
def test_set_up_by_a_listener_here(tmp_path: Path, handles: str) -> None:
    """Set up in `before_server_start`, as Sentry documents it for Sanic: one event an exception."""
    for path, status, *items in sent(tmp_path, "here", handles, "listener", FAILURES):
        assert (status, [item[0] for item in items if item[0] == "event"]) == (500, ["event"]), path
