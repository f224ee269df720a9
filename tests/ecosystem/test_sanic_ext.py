"""Sanic Extensions: the shop of `extensions/project`, served on Sanic and here in every way, and compared."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import requests
import websockets.sync.client

from tests.ecosystem.extensions import exchanges, serving
from tests.engine.processes import TIMEOUT_S, Process

CONTROL = "Sanic"
SETUPS = [setup for setup in serving.setups(0) if not setup.startswith(CONTROL)]
# Commands were injected into from 25.12 on.
INJECTS_COMMANDS = tuple(map(int, version("sanic-ext").split(".")[:2])) >= (25, 12)


Shop = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the project."""
    folder = tmp_path_factory.mktemp("shop")
    serving.unpack(folder)
    return folder


@pytest.fixture(scope="module")
def shop(folder: Path) -> Shop:
    """Return a function that serves the shop once for each setup, and returns its answers by their group."""
    kept: dict[str, dict[str, Any]] = {}

    def answers(setup: str) -> dict[str, Any]:
        if setup not in kept:
            port = serving.free_port()
            command, env = serving.setups(port)[setup]
            with serving.served(folder, command, port, env) as (_, base):
                kept[setup] = {group: exchanges.answers(base, group) for group in exchanges.GROUPS}
                kept[setup]["websocket"] = _talk(base)
        return kept[setup]

    return answers


def _talk(base: str) -> list[str | bytes]:
    with websockets.sync.client.connect(f"ws{base.removeprefix('http')}{exchanges.LIVE}") as connection:
        connection.send("hello")
        return [connection.recv(TIMEOUT_S)]


def compare(shop: Shop, setup: str, *groups: str) -> None:
    """Compare the answers of groups with those of Sanic, and their status with what it has to be."""
    for group in groups:
        for (exchange, answer), (_, control) in zip(shop(setup)[group], shop(CONTROL)[group], strict=True):
            assert answer[0] == exchange.status, (exchange, answer)
            if not (setup.endswith("dev") and exchange.status >= 400):  # debug mode explains errors
                assert exchanges.comparable(answer) == exchanges.comparable(control), exchange


every_setup = pytest.mark.parametrize("setup", SETUPS)


@every_setup
def test_validation(shop: Shop, setup: str) -> None:
    """Validation by pydantic, msgspec, attrs and dataclasses: JSON, forms and queries, valid and invalid."""
    compare(shop, setup, *(f"validation with {kind}" for kind in exchanges.KINDS), "validation of two at once")


@every_setup
def test_injection(shop: Shop, setup: str) -> None:
    """Injection by type, by callable, of constants and objects, into handlers, views and blueprints."""
    compare(shop, setup, "injection")


@every_setup
def test_injection_into_websockets(shop: Shop, setup: str) -> None:
    """Injection into websocket handlers."""
    assert shop(setup)["websocket"] == shop(CONTROL)["websocket"] == ["hello nobody EUR"]


@every_setup
def test_openapi(shop: Shop, setup: str) -> None:
    """The OpenAPI document, the pages of Swagger and ReDoc, and decorators; websockets have their handler's name."""
    compare(shop, setup, "OpenAPI")
    spec = next(answer for exchange, answer in shop(setup)["OpenAPI"] if exchange.path == "/docs/openapi.json")
    assert spec[2]["paths"][exchanges.LIVE]["get"]["summary"] == "Live"


@every_setup
def test_cors(shop: Shop, setup: str) -> None:
    """CORS with preflight requests, allowed and other origins, and settings of one route."""
    compare(shop, setup, "CORS")
    origins = {
        exchange.headers["origin"]: answer[1].get("access-control-allow-origin")
        for exchange, answer in shop(setup)["CORS"]
        if (exchange.method, exchange.path) == ("GET", "/greeting") and "origin" in exchange.headers
    }
    assert origins["https://shop.example"] == "https://shop.example"
    assert origins["https://evil.example"] is None


