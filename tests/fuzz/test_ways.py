"""Fast implementations give the results of slow ones; `nox -s fuzz` compares 100,000 inputs of each."""

from __future__ import annotations

import pytest

from tests.fuzz.ways import COMPARISONS, compare_ways


@pytest.mark.parametrize("name", COMPARISONS)
@pytest.mark.parametrize("seed", [1, 2])
def test_fast_and_slow_paths_agree(name: str, seed: int) -> None:
    assert compare_ways(name, seed, 400) == []
