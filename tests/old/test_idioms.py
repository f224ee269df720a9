"""The idioms of older releases work as before, over a socket, with a warning that names the replacement."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.old import page
from tests.old.idioms import IDIOMS, Idiom
from tests.old.observed import ROOT, job_of, key, load, run, without


@pytest.fixture(scope="module")
def results() -> dict[str, dict[str, Any]]:
    """Run all applications here, unmodified."""
    jobs = [{**job_of(idiom), "with": ["-m", "sanic_star.compat"]} for idiom in IDIOMS]
    done = run(jobs, cwd=ROOT)
    return {idiom.name: result for idiom, result in zip(IDIOMS, done, strict=True)}


@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.name)
def test_it_works_as_before(idiom: Idiom, results: dict[str, dict[str, Any]]) -> None:
    result = results[idiom.name]
    assert "answers" in result, result
    assert without(result["answers"], idiom.ignored) == load()[idiom.name].answers


@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.name)
def test_a_warning_names_the_replacement(idiom: Idiom, results: dict[str, dict[str, Any]]) -> None:
    warned = results[idiom.name].get("warnings", [])
    assert warned
    texts = []
    for text, category, is_in_source in warned:
        assert (category, is_in_source) == ("DeprecationWarning", True), text
        release = re.match(r"\[DEPRECATION v([\d.]+)\] ", text)
        assert release is not None
        # The release that is named is one that came after the last one that had the idiom.
        assert key(release[1]) > key(load()[idiom.name].until), text
        texts.append(text)
    assert [text for text in texts if re.search(idiom.warns, text)]


@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.name)
def test_sanic_refuses_it_now(idiom: Idiom) -> None:
    assert load()[idiom.name].others["25.12"]


def test_the_page_has_the_lists() -> None:
    text = page.PAGE.read_text()
    assert page.with_lists(text) == text, "python -m tests.old writes it"
