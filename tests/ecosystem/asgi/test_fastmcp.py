"""FastMCP: `http_app`, mounted; its client talks to it."""

from __future__ import annotations

from typing import Any

import pytest
from fastmcp import Client
from fastmcp.exceptions import ToolError

from tests.ecosystem.asgi.conftest import Serve

APP = """
    from fastmcp import Context, FastMCP
    from starlette.applications import Starlette
    from starlette.routing import Mount
    from sanic_star import Sanic

    mcp = FastMCP("Demo")

    @mcp.tool
    def add(a: int, b: int) -> int:
        "Add two numbers."
        return a + b

    @mcp.tool
    async def count(to: int, context: Context) -> str:
        for number in range(to):
            await context.report_progress(number + 1, to)
        return "done"

    @mcp.tool
    def fail() -> str:
        raise ValueError("the tool fails")

    inner = mcp.http_app(path="/mcp")
"""
# As FastMCP documents it, and here also without a lifespan.
FORMS = {
    "lifespan": """
    if HOW == "here":
        app = Sanic("host", lifespan=inner.lifespan)
        app.mount("/tools", inner)
    else:
        app = Starlette(routes=[Mount("/tools", app=inner)], lifespan=inner.lifespan)
""",
    "mount": """
    app = Sanic("host")
    app.mount("/tools", inner)
    if HOW == "starlette":
        app = Starlette(routes=[Mount("/tools", app=inner)], lifespan=inner.lifespan)
""",
}


@pytest.mark.parametrize("form", FORMS)
async def test_client(serve: Serve, form: str) -> None:
    """Tools with results and progress through its client; a failing tool and wrong arguments are errors."""
    process = serve(APP + FORMS[form])
    progress: list[Any] = []

    async def keep(done: float, total: float | None, message: str | None) -> None:
        progress.append((done, total))

    async with Client(f"http://127.0.0.1:{process.port}/tools/mcp") as client:
        assert sorted(tool.name for tool in await client.list_tools()) == ["add", "count", "fail"]
        assert (await client.call_tool("add", {"a": 1, "b": 2})).data == 3
        assert (await client.call_tool("count", {"to": 3}, progress_handler=keep)).data == "done"
        assert progress == [(1, 3), (2, 3), (3, 3)]
        with pytest.raises(ToolError):
            await client.call_tool("fail", {})
        with pytest.raises(ToolError):
            await client.call_tool("add", {"a": "one"})
    process.terminate()
    assert "Exception in ASGI" not in process.log
