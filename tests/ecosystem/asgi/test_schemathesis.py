"""schemathesis: it sends what the OpenAPI document of Sanic Extensions allows, and what it does not."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.ecosystem import ROOT

# In a process of its own, because the alias has to come before Sanic.
SCRIPT = """
    import sys
    sys.path.insert(0, ROOT)
    FAILS = sys.argv[1] == "fails"
    from sanic_star import Blueprint, Sanic, json, text
    from sanic_star.ext import openapi, validate
    import pytest
    import schemathesis
    from hypothesis import HealthCheck, settings
    from pydantic import BaseModel, Field

    class Item(BaseModel):
        name: str = Field(min_length=1, max_length=20)
        price: float = Field(ge=0)
        tags: list[str] = []

    class Query(BaseModel):
        page: int = 1
        size: int = Field(default=10, le=100)

    app = Sanic("shop")
    app.config.AUTO_EXTEND = True
    api = Blueprint("api", url_prefix="/api")

    @api.get("/items/<n:int>")
    async def item(request, n: int):
        return json({"n": n})

    @api.post("/items")
    @openapi.definition(body={"application/json": Item.model_json_schema()})
    @validate(json=Item)
    async def add(request, body: Item):
        return json(body.model_dump(), 201)

    @api.get("/search/<word>")
    @openapi.parameter("page", int, "query")
    @openapi.parameter("size", int, "query")
    @validate(query=Query)
    async def search(request, word: str, query: Query):
        if FAILS and len(word) > 1:
            raise ValueError("found by schemathesis")
        return json([word, query.page, query.size])

    @api.put("/files/<name:path>")
    @openapi.parameter("x-mark", str, "header")
    async def put(request, name: str):
        return text(f"{name} {len(request.body)} {request.headers.get('x-mark')}")

    @api.post("/form")
    @openapi.definition(body={"application/x-www-form-urlencoded": {"type": "object", "properties":
        {"a": {"type": "string"}, "b": {"type": "integer"}}}})
    async def form(request):
        return json({name: request.form.getlist(name) for name in request.form})

    @api.get("/day/<day:ymd>/<id:uuid>/<part:float>")
    async def day(request, day, id, part):
        return text(f"{day} {id} {part}")

    app.blueprint(api)
    schema = schemathesis.openapi.from_asgi("/docs/openapi.json", app)
    print("OPERATIONS", len(list(schema.get_all_operations())))

    @schema.parametrize()
    @settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def test_api(case):
        response = case.call()
        assert response.status_code < 500, case.as_curl_command()
"""


@pytest.mark.parametrize("which", ["works", "fails"])
def test_no_server_error(tmp_path: Path, which: str) -> None:
    """No generated request, valid or invalid, gets a 500; a request at which a handler fails is found."""
    (tmp_path / "test_generated.py").write_text(
        textwrap.dedent(SCRIPT).replace("ROOT", repr(str(ROOT)), 1).replace("sys.argv[1]", repr(which), 1)
    )
    options = ("-q", "-s", "-p", "no:cacheprovider", "-p", "no:sanic_star.testing.plugin")
    command = (sys.executable, "-m", "pytest", *options, "test_generated.py")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "OPERATIONS 6" in done.stdout, done.stdout + done.stderr
    assert done.returncode == (0 if which == "works" else 1), done.stdout
    assert ("found by schemathesis" in done.stdout) == (which == "fails")
