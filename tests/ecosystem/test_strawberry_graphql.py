"""strawberry: its view for Sanic."""

from __future__ import annotations

import json

import requests

from tests.ecosystem.conftest import Serve
from tests.engine.processes import PATIENCE

APP = """
    import strawberry
    from sanic import Sanic
    from strawberry.file_uploads import Upload
    from strawberry.sanic.views import GraphQLView

    @strawberry.type
    class Query:
        @strawberry.field
        def hello(self, info: strawberry.Info, name: str = "you") -> str:
            return f"{info.context['request'].headers.get('x-greeting', 'hello')} {name}"

    @strawberry.type
    class Mutation:
        @strawberry.mutation
        async def upload(self, info: strawberry.Info, file: Upload) -> int:
            info.context["response"].headers["x-uploaded"] = "yes"
            return len(file.read() if hasattr(file, "read") else file.body)

    app = Sanic("Graph")
    schema = strawberry.Schema(Query, Mutation)
    app.add_route(GraphQLView.as_view(schema=schema, multipart_uploads_enabled=True), "/graphql")
"""


def test_view(serve: Serve) -> None:
    """Queries by GET and POST, variables, an upload, errors, and the page of the explorer."""
    url = f"http://127.0.0.1:{serve(APP).port}/graphql"
    by_get = requests.get(url, params={"query": "{ hello }"}, timeout=PATIENCE)
    assert (by_get.status_code, by_get.json()["data"]) == (200, {"hello": "hello you"})
    query = {"query": "query($n: String!) { hello(name: $n) }", "variables": {"n": "Ann"}}
    by_post = requests.post(url, json=query, headers={"x-greeting": "bye"}, timeout=PATIENCE)
    assert by_post.json()["data"] == {"hello": "bye Ann"}
    wrong = requests.post(url, json={"query": "{ unknown }"}, timeout=PATIENCE)
    assert "Cannot query field" in wrong.json()["errors"][0]["message"]
    broken = requests.post(url, data=b"{", headers={"content-type": "application/json"}, timeout=PATIENCE)
    assert broken.status_code == 400
    operations = {"query": "mutation($f: Upload!) { upload(file: $f) }", "variables": {"f": None}}
    uploaded = requests.post(
        url,
        data={"operations": json.dumps(operations), "map": json.dumps({"0": ["variables.f"]})},
        files={"0": ("a.txt", b"x" * 1000)},
        timeout=PATIENCE,
    )
    assert uploaded.json()["data"] == {"upload": 1000}
    assert uploaded.headers["x-uploaded"] == "yes"
    page = requests.get(url, headers={"accept": "text/html"}, timeout=PATIENCE)
    assert (page.status_code, "graphiql" in page.text.lower()) == (200, True)
