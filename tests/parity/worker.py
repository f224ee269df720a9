"""A process that has imported one framework, and forks a child per case: `python -m tests.parity.worker sanic DIR`.

It reads orders as lines of JSON from standard input, and writes answers as lines of JSON to standard output. A child
binds its own port before it runs the case, so that a client can connect at once and waits in the backlog until the app
serves; if the app never does, the child ends and the client sees the connection close.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import json
import os
import signal
import socket
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import Any

from tests.parity.recording import MODULE, Recorder, line_writer

# The same instant for every file, so that Last-Modified and ETag are comparable.
MODIFIED = 1_700_000_000


def main(framework: str, directory: str) -> None:
    """Import the framework, then process orders until standard input ends."""
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    # An installed sanic-ext would extend every Sanic app; these cases compare with Sanic alone.
    sys.modules["sanic_ext"] = None  # type: ignore[assignment]
    for name in [name for name in os.environ if name.startswith("SANIC_")]:
        del os.environ[name]
    try:
        _preload(framework)
    except BaseException as error:
        print(json.dumps({"failed": f"{type(error).__name__}: {error}"}), file=channel)
        raise
    print(json.dumps({"ready": framework}), file=channel)
    counter = itertools.count()
    for line in sys.stdin:
        order = json.loads(line)
        if "stop" in order:
            print(json.dumps({"status": _stop(order["stop"], order["seconds"])}), file=channel)
            continue
        log = Path(directory, f"{framework}-{next(counter)}.log")
        pid = os.fork()
        if not pid:
            _child(framework, order, log, channel, directory)
        print(json.dumps({"pid": pid, "log": str(log)}), file=channel)


def _preload(framework: str) -> None:
    for name in ("uvloop", "httptools", "html.parser", "ujson", "multidict", "asyncio"):
        importlib.import_module(name)
    if framework == "sanic":
        for name in ("sanic", "sanic.pages.error", "sanic.server.runners", "sanic.worker.serve", "aiofiles"):
            importlib.import_module(name)
        _read_sources_once()
    else:
        # The source is exactly the same on both: here its `import sanic` imports sanic_star.
        importlib.import_module("sanic_star.compat").install()
        for name in ("sanic", "uvicorn", "uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto"):
            importlib.import_module(name)


def _read_sources_once() -> None:
    """Remember the sources of Sanic's methods: it reads them at each start, which takes longer than most cases."""
    base: Any = importlib.import_module("sanic.touchup.schemes.base")
    base.getsource = functools.cache(base.getsource)
    for owner, name in importlib.import_module("sanic.touchup").TouchUp._registry:
        base.getsource(getattr(owner, name))


def _stop(pid: int, seconds: float) -> int:
    """End a child that has not been reaped, so that its process id is still valid.

    Args:
        pid: the child.
        seconds: the time to end after SIGTERM before it is killed; 0 kills it at once.
    """
    if seconds:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            reaped, status = os.waitpid(pid, os.WNOHANG)
            if reaped:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _child(framework: str, order: dict[str, Any], log: Path, channel: Any, directory: str) -> None:
    status = 1
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.update(order["env"])
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(100)
        recorder = Recorder(line_writer(log.with_suffix(".events")))
        try:
            app = build(order["source"], directory, recorder)
        except Exception as error:
            print(json.dumps({"refused": f"{type(error).__name__}: {error}"}), file=channel)
            os._exit(0)
        print(json.dumps({"port": listener.getsockname()[1]}), file=channel)
        with recorder.listening():
            _SERVE[framework](app, listener, order["debug"])
        status = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def build(source: str, directory: str, recorder: Recorder) -> Any:
    """Run a source as a separate module, and return its `app`; its files are in a directory."""
    module = types.ModuleType(MODULE)
    sys.modules[module.__name__] = module

    def folder(files: dict[str, str | bytes]) -> Path:
        """Write files into a new directory, all last modified at the same instant."""
        top = Path(tempfile.mkdtemp(dir=directory))
        for name, content in files.items():
            path = top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            os.utime(path, (MODIFIED, MODIFIED))
        return top

    module.__dict__["folder"] = folder
    module.__dict__["event"] = recorder.event
    # In a file: Sanic reads the source of handlers to find the format of their answers.
    path = Path(tempfile.mkdtemp(dir=directory)) / f"{MODULE}.py"
    path.write_text(source, encoding="utf-8")
    module.__file__ = str(path)
    exec(compile(source, str(path), "exec"), module.__dict__)
    return module.__dict__["app"]


def _serve_sanic(app: Any, listener: socket.socket, debug: bool) -> None:
    access = app.config.ACCESS_LOG  # without the argument, debug mode would turn it on
    app.prepare(sock=listener, debug=debug, motd=False, access_log=access, single_process=True)
    type(app).serve_single(app)


def _serve_star(app: Any, listener: socket.socket, debug: bool) -> None:
    uvicorn = importlib.import_module("uvicorn")
    if debug:
        app.debug = True
    # The framework handles proxies, as under Sanic; uvicorn would trust every client on this machine.
    config = uvicorn.Config(app, access_log=False, log_level="warning", proxy_headers=False)
    uvicorn.Server(config).run(sockets=[listener])


_SERVE = {"sanic": _serve_sanic, "sanic_star": _serve_star}


if __name__ == "__main__":
    main(*sys.argv[1:])
