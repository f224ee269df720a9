"""Windows, as far as another system can simulate it: missing names are hidden, and every use of them has a check.

Nothing here ran on Windows. `sys.platform` says that it did, names and modules that only POSIX has are deleted, and the
event loop refuses what the Proactor loop refuses: signal handlers, readers and writers, unix sockets.
"""

import ast
import asyncio
import ntpath
import os
import signal
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from sanic_star.compat._files import root as _contained
from sanic_star.servers import CannotServe, Plan, Settings, serving, supervisor
from tests.engine.processes import Process
from tests.project import ROOT

# The names of the standard library that a server might use, and that are missing on Windows.
MISSING = {
    "signal": (
        "SIGHUP SIGUSR1 SIGUSR2 SIGKILL SIGQUIT SIGCHLD SIGALRM SIGPIPE SIGTSTP SIGCONT SIGSTOP SIGWINCH "
        "alarm pause pthread_kill pthread_sigmask setitimer getitimer siginterrupt sigwait sigpending"
    ),
    "socket": "AF_UNIX SO_REUSEPORT CMSG_LEN SCM_RIGHTS send_fds recv_fds MSG_DONTWAIT MSG_NOSIGNAL SO_PEERCRED",
    "os": (
        "fork forkpty register_at_fork getuid geteuid getgid getegid getgroups getpgid getpgrp getsid setsid "
        "setuid setgid setpgid killpg chown lchown fchown fchmod chroot mkfifo mknod nice openpty pread "
        "pwrite preadv sendfile uname wait wait3 wait4 WNOHANG sched_getaffinity sched_setaffinity "
        "sched_yield getloadavg initgroups statvfs fchdir O_NOFOLLOW O_CLOEXEC O_NONBLOCK O_DIRECTORY O_SYNC "
        "ttyname ctermid posix_spawn setpriority getpriority sysconf set_blocking getresuid memfd_create "
        "pipe2 getrandom posix_fadvise"
    ),
    "asyncio": "open_unix_connection start_unix_server",
    "socketserver": "UnixStreamServer ForkingTCPServer",
    "select": "poll epoll kqueue",
    "time": "tzset clock_gettime",
}
MODULES = [
    "crypt",
    "curses",
    "fcntl",
    "grp",
    "nis",
    "posix",
    "pty",
    "pwd",
    "readline",
    "resource",
    "spwd",
    "syslog",
    "termios",
    "tty",
    "uvloop",
]
# Methods of event loops, and arguments of functions, which are there and raise.
REFUSED = [
    "add_signal_handler",
    "remove_signal_handler",
    "add_reader",
    "remove_reader",
    "add_writer",
    "remove_writer",
    "create_unix_server",
    "create_unix_connection",
    "connect_read_pipe",
    "connect_write_pipe",
]
ARGUMENTS = {"pass_fds", "preexec_fn", "start_new_session", "dir_fd", "reuse_port", "umask"}
CATCHES = {"AttributeError", "ImportError", "ModuleNotFoundError", "NotImplementedError", "Exception", "BaseException"}


