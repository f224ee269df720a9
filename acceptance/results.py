"""The results of a run, compared with the tests that count and with the list of those that fail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .data import read
from .processes import Outcome, PytestRun

NOT_LOOKED_AT = "not looked at"
CLASSES = {
    "message": "The test compares a message. Only messages that people and log parsers look for are the same here.",
    "private": "The test relies on the identity, type or attributes of a private object.",
    "server": "The test checks a part of Sanic's own server, which an ASGI server replaces.",
    "fork": "The test relies on `fork`, or on the manager of Sanic's processes.",
    "different": "This package differs on purpose; the reason links to the entry of [Compatibility](compatibility.md).",
    NOT_LOOKED_AT: "These failures have not been examined yet; the reason is the message of pytest.",
}
"""The classes of tests that do not pass, with the meaning of each."""

Tests = dict[str, list[str]]
"""File → identifiers of tests."""


@dataclass
class SuiteResult:
    """The outcomes of one suite."""

    suite: str
    outcomes: dict[str, dict[str, Outcome]]
    """File → test → outcome."""
    foreign_modules: list[str]

    @property
    def control(self) -> Tests:
        """Return the tests that count."""
        control: Tests = read(f"{self.suite}_control")
        return control

    def passes(self, file: str, test: str) -> bool:
        """Return whether a test has passed."""
        return self.outcomes.get(file, {}).get(test, ("", ""))[0] == "passed"

    @property
    def passed(self) -> int:
        """Return how many of the tests that count pass."""
        return sum(self.passes(file, test) for file, tests in self.control.items() for test in tests)

    @property
    def failing(self) -> Tests:
        """Return the tests that count and do not pass."""
        failing = {
            file: [test for test in tests if not self.passes(file, test)] for file, tests in self.control.items()
        }
        return {file: tests for file, tests in failing.items() if tests}

    @property
    def unexpected(self) -> Tests:
        """Return the failing tests that are not in the list of failing tests."""
        listed = {(file, test) for file, test, _ in listed_tests(self.suite)}
        failing = {file: [test for test in tests if (file, test) not in listed] for file, tests in self.failing.items()}
        return {file: tests for file, tests in failing.items() if tests}

    def merge_passes(self, other: PytestRun, file: str) -> None:
        """Count the tests that passed in a second run of a file."""
        passed = {test: outcome for test, outcome in other.outcomes.items() if outcome[0] == "passed"}
        self.outcomes.setdefault(file, {}).update(passed)


def listed_tests(suite: str) -> Iterable[tuple[str, str, dict[str, Any]]]:
    """Yield file, test and group of each test in the list of failing tests."""
    for group in read("left")[suite]:
        for file, tests in group["tests"].items():
            for test in tests:
                yield file, test, group


def updated_groups(result: SuiteResult) -> list[dict[str, Any]]:
    """Return the new list of failing tests: without those that pass now, with new ones that fail."""
    failing = {(file, test) for file, tests in result.failing.items() for test in tests}
    groups: dict[tuple[str, str], Tests] = {}
    for file, test, group in listed_tests(result.suite):
        if (file, test) in failing and group["class"] != NOT_LOOKED_AT:
            failing.remove((file, test))
            groups.setdefault((group["class"], group["reason"]), {}).setdefault(file, []).append(test)
    for file, test in sorted(failing):
        message = result.outcomes.get(file, {}).get(test, ("", "not run"))[1]
        groups.setdefault((NOT_LOOKED_AT, message[:100]), {}).setdefault(file, []).append(test)
    order = list(CLASSES)
    return [
        {"class": name, "reason": reason, "tests": tests}
        for (name, reason), tests in sorted(groups.items(), key=lambda item: (order.index(item[0][0]), item[0][1]))
    ]


def result_of_sanic(runs: Iterable[PytestRun]) -> SuiteResult:
    """Return the result of Sanic's suite: one run a file."""
    runs = list(runs)
    foreign = sorted({module for run in runs for module in run.foreign_modules})
    return SuiteResult("sanic", {run.name: run.outcomes for run in runs}, foreign)


def result_of_starlette(run: PytestRun) -> SuiteResult:
    """Return the result of Starlette's suite: one run for all files."""
    outcomes: dict[str, dict[str, Outcome]] = {}
    for identifier, outcome in run.outcomes.items():
        file, _, test = identifier.partition("::")
        outcomes.setdefault(file, {})[test] = outcome
    return SuiteResult("starlette", outcomes, run.foreign_modules)