@every_setup
def test_templates(shop: Shop, setup: str) -> None:
    """Templates of jinja2: the decorator, `render`, a template in the code, and a missing template."""
    compare(shop, setup, "templates")


@every_setup
def test_methods(shop: Shop, setup: str) -> None:
    """HEAD and OPTIONS routes are added, and TRACE is not."""
    compare(shop, setup, "methods that are added")


@every_setup
def test_others(shop: Shop, setup: str) -> None:
    """A custom extension, serializers, `CountedRequest`, and static files beside them."""
    compare(shop, setup, "extension, serializer, counted requests, files")


def test_injection_before_the_handler(shop: Shop) -> None:
    """`INJECTION_SIGNAL` may be `http.handler.before`."""
    for (exchange, answer), (_, control) in zip(
        shop("app.run, handler.before")["injection"], shop("Sanic, handler.before")["injection"], strict=True
    ):
        assert answer == control, exchange
        assert answer[0] == exchange.status


@pytest.mark.parametrize("variant", exchanges.VARIANTS)
def test_variants(folder: Path, variant: str) -> None:
    """Other settings and ways to extend: CORS by pattern or list, TRACE, no documents, a label that fails."""
    answers = {}
    for how, command in (
        ("Sanic", (sys.executable, "variants.py")),
        ("here", (sys.executable, "-m", "sanic_star.compat", "variants.py")),
    ):
        port = serving.free_port()
        env = {"SHOP_PORT": str(port), "VARIANT": variant}
        with serving.served(folder, command, port, env) as (_, base):
            answers[how] = exchanges.of_variant(base)
    for request, control in answers["Sanic"].items():
        assert answers["here"][request] == control, request
    request, status, header, value = exchanges.VARIANTS[variant]
    answer = answers["here"][request]
    assert answer[0] == status
    assert value is None or answer[1].get(header) == value


def test_injection_into_commands(folder: Path) -> None:
    """Injection into commands: `sanic-star shop:app exec restock`."""
    stated = {}
    for name, module in (("Sanic", "sanic"), ("here", "sanic_star")):
        for arguments in (["--count", "3"], []):
            done = subprocess.run(
                (sys.executable, "-m", module, "shop:app", "exec", "restock", *arguments),
                cwd=folder,
                env={name: value for name, value in os.environ.items() if name != "SANIC_AUTO_EXTEND"},
                capture_output=True,
                text=True,
                check=False,
            )
            stated[name, *arguments] = done.returncode, [line for line in done.stdout.splitlines() if "restock" in line]
    if INJECTS_COMMANDS:
        assert stated["here", "--count", "3"] == (0, ["restocked 3 at 7 EUR"])
        assert stated["here",] == (0, ["restocked 1 at 7 EUR"])
    assert (stated["Sanic", "--count", "3"], stated["Sanic",]) == (stated["here", "--count", "3"], stated["here",])


def _has_background_record(process: Process) -> bool:
    return re.search("^Logger .*Worker ready", process.log, re.MULTILINE) is not None


@pytest.mark.parametrize("workers", [1, 2])
def test_health_and_logging(folder: Path, workers: int) -> None:
    """`HEALTH` with its endpoint and the background logger, with one worker and with two."""
    states = {}
    for setup in ("Sanic", "app.run"):
        port = serving.free_port()
        command, env = serving.setups(port)[setup]
        env = env | {"SHOP_SUPERVISED": "1", "SHOP_WORKERS": str(workers)}
        with serving.served(folder, (*serving.OWN_GROUP, *command), port, env) as (process, base):
            states[setup] = requests.get(f"{base}/__health__/", timeout=TIMEOUT_S).json()
            assert requests.get(f"{base}/missing", timeout=TIMEOUT_S).status_code == 500
            # Workers hand their records to the process of the logger, whose name begins the line.
            process.until(partial(_has_background_record, process))
            if setup == "Sanic":
                # Its manager does not always end.
                os.killpg(process.popen.pid, signal.SIGKILL)
            else:
                process.popen.terminate()
                assert process.wait_for_end() == 0
    names = {
        setup: {name.rpartition("-")[0]: sorted(state) for name, state in states[setup].items()} for setup in states
    }
    assert names["app.run"].keys() == names["Sanic"].keys()
    assert sum(name.startswith("Sanic-Server") for name in states["app.run"]) == workers
    assert {"Sanic-HealthMonitor", "Sanic-Logger"} <= names["app.run"].keys()


