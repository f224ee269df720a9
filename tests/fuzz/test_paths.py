"""Generated paths, to routes and files: never a 500, never a file from outside.

`python -m tests.fuzz` compares the answers to such paths with Sanic's, in process and over a socket.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import sanic_star
from tests.fuzz.paths import PREFIXES, SECRET, SEGMENTS, application, ask, files

PARTS = st.one_of(st.sampled_from([piece.encode("latin-1") for piece in SEGMENTS]), st.binary(max_size=12))


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return application(sanic_star, "Generated", files(Path(tmp_path_factory.mktemp("paths"))))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    prefix=st.sampled_from(PREFIXES),
    parts=st.lists(PARTS, max_size=6),
    slash=st.sampled_from((b"/", b"//", b"%2f", b"\\", b"")),
    method=st.sampled_from(("GET", "HEAD", "POST", "OPTIONS")),
)
@example(prefix="/static/", parts=[b"%c0%ae%c0%ae", b"secret.txt"], slash=b"/", method="GET")
@example(prefix="/s/", parts=[b"..%5c", b"%00"], slash=b"", method="HEAD")
async def test_any_path_has_an_answer(app: Any, prefix: str, parts: list[bytes], slash: bytes, method: str) -> None:
    raw = prefix.encode() + slash.join(parts)
    response = await ask(app, raw if raw.startswith(b"/") else b"/" + raw, method)
    assert response.status in (200, 206, 302, 404, 405)
    assert SECRET.encode() not in response.body
