"""The page, and what is shown instead of it when something goes wrong."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sanic_star import Blueprint, HTTPResponse, Request, Sanic, html, json
from sanic_star.compat.exceptions import NotFound, SanicException
from sanic_star.compat.log import logger

from .links import link
from .store import COLUMNS

pages = Blueprint("pages")
# Pages load only what the board itself serves.
POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'self'"

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(request: Request, template: str, status: int = 200, **values: Any) -> HTTPResponse:
    """Make a page; templates have `link(endpoint, …)` and `asset(name)` for every URL."""
    page = _templates.get_template(template).render(
        link=lambda endpoint, **parts: link(request, endpoint, **parts),
        asset=lambda name: request.app.ctx.asset_link(request, name),
        **values,
    )
    return html(page, status=status)


@pages.get("/", name="index")
async def index(request: Request) -> HTTPResponse:
    """Show the board."""
    panels = {name: endpoint(request) for name, endpoint in request.app.ctx.panels.items()}
    return render(request, "index.html", columns=COLUMNS, panels=panels)


@pages.get("/oops", name="oops")
async def oops(_: Request) -> HTTPResponse:
    """Fail, to show what a visitor sees then."""
    raise RuntimeError("this page fails on purpose")


@pages.on_response
async def guard(_: Request, response: HTTPResponse) -> None:
    """Add the policy to each page."""
    response.headers["Content-Security-Policy"] = POLICY


async def show_missing(request: Request, error: NotFound) -> HTTPResponse:
    """Answer a request for something that isn't there."""
    return _answer(request, HTTPStatus.NOT_FOUND, str(error))


async def show_refusal(request: Request, error: SanicException) -> HTTPResponse:
    """Answer a request that can't be served as it is; the headers say what would help (`Allow`, …)."""
    response = _answer(request, HTTPStatus(error.status_code), str(error))
    response.headers.update(error.headers or {})
    return response


async def show_failure(request: Request, error: Exception) -> HTTPResponse:
    """Answer when the mistake is ours: the log has the details, the visitor doesn't."""
    logger.exception("taskboard: %s %s failed", request.method, request.path, exc_info=error)
    return _answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, "The board made a mistake. It has been written down.")


def _answer(request: Request, status: HTTPStatus, message: str) -> HTTPResponse:
    # Without a preference (`*/*`, as curl and fetch send) the first wins: programs get JSON, browsers ask for HTML.
    if request.accept.match("application/json", "text/html").mime == "text/html":
        return render(request, "error.html", status=status, code=int(status), phrase=status.phrase, message=message)
    return json({"status": int(status), "error": status.phrase, "message": message}, status=status)


def handle_errors(app: Sanic[Any, Any]) -> None:
    """Let the three answers above stand for all errors of the application."""
    app.exception(NotFound)(show_missing)
    app.exception(SanicException)(show_refusal)
    app.exception(Exception)(show_failure)
