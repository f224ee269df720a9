"""The command: what it can't do it says in one line, what it can it does and ends with status 0."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from sanic_star import Sanic, __version__
from sanic_star.cli import Unusable, _loading, _serve, load, main

# Written for Sanic, and with no word of this package.
APP = """
from sanic import Blueprint, Sanic, text
from sanic.views import HTTPMethodView

app = Sanic("Command")
other = Sanic("Other")
number = 3
shelf = Blueprint("shelf", url_prefix="/shelf")


@app.get("/")
async def hello(request):
    return text("hello")


@shelf.websocket("/feed")
async def feed(request, ws): ...


class Book(HTTPMethodView):
    async def get(self, request, number): ...
    async def put(self, request, number): ...


shelf.add_route(Book.as_view(), "/<number:int>")
app.blueprint(shelf)


def make():
    return Sanic("Made")


def forgets():
    Sanic("Forgotten")


def make_with(args):
    return Sanic(f"Made-{args.target.partition(':')[0]}-{args.port}")


class Made(Sanic):
    def __init__(self):
        super().__init__("Class")


@app.command
async def restock(item, count: int = 3):
    "Order more."
    print(f"{count!r} {item!r}")


@app.command(name="clean-up")
def clean(*, dry_run: bool = False, **more):
    print(f"{dry_run!r} {more!r}")


@app.command
def broken():
    raise ValueError("broken")
"""

MOUNTS = """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from sanic_star import Sanic


async def version(request):
    return PlainTextResponse("1.0")


async def feed(websocket): ...


app = Sanic("Site")
files = Mount("/files", StaticFiles(directory="."))
inner = Starlette(routes=[Route("/version", version), WebSocketRoute("/feed", feed), files])
app.mount("/about", inner)
app.router.routes.append(Host("api.example", inner))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_sanic: None) -> Path:
    (tmp_path / "served.py").write_text(dedent(APP))
    (tmp_path / "site_of_mounts.py").write_text(dedent(MOUNTS))
    (tmp_path / "broken.py").write_text("import no_such_library")
    (tmp_path / "failing.py").write_text("raise ValueError('of its own')")
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    (tmp_path / "shop" / "served.py").write_text(dedent(APP).replace('"Command"', '"Shop"'))
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "page.txt").write_text("page")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    # The command announces itself to processes that are spawned later on.
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", sys.modules["__main__"].__spec__)
    monkeypatch.setenv("_SANIC_STAR_MAIN", "")
    for name in ("served", "broken", "failing", "empty", "shop", "shop.served", "site_of_mounts"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def status_of(*arguments: str) -> Any:
    """Run the command in this process, and return with which status it ends."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return ended.value.code


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Note with what an application would be served."""
    noted: list[tuple[str, dict[str, Any]]] = []

    def prepare(app: Any, **options: Any) -> None:
        noted.append((app.name, options))

    def serve(app: Any, *, factory: Any = None) -> None:
        single = noted[-1][1].get("single_process", False)
        assert (factory is None) is single
        # Workers create it again.
        assert single or factory().name == app.name

    monkeypatch.setattr(Sanic, "prepare", prepare)
    monkeypatch.setattr(Sanic, "serve", staticmethod(serve))
    monkeypatch.setattr(Sanic, "serve_single", staticmethod(serve))
    return noted


# Targets ------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("served", "Command"),
        ("served:app", "Command"),
        ("served.app", "Command"),
        ("served:other", "Other"),
        ("served:make", "Made"),
        ("served.make", "Made"),
        ("served:make()", "Made"),
        ("shop.served", "Shop"),
        ("shop.served:app", "Shop"),
        ("shop.served.app", "Shop"),
        ("./public", "SimpleServer"),
    ],
)
def test_targets(target: str, name: str) -> None:
    assert load(target).name == name
    # Once more, when its modules are imported already.
    assert load(target).name == name


