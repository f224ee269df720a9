"""A plugin of pytest that writes the outcome of each test as JSON: `--record=FILE`.

One entry for each test function: the first line of its docstring, and the outcome for each way of serving.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

# Outcomes of one test's setup, call and teardown: the worst is the test's.
RANK = ("passed", "skipped", "xfailed", "failed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", help="write the outcomes of the tests to this file")


def pytest_configure(config: pytest.Config) -> None:
    if path := config.getoption("--record"):
        config.pluginmanager.register(Recorder(Path(path)), "ecosystem-recorder")


def _how(item: pytest.Function) -> str:
    """Return the setup in which a test served its application; projects have more setups than other applications."""
    callspec = getattr(item, "callspec", None)
    params = callspec.params if callspec else {}
    setup = str(params.get("setup", ""))
    of_way = "sanic" if setup.startswith("Sanic") else "uvicorn" if "uvicorn" in setup else "here"
    return str(params.get("how", of_way))


class Recorder:
    """Gathers the outcomes, and writes them when the session ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shown: dict[str, dict[str, Any]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Function, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        entry = self.shown.setdefault(
            f"{item.path.name}::{item.originalname}",
            {"what": (item.obj.__doc__ or item.originalname).strip().splitlines()[0], "outcomes": {}, "reasons": {}},
        )
        how = _how(item)
        outcome = "xfailed" if hasattr(report, "wasxfail") and report.skipped else report.outcome
        before = entry["outcomes"].get(how, "passed")
        entry["outcomes"][how] = max(before, outcome, key=RANK.index)
        if outcome == "xfailed":
            entry["reasons"][how] = report.wasxfail
        elif outcome == "skipped" and isinstance(report.longrepr, tuple):
            entry["reasons"][how] = report.longrepr[2].removeprefix("Skipped: ")
        return report

    def pytest_sessionfinish(self) -> None:
        self.path.write_text(json.dumps(list(self.shown.values()), indent=2) + "\n")