MOUNTS = """
    from sanic_star.compat import install; install()
    from sanic import Sanic, text
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles
    from sanic_ext import openapi

    async def theirs(request): return PlainTextResponse("theirs")

    async def broken(request): raise ValueError("broken")

    inner = Sanic("Inner")
    inner.get("/inside", name="inside")(lambda request: text("inside"))
    app = Sanic("Outer", routes=[Route("/theirs", theirs), Mount("/named", routes=[Route("/x", theirs)], name="named")])
    app.config.CORS_ORIGINS = "https://shop.example"
    app.get("/greeting", name="greeting")(lambda request: text("hello"))
    app.mount("/inner", inner)
    app.mount("/starlette", Starlette(routes=[Route("/x", theirs), Route("/broken", broken)]))
    app.mount("/static", StaticFiles(directory="templates"))
    app.add_route("/late", theirs)
    app.static("/files", "templates", name="files")

    @app.before_server_start
    async def mount_more(app):
        app.mount("/more", Starlette(routes=[Route("/x", theirs)]))
"""


@pytest.mark.parametrize("server", ["uvicorn", "sanic-star"])
def test_mounts(folder: Path, server: str) -> None:
    """Mounted applications, mounted files and Starlette's routes beside it answer, and are in no document."""
    (folder / "mounts.py").write_text(textwrap.dedent(MOUNTS))
    port = serving.free_port()
    commands = {
        "uvicorn": (*serving.UVICORN, str(port), "mounts:app"),
        "sanic-star": (sys.executable, "-m", "sanic_star", "mounts:app", "--port", str(port)),
    }
    origin = {"origin": "https://shop.example"}
    with serving.served(folder, commands[server], port, {}) as (_, base):
        paths = {
            "/theirs": "theirs", "/named/x": "theirs", "/late": "theirs", "/inner/inside": "inside",
            "/starlette/x": "theirs", "/more/x": "theirs", "/greeting": "hello",
        }  # fmt: skip
        assert {path: requests.get(base + path, timeout=TIMEOUT_S, headers=origin).text for path in paths} == paths
        for path in ("/static/hello.html", "/files/hello.html"):
            assert "Hello" in requests.get(base + path, timeout=TIMEOUT_S).text
        # Their CORS headers are no matter of the extensions, except where the error is answered outside.
        for path, status in (("/inner/nosuch", 404), ("/starlette/broken", 500), ("/static/nosuch", 404)):
            assert requests.get(base + path, timeout=TIMEOUT_S, headers=origin).status_code == status
        # The package keeps the paths of all applications of a process in one place, and leaves those of others empty.
        documents = [
            {path for path, operations in document["paths"].items() if operations}
            for prefix in ("", "/inner")
            for document in [requests.get(f"{base}{prefix}/docs/openapi.json", timeout=TIMEOUT_S).json()]
        ]
        assert documents == [{"/greeting"}, {"/inside"}]
        redirect = requests.get(f"{base}/theirs/", timeout=TIMEOUT_S, headers=origin, allow_redirects=False)
        assert (redirect.status_code, redirect.headers["location"]) == (307, f"{base}/theirs")
        preflight = requests.options(
            f"{base}/greeting", headers=origin | {"access-control-request-method": "GET"}, timeout=TIMEOUT_S
        )
        assert preflight.headers["access-control-allow-origin"] == "https://shop.example"
