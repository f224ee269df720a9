"""starlette-graphene3: `GraphQLApp`, mounted, and as one of Starlette's routes."""

from __future__ import annotations

import pytest

from tests.ecosystem.asgi.conftest import Serve
from tests.ecosystem.graphql_client import check, page

APP = """
    import asyncio
    import graphene
    from sanic_star import Sanic
    from starlette.applications import Starlette
    from starlette.routing import WebSocketRoute
    from starlette_graphene3 import GraphQLApp, make_graphiql_handler, make_playground_handler

    class Query(graphene.ObjectType):
        hello = graphene.String(required=True, name=graphene.Argument(graphene.String, default_value="you"))

        async def resolve_hello(self, info, name):
            return f"hello {name}"

    class Rename(graphene.Mutation):
        class Arguments:
            name = graphene.String(required=True)

        Output = graphene.String

        def mutate(self, info, name):
            if not name:
                raise ValueError("a name has letters")
            return name

    class Mutation(graphene.ObjectType):
        rename = Rename.Field()

    class Subscription(graphene.ObjectType):
        count = graphene.Int(required=True, up_to=graphene.Int(required=True))

        async def subscribe_count(root, info, up_to):
            try:
                for number in range(1, up_to + 1):
                    yield number
                    await asyncio.sleep(0.01)
            finally:
                print(f"count of {up_to} is over", flush=True)

    schema = graphene.Schema(Query, Mutation, Subscription)
    app = Sanic("Graph") if HOW == "here" else Starlette()
    app.mount("/mounted", GraphQLApp(schema, on_get=make_graphiql_handler()))
    routed = GraphQLApp(schema, on_get=make_playground_handler())
    app.add_route("/routed", routed, methods=["GET", "POST"])
    app.router.routes.append(WebSocketRoute("/routed", routed))
"""


@pytest.mark.parametrize("path", ["/mounted/", "/routed"])
def test_asgi(serve: Serve, path: str) -> None:
    """Mounted and as a route: queries, mutations, bad input, subscriptions, and the page of the explorer."""
    process = serve(APP)
    url = f"http://127.0.0.1:{process.port}{path}"
    check(url, "graphql-ws", lambda words: process.until(lambda: words in process.log))
    shown = page(url)
    assert (shown.status_code, shown.headers["content-type"].partition(";")[0]) == (200, "text/html")
    assert ("playground" if path == "/routed" else "graphiql") in shown.text.lower()


@pytest.mark.parametrize("how", ["here"])
def test_without_a_slash(serve: Serve) -> None:
    """Mounted, it answers the path without the slash too; Starlette redirects to the path with the slash."""
    process = serve(APP)
    url = f"http://127.0.0.1:{process.port}/mounted"
    check(url, "graphql-ws", lambda words: process.until(lambda: words in process.log))
    shown = page(url)
    assert (shown.status_code, shown.history) == (200, [])
