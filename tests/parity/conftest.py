"""The two workers, one pair per test session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parity.frameworks import Framework
from tests.parity.inprocess import InProcess


@pytest.fixture(scope="session")
def sanic() -> Iterator[Framework]:
    with Framework("sanic") as framework:
        yield framework


@pytest.fixture(scope="session")
def star() -> Iterator[Framework]:
    with Framework("sanic_star") as framework:
        yield framework


@pytest.fixture
def in_process(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path)
