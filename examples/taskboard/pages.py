"""The page of the board, and the error pages."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sanic_star import Blueprint, HTTPResponse, NotFound, Request, Sanic, SanicException, html, json
from sanic_star.compat.log import logger

from .links import link
from .store import COLUMNS

pages = Blueprint("pages")
# Pages load nothing from other hosts.
POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'self'"

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(request: Request, template: str, status: int = 200, **values: Any) -> HTTPResponse:
    """Render a page; its template gets every URL from `link(endpoint, …)` or `asset(name)`."""
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
    """Raise an error, to show the error page."""
    raise RuntimeError("this page fails on purpose")


@pages.on_response
async def add_policy(_: Request, response: HTTPResponse) -> None:
    """Add the content security policy to each page."""
    response.headers["Content-Security-Policy"] = POLICY


async def show_not_found(request: Request, error: NotFound) -> HTTPResponse:
    """Respond with status 404."""
    return _respond(request, HTTPStatus.NOT_FOUND, str(error))


async def show_sanic_error(request: Request, error: SanicException) -> HTTPResponse:
    """Respond with the status and headers of a Sanic exception, such as 405 with `Allow`."""
    response = _respond(request, HTTPStatus(error.status_code), str(error))
    response.headers.update(error.headers or {})
    return response


async def show_internal_error(request: Request, error: Exception) -> HTTPResponse:
    """Respond with status 500; only the log gets the details."""
    logger.exception("taskboard: %s %s failed", request.method, request.path, exc_info=error)
    return _respond(request, HTTPStatus.INTERNAL_SERVER_ERROR, "An internal error occurred. It has been logged.")


def _respond(request: Request, status: HTTPStatus, message: str) -> HTTPResponse:
    # `match` picks the first type if the client accepts all (`*/*`, as curl and fetch do), so programs get JSON.
    if request.accept.match("application/json", "text/html").mime == "text/html":
        return render(request, "error.html", status=status, code=int(status), phrase=status.phrase, message=message)
    return json({"status": int(status), "error": status.phrase, "message": message}, status=status)


def handle_errors(app: Sanic[Any, Any]) -> None:
    """Register the three handlers above for all errors of the application."""
    app.exception(NotFound)(show_not_found)
    app.exception(SanicException)(show_sanic_error)
    app.exception(Exception)(show_internal_error)
