"""An application with many features, for the fuzzer of bytes on the wire; the same source runs on Sanic.

Environment: `FUZZ_PACKAGE` is `sanic_star` or `sanic`, `FUZZ_FILES` a directory for the static route. Each answer
shows in ASCII the values read from the request, so that two frameworks can be compared. `/_state` counts the objects
whose number must not grow; it exists on sanic_star only, like mounts and Starlette's routes.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import tempfile
from pathlib import Path
from typing import Any

PACKAGE = os.environ.get("FUZZ_PACKAGE", "sanic_star")
framework: Any = importlib.import_module(PACKAGE)
FILES = Path(os.environ.get("FUZZ_FILES", tempfile.gettempdir()))

app: Any = framework.Sanic("Fuzzed")
app.config.REQUEST_MAX_SIZE = 300_000
app.config.REQUEST_TIMEOUT = 20
app.config.RESPONSE_TIMEOUT = 20
app.config.KEEP_ALIVE_TIMEOUT = 2
app.config.ACCESS_LOG = False
app.config.REAL_IP_HEADER = "x-real-ip"
app.config.PROXIES_COUNT = 1


def text_of(*parts: Any) -> Any:
    """Return a response that shows the values that were read."""
    return framework.text(ascii(parts))


@app.get("/")
async def index(request: Any) -> Any:
    return framework.text("index")


@app.route("/echo", methods=["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def echo(request: Any) -> Any:
    return text_of(request.method, len(request.body), request.body[:200])


@app.post("/json")
async def read_json(request: Any) -> Any:
    return text_of(request.json)


@app.post("/form")
async def read_form(request: Any) -> Any:
    files = {name: [(f.name, f.type, len(f.body)) for f in group] for name, group in sorted(request.files.items())}
    return text_of(sorted(request.form.items()), files)


@app.get("/args/<number:int>/<word:strorempty>")
async def read_args(request: Any, number: int, word: str) -> Any:
    return text_of(number, word, sorted(request.args.items()), request.query_string, request.query_args)


@app.get("/cookies")
async def read_cookies(request: Any) -> Any:
    response = text_of(sorted(request.cookies.items()))
    response.add_cookie("seen", "1")
    return response


@app.get("/who")
async def read_credentials(request: Any) -> Any:
    given = request.credentials
    # The names exist for Basic credentials only: both frameworks raise AttributeError for others.
    basic = given is not None and given.auth_type == "Basic"
    return text_of(request.token, basic and (given.username, given.password))


@app.get("/from")
async def read_origin(request: Any) -> Any:
    return text_of(dict(request.forwarded), request.remote_addr, request.client_ip, request.host, request.server_name)


@app.get("/accept")
async def read_accept(request: Any) -> Any:
    return text_of([str(entry) for entry in request.accept], request.content_type)


@app.get("/where/<rest:path>")
async def read_path(request: Any, rest: str) -> Any:
    return text_of(rest, request.path, request.url)


@app.post("/stream", stream=True)
async def read_stream(request: Any) -> Any:
    size = 0
    while (chunk := await request.stream.read()) is not None:
        size += len(chunk)
    return text_of(size)


@app.get("/parts")
async def write_parts(request: Any) -> None:
    response = await request.respond(content_type="text/plain")
    for number in range(5):
        await response.send(f"{number}\n")
    await response.eof()


@app.get("/not-here")
async def raise_not_found(request: Any) -> Any:
    raise framework.exceptions.NotFound("it is not here")


@app.websocket("/socket")
async def socket(request: Any, ws: Any) -> None:
    async for message in ws:
        await ws.send(message)


@app.middleware("request")
async def before(request: Any) -> None:
    request.ctx.seen = (request.path, request.headers.get("x-mark"))


@app.middleware("response")
async def after(request: Any, response: Any) -> None:
    response.headers["x-after"] = "1"


blueprint: Any = framework.Blueprint("api", url_prefix="/api", version=1)


@blueprint.get("/<name>")
async def named(request: Any, name: str) -> Any:
    return text_of(name, request.endpoint)


app.blueprint(blueprint)
app.static("/files", FILES, name="files", use_content_range=True)

if PACKAGE == "sanic_star":
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    from sanic_star.engine import requests as in_flight

    async def plain(request: Request) -> PlainTextResponse:
        form = await request.form() if request.method == "POST" else {}
        return PlainTextResponse(ascii((request.url.path, sorted(form), dict(request.query_params))))

    app.mount("/mounted", Starlette(routes=[Route("/{rest:path}", plain, methods=["GET", "POST"])]))
    app.router.routes.append(Route("/starlette", plain, methods=["GET", "POST"]))

    @app.get("/_state")
    async def state(request: Any) -> Any:
        gc.collect()
        spools = [name for name in os.listdir(tempfile.gettempdir()) if name.startswith("tmp")]
        pages = int(Path("/proc/self/statm").read_text().split()[1])  # noqa: ASYNC240
        return framework.json(
            {
                "tasks": len(asyncio.all_tasks()),
                "requests": len(in_flight.live),
                "descriptors": len(os.listdir("/proc/self/fd")),
                "files": len(spools),
                "resident": pages * os.sysconf("SC_PAGESIZE"),
                "pid": os.getpid(),
            }
        )
