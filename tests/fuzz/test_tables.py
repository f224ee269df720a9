"""Some of the random tables in the ordinary tests; `nox -s fuzz` asks more of them."""

from __future__ import annotations

import pytest

from tests.fuzz.__main__ import tables
from tests.fuzz.tables import compare


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(0, 100, 20))
def test_both_routers_choose_alike(seed: int) -> None:
    found = [difference for number in range(seed, seed + 20) for difference in compare(number, 10, tables)[1]]
    assert not found, "\n".join(map(str, found))
