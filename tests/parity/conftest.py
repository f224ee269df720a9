"""The two workers, one pair per test session, and what Sanic has answered."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parity.case import Case
from tests.parity.frameworks import Framework
from tests.parity.inprocess import InProcess
from tests.parity.wire import Answer


class Reference:
    """Sanic's answers, asked for once per case.

    Args:
        sanic: The worker.
    """

    def __init__(self, sanic: Framework) -> None:
        self._sanic = sanic
        self._answers: dict[str, list[list[Answer]]] = {}

    def __call__(self, case: Case) -> list[list[Answer]]:
        if case.id not in self._answers:
            self._answers[case.id] = self._sanic.play_as_reference(case)
        return self._answers[case.id]


@pytest.fixture(scope="session")
def reference() -> Iterator[Reference]:
    with Framework("sanic") as framework:
        yield Reference(framework)


@pytest.fixture(scope="session")
def star() -> Iterator[Framework]:
    with Framework("sanic_star") as framework:
        yield framework


@pytest.fixture
def in_process(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path)
