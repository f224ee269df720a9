"""strawberry: its view for Sanic, and its ASGI application."""

from __future__ import annotations

import json

import pytest
import requests

from tests.ecosystem.conftest import Serve
from tests.ecosystem.graphql_client import check
from tests.ecosystem.graphql_client import page as open_page
from tests.engine.processes import TIMEOUT_S

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
    by_get = requests.get(url, params={"query": "{ hello }"}, timeout=TIMEOUT_S)
    assert (by_get.status_code, by_get.json()["data"]) == (200, {"hello": "hello you"})
    query = {"query": "query($n: String!) { hello(name: $n) }", "variables": {"n": "Ann"}}
    by_post = requests.post(url, json=query, headers={"x-greeting": "bye"}, timeout=TIMEOUT_S)
    assert by_post.json()["data"] == {"hello": "bye Ann"}
    wrong = requests.post(url, json={"query": "{ unknown }"}, timeout=TIMEOUT_S)
    assert "Cannot query field" in wrong.json()["errors"][0]["message"]
    broken = requests.post(url, data=b"{", headers={"content-type": "application/json"}, timeout=TIMEOUT_S)
    assert broken.status_code == 400
    operations = {"query": "mutation($f: Upload!) { upload(file: $f) }", "variables": {"f": None}}
    uploaded = requests.post(
        url,
        data={"operations": json.dumps(operations), "map": json.dumps({"0": ["variables.f"]})},
        files={"0": ("a.txt", b"x" * 1000)},
        timeout=TIMEOUT_S,
    )
    assert uploaded.json()["data"] == {"upload": 1000}
    assert uploaded.headers["x-uploaded"] == "yes"
    page = requests.get(url, headers={"accept": "text/html"}, timeout=TIMEOUT_S)
    assert (page.status_code, "graphiql" in page.text.lower()) == (200, True)


ASGI = """
    import asyncio
    from typing import AsyncGenerator
    import strawberry
    from sanic_star import Sanic
    from strawberry.asgi import GraphQL

    @strawberry.type
    class Query:
        @strawberry.field
        async def hello(self, name: str = "you") -> str:
            return f"hello {name}"

    @strawberry.type
    class Mutation:
        @strawberry.mutation
        def rename(self, name: str) -> str:
            if not name:
                raise ValueError("a name has letters")
            return name

    @strawberry.type
    class Subscription:
        @strawberry.subscription
        async def count(self, up_to: int) -> AsyncGenerator[int, None]:
            try:
                for number in range(1, up_to + 1):
                    yield number
                    await asyncio.sleep(0.01)
            finally:
                print(f"count of {up_to} is over", flush=True)

    graphql = GraphQL(strawberry.Schema(Query, Mutation, Subscription))
    app = Sanic("Graph")
    app.mount("/mounted", graphql)
    app.add_route("/routed", graphql, methods=["GET", "POST"])
    app.add_websocket_route("/routed", graphql)
"""


# There is no control: Sanic takes no ASGI applications.
@pytest.mark.parametrize("how", ["here", "uvicorn"])
@pytest.mark.parametrize("path", ["/mounted", "/mounted/", "/routed"])
def test_asgi(serve: Serve, path: str) -> None:
    """Its ASGI application, mounted and as a route: queries, mutations, bad input, subscriptions, and the explorer."""
    process = serve(ASGI)
    url = f"http://127.0.0.1:{process.port}{path}"
    for protocol in ("graphql-transport-ws", "graphql-ws"):
        check(url, protocol, lambda words: process.until(lambda: words in process.log))
    shown = open_page(url)
    assert (shown.status_code, shown.headers["content-type"].partition(";")[0]) == (200, "text/html")
    assert "graphiql" in shown.text.lower()
