"""webargs-sanic: arguments of query, form, JSON, headers and path, parsed and validated for the handler."""

from __future__ import annotations

import requests

from tests.ecosystem.conftest import Serve
from tests.engine.processes import TIMEOUT_S

APP = """
    from sanic import Sanic, json
    from webargs import fields, validate
    from webargs_sanic.sanicparser import HandleValidationError, use_args, use_kwargs

    app = Sanic("Arguments")

    @app.exception(HandleValidationError)
    async def refuse(request, error):
        return json({"errors": error.exc.messages}, status=422)

    @app.get("/query")
    @use_kwargs({"name": fields.Str(required=True), "n": fields.Int(validate=validate.Range(min=1))}, location="query")
    async def query(request, name, n=None):
        return json([name, n])

    @app.post("/json/<id:int>")
    @use_args({"tags": fields.List(fields.Str(), required=True)}, location="json")
    async def body(request, arguments, id):
        return json([id, arguments["tags"]])

    @app.post("/form")
    @use_args({"text": fields.Str(required=True)}, location="form")
    async def form(request, arguments):
        return json(arguments)

    @app.get("/header")
    @use_args({"X-Id": fields.Int(required=True)}, location="headers")
    async def header(request, arguments):
        return json(arguments)
"""


def test_arguments(serve: Serve) -> None:
    """Valid arguments of each location reach the handler; invalid ones are answered with the reason."""
    base = f"http://127.0.0.1:{serve(APP).port}"
    good = requests.get(base + "/query", params={"name": "Ann", "n": "2"}, timeout=TIMEOUT_S)
    assert (good.status_code, good.json()) == (200, ["Ann", 2])
    bad = requests.get(base + "/query", params={"n": 0}, timeout=TIMEOUT_S)
    assert (bad.status_code, sorted(bad.json()["errors"]["query"])) == (422, ["n", "name"])
    body = requests.post(base + "/json/5", json={"tags": ["a", "b"]}, timeout=TIMEOUT_S)
    assert (body.status_code, body.json()) == (200, [5, ["a", "b"]])
    broken = requests.post(base + "/json/5", data=b"{", headers={"content-type": "application/json"}, timeout=TIMEOUT_S)
    # The package raises an exception that nobody handles.
    assert broken.status_code == 500
    form = requests.post(base + "/form", data={"text": "x"}, timeout=TIMEOUT_S)
    assert (form.status_code, form.json()) == (200, {"text": "x"})
    header = requests.get(base + "/header", headers={"x-id": "no number"}, timeout=TIMEOUT_S)
    assert header.status_code == 422
