"""starlette-admin: `Admin(engine).mount_to(app)`."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette_admin.contrib.sqla import Admin, ModelView

from tests.ecosystem.asgi.database import User, engine
from tests.ecosystem.asgi.sites import client, site

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


async def test_pages(how: str) -> None:
    """The list shows a row that the form created; without the CSRF token or without a name the form is refused."""
    database = engine()
    app = site(how, mounts=False)
    admin = Admin(database, title="Shop", secret_key="k" * 32)
    admin.add_view(ModelView(User))
    admin.mount_to(app)
    async with client(app) as asking:
        start = await asking.get("/admin/")
        assert (start.status_code, "Shop" in start.text) == (200, True)
        form = await asking.get("/admin/user/create")
        match = re.search(r'name="([^"]*csrf[^"]*)"[^>]*value="([^"]+)"', form.text)
        assert match
        token = {match[1]: match[2]}
        created = await asking.post("/admin/user/create", data={"name": "Bob Ünal", "age": "42", **token})
        assert (created.status_code, created.headers["location"]) == (303, "http://test/admin/user/list")
        assert (await asking.post("/admin/user/create", data={"name": "Eve", "age": "1"})).status_code == 403
        wrong = await asking.post("/admin/user/create", data={"name": "", "age": "1", **token})
        assert wrong.status_code == 422
        with Session(database) as session:
            assert session.execute(select(User.name, User.age)).all() == [("Bob Ünal", 42)]
        listed = await asking.get("/admin/user/list")
        assert (listed.status_code, "Bob Ünal" in listed.text) == (200, True)
        assert (await asking.get("/admin/user/detail/9")).status_code == 404
        assert (await asking.get("/admin/none")).status_code == 404
        assert (await asking.get("/items/5")).json() == 5
