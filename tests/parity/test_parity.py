"""Each case gives the same answers on Sanic and on sanic_star; those that may differ are few, listed, and do differ."""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import compress

import pytest

import tests.parity.cases  # noqa: F401 - fills CASES
from sanic_star import Sanic
from tests.parity.case import CASES, Case
from tests.parity.compare import case_differences
from tests.parity.conftest import Reference
from tests.parity.frameworks import Framework
from tests.parity.inprocess import InProcess, can_play
from tests.parity.page import PAGE, update_page


def _param(case: Case) -> object:
    marks = [pytest.mark.xfail(reason=f"awaits {case.awaits}", strict=True)] if case.awaits else []
    return pytest.param(case, id=case.id, marks=marks)


PARAMS = [_param(case) for case in CASES]


@pytest.mark.parametrize("case", PARAMS)
def test_same_answers_over_a_socket(case: Case, reference: Reference, star: Framework) -> None:
    with ThreadPoolExecutor(1) as pool:  # two processes that wait for each other would take twice the time
        answers = pool.submit(star.play, case)
        lines = case_differences(case, reference(case), answers.result())
    judge(case, lines, star.log)


@pytest.mark.parametrize("case", PARAMS)
def test_same_answers_in_process(
    case: Case,
    reference: Reference,
    in_process: InProcess,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As in the other processes: without settings of the environment, and without Sanic Extensions.
    monkeypatch.delenv("SANIC_AUTO_EXTEND")
    monkeypatch.setitem(sys.modules, "sanic_ext", None)
    answers = reference(case)
    possible = [can_play(step) for step in case.steps]
    if not case.fails and not any(possible) and case.steps:
        return
    whole = case.fails or all(possible)
    part = case if whole else replace(case, steps=tuple(compress(case.steps, possible)))
    played = in_process.play(part)
    if not whole:
        # The last answer, the events and the log, belongs to all steps.
        answers, played = list(compress(answers, possible)), played[: len(part.steps)]
    lines = case_differences(part, answers, played)
    if lines or not case.differs:
        judge(case, lines, caplog.text)


@pytest.mark.parametrize("case", [_param(case) for case in CASES if case.group == "synchronous"])
def test_same_answers_in_threads(
    case: Case, reference: Reference, in_process: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SANIC_AUTO_EXTEND")
    monkeypatch.setitem(sys.modules, "sanic_ext", None)
    defaults = Sanic.__init__.__kwdefaults__
    assert defaults is not None
    assert defaults["sync_handlers"] == "loop"
    monkeypatch.setitem(defaults, "sync_handlers", "thread")
    judge(case, case_differences(case, reference(case), in_process.play(case)), "")


def judge(case: Case, lines: list[str], log: str) -> None:
    """Fail with the differences and the log, unless they are intended; then fail if there are none."""
    if case.differs:
        assert lines, f"this no longer differs: take `differs=` from the case, and the entry from {PAGE.name}"
    elif lines:
        pytest.fail("\n".join([*lines, "--- log of sanic_star", log[-2000:]]), pytrace=False)


@pytest.mark.parametrize("mark", ["differs", "log_differs"])
def test_intended_differences_are_few(mark: str) -> None:
    assert sum(bool(getattr(case, mark)) for case in CASES) <= 0.05 * len(CASES)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES if case.differs or case.log_differs])
def test_intended_difference_is_documented(case: Case) -> None:
    assert f"{{ #{case.differs or case.log_differs} }}" in PAGE.read_text()


def test_the_page_lists_the_cases_of_each_difference() -> None:
    assert PAGE.read_text() == update_page(PAGE.read_text()), "python -m tests.parity page"
