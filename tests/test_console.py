"""The prompt of `sanic-star --repl`: its statements run on the server's loop, and the server ends with it."""

import asyncio
import os
import pty
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sanic_star import Request, Sanic, json
from sanic_star.cli import main
from sanic_star.cli._console import Console, send_request, variables_of

TIMEOUT_S = 60


@pytest.fixture
def app() -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Prompt")

    @app.route("/echo/<number:int>", methods=["GET", "POST"])
    async def echo(request: Request, number: int) -> Any:
        return json([number, request.method, request.query_string, request.headers.get("x-a"), request.body.decode()])

    return app


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join(TIMEOUT_S)
    loop.close()


async def test_requests_without_a_server(app: Sanic[Any, Any]) -> None:
    result = await send_request(app, "/echo/5?a=1", {"X-A": "b"}, "post", "body é")
    assert (result.request.method, result.request.path, result.response.status) == ("POST", "/echo/5", 200)
    assert result.response.body == '[5,"POST","a=1","b","body é"]'.encode()
    assert result.response.headers["content-type"] == "application/json"
    pairs = await send_request(app, "/echo/6", [("host", "shop.example"), ("x-a", "c")])
    assert (pairs.request.host, pairs.response.body) == ("shop.example", b'[6,"GET","","c",""]')
    assert (await send_request(app, "/nowhere")).response.status == 404


@pytest.mark.parametrize(
    ("statements", "printed"),
    [
        (["1 + 1"], "2\n"),
        (["result = await do('/echo/7')", "result.response.status"], "200\n"),
        (["import asyncio", "await asyncio.sleep(0, 'slept')"], "'slept'\n"),
        (["app.name", "limit"], "'Prompt'\n10\n"),
        (["def double(n):", "    return 2 * n", "", "double(4)"], "8\n"),
    ],
)
def test_statements(
    app: Sanic[Any, Any],
    loop: asyncio.AbstractEventLoop,
    statements: list[str],
    printed: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    app.repl_ctx.limit = 10
    console = Console(variables_of(app), loop)
    for statement in statements:
        console.push(statement)
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize("statement", ["1/0", "await nothing", "raise KeyboardInterrupt", "if", "'\ud800'.encode()"])
def test_statements_that_fail(
    app: Sanic[Any, Any], loop: asyncio.AbstractEventLoop, statement: str, capsys: pytest.CaptureFixture[str]
) -> None:
    console = Console(variables_of(app), loop)
    console.push(statement)
    assert "Error" in (shown := capsys.readouterr().err) or "KeyboardInterrupt" in shown
    console.resetbuffer()
    console.push("'and on'")
    assert capsys.readouterr().out == "'and on'\n"


@pytest.mark.parametrize("statement", ["exit()", "raise SystemExit(3)"])
def test_a_statement_that_ends_it(app: Sanic[Any, Any], loop: asyncio.AbstractEventLoop, statement: str) -> None:
    console = Console({**variables_of(app), "exit": sys.exit}, loop)
    with pytest.raises(SystemExit):
        console.push(statement)
    assert loop.is_running()


@pytest.mark.parametrize("flags", [[], ["--workers", "2"], ["--dev"], ["--fast"], ["--reload"]])
def test_a_console_that_cannot_be_shown_exits_with_an_error(
    flags: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: bool(flags), raising=False)
    with pytest.raises(SystemExit) as ended:
        main(["examples.hello:app", "--repl", *flags])
    assert ended.value.code == (2 if flags else 1)
    assert ("--repl requires a single process" if flags else "--repl requires a terminal") in capsys.readouterr().err


@pytest.mark.parametrize("last", ["exit()\n", "\x04"])
def test_over_a_terminal(tmp_path: Path, last: str) -> None:
    (tmp_path / "served.py").write_text(
        "from sanic_star import Sanic, text\n"
        "app = Sanic('Served')\n"
        "app.get('/')(lambda request: text('hello'))\n"
        "app.repl_ctx.add(app.name, 'name', 'its name')\n"
    )
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "sanic_star", "served:app", "--repl", "--port=0"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=tmp_path,
    )
    os.close(terminal)
    shown = b""

    def read_until(text: bytes) -> None:
        nonlocal shown
        deadline = time.monotonic() + TIMEOUT_S
        while text not in shown and time.monotonic() < deadline:
            if select.select([controller], [], [], 0.2)[0]:
                try:
                    shown += os.read(controller, 65536)
                except OSError:  # the process has ended
                    break
        assert text in shown, shown.decode(errors="replace")

    try:
        read_until(b"Variables: app, do, sanic, name.")
        os.write(controller, b"(await do()).response.body + name.encode()\n")
        read_until(b"b'helloServed'")
        os.write(controller, last.encode())
        read_until(b"Server Stopped")
        assert process.wait(TIMEOUT_S) == 0
    finally:
        process.kill()
        process.wait()
        os.close(controller)