class Uses(ast.NodeVisitor):
    """Finds uses of what Windows lacks that nothing guards.

    A guard is a test of the name itself (`hasattr(os, "fork")`) or of the system (`sys.platform`, `os.name`,
    `os.altsep`, a constant `HAS_…`), around the use or on a way out before it, or a `try` that catches it.
    """

    def __init__(self) -> None:
        self.found: list[tuple[int, str]] = []
        self._guards: list[str] = []
        self._names: dict[str, str] = {}

    def look(self, source: str) -> list[tuple[int, str]]:
        self.visit(ast.parse(source))
        return self.found

    def _report(self, node: Any, name: str) -> None:
        short = name.rpartition(".")[2]
        if not any(f"'{short}'" in guard or _asks_for_the_system(guard) for guard in self._guards):
            self.found.append((node.lineno, name))

    def _body(self, statements: list[ast.stmt], guard: str = "") -> None:
        kept = len(self._guards)
        self._guards.append(guard)
        for statement in statements:
            self.visit(statement)
            if isinstance(statement, ast.If) and isinstance(statement.body[-1], ast.Return | ast.Raise | ast.Continue):
                self._guards.append(ast.dump(statement.test))
        del self._guards[kept:]

    def generic_visit(self, node: ast.AST) -> None:
        for _, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                self._body(value)
            elif isinstance(value, list):
                for item in value:
                    if isinstance(item, ast.AST):
                        self.visit(item)
            elif isinstance(value, ast.AST):
                self.visit(value)

    def visit_If(self, node: ast.If) -> None:
        test = ast.dump(node.test)
        self.visit(node.test)
        self._body(node.body, test)
        self._body(node.orelse, test)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self.visit(node.test)
        self._guards.append(ast.dump(node.test))
        self.visit(node.body)
        self.visit(node.orelse)
        self._guards.pop()

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        kept = len(self._guards)
        for value in node.values:
            self.visit(value)
            self._guards.append(ast.dump(value))
        del self._guards[kept:]

    def visit_Try(self, node: ast.Try) -> None:
        caught = {
            name.id
            for handler in node.handlers
            for name in ast.walk(handler.type or ast.Name("BaseException"))
            if isinstance(name, ast.Name)
        }
        self._body(node.body, "sys.platform" if caught & CATCHES else "")
        for handler in node.handlers:
            self._body(handler.body)
        self._body(node.orelse)
        self._body(node.finalbody)

    def visit_With(self, node: ast.With) -> None:
        for item in node.items:
            self.visit(item)
        names = {name.id for item in node.items for name in ast.walk(item) if isinstance(name, ast.Name)}
        self._body(node.body, "sys.platform" if "suppress" in names and names & CATCHES else "")

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._names[alias.asname or alias.name] = alias.name
            if alias.name.partition(".")[0] in MODULES:
                self._report(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        for alias in node.names:
            missing = MISSING.get(module, "").split()
            if not node.level and (module.partition(".")[0] in MODULES or alias.name in missing):
                self._report(node, f"{module}.{alias.name}")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Name):
            module = self._names.get(node.value.id, "")
            if node.attr in MISSING.get(module, "").split():
                self._report(node, f"{module}.{node.attr}")
        if node.attr in REFUSED:
            self._report(node, node.attr)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        for keyword in node.keywords:
            if keyword.arg in ARGUMENTS:
                self._report(node, keyword.arg)
        text = ast.unparse(node)
        if "os.dup(" in text and ".fileno()" in text and text.startswith("os.dup("):
            # A socket of Windows is no file descriptor.
            self._report(node, "os.dup")
        self.generic_visit(node)


SYSTEM = ("sys.platform", "attr='platform'", "attr='name'", "attr='altsep'", "OS_IS_WINDOWS", "HAS_")


def _asks_for_the_system(guard: str) -> bool:
    return any(words in guard for words in SYSTEM)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import os\nos.fork()", ["os.fork"]),
        ("import os as system\ndef f():\n    return system.killpg", ["os.killpg"]),
        ("from signal import SIGHUP", ["signal.SIGHUP"]),
        ("import resource", ["resource"]),
        ("import fcntl as locks", ["fcntl"]),
        ("from uvloop import install", ["uvloop.install"]),
        ("loop.add_signal_handler(1, f)", ["add_signal_handler"]),
        ("import subprocess\nsubprocess.run([], pass_fds=(1,))", ["pass_fds"]),
        ("import os\nos.dup(bound.fileno())", ["os.dup"]),
        ("import os\nif hasattr(os, 'getuid'):\n    os.fork()", ["os.fork"]),
        ("import os\nif hasattr(os, 'fork'):\n    pass\nos.fork()", ["os.fork"]),
        ("import os\ntry:\n    os.fork()\nexcept OSError:\n    pass", ["os.fork"]),
        ("import os\ndef f():\n    if not hasattr(os, 'fork'):\n        return\ndef g():\n    os.fork()", ["os.fork"]),
        ("import os\nif hasattr(os, 'fork'):\n    os.fork()", []),
        ("import os\nx = os.fork if hasattr(os, 'fork') else None", []),
        ("import os\nx = hasattr(os, 'fork') and os.fork()", []),
        ("import os\nx = getattr(os, 'fork', None)", []),
        ("import os, sys\nif sys.platform != 'win32':\n    os.fork()", []),
        ("import os\nif os.name == 'posix':\n    os.fork()", []),
        ("import os\ndef f():\n    if not hasattr(os, 'fork'):\n        raise OSError\n    os.fork()", []),
        ("try:\n    import fcntl\nexcept ImportError:\n    fcntl = None", []),
        ("try:\n    loop.add_reader(1, f)\nexcept NotImplementedError:\n    pass", []),
        ("import signal\nsignal.SIGINT, signal.SIGTERM", []),
    ],
)
def test_the_check_itself(source: str, names: list[str]) -> None:
    assert [name for _, name in Uses().look(source)] == names


def test_every_use_of_what_windows_lacks_has_a_check() -> None:
    unguarded = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sorted((ROOT / "sanic_star").rglob("*.py"))
        for line, name in Uses().look(path.read_text())
        # Loaded where `check_servers` has let it pass.
        if path.name != "granian.py"
    ]
    assert unguarded == []


