"""sqladmin: `Admin(app, engine)` with a login."""

from __future__ import annotations

from typing import Any

import pytest
from sqladmin import Admin, ModelView
from sqladmin.authentication import AuthenticationBackend
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.ecosystem.asgi.database import User, engine
from tests.ecosystem.asgi.sites import client, site

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class UserAdmin(ModelView, model=User):  # type: ignore[call-arg]
    """The pages of the table."""

    column_list = [User.id, User.name, User.age]
    column_searchable_list = [User.name]


class Login(AuthenticationBackend):
    """Takes one password, and keeps the name in the session."""

    async def login(self, request: Any) -> bool:
        form = await request.form()
        if form["password"] != "right":
            return False
        request.session["name"] = form["username"]
        return True

    async def logout(self, request: Any) -> bool:
        request.session.clear()
        return True

    async def authenticate(self, request: Any) -> bool:
        return "name" in request.session


async def test_pages(how: str) -> None:
    """Log in, create, list, search, change and delete a row; a wrong password and an invalid field are refused."""
    database = engine()
    app = site(how, mounts=False)
    admin = Admin(app, database, authentication_backend=Login(secret_key="secret"))
    admin.add_view(UserAdmin)
    async with client(app) as asking:
        refused = await asking.get("/admin/user/list")
        assert (refused.status_code, refused.headers["location"]) == (302, "http://test/admin/login")
        wrong = await asking.post("/admin/login", data={"username": "ann", "password": "wrong"})
        assert wrong.status_code == 400
        right = await asking.post("/admin/login", data={"username": "ann", "password": "right"})
        assert right.status_code == 302
        created = await asking.post("/admin/user/create", data={"name": "Bob Ünal", "age": "42", "save": "Save"})
        assert (created.status_code, created.headers["location"]) == (302, "http://test/admin/user/list")
        bad = await asking.post("/admin/user/create", data={"name": "Bob", "age": "old"})
        assert (bad.status_code, "Not a valid integer" in bad.text) == (400, True)
        listed = await asking.get("/admin/user/list", params={"search": "bob"})
        assert (listed.status_code, "Bob Ünal" in listed.text) == (200, True)
        changed = await asking.post("/admin/user/edit/1", data={"name": "Bob", "age": "43"})
        assert changed.status_code == 302
        with Session(database) as session:
            assert session.execute(select(User.name, User.age)).all() == [("Bob", 43)]
        assert (await asking.get("/admin/user/details/1")).status_code == 200
        assert (await asking.get("/admin/user/details/9")).status_code == 404
        assert (await asking.delete("/admin/user/delete", params={"pks": "1"})).status_code == 200
        with Session(database) as session:
            assert session.scalars(select(User)).all() == []
        script = await asking.get("/admin/statics/js/main.js")
        assert (script.status_code, "javascript" in script.headers["content-type"]) == (200, True)
        assert (await asking.get("/items/5")).json() == 5
