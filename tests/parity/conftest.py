"""The two workers, one pair per test session."""

from collections.abc import Iterator

import pytest

from tests.parity.frameworks import Framework


@pytest.fixture(scope="session")
def sanic() -> Iterator[Framework]:
    with Framework("sanic") as framework:
        yield framework


@pytest.fixture(scope="session")
def star() -> Iterator[Framework]:
    with Framework("sanic_star") as framework:
        yield framework
