"""The pytest plugin, in its own pytest: its fixtures, its deadline, and its imports."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = """
import asyncio, os, pytest
from sanic_star import Sanic, text
from starlette.applications import Starlette

@pytest.fixture
def app():
    app = Sanic("plugged")
    app.ctx.events = []
    @app.before_server_start
    async def start(app): app.ctx.events.append("start")
    @app.after_server_stop
    async def stop(app): print("stopped", flush=True)
    @app.get("/")
    async def hello(request): return text(f"Hello, {request.args.get('who')}")
    @app.get("/hang")
    async def hang(request): await asyncio.Event().wait()
    return app

def test_client(app, sanic_star_client):
    client = sanic_star_client(app, headers={"X-A": "b"})
    assert client.get("/?who=you").text == "Hello, you"
    assert client.get("/?who=me").request.headers["x-a"] == "b"
    assert app.ctx.events == ["start"]

def test_of_any_app(sanic_star_client):
    assert sanic_star_client(Starlette()).get("/").status_code == 404

@pytest.mark.parametrize("where", [{}, {"port": 0}])
def test_reusable(app, sanic_star_reusable, where):
    client = sanic_star_reusable(app, **where)
    for who in ("you", "me"):
        assert client.get("/", params={"who": who})[1].text == f"Hello, {who}"
    assert app.ctx.events == ["start"]

def test_hangs(app):
    with pytest.raises(ValueError, match="within 0.2 s: it waits at .* in hang"):
        app.test_client.get("/hang")
"""


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-rP", "-p", "no:cacheprovider", "-p", "sanic_star.testing.plugin"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("SANIC_STAR_TEST_DEADLINE", None)
    return subprocess.run(
        [*command, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_fixtures_and_the_deadline(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "--sanic-star-deadline", "0.2")
    assert "5 passed" in done.stdout, done.stdout
    assert done.stdout.count("\nstopped\n") == 4


def test_the_deadline_in_the_configuration_and_in_several_processes(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nsanic_star_deadline = 0.2\n")
    done = run_pytest(tmp_path, "-n", "2")
    assert "5 passed" in done.stdout, done.stdout


def test_a_deadline_must_be_a_number(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nsanic_star_deadline = soon\n")
    done = run_pytest(tmp_path)
    assert "sanic_star_deadline is a number of seconds, 0 for no limit, got 'soon'" in done.stderr


def test_it_imports_no_client_and_no_server() -> None:
    code = "import sys, sanic_star.testing.plugin; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert {"requests", "urllib3", "httpx2", "uvicorn", "websockets"} & set(done.stdout.split()) == set()
