"""sanic-testing: a project's tests, written with it, in a process of their own on Sanic and here."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.ecosystem import ROOT
from tests.engine.processes import free_port

TESTS = """
    import os

    import pytest
    from sanic import Sanic, json, text
    from sanic_testing import TestManager
    from sanic_testing.reusable import ReusableClient
    from sanic_testing.testing import SanicASGITestClient, SanicTestClient

    @pytest.fixture
    def app():
        made = Sanic("Tested")

        @made.post("/echo")
        async def echo(request):
            return json(request.json, headers={"x-a": request.headers.get("x-a", "")})

        @made.websocket("/feed")
        async def feed(request, ws):
            await ws.send("hello")
            while message := await ws.recv():
                await ws.send(f"got {message}")

        return made

    def test_client(app):
        request, response = app.test_client.post("/echo", json={"a": 1}, headers={"x-a": "b"})
        assert (request.method, request.path, response.status) == ("POST", "/echo", 200)
        assert (response.json, response.headers["x-a"]) == ({"a": 1}, "b")

    def test_missing(app):
        _, response = app.test_client.get("/none")
        assert response.status == 404

    def test_websocket(app):
        async def mimic(websocket):
            await websocket.send("one")
            await websocket.recv()
            await websocket.recv()
        _, response = app.test_client.websocket("/feed", mimic=mimic)
        assert response.opened
        assert response.server_sent == response.client_received == ["hello", "got one"]
        assert response.server_received[0] == "one"

    @pytest.mark.asyncio
    async def test_asgi(app):
        request, response = await app.asgi_client.post("/echo", json=[1])
        assert (request.path, response.json) == ("/echo", [1])

    def test_reusable(app):
        with ReusableClient(app, port=int(os.environ["FREE_PORT"])) as client:
            assert [client.post("/echo", json=n)[1].json for n in range(3)] == [0, 1, 2]

    def test_manager(app):
        manager = TestManager(app)
        assert app._test_manager is manager
        assert isinstance(manager.test_client, SanicTestClient)
        assert isinstance(manager.asgi_client, SanicASGITestClient)
        assert manager.test_client.post("/echo", json=1)[1].json == 1
"""


@pytest.mark.parametrize("how", ["sanic", "here"])
def test_a_project(how: str, tmp_path: Path) -> None:
    """The clients, websockets, the ASGI client, a reusable client and the manager pass a project's tests."""
    (tmp_path / "test_project.py").write_text(textwrap.dedent(TESTS))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "."]
    if how == "here":
        command.insert(-1, "--sanic-star-alias")
    env = {"PYTHONPATH": str(ROOT), "PATH": "", "FREE_PORT": str(free_port())}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout
