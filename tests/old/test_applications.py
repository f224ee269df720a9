"""An application in the idiom of each long-term release runs unmodified, and gives the answers of that release."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.old.applications import APPS, STEPS, comparable_parts, job_of, load
from tests.old.observed import ROOT, key, run

# How many idioms each application uses that are gone, at least.
IDIOMS = {"0.8": 12, "18.12": 8, "19.12": 9, "20.12": 9, "21.12": 7, "22.12": 5, "23.12": 3, "24.12": 0}


@pytest.fixture(scope="module")
def results() -> dict[str, dict[str, Any]]:
    done = run([{**job_of(release), "with": ["-m", "sanic_star.compat"]} for release in STEPS], cwd=ROOT)
    return dict(zip(STEPS, done, strict=True))


@pytest.mark.parametrize("release", STEPS)
def test_it_answers_as_before(release: str, results: dict[str, dict[str, Any]]) -> None:
    result = results[release]
    assert "answers" in result, result
    ours, on_release = comparable_parts(result["answers"]), comparable_parts(load()[release]["answers"])
    paths = [f"{step.get('method', 'GET')} {step['path']}" for step in STEPS[release]]
    assert dict(zip(paths, ours, strict=True)) == dict(zip(paths, on_release, strict=True))


@pytest.mark.parametrize("release", STEPS)
def test_each_idiom_is_warned_of(release: str, results: dict[str, dict[str, Any]]) -> None:
    warned = results[release].get("warnings", [])
    assert all(category == "DeprecationWarning" and is_in_source for _, category, is_in_source in warned)
    texts = {text for text, _, _ in warned}
    assert len(texts) >= IDIOMS[release]
    for text in texts:
        gone = re.match(r"\[DEPRECATION v([\d.]+)\] ", text)
        assert gone is not None
        assert key(gone[1]) > key(release), text


def test_each_release_has_one() -> None:
    assert {path.name for path in APPS.glob("*.py")} == {f"v{release.replace('.', '_')}.py" for release in STEPS}
