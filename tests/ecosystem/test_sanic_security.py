"""sanic-security: accounts in a database by Tortoise, sessions in cookies, roles."""

from __future__ import annotations

import sys

import pytest
import requests

from tests.ecosystem.conftest import Serve
from tests.engine.processes import TIMEOUT_S

APP = """
    from pathlib import Path
    from sanic import Sanic, json
    from sanic_security.authentication import initialize_security, login, logout, register, requires_authentication
    from sanic_security.authorization import assign_role, check_permissions
    from sanic_security.configuration import config as security_config
    from sanic_security.exceptions import SecurityError
    from tortoise import Tortoise
    from tortoise.contrib.sanic import register_tortoise

    security_config.SECRET = "a secret of more than thirty-two bytes"
    app = Sanic("Accounts")
    register_tortoise(app, db_url=f"sqlite://{Path(__file__).with_suffix('.db')}",
                      modules={"models": ["sanic_security.models"]})
    initialize_security(app, create_root=False)

    @app.before_server_start
    async def make_tables(app):
        await Tortoise.generate_schemas()

    @app.exception(SecurityError)
    async def refuse(request, error):
        return json({"error": type(error).__name__}, error.status_code)

    @app.post("/register")
    async def sign_up(request):
        account = await register(request, verified=True)
        return json({"email": account.email})

    @app.post("/login")
    async def sign_in(request):
        session = await login(request)
        response = json({"logged": "in"})
        session.encode(response)
        return response

    @app.get("/me")
    @requires_authentication
    async def me(request):
        return json({"email": request.ctx.session.bearer.email})

    @app.get("/admin")
    async def admin(request):
        await check_permissions(request, "admin:read")
        return json("not reached")

    @app.post("/logout")
    async def sign_out(request):
        session = await logout(request)
        return json("out")
"""


# On Sanic as well: quotes of a kind inside an f-string of the same kind, PEP 701.
@pytest.mark.skipif(sys.version_info < (3, 12), reason="The package has syntax of Python 3.12.")
def test_accounts(serve: Serve) -> None:
    """An account registers, logs in, is recognised by its cookie, lacks a permission, logs out (Python 3.12)."""
    base = f"http://127.0.0.1:{serve(APP).port}"
    form = {"username": "ann", "email": "ann@example.test", "password": "Rather1@long"}
    with requests.Session() as client:
        assert client.get(base + "/me", timeout=TIMEOUT_S).status_code in (400, 401)
        registered = client.post(base + "/register", data=form, timeout=TIMEOUT_S)
        assert (registered.status_code, registered.json()) == (200, {"email": "ann@example.test"})
        again = client.post(base + "/register", data=form, timeout=TIMEOUT_S)
        assert again.status_code == 409, again.text
        wrong = client.post(base + "/login", auth=("ann@example.test", "wrong"), timeout=TIMEOUT_S)
        assert wrong.status_code == 401
        logged = client.post(base + "/login", auth=("ann@example.test", "Rather1@long"), timeout=TIMEOUT_S)
        assert logged.status_code == 200, logged.text
        # The cookie is a secure one, which a client sends over TLS only.
        for cookie in client.cookies:
            cookie.secure = False
        me = client.get(base + "/me", timeout=TIMEOUT_S)
        assert (me.status_code, me.json()) == (200, {"email": "ann@example.test"})
        assert client.get(base + "/admin", timeout=TIMEOUT_S).status_code == 403
        assert client.post(base + "/logout", timeout=TIMEOUT_S).status_code == 200
        assert client.get(base + "/me", timeout=TIMEOUT_S).status_code == 401