@pytest.mark.usefixtures("project")
def test_other_forms_of_a_location() -> None:
    assert load("served:Made", factory=True).name == "Class"
    assert load("public", simple=True).name == "SimpleServer"
    assert load("served:app", factory=True).name == "Command"
    assert load("served:app", debug=True).debug


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nosuch:app"], "no module 'nosuch'"),
        (["nosuch.deep:app"], "no module 'nosuch'"),
        (["shop.nosuch:app"], "no module 'shop.nosuch'"),
        (["nosuch"], "no module 'nosuch'"),
        (["served:nosuch"], "has no 'nosuch'"),
        (["served:app.nosuch"], "has no 'app.nosuch'"),
        (["shop.nosuch"], "'shop' has no 'nosuch'"),
        (["served:number"], "is a int"),
        (["served:Made"], "add --factory"),
        (["served:forgets"], "'served:forgets' was called and returned None"),
        (["served:forgets", "--factory"], "should return the application"),
        (["empty"], "no 'app' in the module 'empty'"),
        (["served.py"], "write the module and the application, as in served:app"),
        (["shop/served.py"], "as in shop.served:app"),
        (["./nosuch"], "There is no directory './nosuch'"),
        (["nosuch", "--simple"], "There is no directory 'nosuch'"),
        (["served:app", "-D"], "Run it under systemd"),
        (["served:app", "--pidfile", "x"], "There is no --pidfile here"),
        (["served:app", "stop"], "send SIGTERM"),
        (["inspect", "--port", "1"], "Could not connect to inspector at: http://localhost:1"),
        (["kill", "--pid", "3"], "send SIGKILL"),
        (["served:app", "--cert", "one"], "TLS certificates must be specified by --cert and --key together"),
        (["served:app", "--key", "one"], "TLS certificates must be specified by --cert and --key together"),
        (["served:app", "--tls-strict-host"], "TLS certificates must be specified"),
        (["served:app", "--single-process", "--reload"], "Single process cannot be run with"),
        (["served:app", "--tls", "nosuch"], "nosuch"),
        (["served:app", "--cert", "nosuch.pem", "--key", "nosuch.key"], "not found or permission denied nosuch"),
    ],
)
def test_an_unservable_application_is_reported_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(*arguments) == 1
    shown = capsys.readouterr().err
    assert message in shown
    assert len(shown.splitlines()) == 1
    if len(arguments) == 1:
        with pytest.raises(Unusable, match=message.replace("(", r"\(")):
            load(arguments[0])


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("target", ["served:make()", "./public"])
def test_an_invalid_boolean_variable_is_reported_in_one_line(
    target: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    load("served:app")
    monkeypatch.setenv("SANIC_KEEP_ALIVE", "maybe")
    assert status_of(target) == 1
    shown = capsys.readouterr().err
    assert "SANIC_KEEP_ALIVE is 'maybe'" in shown
    assert len(shown.splitlines()) == 1


@pytest.mark.usefixtures("project")
def test_an_error_of_the_application_itself_is_shown_as_it_is() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        load("broken:app")
    with pytest.raises(ValueError, match="of its own"):
        load("failing:app")


@pytest.mark.parametrize("arguments", [["{}:app"], ["{}:app", "--dev"], ["routes", "{}:app"], ["{}:app", "exec", "x"]])
@pytest.mark.parametrize(
    ("module", "source", "frames", "last"),
    [
        ("no_colon", "async def hello(request)\n    return 1\n", ["no_colon.py"], "SyntaxError: expected ':'"),
        ("imports_it", "import no_colon_either\n", ["imports_it.py", "no_colon_either.py"], "SyntaxError: exp"),
        ("bad_tabs", "def f():\n\tx = 1\n        y = 2\n", ["bad_tabs.py"], "TabError: inconsistent"),
        ("divides", "def f():\n    1 / 0\nf()\n", ["divides.py"] * 2, "ZeroDivisionError: division by zero"),
        ("lacks", "import no_such_library\n", ["lacks.py"], "ModuleNotFoundError: No module named 'no_such_library'"),
    ],
)
def test_an_error_of_the_application_shows_its_own_frames(
    project: Path,
    arguments: list[str],
    module: str,
    source: str,
    frames: list[str],
    last: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (project / f"{module}.py").write_text(source)
    (project / "no_colon_either.py").write_text("if True\n    pass\n")
    assert status_of(*(argument.format(module) for argument in arguments)) == 1
    shown = capsys.readouterr().err
    assert re.findall(r'File ".*?([^/\\]+)", line', shown) == frames
    assert last in shown.splitlines()[-1]


def test_an_error_of_the_loader_itself_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    # A function of a built-in type has no frame.
    monkeypatch.setattr(_loading, "load", partial(int, "x"))
    with pytest.raises(ValueError, match="invalid literal"):
        _loading.load_or_exit()


@pytest.mark.usefixtures("project")
def test_after_sanic_itself(capsys: pytest.CaptureFixture[str]) -> None:
    __import__("sanic")
    assert status_of("served:app") == 1
    assert "comes too late" in capsys.readouterr().err


# Flags --------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("flags", "options"),
    [
        ("", {}),
        ("--host 0.0.0.0 -p 0", {"host": "0.0.0.0", "port": 0}),
        ("-u /run/x.sock --workers 3", {"unix": "/run/x.sock", "workers": 3}),
        ("--fast --access-logs", {"fast": True, "access_log": True}),
        ("--no-access-logs --single-process", {"access_log": False, "single_process": True}),
        ("--dev -R templates -R static", {"dev": True, "reload_dir": ["templates", "static"]}),
        ("--debug --reload", {"debug": True, "auto_reload": True}),
        ("--auto-reload", {"auto_reload": True}),
        ("--cert c.pem --key k.pem", {"ssl": {"cert": "c.pem", "key": "k.pem"}}),
        ("--tls one", {"ssl": "one"}),
        ("--tls one --tls two", {"ssl": ["one", "two"]}),
        ("--cert c --key k --tls two", {"ssl": [{"cert": "c", "key": "k"}, "two"]}),
        ("--tls one --tls-strict-host", {"ssl": [None, "one"]}),
        ("--auto-tls", {"auto_tls": True}),
        ("--http 2 --server hypercorn", {"version": 2, "server": "hypercorn"}),
        ("-3", {"version": 3}),
        ("-1", {"version": 1}),
        ("--no-motd --noisy-exceptions", {"motd": False, "noisy_exceptions": True}),
        ("-vv", {"verbosity": 2}),
        ("--verbosity=1 --coffee", {"verbosity": 1, "coffee": True}),
    ],
)
def test_flags(flags: str, options: dict[str, Any], runs: list[Any]) -> None:
    assert status_of("served:app", *flags.split()) == 0
    assert runs == [("Command", options)]


@pytest.mark.usefixtures("project")
def test_a_factory_with_a_parameter_gets_the_arguments(runs: list[Any]) -> None:
    assert status_of("served:make_with", "--port", "7") == 0
    assert status_of("--simple", "public") == 0
    assert runs == [("Made-served-7", {"port": 7}), ("SimpleServer", {})]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["served:app", "--nosuch"],
        ["served:app", "--port", "99999"],
        ["served:app", "--workers", "0"],
        ["served:app", "--fast", "--workers", "2"],
        ["served:app", "--single-process", "--workers", "1"],
        ["served:app", "--single-process", "--fast"],
        ["served:app", "--server", "apache"],
        ["served:app", "--server", "uvicorn", "--http", "2"],
        ["served:app", "nosuch"],
        ["routes"],
    ],
)
def test_a_wrong_command_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(*arguments) == 2
    assert "Usage: sanic-star" in capsys.readouterr().err


