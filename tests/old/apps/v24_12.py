"""Measurements, as people wrote it for Sanic 24.12."""
import asyncio
from typing import Any

from sanic import Blueprint, Config, HTTPResponse, Request, Sanic, empty, json, text
from sanic.exceptions import BadRequest, NotFound, SanicException
from sanic.log import logger
from sanic.response import JSONResponse
from sanic.signals import Event


class Settings(Config):
    UNIT: str = "mm"


app = Sanic("Measurements", config=Settings())
app.config.UNIT = "cm"
series = Blueprint("series", url_prefix="/series", version=1, version_prefix="/api/v")
values = Blueprint("values", url_prefix="/values")
group = Blueprint.group(series, values, name_prefix="all")


class TooMany(SanicException):
    status_code = 429
    quiet = True


@app.before_server_start
async def start(app: Sanic) -> None:
    app.ctx.series = {}
    app.ctx.seen = []


@app.signal(Event.HTTP_LIFECYCLE_RESPONSE)
async def responded(request: Request, response: HTTPResponse) -> None:
    app.ctx.seen.append(response.status)


@app.signal("series.point.added", priority=5)
async def added(name: str, value: float) -> None:
    app.ctx.series.setdefault(name, []).append(value)


@app.middleware("request")
async def limit(request: Request) -> None:
    if request.headers.getone("x-limit", "") == "reached":
        raise TooMany("slow down", headers={"x-retry": "5"})


@series.post("/<name:str>")
async def add(request: Request, name: str) -> HTTPResponse:
    try:
        value = float(request.json["value"])
    except (KeyError, TypeError, ValueError):
        raise BadRequest("a value") from None
    await app.dispatch("series.point.added", context={"name": name, "value": value}, inline=True)
    return json({"points": len(app.ctx.series[name])}, status=201)


@series.get("/<name:str>")
async def show(request: Request, name: str) -> JSONResponse:
    if name not in app.ctx.series:
        raise NotFound(f"no series {name}")
    response = json({"values": app.ctx.series[name]})
    response.update(unit=app.config.UNIT)
    return response


@values.get("/last/<name:str>")
async def last(request: Request, name: str) -> Any:
    response = await request.respond(content_type="text/plain")
    for value in app.ctx.series.get(name, [])[-2:]:
        await response.send(f"{value} ")
    await response.eof()


@values.get("/seen")
async def seen(request: Request) -> HTTPResponse:
    return json({"seen": len(app.ctx.seen) > 0})


@app.get("/task")
async def task(request: Request) -> HTTPResponse:
    done = asyncio.Event()

    async def work() -> None:
        done.set()

    app.add_task(work(), name="work")
    await done.wait()
    return text("worked")


@app.get("/cookie")
async def cookie(request: Request) -> HTTPResponse:
    response = empty()
    response.add_cookie("id", "1", host_prefix=True, partitioned=True)
    response.add_cookie("theme", "dark side", secure=False, samesite=None, max_age=10)
    response.delete_cookie("gone")
    logger.debug("%d cookies", len(response.cookies))
    return response


app.blueprint(group)
