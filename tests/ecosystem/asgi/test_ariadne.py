"""ariadne: its ASGI application, mounted, and as one of Starlette's routes."""

from __future__ import annotations

import pytest

from tests.ecosystem.asgi.conftest import Serve
from tests.ecosystem.graphql_client import check, page

APP = """
    import asyncio
    from ariadne import MutationType, QueryType, SubscriptionType, make_executable_schema
    from ariadne.asgi import GraphQL
    from ariadne.asgi.handlers import GraphQLTransportWSHandler
    from sanic_star import Sanic
    from starlette.applications import Starlette
    from starlette.routing import WebSocketRoute

    query, mutation, subscription = QueryType(), MutationType(), SubscriptionType()

    @query.field("hello")
    async def hello(_, info, name="you"):
        return f"hello {name}"

    @mutation.field("rename")
    def rename(_, info, name):
        if not name:
            raise ValueError("a name has letters")
        return name

    @subscription.source("count")
    async def count(_, info, upTo):
        try:
            for number in range(1, upTo + 1):
                yield number
                await asyncio.sleep(0.01)
        finally:
            print(f"count of {upTo} is over", flush=True)

    @subscription.field("count")
    def number(value, info, upTo):
        return value

    schema = make_executable_schema(
        '''
        type Query { hello(name: String): String! }
        type Mutation { rename(name: String!): String! }
        type Subscription { count(upTo: Int!): Int! }
        ''',
        query, mutation, subscription,
    )
    graphql = GraphQL(schema, websocket_handler=GraphQLTransportWSHandler())
    app = Sanic("Graph") if HOW == "here" else Starlette()
    app.mount("/mounted", graphql)
    app.add_route("/routed", graphql, methods=["GET", "POST"])
    app.router.routes.append(WebSocketRoute("/routed", graphql))
"""


@pytest.mark.parametrize("path", ["/mounted/", "/routed"])
def test_asgi(serve: Serve, path: str) -> None:
    """Mounted and as a route: queries, mutations, bad input, subscriptions, and the page of the explorer."""
    process = serve(APP)
    url = f"http://127.0.0.1:{process.port}{path}"
    check(url, "graphql-transport-ws", lambda words: process.until(lambda: words in process.log))
    shown = page(url)
    assert (shown.status_code, shown.headers["content-type"].partition(";")[0]) == (200, "text/html")
    assert "graphiql" in shown.text.lower()


@pytest.mark.parametrize("how", ["here"])
def test_without_a_slash(serve: Serve) -> None:
    """Mounted, it answers the path without the slash too; Starlette redirects to the path with the slash."""
    process = serve(APP)
    url = f"http://127.0.0.1:{process.port}/mounted"
    check(url, "graphql-transport-ws", lambda words: process.until(lambda: words in process.log))
    shown = page(url)
    assert (shown.status_code, shown.history) == (200, [])
