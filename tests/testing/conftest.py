"""Fixtures of the clients' tests."""

import pytest


@pytest.fixture(params=[False, True], ids=["own loop", "portal"])
def in_block(request: pytest.FixtureRequest) -> bool:
    """Return whether the test uses its client in a ``with`` block."""
    return bool(request.param)
