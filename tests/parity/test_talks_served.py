"""The conversations under the other servers."""

from pathlib import Path

import pytest

from tests.parity.talks.servers import OTHERS, SANIC, Results, Server, differences, hold_conversations


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return hold_conversations(SANIC, tmp_path_factory.mktemp("sanic"))


@pytest.mark.parametrize("server", OTHERS, ids=lambda server: server.name)
def test_the_conversations_are_the_same_as_on_sanic(server: Server, reference: Results, tmp_path: Path) -> None:
    results = hold_conversations(server, tmp_path)
    lines = differences(server, results, reference)
    assert not lines, "\n".join(lines)
    assert results.tasks == []
    assert "Task exception was never retrieved" not in results.log
