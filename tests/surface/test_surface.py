"""No name of Sanic's public surface goes missing unnoticed."""

import sys
from pathlib import Path

import pytest

from tests.surface import KNOWN_GAPS, measure
from tests.surface.compare import Surface, compare, read
from tests.surface.reader import describe


@pytest.fixture(scope="module")
def surface() -> Surface:
    return measure()


def test_nothing_is_missing_that_is_not_known(surface: Surface) -> None:
    assert set(surface.gaps) - set(KNOWN_GAPS.read_text().splitlines()) == set()


def test_resolved_gaps_leave_the_list(surface: Surface) -> None:
    """`python -m tests.surface --write` brings it up to date: the floor only rises."""
    assert set(KNOWN_GAPS.read_text().splitlines()) - set(surface.gaps) == set()


def test_gaps_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "halfway").mkdir()
    (tmp_path / "halfway" / "__init__.py").write_text("")
    (tmp_path / "halfway" / "views.py").write_text(
        "class HTTPMethodView:\n    def as_view(self): pass\n    def attach(self, **given): return given\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{':'.join(sys.path)}")
    gaps = compare(read("sanic"), read("halfway")).gaps
    assert "views: attribute HTTPMethodView.as_view: does nothing" in gaps
    assert "views: attribute HTTPMethodView.dispatch_request: missing" in gaps
    assert "views: parameter HTTPMethodView.dispatch_request(request): missing" in gaps
    assert "app: module app: ModuleNotFoundError: No module named 'halfway.app'" in gaps
    assert not any("HTTPMethodView.attach" in gap for gap in gaps)


def test_the_parameters_of_a_function_are_read() -> None:
    def given(self: object, one: int, *, two: int, _three: int, **rest: int) -> object:
        return rest

    async def unused(**rest: int) -> None: ...

    assert describe(given)["names"] == ["one", "two"]
    assert describe(given)["open"]
    assert not describe(unused)["open"]
    assert describe(unused)["async"]
    assert describe(property(lambda self: self))["kind"] == "value"
