"""Names of responses that Sanic has dropped."""

from typing import Any

import pytest

from sanic_star import Sanic
from sanic_star.compat.response import StreamingHTTPResponse, stream
from sanic_star.testing import TestClient


@pytest.mark.parametrize("kind", ["function", "class"])
def test_the_old_name_of_streams(kind: str) -> None:
    app: Sanic[Any, Any] = Sanic("Old")

    async def write(response: Any) -> None:
        await response.write("old ")
        await response.write(b"stream")

    @app.get("/")
    async def handler(request: Any) -> Any:
        make = stream if kind == "function" else StreamingHTTPResponse
        with pytest.warns(DeprecationWarning, match="use ResponseStream"):
            return make(write, status=201, headers={"x-a": "1"}, chunked=True)

    answer = TestClient(app).get("/")
    assert (answer.status_code, answer.text, answer.headers["x-a"]) == (201, "old stream", "1")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
