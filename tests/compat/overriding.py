"""Record which public methods Sanic or this package calls when a subclass overrides all of them.

Run with the name of the package; prints a mapping of steps to the names that the package itself has called, as JSON.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import logging
import os
import signal
import socket
import sys
import threading
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")
package: Any = importlib.import_module(sys.argv[1])
HOME = str(Path(package.__file__).parent) + os.sep
sys.argv = sys.argv[:1]
calls: defaultdict[str, set[str]] = defaultdict(set)
step = "make"


def recorder(name: str, method: Any) -> Any:
    """Return an override that records a call by the package, and calls the method."""
    function = getattr(method, "__func__", method)

    def note() -> None:
        caller: Any = inspect.currentframe()
        if caller.f_back.f_back.f_code.co_filename.startswith(HOME):
            calls[step].add(name)

    override: Any
    if inspect.iscoroutinefunction(function):

        async def override(*args: Any, **kwargs: Any) -> Any:
            note()
            return await function(*args, **kwargs)
    else:

        def override(*args: Any, **kwargs: Any) -> Any:
            note()
            return function(*args, **kwargs)

    kind: Any = classmethod if isinstance(method, classmethod) else staticmethod
    return kind(override) if isinstance(method, classmethod | staticmethod) else override


def methods() -> dict[str, Any]:
    recorders = {}
    for name in dir(package.Sanic):
        method = inspect.getattr_static(package.Sanic, name)
        if not name.startswith("_") and (inspect.isfunction(method) or isinstance(method, classmethod | staticmethod)):
            recorders[name] = recorder(name, method)
    return recorders


app = type("Mine", (package.Sanic,), methods())("Mine")
# Sanic's rewriting of sources drops the code that a subclass adds to a method.
app.config.TOUCHUP = False


async def handler(request: Any, **params: Any) -> Any:
    return package.text("x")


async def talk(request: Any, ws: Any, **params: Any) -> None:
    await ws.send("hello")


async def middleware(*args: Any) -> None: ...


async def signal_handler(**context: Any) -> None: ...


async def boom(request: Any) -> None:
    raise ValueError("boom")


async def missing(request: Any) -> None:
    raise package.NotFound("missing")


async def key(request: Any) -> None:
    raise KeyError("key")


async def links(request: Any) -> Any:
    return package.text(request.url_for("handler"))


def register() -> None:
    """Register one thing of each kind, each in its own step."""
    global step
    blueprint = package.Blueprint("part", url_prefix="/part")
    blueprint.get("/x", name="x")(handler)
    blueprint.middleware("request")(middleware)
    blueprint.exception(IndexError)(middleware)
    blueprint.listener("before_server_start")(middleware)
    blueprint.signal("part.a.b")(signal_handler)
    registrations: dict[str, Any] = {
        "get": lambda: app.get("/")(handler),
        "route": lambda: app.route("/r", name="r")(handler),
        "add_route": lambda: app.add_route(handler, "/ar", name="ar"),
        "websocket": lambda: app.websocket("/ws")(talk),
        "static": lambda: app.static("/static", os.path.dirname(__file__), name="static"),
        "on_request": lambda: app.on_request(middleware),
        "middleware": lambda: app.middleware("response")(middleware),
        "register_named_middleware": lambda: app.register_named_middleware(middleware, ["Mine.handler"]),
        "exception": lambda: app.exception(KeyError)(handler),
        "listener": lambda: app.listener("before_server_start")(middleware),
        "after_server_stop": lambda: app.after_server_stop(middleware),
        "signal": lambda: app.signal("foo.bar.baz")(signal_handler),
        "add_signal": lambda: app.add_signal(signal_handler, "foo.bar.boo"),
        "catch_exception": lambda: app.catch_exception(middleware),
        "report_exception": lambda: app.report_exception(middleware),
        "request events": lambda: app.signal("http.lifecycle.request")(signal_handler),
        "blueprint": lambda: app.blueprint(blueprint),
    }
    for name, register in registrations.items():
        step = name
        register()
    step = "other routes"
    for function in (boom, missing, key, links):
        app.add_route(function, f"/{function.__name__}")


async def ask(port: int) -> None:
    global step
    for path in ("GET /", "GET /none", "GET /boom", "GET /missing", "GET /key", "GET /links", "POST /"):
        step = path
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{step} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        calls[step].add((await reader.read())[9:12].decode())
        writer.close()
    from websockets.asyncio.client import connect

    step = "websocket"
    async with connect(f"ws://127.0.0.1:{port}/ws") as connection:
        calls[step].add(str(await connection.recv()))


def client(port: int) -> None:
    global step
    try:
        asyncio.run(ask(port))
    finally:
        step = "stop"
        os.kill(os.getpid(), signal.SIGINT)


register()
logging.disable(logging.CRITICAL)
listener = socket.create_server(("127.0.0.1", 0))
client_thread = threading.Thread(target=client, args=(listener.getsockname()[1],))
app.after_server_start(lambda *args: client_thread.start())
step = "start"
app.run(sock=listener, single_process=True, motd=False, access_log=False)
print(json.dumps({name: sorted(names) for name, names in calls.items()}))
