"""Each case gives the same answers on Sanic and on sanic_star; those that may differ are few, listed, and do differ."""

from pathlib import Path

import pytest

import tests.parity.cases  # noqa: F401 - fills CASES
from tests.parity.case import CASES, Case
from tests.parity.compare import case_differences
from tests.parity.frameworks import ROOT, Framework

DIFFERENCES = ROOT / "docs" / "compatibility.md"


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_same_answers(case: Case, sanic: Framework, star: Framework) -> None:
    lines = case_differences(case, sanic.play_as_reference(case), star.play(case))
    if case.differs:
        assert lines, f"this no longer differs: take `differs=` from the case, and the entry from {DIFFERENCES.name}"
        return
    if lines:
        pytest.fail("\n".join([*lines, "--- log of sanic_star", star.log[-2000:]]), pytrace=False)


def test_intended_differences_are_few() -> None:
    assert sum(bool(case.differs) for case in CASES) <= 0.05 * len(CASES)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES if case.differs])
def test_intended_difference_is_documented(case: Case) -> None:
    headings = [line.lstrip("# ").strip() for line in Path(DIFFERENCES).read_text().splitlines() if line[:1] == "#"]
    assert case.differs in headings