def test_version_and_help(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    monkeypatch.setenv("_SANIC_STAR_MAIN", "")
    assert status_of("--version") == 0
    assert f"sanic-star {__version__}; API of Sanic 25.12." in capsys.readouterr().out
    assert status_of("--help") == status_of("help", "--full") == 0
    assert "sanic-star routes TARGET" in capsys.readouterr().out
    assert all(parameter.help for parameter in _serve.serve.params if getattr(parameter, "help", None) is not None)


def test_the_version_for_scripts_that_read_sanics() -> None:
    """Where `sanic` means this package, `python -m sanic --version` has Sanic's line."""
    lines = {}
    for first in ("import sanic", "import sanic_star.compat; sanic_star.compat.install()"):
        for option in ("--version", "-v"):
            code = f"{first}\nimport sys\nfrom sanic.__main__ import main\nsys.argv[1:] = [{option!r}]\nmain()"
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
            lines[first, option] = re.sub(r"(\d+\.\d+)\.\d+", r"\1", done.stdout)
    assert set(lines.values()) == {"Sanic 25.12; Routing 23.12\n"}


# Routes -------------------------------------------------------------------------------------------------------------


def table(text: str) -> list[list[str]]:
    """Return the cells of a table that is aligned by spaces."""
    return [line.split() for line in text.splitlines()]


@pytest.mark.usefixtures("project")
def test_routes(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("routes", "served:app") == 0
    assert table(capsys.readouterr().out) == [
        ["METHODS", "PATH", "NAME", "HANDLER", "BLUEPRINT"],
        ["GET", "/", "Command.hello", "served.hello"],
        ["WEBSOCKET", "/shelf/feed", "Command.shelf.feed", "served.feed", "shelf"],
        ["GET,PUT", "/shelf/<number:int>", "Command.shelf.Book", "served.Book", "shelf"],
    ]


@pytest.mark.usefixtures("project")
def test_routes_of_what_is_mounted(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("routes", "site_of_mounts") == 0
    starlette = "starlette.applications.Starlette"
    assert table(capsys.readouterr().out)[1:] == [
        ["MOUNT", "/about", starlette],
        ["GET,HEAD", "/about/version", "version", "site_of_mounts.version"],
        ["WEBSOCKET", "/about/feed", "feed", "site_of_mounts.feed"],
        ["MOUNT", "/about/files", "starlette.staticfiles.StaticFiles"],
        ["MOUNT", "api.example", starlette],
        ["GET,HEAD", "api.example/version", "version", "site_of_mounts.version"],
        ["WEBSOCKET", "api.example/feed", "feed", "site_of_mounts.feed"],
        ["MOUNT", "api.example/files", "starlette.staticfiles.StaticFiles"],
    ]


# Commands -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["restock", "--item=nut", "--count", "5"], "'5' 'nut'\n"),
        (["restock"], "3 None\n"),
        (["clean-up"], "False {}\n"),
        (["clean-up", "--dry-run=1"], "'1' {}\n"),
        (["clean-up", "--dry_run=1"], "'1' {}\n"),
    ],
)
def test_commands_of_the_application(arguments: list[str], printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("served:app", "exec", *arguments) == 0
    assert capsys.readouterr().out == printed


@pytest.mark.usefixtures("project")
def test_commands_are_listed_and_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("served:app", "exec") == 0
    assert "Order more." in capsys.readouterr().out
    assert status_of("served:app", "exec", "restock", "--help") == 0
    assert "--count TEXT  int" in capsys.readouterr().out
    assert status_of("served:app", "exec", "nosuch") == 2
    assert "No such command 'nosuch'" in capsys.readouterr().err
    assert status_of("--factory", "served:Made", "exec", "restock") == 2
    with pytest.raises(ValueError, match="broken"):
        main(["served:app", "exec", "broken"])


# Serving ------------------------------------------------------------------------------------------------------------


def answer(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        return b"".join(iter(lambda: connection.recv(4096), b""))


@pytest.mark.parametrize(
    "options", [[], ["--workers", "2"], ["--dev"]], ids=["one process", "two workers", "one that is restarted"]
)
def test_serves_until_the_signal(project: Path, options: list[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "sanic_star", "served:app", "--port", str(port), *options]
    root = str(Path(__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(command, cwd=project, env=environment)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                assert answer(port).endswith(b"hello")
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    ("written", "option", "value"),
    [
        (["-p=8000"], "port", 8000),
        (["-H=localhost"], "host", "localhost"),
        (["-w=2"], "workers", 2),
        (["--access-log"], "access_log", True),
        (["--no-access-log"], "access_log", False),
        (["--work", "3"], "workers", 3),
        (["--auto-r"], "auto_reload", True),
    ],
)
def test_spellings_of_sanics_command(
    project: Path, runs: list[tuple[str, dict[str, Any]]], written: list[str], option: str, value: object
) -> None:
    assert status_of("served:app", *written) == 0
    ((_, options),) = runs
    assert options[option] == value


@pytest.mark.parametrize("written", [["-p="], ["-p=one"], ["--no-such-option"], ["--no-"], ["-x=1"]])
def test_spellings_that_mean_nothing(project: Path, runs: list[Any], written: list[str]) -> None:
    assert status_of("served:app", *written) == 2
    assert runs == []


@pytest.mark.parametrize("written", [["--shop-name=Shoes"], ["--shop-name", "Shoes"]])
def test_options_for_a_factory(project: Path, runs: list[tuple[str, dict[str, Any]]], written: list[str]) -> None:
    (project / "served.py").write_text(
        "from sanic import Sanic\n\ndef make(args):\n    return Sanic(f'{args.shop_name}-{args.port}')\n"
    )
    assert status_of("served:make", "--factory", *written, "-p=1") == 0
    assert [name for name, _ in runs] == ["Shoes-1"]


@pytest.mark.parametrize(
    "written", [["--factory", "--shop-name"], ["--factory", "--a", "--b=1"], ["--shop-name=Shoes"]]
)
def test_options_for_a_factory_that_are_wrong(project: Path, runs: list[Any], written: list[str]) -> None:
    assert status_of("served:make_with", *written) == 2
    assert runs == []


def test_the_version_by_its_short_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("-v") == 0
    assert __version__ in capsys.readouterr().out
