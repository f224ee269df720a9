"""The response to an unhandled `HTTPException` of a route or a mount of Starlette's.

The same source runs on Starlette, and the answers are compared.
"""

from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from sanic_star import Request, Sanic, json
from sanic_star.testing import TestClient

ERRORS: dict[str, dict[str, Any]] = {
    "teapot": {"status_code": 418, "detail": "short and stout"},
    "phrase": {"status_code": 404},
    "headers": {"status_code": 401, "detail": "who?", "headers": {"www-authenticate": "Basic", "x-a": "b"}},
    "empty": {"status_code": 204, "detail": "nothing"},
    "server": {"status_code": 503, "detail": "later"},
}


async def fail(request: StarletteRequest) -> PlainTextResponse:
    raise HTTPException(**ERRORS[request.path_params["name"]])


def routes(folder: Path) -> list[BaseRoute]:
    inner: list[BaseRoute] = [Route("/{name}", fail)]
    return [
        Route("/fail/{name}", fail),
        Mount("/mount", routes=inner),
        Mount("/files", StaticFiles(directory=folder)),
    ]


PATHS = [
    *(f"/{place}/{name}" for place in ("fail", "mount") for name in ERRORS),
    "/files/missing.txt",
    "/files",
    "/mount/a/b",
]


@pytest.mark.parametrize("accept", [None, "*/*"])
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("path", PATHS)
def test_as_on_starlette(path: str, method: str, accept: str | None, tmp_path: Path) -> None:
    headers = {"accept": accept} if accept is not None else {}
    answers = []
    for app in (Starlette(routes=routes(tmp_path)), Sanic("Errors", routes=routes(tmp_path))):
        with TestClient(app) as client:
            if accept is None:
                client.headers.pop("accept", None)
            response = client.request(method, path, headers=headers, allow_redirects=False)
        fields = {name: value for name, value in response.headers.items() if name not in ("date", "server")}
        answers.append((response.status_code, response.content, fields))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("accept", ["text/html", "application/json", "text/plain", "*/*;q=0.1", "*/*, text/html"])
def test_a_client_that_accepts_html_gets_a_page(accept: str, tmp_path: Path) -> None:
    with TestClient(Sanic("Errors", routes=routes(tmp_path))) as client:
        response = client.get("/fail/teapot", headers={"accept": accept})
    assert response.status_code == 418
    assert response.text != "short and stout"
    assert "short and stout" in response.text


@pytest.mark.parametrize("setting", ["html", "json", "text", "auto"])
def test_a_format_that_is_set_counts(setting: str, tmp_path: Path) -> None:
    app: Sanic[Any, Any] = Sanic("Errors", routes=routes(tmp_path))
    app.config.FALLBACK_ERROR_FORMAT = setting
    with TestClient(app) as client:
        response = client.get("/fail/teapot")
    assert response.status_code == 418
    assert response.text != "short and stout"


def test_routes_of_sanic_have_their_pages(tmp_path: Path) -> None:
    app: Sanic[Any, Any] = Sanic("Errors", routes=routes(tmp_path))

    @app.get("/own")
    async def own(request: Request) -> Any:
        raise HTTPException(418, "short and stout")

    with TestClient(app) as client:
        assert client.get("/own").text.startswith("⚠️ 418")
        assert client.get("/nowhere").text.startswith("⚠️ 404")


def test_a_handler_still_comes_first(tmp_path: Path) -> None:
    app: Sanic[Any, Any] = Sanic("Errors", routes=routes(tmp_path))
    app.exception(HTTPException)(lambda request, error: json(error.detail, 418))
    with TestClient(app) as client:
        assert client.get("/fail/teapot").json() == "short and stout"


def test_a_detail_that_is_not_text_gets_a_page(tmp_path: Path) -> None:
    async def reject(request: StarletteRequest) -> PlainTextResponse:
        raise HTTPException(422, {"field": "name"})  # type: ignore[arg-type]

    with TestClient(Sanic("Errors", routes=[Route("/", reject)])) as client:
        assert client.get("/").status_code == 422
