"""The figures and tables about the suites of Sanic and Starlette are those of the lists in `acceptance/data`.

The suites themselves are run by `nox -s acceptance`, which compares the lists with what happens.
"""

import re
from pathlib import Path

import pytest

from acceptance import data, page
from acceptance.results import CLASSES, listed_tests
from tests.project import ROOT

SUITES = ("sanic", "starlette")


def test_the_page_is_made_from_the_lists() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.rendered(), "run nox -s acceptance -- --write"


@pytest.mark.parametrize("path", page.PAGES_WITH_FIGURES, ids=lambda path: path.name)
def test_other_pages_have_the_same_figures(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.search(page.FIGURE.format(suite="sanic"), text)
    assert text == page.with_figures(text), "run nox -s acceptance -- --write"


@pytest.mark.parametrize("suite", SUITES)
def test_the_lists_agree(suite: str) -> None:
    passed, _ = page.figures(suite)
    assert passed == data.read("floor")[suite]
    control = {(file, test) for file, tests in data.read(f"{suite}_control").items() for test in tests}
    listed = [(file, test) for file, test, _ in listed_tests(suite)]
    assert len(listed) == len(set(listed))
    assert set(listed) <= control
    assert {group["class"] for group in data.read("left")[suite]} <= set(CLASSES)


def test_the_session_downloads_the_releases_that_the_page_names() -> None:
    text = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    assert f"ACCEPTANCE_SUITES = {page.RELEASES!r}".replace("'", '"') in text
