"""The MCP SDK: `streamable_http_app`, mounted; its client talks to it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import requests
from mcp import Client

from tests.ecosystem.asgi.conftest import Serve
from tests.engine.processes import TIMEOUT_S

APP = """
    import contextlib
    from mcp.server import MCPServer
    from starlette.applications import Starlette
    from starlette.routing import Mount
    from sanic_star import Sanic, text

    mcp = MCPServer("Demo")

    @mcp.tool()
    def add(a: int, b: int) -> int:
        "Add two numbers."
        return a + b

    @mcp.tool()
    async def fail() -> str:
        raise ValueError("the tool fails")

    @mcp.resource("greeting://{name}")
    def greeting(name: str) -> str:
        return f"Hello, {name}!"

    inner = mcp.streamable_http_app(streamable_http_path="/")

    @contextlib.asynccontextmanager
    async def lifespan(app):
        print("entered", flush=True)
        async with mcp.session_manager.run():
            yield
        print("left", flush=True)
"""
# As the SDK documents it, with the lifespan of the outer application, and here also without it.
FORMS = {
    "lifespan": """
    app = (Sanic("host", lifespan=lifespan) if HOW == "here" else Starlette(lifespan=lifespan))
    app.mount("/mcp", inner)
""",
    "mount": """
    app = Sanic("host")
    app.mount("/mcp", inner)
    if HOW == "starlette":
        app = Starlette(routes=[Mount("/mcp", inner)], lifespan=lifespan)
""",
}


async def use(url: str) -> Any:
    """Return what the client gets."""
    async with Client(url, read_timeout_seconds=TIMEOUT_S) as client:
        tools = sorted(tool.name for tool in (await client.list_tools()).tools)
        added = (await client.call_tool("add", {"a": 1, "b": 2})).structured_content
        failed = (await client.call_tool("fail", {})).is_error
        wrong = (await client.call_tool("add", {"a": "one"})).is_error
        greeting = (await client.read_resource("greeting://Ann")).contents[0]
        return tools, added, failed, wrong, getattr(greeting, "text", None)


@pytest.mark.parametrize("form", FORMS)
def test_client(serve: Serve, form: str) -> None:
    """Tools and resources through the SDK's client; a failing tool, wrong arguments, and malformed requests."""
    process = serve(APP + FORMS[form])
    url = f"http://127.0.0.1:{process.port}/mcp"
    for slash in ("", "/"):
        assert asyncio.run(use(url + slash)) == (["add", "fail"], {"result": 3}, True, True, "Hello, Ann!")
    accept = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
    malformed = requests.post(f"{url}/", data=b"{", headers=accept, timeout=TIMEOUT_S)
    assert (malformed.status_code, malformed.json()["error"]["code"]) == (400, -32700)
    assert requests.post(f"{url}/", json={}, headers={"accept": "text/html"}, timeout=TIMEOUT_S).status_code == 406
    foreign = requests.post(f"{url}/", json={}, headers={**accept, "host": "evil.test"}, timeout=TIMEOUT_S)
    assert foreign.status_code == 421
    process.terminate()
    assert "Exception in ASGI" not in process.log
    if form == "lifespan":
        assert (process.log.count("entered"), process.log.count("left")) == (1, 1)
