"""Websockets frame by frame: each conversation is the same as on Sanic's own server."""

import pytest

from tests.parity.page import PAGE
from tests.parity.talks.servers import DEFAULT, SANIC, Results, differences, hold_conversations
from tests.parity.talks.table import CONVERSATIONS


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return hold_conversations(SANIC, tmp_path_factory.mktemp("sanic"))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return hold_conversations(DEFAULT, tmp_path_factory.mktemp("star"))


def test_the_conversations_are_the_same_as_on_sanic(ours: Results, reference: Results) -> None:
    assert len(CONVERSATIONS) >= 120
    assert len({conversation.name for conversation in CONVERSATIONS}) == len(CONVERSATIONS)
    lines = differences(DEFAULT, ours, reference)
    assert not lines, "\n".join(lines)


def test_no_task_is_left_and_nothing_is_logged_as_an_internal_error(ours: Results) -> None:
    assert ours.tasks == []
    assert "Exception in ASGI application" not in ours.log
    assert "Task exception was never retrieved" not in ours.log
    assert "was never awaited" not in ours.log


def test_differences_are_documented() -> None:
    for conversation in CONVERSATIONS:
        assert not conversation.differs or f"{{ #{conversation.differs} }}" in PAGE.read_text()
