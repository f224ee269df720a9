"""Processes of pytest whose results survive a crash, a hang and a time limit.

The plugin `event_recorder` writes each event into a file while pytest runs. If pytest dies or falls silent, its process
group is killed, the test that was running counts as an error, and a new process goes on with the next test.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

PLUGINS = Path(__file__).parent / "plugins"
MAX_RESTARTS = 12
# Settings of servers, of Python and of pytest, colours and proxies of the caller's shell.
UNWANTED_VARIABLES = re.compile(
    r"(SANIC|ACCEPTANCE|UVICORN|PYTEST|PYTHON|COV)_?|.*_proxy$|NO_COLOR$|FORCE_COLOR$|WEB_CONCURRENCY$"
    r"|FORWARDED_ALLOW_IPS$",
    re.IGNORECASE,
)
INTERRUPTED = {
    "died": "pytest died in it",
    "silent": "hung, was killed",
    "late": "was running when the file's time was up",
}

Outcome = tuple[str, str]
"""The outcome of a test (passed, failed, error, skipped, xfailed, xpassed), and one line with the reason."""


def clean_environment(**variables: str) -> dict[str, str]:
    """Return the environment for a process of a suite: the caller's, without variables that could change a result."""
    inherited = {name: value for name, value in os.environ.items() if not UNWANTED_VARIABLES.match(name)}
    fixed = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "PYTHONPATH": str(PLUGINS)}
    return {**inherited, **fixed, **variables}


def network_launcher() -> list[str]:
    """Return the command prefix that gives a process a loopback network of its own; empty where that is impossible."""
    prefix = [sys.executable, str(PLUGINS / "own_network.py")]
    probe = (
        "import socket; listener = socket.create_server(('127.0.0.1', 0));"
        "socket.create_connection(listener.getsockname(), 5)"
    )
    probed = subprocess.run([*prefix, sys.executable, "-c", probe], capture_output=True, check=False)
    return prefix if probed.returncode == 0 else []


@dataclass
class Limits:
    """The time limits of a run, in seconds."""

    test: float = 30
    file: float = 240

    @property
    def silence(self) -> float:
        """Return the seconds without an event after which pytest counts as hung."""
        return self.test + 15


@dataclass
class PytestRun:
    """One run of pytest over one file or folder, in as many processes as necessary."""

    command: Sequence[str]
    folder: Path
    """The working directory."""
    environment: Mapping[str, str]
    log: Path
    limits: Limits
    name: str = ""
    keep_files: bool = False
    """Whether identifiers of tests keep the names of their files: for runs over a folder."""
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    foreign_modules: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def run(self) -> PytestRun:
        """Run all tests and return the run itself, which then has the outcomes."""
        began = time.monotonic()
        deadline = began + self.limits.file
        skipped = self.folder / "done_before.txt"
        done: list[str] = []
        with self.log.open("wb") as output:
            for attempt in range(MAX_RESTARTS + 1):
                skipped.write_text("\n".join(done), encoding="utf-8")
                events = self.folder / f"events{attempt}.jsonl"
                events.touch()
                before = len(done)
                ended = self._run_process(events, skipped, output, deadline)
                remaining = self._read_events(events, done, ended)
                if ended == "end" or not remaining:
                    break
                reason = None
                if time.monotonic() >= deadline:
                    reason = "the file's time was up"
                elif len(done) == before or attempt == MAX_RESTARTS:
                    reason = "pytest kept dying"
                if reason:
                    self.notes.append(f"{len(remaining)} tests not run: {reason}")
                    self.outcomes.update({self._short(test): ("error", f"not run: {reason}") for test in remaining})
                    break
        self.seconds = time.monotonic() - began
        return self

    def _run_process(self, events: Path, skipped: Path, output: IO[bytes], deadline: float) -> str:
        """Run pytest once and return how it ended: `end`, `died`, `silent` or `late`."""
        process = subprocess.Popen(
            self.command,
            cwd=self.folder,
            env={**self.environment, "ACCEPTANCE_EVENTS": str(events), "ACCEPTANCE_SKIP": str(skipped)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        size, changed, ended = -1, time.monotonic(), None
        try:
            while ended is None and not _has_exited(process):
                now = time.monotonic()
                if (size_now := events.stat().st_size) != size:
                    size, changed = size_now, now
                elif now - changed > self.limits.silence:
                    ended = "silent"
                if now > deadline:
                    ended = "late"
                time.sleep(0.05)
        finally:
            # Ends pytest and its children. No one has waited for pytest yet, so its process group still has its number.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
            process.wait()
        if ended is None:
            ended = "end" if '"event": "end"' in events.read_text("utf-8", "replace") else "died"
        if ended == "died":
            self.notes.append(f"pytest died (status {process.returncode})")
        elif ended != "end":
            self.notes.append(f"pytest killed: {ended}")
        return ended

    def _short(self, test: str) -> str:
        """Return a test's identifier without parts that differ from run to run."""
        short = test.removeprefix("tests/") if self.keep_files else test.partition("::")[2] or test
        return short.replace(str(self.folder), "ROOT")

    def _read_events(self, events: Path, done: list[str], ended: str) -> list[str]:
        """Add the events of a file to the outcomes, and return the collected tests that did not run."""
        collected: list[str] = []
        phases: dict[str, list[dict[str, Any]]] = {}
        current = None
        for line in events.read_text(encoding="utf-8").splitlines():
            try:
                event = json.loads(line)
            except ValueError:  # the last line, cut off by the kill
                continue
            match event["event"]:
                case "collected":
                    collected = event["ids"]
                case "collect-failed":
                    self.outcomes[self._short(event["id"])] = ("error", event["reason"])
                    self.notes.append(f"not collected: {event['reason'][:120]}")
                case "foreign":
                    self.foreign_modules = event["modules"]
                case "start":
                    current = event["id"]
                    phases[current] = []
                case "phase":
                    phases.setdefault(event["id"], []).append(event)
                case "finish":
                    current = None
        for test, reports in phases.items():
            interrupted = test == current and ended != "end"
            self.outcomes[self._short(test)] = ("error", INTERRUPTED[ended]) if interrupted else outcome_of(reports)
            done.append(test)
        if ended != "end" and not collected:
            self.outcomes[f"{self.name}::"] = ("error", "pytest ended before the first test")
        reached = set(done)
        return [test for test in collected if test not in reached]


def _has_exited(process: subprocess.Popen[bytes]) -> bool:
    """Return whether a process has ended, without waiting for it, so that its number stays reserved."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def outcome_of(reports: Sequence[Mapping[str, Any]]) -> Outcome:
    """Return the outcome of a test from the reports of its phases (set-up, call, tear-down)."""
    outcome = ("error", "no result")
    for report in reports:
        if report["outcome"] == "failed":
            return ("failed" if report["when"] == "call" else "error"), report["reason"]
        if report["outcome"] == "skipped":
            outcome = ("xfailed" if report["xfail"] else "skipped", report["reason"])
        elif report["when"] == "call":
            outcome = ("xpassed" if report["xfail"] else "passed", "")
    return outcome
