"""Authlib: the OAuth client for Starlette, with a provider of its own."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from authlib.integrations.starlette_client import OAuth, OAuthError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request as StarletteRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sanic_star import HTTPResponse, Request, Sanic, json
from tests.ecosystem.asgi.sites import client

# It announces what its next release drops.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SESSIONS = [Middleware(SessionMiddleware, secret_key="secret")]


async def token(request: StarletteRequest) -> Response:
    """Give a token for the right code, as a provider does."""
    async with request.form() as form:
        if form.get("code") != "right" or not form.get("code_verifier"):
            return JSONResponse({"error": "invalid_grant", "error_description": "wrong code"}, 400)
        return JSONResponse({"access_token": "t0ken", "token_type": "Bearer", "redirect": form["redirect_uri"]})


def registry() -> Any:
    """Return a client that reaches its provider in process."""
    oauth = OAuth()
    oauth.register(
        "idp",
        client_id="id",
        client_secret="secret",
        authorize_url="https://idp.test/authorize",
        access_token_url="https://idp.test/token",
        client_kwargs={
            "scope": "profile",
            "code_challenge_method": "S256",
            "transport": httpx2.ASGITransport(Starlette(routes=[Route("/token", token, methods=["POST"])])),
        },
    )
    return oauth


def application(how: str) -> Any:
    """Return an application with a login, as the package's documentation writes it."""
    oauth = registry()
    if how == "starlette":

        async def login(request: StarletteRequest) -> Any:
            return await oauth.idp.authorize_redirect(request, request.url_for("authorized"))

        async def authorized(request: StarletteRequest) -> Response:
            try:
                return JSONResponse(await oauth.idp.authorize_access_token(request))
            except OAuthError as error:
                return JSONResponse({"error": error.error}, 400)

        routes = [Route("/login", login), Route("/authorized", authorized, methods=["GET", "POST"])]
        return Starlette(routes=routes, middleware=SESSIONS)
    app: Sanic[Any, Any] = Sanic("login", middleware=SESSIONS)

    @app.get("/login", name="login")
    async def our_login(request: Request) -> Any:
        return await oauth.idp.authorize_redirect(request, request.url_for("authorized"))

    @app.route("/authorized", methods=["GET", "POST"], name="authorized")
    async def our_authorized(request: Request) -> HTTPResponse:
        try:
            return json(await oauth.idp.authorize_access_token(request))
        except OAuthError as error:
            return json({"error": error.error}, 400)

    return app


async def begin(asking: Any) -> str:
    """Begin a login and return its state."""
    redirect = await asking.get("/login")
    assert redirect.status_code == 302
    url = urlsplit(redirect.headers["location"])
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert (url.netloc, url.path, query["redirect_uri"]) == ("idp.test", "/authorize", "http://test/authorized")
    assert query["code_challenge_method"] == "S256"
    state: str = query["state"]
    return state


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_login(how: str, method: str) -> None:
    """A login by redirect and callback, by GET and by a form; each state can be used once."""
    async with client(application(how)) as asking:
        state = await begin(asking)
        sent = {"code": "right", "state": state}
        options: dict[str, Any] = {"params": sent} if method == "GET" else {"data": sent}
        done = await asking.request(method, "/authorized", **options)
        assert done.status_code == 200
        assert (done.json()["access_token"], done.json()["redirect"]) == ("t0ken", "http://test/authorized")
        again = await asking.request(method, "/authorized", **options)
        assert (again.status_code, again.json()) == (400, {"error": "mismatching_state"})


async def test_refusals(how: str) -> None:
    """A wrong state, a wrong code, and a refusal by the provider reach the handler as errors."""
    async with client(application(how)) as asking:
        state = await begin(asking)
        for sent, error in (
            ({"code": "right", "state": "wrong"}, "mismatching_state"),
            ({"code": "wrong", "state": state}, "invalid_grant"),
            ({"error": "access_denied", "state": state}, "access_denied"),
        ):
            refused = await asking.get("/authorized", params=sent)
            assert (refused.status_code, refused.json()) == (400, {"error": error})