# Behind this, a program sees what it would see on Windows. Other packages and the standard library are loaded before,
# as they choose their own code for the system when they are.
PATCH = f"""
import asyncio, concurrent.futures.thread, multiprocessing.connection, multiprocessing.popen_spawn_posix
import multiprocessing.reduction, multiprocessing.resource_sharer, multiprocessing.resource_tracker
import os, pkgutil, platform, select, signal, socket, socketserver, sys, sysconfig, tempfile, threading, time, types
import anyio, anyio._backends._asyncio, anyio.from_thread, anyio.to_thread, click, cronsim, granian.server.embed, h11
import httptools, hypercorn.asyncio, itsdangerous, libcst, msgspec, multidict, python_multipart, requests, rich.console
import starlette.testclient, trustme, urllib3, uvicorn, uvicorn.lifespan.on, uvicorn.loops.asyncio, watchfiles
import uvicorn.protocols.http.auto, uvicorn.protocols.websockets.auto, websockets.asyncio.client
import pytest

sysconfig.get_config_vars()
platform.uname()  # remembered; it would ask a shell of Windows
pthread_kill = signal.pthread_kill

def socketpair(*arguments):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        one = socket.create_connection(listening.getsockname())
        return one, listening.accept()[0]

socket.socketpair = socketpair

class Windows(asyncio.SelectorEventLoop):
    def refuse(self, *arguments, **options):
        raise NotImplementedError
    {" = ".join(REFUSED)} = refuse

class Policy(asyncio.DefaultEventLoopPolicy):
    _loop_factory = Windows

asyncio.SelectorEventLoop = asyncio.ProactorEventLoop = Windows
asyncio.set_event_loop_policy(Policy())
for name in {MODULES!r}:
    sys.modules[name] = None
for module, names in {MISSING!r}.items():
    for name in names.split():
        # Subprocesses of this system need them: it is not Windows.
        kept = ("WNOHANG", "poll", "pthread_sigmask", "pipe2", "sysconf", "posix_spawn")
        if hasattr(sys.modules[module], name) and name not in kept:
            delattr(sys.modules[module], name)

class Msvcrt(types.ModuleType):
    LK_NBLCK = 2
    locked = []

    def locking(self, descriptor, mode, count):
        self.locked.append((mode, count))

sys.modules["msvcrt"] = Msvcrt("msvcrt")
sys.platform = "win32"
"""
SERVED = """
from sanic_star import Sanic, Websocket, text

app = Sanic("Elsewhere")
app.static("/files", os.path.dirname(os.path.abspath(__file__)))

@app.get("/")
async def hello(request):
    return text(f"hello {os.getpid()}")

@app.post("/echo")
async def echo(request):
    return text(request.form.get("a"))

@app.websocket("/socket")
async def feed(request, ws: Websocket):
    # The client closes it: one that gets both at once may lose the message.
    async for message in ws:
        await ws.send(message)

@app.every(0.05, one_worker=True)
async def tick(app):
    app.ctx.ticked = True

@app.after_server_stop
async def stopped(app):
    print("stopped", flush=True)
"""


def elsewhere(folder: Path, script: str) -> Process:
    (folder / "served.py").write_text(PATCH + SERVED + script)
    return Process((sys.executable, "served.py"), folder)


def finish(server: Process) -> None:
    if server.popen.poll() is None:
        server.popen.kill()
    server.wait_for_end()


