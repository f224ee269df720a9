"""Each name of Sanic exists here, or a page has the reason why not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.surface import sweep
from tests.surface.sweep import Gap

ANEW = "after a wanted change: python -m tests.surface.sweep --write"


@pytest.fixture(scope="module")
def gaps() -> list[Gap]:
    return sweep.gaps()


def test_each_missing_name_has_a_reason(gaps: list[Gap]) -> None:
    assert [str(gap) for gap in gaps if not gap.reason] == []


def test_the_page_lists_what_is_missing(gaps: list[Gap]) -> None:
    assert sweep.page(gaps) == sweep.PAGE.read_text(), ANEW


def test_the_table_of_names_that_modules_pass_on_is_sanics() -> None:
    # In a process of its own: modules have these names once the alias was installed.
    command = [sys.executable, "-W", "ignore", "-m", "tests.surface.sweep", "--passed-on"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == sweep.PASSED_ON.read_text(), ANEW


def test_missing_names_are_found() -> None:
    sanics = sweep.read_sanic()
    assert sanics["sanic.app"]["Sanic"]["home"] == "sanic.app"
    # Inherited, computed, and of a slot.
    assert {"route", "extend", "go_fast", "websocket_tasks"} <= set(sanics["sanic.app"]["Sanic"]["attributes"])
    assert sanics["sanic.app"]["BadRequest"]["home"] == "sanic.exceptions"
    assert sanics["sanic.app"]["error_logger"]["home"] == "sanic.log"
    assert "partial" not in sanics["sanic.app"]
    command = [sys.executable, "-m", "tests.surface.sweep", "--ours"]
    wanted = '{"sanic.app": ["Sanic", "nosuch"], "sanic.nosuch": ["x"], "sanic.asgi": ["ASGIApp"]}'
    done = subprocess.run(command, input=wanted, capture_output=True, text=True, check=True)
    assert '"nosuch"' not in done.stdout
    assert '"the application is an ASGI application itself"' in done.stdout
    assert '"sanic.nosuch"' not in done.stdout
