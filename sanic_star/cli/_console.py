"""The prompt of `sanic-star TARGET --repl`: Python in the process of the server.

The server runs in the main thread, because signals arrive there. The prompt runs in another thread, and runs each
statement on the event loop of the server: a statement may use `await`, and sees the application as requests do. A
statement that blocks, such as `time.sleep`, blocks the server.
"""

from __future__ import annotations

import ast
import asyncio
import code
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError
from inspect import iscoroutine
from types import CodeType, FunctionType
from typing import Any, NamedTuple

import sanic_star
from sanic_star.compat.app import Sanic
from sanic_star.compat.request import Request
from sanic_star.compat.response import HTTPResponse

Headers = Mapping[str, str] | Sequence[tuple[str, str]]


class Result(NamedTuple):
    """The result of `do`: a request, and the response to it."""

    request: Request
    response: HTTPResponse


class Console(code.InteractiveConsole):
    """An interactive console that runs its statements on an event loop.

    Args:
        variables: the global variables of the statements.
        loop: the event loop, which runs in another thread.
    """

    def __init__(self, variables: dict[str, Any], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(variables)
        self.compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self.loop = loop

    def runcode(self, code: CodeType) -> None:
        """Run a statement and wait for it; show the traceback of its exception.

        Raises:
            SystemExit: the statement ends the console.
        """
        try:
            error = asyncio.run_coroutine_threadsafe(self._run(code), self.loop).result()
            if error is not None:
                raise error
        except SystemExit:
            raise
        except BaseException:
            self.showtraceback()

    async def _run(self, code: CodeType) -> BaseException | None:
        # An exception is returned: a SystemExit that is raised here would end the server's loop.
        try:
            result = FunctionType(code, self.locals)()
            if iscoroutine(result):
                await result
        except BaseException as error:
            return error
        return None


def variables_of(app: Sanic[Any, Any]) -> dict[str, Any]:
    """Return the variables of a prompt: `app`, `do`, `sanic`, and the variables of `app.repl_ctx`."""

    async def do(url: str = "/", headers: Headers | None = None, method: str = "GET", body: str = "") -> Result:
        """Send a request to the application, without a server; return the request and the response."""
        return await send_request(app, url, headers, method, body)

    return {"app": app, "do": do, "sanic": sanic_star, **{local.name: local.var for local in app.repl_ctx}}


async def send_request(
    app: Sanic[Any, Any], url: str, headers: Headers | None = None, method: str = "GET", body: str = ""
) -> Result:
    """Call an application with a request, and return both request and response.

    Args:
        app: the application, which has started.
        url: the path and the query.
        headers: the header fields, as a mapping or as pairs.
        method: the method.
        body: the body.
    """
    path, _, query = url.partition("?")
    fields = list(headers.items() if isinstance(headers, Mapping) else headers or ())
    names = {name.lower() for name, _ in fields}
    fields += [("host", "localhost")] if "host" not in names else []
    fields += [("content-length", str(len(body.encode())))] if body and "content-length" not in names else []
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method.upper(),
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in fields],
        "client": ("127.0.0.1", 0),
        "server": ("localhost", 80),
    }
    messages = [{"type": "http.request", "body": body.encode(), "more_body": False}]
    ended = asyncio.Event()
    response = HTTPResponse(b"")
    content: list[bytes] = []

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await ended.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            response.status = message["status"]
            response.headers.clear()
            for name, value in message.get("headers", ()):
                response.headers.add(name.decode("latin-1"), value.decode("latin-1"))
            response.content_type = response.headers.get("content-type")
        elif message["type"] == "http.response.body":
            content.append(message.get("body", b""))
            if not message.get("more_body", False):
                ended.set()

    await app(scope, receive, send)
    response.body = b"".join(content)
    # A new object with the data that was sent, because the dispatch keeps the request that the handler got.
    request = app.request_class(scope, receive, send)
    return Result(request, response)


def show_prompt(app: Sanic[Any, Any]) -> None:
    """Show the prompt when the server accepts connections, and stop the server when the prompt ends."""

    def start(app: Sanic[Any, Any]) -> None:
        loop = asyncio.get_running_loop()
        # A daemon thread, because nothing can end a thread that reads from a terminal.
        threading.Thread(target=interact, args=(app, loop), name="sanic_star prompt", daemon=True).start()

    app.after_server_start(start)


def interact(app: Sanic[Any, Any], loop: asyncio.AbstractEventLoop) -> None:
    """Read and run statements until `exit()` or the end of the input, then stop the server."""
    variables = variables_of(app)
    names = ", ".join(variables)
    banner = f"Python {sys.version.split()[0]}, {app!r}. Variables: {names}. `await` works; exit() stops the server."
    try:
        Console(variables, loop).interact(banner, exitmsg="")
    except (SystemExit, CancelledError):
        pass
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(app.stop)
