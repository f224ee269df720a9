"""pytest plugin: write each event as a JSON line at once.

The runner reads the file while pytest is alive, so that a crash or a hang loses no results. The environment has
`ACCEPTANCE_EVENTS`, the file that is written; `ACCEPTANCE_SKIP`, a file of tests that were run before, one a line; and,
where the alias is installed, `ACCEPTANCE_ALIAS`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

MAIN_PROCESS = os.getpid()
EVENTS = os.environ.get("ACCEPTANCE_EVENTS")
MAX_REASON = 400


def write_event(event: str, **data: object) -> None:
    """Append an event; not in a child that a test has forked and that runs on into pytest."""
    if not EVENTS or os.getpid() != MAIN_PROCESS:
        return
    record = {**data, "event": event, "time": round(time.time(), 3)}
    with open(EVENTS, "a", encoding="utf-8", errors="backslashreplace") as output:
        output.write(json.dumps(record) + "\n")


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return one line with the reason why a test did not pass."""
    details = report.longrepr
    if details is None:
        return ""
    if isinstance(details, tuple):  # a skip: file, line, reason
        return str(details[-1])[:MAX_REASON]
    crash = getattr(details, "reprcrash", None)
    lines = [line.strip() for line in str(crash.message if crash else details).splitlines() if line.strip()]
    if not lines:
        return ""
    if crash:
        return lines[0][:MAX_REASON]
    errors = [line[1:].strip() for line in lines if line.startswith("E ")]
    return (errors or lines)[-1][:MAX_REASON]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that an earlier process has run."""
    skip = os.environ.get("ACCEPTANCE_SKIP")
    done = set(Path(skip).read_text(encoding="utf-8").split("\n")) if skip and os.path.exists(skip) else set()
    if dropped := [item for item in items if item.nodeid in done]:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item.nodeid not in done]
    write_event("collected", ids=[item.nodeid for item in items])


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Record a file that cannot be imported."""
    if report.failed:
        write_event("collect-failed", id=report.nodeid, reason=reason_of(report))


def pytest_runtest_logstart(nodeid: str) -> None:
    """Record that a test starts."""
    write_event("start", id=nodeid)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Record how a phase of a test ended."""
    write_event(
        "phase",
        id=report.nodeid,
        when=report.when,
        outcome=report.outcome,
        xfail=hasattr(report, "wasxfail"),
        reason="" if report.passed else reason_of(report),
    )


def pytest_runtest_logfinish(nodeid: str) -> None:
    """Record that a test is over."""
    write_event("finish", id=nodeid)


def pytest_sessionfinish(exitstatus: int) -> None:
    """Record the end, and modules of a real Sanic that were loaded."""
    if os.environ.get("ACCEPTANCE_ALIAS"):
        import alias_plugin  # loaded only where the alias is wanted: it installs the alias

        if modules := alias_plugin.real_modules():
            write_event("foreign", modules=modules)
    write_event("end", status=int(exitstatus))
    sys.stdout.flush()
