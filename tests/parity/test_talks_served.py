"""The conversations under the other servers."""

from pathlib import Path

import pytest

from tests.parity.talks.servers import OTHERS, SANIC, Held, Server, differences, hold


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Held:
    return hold(SANIC, tmp_path_factory.mktemp("sanic"))


@pytest.mark.parametrize("server", OTHERS, ids=lambda server: server.name)
def test_the_conversations_are_the_same_as_on_sanic(server: Server, reference: Held, tmp_path: Path) -> None:
    held = hold(server, tmp_path)
    lines = differences(server, held, reference)
    assert not lines, "\n".join(lines)
    assert held.tasks == []
    assert "Task exception was never retrieved" not in held.log