def test_every_module_can_be_imported(tmp_path: Path) -> None:
    script = """
import importlib, sanic_star
for module in pkgutil.walk_packages(sanic_star.__path__, "sanic_star."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print("imported", len(sys.modules))
"""
    (tmp_path / "all.py").write_text(PATCH + script)
    done = subprocess.run(
        [sys.executable, "-W", "error", "all.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    assert "imported" in done.stdout


VISIT = """
from websockets.sync.client import connect

def visit(port):
    url = f"http://127.0.0.1:{port}"
    assert requests.get(url, timeout=60).text.startswith("hello ")
    assert requests.post(url + "/echo", data={"a": "b"}, timeout=60).text == "b"
    assert requests.get(url + "/files/served.py", timeout=60).status_code == 200
    with connect(f"ws://127.0.0.1:{port}/socket") as ws:
        ws.send("x")
        assert ws.recv(timeout=60) == "x"
    print("visited", flush=True)

bound = socket.socket()
bound.bind(("127.0.0.1", 0))
port = bound.getsockname()[1]
main = threading.get_ident()

def visit_and_interrupt():
    try:
        visit(port)
    finally:
        pthread_kill(main, signal.SIGINT)

@app.after_server_start
async def begin(app):
    threading.Thread(target=visit_and_interrupt).start()
"""


@pytest.mark.parametrize(
    "run",
    [
        "app.run(sock=bound, motd=False)",
        "app.run(sock=bound, motd=False, server='hypercorn')",
        """
bound.listen()
try:
    uvicorn.Server(uvicorn.Config(app, loop="asyncio")).run([bound])
except KeyboardInterrupt:
    pass
""",
    ],
    ids=["app.run", "hypercorn", "plain uvicorn"],
)
def test_one_process_serves(tmp_path: Path, run: str) -> None:
    server = elsewhere(tmp_path, VISIT + run)
    try:
        assert server.wait_for_end() == 0, server.log
    finally:
        finish(server)
    assert "visited" in server.log, server.log
    assert "stopped" in server.log
    # On asyncio's own loop, hypercorn reports connections that it cuts off; that is so on every system.
    assert "Traceback" not in server.log or "hypercorn" in run


def test_workers_serve(tmp_path: Path) -> None:
    script = "\nif __name__ == '__main__':\n    app.run(port=0, motd=False, workers=2)\n"
    server = elsewhere(tmp_path, script)
    try:
        assert server.get().text.startswith("hello ")
        # One that dies is replaced by one that inherits the sockets.
        os.kill(int(server.get().text.split()[1]), signal.SIGKILL)
        server.until(lambda: server.log.count("Worker ready") == 3)
        assert server.get().status_code == 200
        # It has no SIGHUP; Ctrl-C is what Windows sends.
        assert server.terminate(signal.SIGINT) == 0
    finally:
        finish(server)
    assert server.log.count("stopped") == 2
    assert "Traceback" not in server.log


def test_the_test_clients(tmp_path: Path) -> None:
    script = """
_, response = app.test_client.get("/")
assert response.text.startswith("hello "), response.text

async def ask():
    _, response = await app.asgi_client.get("/")
    return response.text

assert asyncio.run(ask()).startswith("hello ")
print("asked", sys.modules["msvcrt"].locked)
"""
    server = elsewhere(tmp_path, script)
    try:
        assert server.wait_for_end() == 0, server.log
    finally:
        finish(server)
    assert "asked" in server.log


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("unix='app.sock'", "Cannot listen on app.sock: this system has no unix sockets; use host and port"),
        ("port=0, server='granian'", "granian can't take over a socket on Windows; use uvicorn"),
        ("port=0, workers=31", "On Windows there are 30 workers at most, not 31"),
    ],
)
def test_missing_features_are_refused_in_one_line(tmp_path: Path, how: str, message: str) -> None:
    server = elsewhere(tmp_path, f"\nif __name__ == '__main__':\n    app.run({how}, motd=False)\n")
    try:
        assert server.wait_for_end() == 1, server.log
    finally:
        finish(server)
    assert message in server.log
    assert "Traceback" not in server.log


def test_uvloop_is_refused_and_workers_take_the_selector_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert serving._loop_factory([Settings()]) is None
    assert serving._loop_factory([Settings()], shares_sockets=True) is asyncio.SelectorEventLoop
    with pytest.raises(CannotServe, match="no uvloop for Windows"):
        serving._loop_factory([Settings(uvloop=True)])


def test_too_many_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    sockets: Any = []
    with pytest.raises(CannotServe, match="30 workers at most"):
        supervisor.Supervisor(Plan([], [], workers=31), sockets)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("a.txt", "C:\\srv\\static\\a.txt"),
        ("sub/a.txt", "C:\\srv\\static\\sub\\a.txt"),
        ("/sub//a.txt", "C:\\srv\\static\\sub\\a.txt"),
        ("A.TXT", "C:\\srv\\static\\A.TXT"),
        ("..%5Csecret.txt", None),
        ("sub%5C..%5C..%5Csecret.txt", None),
        ("..\\..\\secret.txt", None),
        ("../secret.txt", None),
        ("C:/Windows/win.ini", None),
        ("C:%5CWindows%5Cwin.ini", None),
        ("%5C%5Cserver%5Cshare%5Cfile", None),
        ("//server/share/file", "C:\\srv\\static\\server\\share\\file"),
        ("a.txt::$DATA", None),
    ],
)
def test_files_below_a_directory(monkeypatch: pytest.MonkeyPatch, uri: str, path: str | None) -> None:
    system = types.SimpleNamespace(path=ntpath, fspath=os.fspath, sep="\\", altsep="/", stat=lambda path: None)
    monkeypatch.setattr(_contained, "os", system)
    # This system's ntpath asks for no disk: links are another test's.
    monkeypatch.setattr(ntpath, "realpath", ntpath.abspath)
    assert _contained.Root("C:\\srv\\static").find(uri) == path
    # The disk ignores case if the system does.
    lower = _contained.Root("c:\\SRV\\static").find(uri)
    assert (lower is None) == (path is None)
