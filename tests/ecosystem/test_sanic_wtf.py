"""Sanic-WTF: forms of WTForms, whose CSRF token is in the session that a middleware puts on `request.ctx`."""

from __future__ import annotations

import re

import requests

from tests.ecosystem.conftest import Serve
from tests.engine.processes import TIMEOUT_S

APP = """
    from sanic import Sanic, html, json
    from sanic_wtf import FileAllowed, FileRequired, SanicForm
    from wtforms import FileField, StringField
    from wtforms.validators import DataRequired, Length

    app = Sanic("Forms")
    app.config["WTF_CSRF_SECRET_KEY"] = "a secret for tests"
    sessions = {}

    @app.middleware("request")
    async def open_session(request):
        request.ctx.session = sessions.setdefault(request.cookies.get("who", "nobody"), {})

    class Upload(SanicForm):
        title = StringField("Title", validators=[DataRequired(), Length(max=8)])
        picture = FileField("Picture", validators=[FileRequired(), FileAllowed(["png"])])

    @app.route("/", methods=["GET", "POST"])
    async def upload(request):
        form = Upload(request)
        if form.validate_on_submit():
            picture = form.picture.data
            return json({"title": form.title.data, "name": picture.name, "size": len(picture.body)})
        if request.method == "POST":
            return json(form.errors, status=400)
        return html(str(form.csrf_token))
"""


def test_forms(serve: Serve) -> None:
    """A form with a file and a CSRF token is accepted; a wrong token, a wrong field or a wrong file is refused."""
    url = f"http://127.0.0.1:{serve(APP).port}/"
    with requests.Session() as client:
        client.cookies.set("who", "me")
        page = client.get(url, timeout=TIMEOUT_S).text
        match = re.search(r'value="([^"]+)"', page)
        assert match, page
        fields = {"title": "a title", "csrf_token": match[1]}
        picture = {"picture": ("a.png", b"\x89PNG" * 1000, "image/png")}
        good = client.post(url, data=fields, files=picture, timeout=TIMEOUT_S)
        assert (good.status_code, good.json()) == (200, {"title": "a title", "name": "a.png", "size": 4000})
        forged = client.post(url, data={**fields, "csrf_token": "forged"}, files=picture, timeout=TIMEOUT_S)
        assert (forged.status_code, list(forged.json())) == (400, ["csrf_token"])
        long = client.post(url, data={**fields, "title": "far too long"}, files=picture, timeout=TIMEOUT_S)
        assert (long.status_code, list(long.json())) == (400, ["title"])
        text = client.post(url, data=fields, files={"picture": ("a.txt", b"text")}, timeout=TIMEOUT_S)
        assert (text.status_code, list(text.json())) == (400, ["picture"])
