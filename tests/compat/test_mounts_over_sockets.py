"""Mounts, hosts and their lifespans over sockets: `app.run`, uvicorn, hypercorn."""

import socket
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.engine.processes import TIMEOUT_S, UVICORN, process

SCRIPT = """
from contextlib import asynccontextmanager
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from sanic_star import Blueprint, NotFound, Sanic

@asynccontextmanager
async def entered(app):
    say("entered")
    yield
    say("left")

@asynccontextmanager
async def alone(app):
    say("never")
    yield

async def show(request):
    return PlainTextResponse(f"{request.scope['root_path']} {request.path_params} {await request.body()}")

async def fail(request):
    raise LookupError("inner")

def child(**options):
    return Starlette(routes=[Route("/show", show, methods=["GET", "POST"]), Route("/fail", fail)], **options)

inner = child(lifespan=entered)

def noting(name):
    noted = Sanic(name)
    noted.add_route(lambda request: text(name), "/show")
    for phase in ("before_server_start", "after_server_start", "before_server_stop", "after_server_stop"):
        noted.register_listener(lambda app, phase=phase: say(f"{name}:{phase};"), phase)
    return noted

by_hand, lazy = noting("by_hand"), noting("lazy")

@asynccontextmanager
async def outer_lifespan(app):
    async with inner.router.lifespan_context(inner), by_hand.router.lifespan_context(by_hand):
        yield

app.router.lifespan_context = outer_lifespan
app.mount("/t/<tenant>", inner)
app.mount("/by_hand", by_hand)
app.mount("/lazy", lazy, lifespan=False)
app.mount("/alone", child(lifespan=alone), lifespan=False)
app.mount("/errors", child(), handle_errors=True)
app.host("other.example.org", child())
bp = Blueprint("bp", url_prefix="/bp")
bp.mount("/sub", child())
app.blueprint(bp)

@bp.on_request
async def guard(request):
    return None if "user" in request.args else text("login", 401)

@app.exception(LookupError)
async def found(request, error):
    return text(f"outer {error}", 418)

@app.exception(NotFound)
async def missing(request, error):
    return text("outer 404", 404)
"""
PHASES = ("before_server_start", "after_server_start", "before_server_stop", "after_server_stop")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.mark.parametrize("server", ["run", "uvicorn", "hypercorn"])
def test_mounts_work_under_every_kind_of_server(tmp_path: Path, server: str) -> None:
    commands = {
        "run": (),
        "uvicorn": (*UVICORN, "served:app"),
        "hypercorn": (sys.executable, "-m", "hypercorn", "-b", f"127.0.0.1:{free_port()}", "served:app"),
    }
    script = SCRIPT + ('\nif __name__ == "__main__":\n    app.run(port=0, single_process=True)\n' * (server == "run"))
    with process(tmp_path, script, *commands[server]) as served:
        assert served.get("/t/acme/show").text == "/t/acme {'tenant': 'acme'} b''"

        def ask(path: str, **options: Any) -> requests.Response:
            return requests.get(f"http://127.0.0.1:{served.port}{path}", timeout=TIMEOUT_S, **options)

        assert ask("/t/acme/none").status_code == 404
        assert ask("/alone/show").text == "/alone {} b''"
        assert ask("/by_hand/show").text == "by_hand"
        assert ask("/lazy/show").text == "lazy"
        assert ask("/alone/fail").status_code == 500
        answer = ask("/errors/fail")
        assert (answer.status_code, answer.text) == (418, "outer inner")
        assert ask("/errors/none").text == "outer 404"
        assert ask("/bp/sub/show").status_code == 401
        assert ask("/bp/sub/show?user=1", data=b"body").text == "/bp/sub {} b'body'"
        assert ask("/show", headers={"host": "other.example.org"}).text == " {} b''"
        assert ask("/show").status_code == 404
        served.terminate()
    assert served.log.count("entered") == served.log.count("left") == 1
    assert "never" not in served.log
    for name in ("by_hand", "lazy"):
        order = [served.log.index(f"{name}:{phase};") for phase in PHASES]
        assert order == sorted(order)
        assert [served.log.count(f"{name}:{phase};") for phase in PHASES] == [1, 1, 1, 1]
