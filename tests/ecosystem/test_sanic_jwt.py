"""sanic-jwt: routes that give tokens and check them, and a decorator for protected handlers."""

from __future__ import annotations

import requests

from tests.ecosystem.conftest import Serve
from tests.engine.processes import TIMEOUT_S

APP = """
    from sanic import Blueprint, Sanic, json
    from sanic_jwt import Initialize, exceptions, inject_user, protected, scoped

    async def authenticate(request, *args, **kwargs):
        if request.json.get("password") != "right":
            raise exceptions.AuthenticationFailed("wrong password")
        return {"user_id": 7, "name": request.json["name"]}

    async def retrieve_user(request, payload, *args, **kwargs):
        return {"user_id": payload["user_id"], "name": "Ann"} if payload else None

    async def scopes(user, *args, **kwargs):
        return ["read"]

    app = Sanic("Tokens")
    Initialize(app, authenticate=authenticate, retrieve_user=retrieve_user, add_scopes_to_payload=scopes,
               secret="a secret of more than thirty-two bytes")

    @app.get("/private")
    @inject_user()
    @protected()
    async def private(request, user):
        return json(user)

    @app.get("/write")
    @scoped("write")
    async def write(request):
        return json("not reached")

    @app.get("/read")
    @scoped("read")
    async def read(request):
        return json("read")
"""


def test_tokens(serve: Serve, how: str) -> None:
    """The right password gets a token. Only the token gives access to protected routes and scopes."""
    base = f"http://127.0.0.1:{serve(APP).port}"
    wrong = requests.post(base + "/auth", json={"name": "Ann", "password": "wrong"}, timeout=TIMEOUT_S)
    assert wrong.status_code == 401
    given = requests.post(base + "/auth", json={"name": "Ann", "password": "right"}, timeout=TIMEOUT_S)
    assert given.status_code == 200
    token = {"authorization": f"Bearer {given.json()['access_token']}"}
    answers = {
        (path, with_token): requests.get(base + path, headers=token if with_token else {}, timeout=TIMEOUT_S)
        for path in ("/private", "/read", "/write", "/auth/verify", "/auth/me")
        for with_token in (True, False)
    }
    statuses = {key: answer.status_code for key, answer in answers.items()}
    assert statuses[("/private", True)] == 200, answers[("/private", True)].text
    assert statuses[("/private", False)] == 401
    assert (statuses[("/read", True)], statuses[("/read", False)]) == (200, 401)
    # The package gives `Unauthorized` another status, which Sanic 25.12 overrides.
    assert statuses[("/write", True)] == (401 if how == "sanic" else 403)
    assert (statuses[("/auth/verify", True)], statuses[("/auth/me", True)]) == (200, 200)
    assert answers[("/private", True)].json() == {"user_id": 7, "name": "Ann"}
    forged = {"authorization": token["authorization"][:-3] + "xyz"}
    assert requests.get(base + "/private", headers=forged, timeout=TIMEOUT_S).status_code == 401
