"""A framework for the tests: a worker process that plays a case and returns the answers."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.parity.case import Case
from tests.parity.wire import NO_ANSWER, Answer

ROOT = Path(__file__).parents[2]
REFUSED = "refused to build"
EVENTS_NOTE = "events"

# Far above the time of any case, so that only a hang reaches it, even on a slow machine.
STEP_SECONDS = 20.0
START_SECONDS = 60.0


class WorkerError(Exception):
    """The worker process could not start, or stopped answering."""


class CaseError(Exception):
    """A case states wrongly whether Sanic builds and starts its app, probably because of a mistake in the source."""


class Framework:
    """One framework in a worker process of its own; to be used in a `with` block.

    Args:
        name: `sanic` or `sanic_star`.

    Raises:
        WorkerError: The worker cannot import the framework, ends, or does not respond in time.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.log = ""
        self.events = ""
        self._directory = tempfile.TemporaryDirectory(prefix="parity-", ignore_cleanup_errors=True)
        self._worker = subprocess.Popen(
            [sys.executable, "-m", "tests.parity.worker", name, self._directory.name],
            cwd=ROOT,
            env={**os.environ, "NO_COLOR": "1", "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._unread = b""
        self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker and remove its files."""
        assert self._worker.stdin
        assert self._worker.stdout
        self._worker.stdin.close()
        try:
            self._worker.wait(5)
        except subprocess.TimeoutExpired:
            self._worker.kill()
            self._worker.wait()
        self._worker.stdout.close()
        self._directory.cleanup()

    def play(self, case: Case) -> list[list[Answer]]:
        """Serve the case and play its steps; each step gives the answers on its connection.

        The last answer contains the events and the log of the app (see `recording`).
        A source that raises while it builds its app gives one answer of status 0 whose note is the exception.
        """
        with self.serving(case) as port:
            if isinstance(port, str):
                return [[Answer(0, note=f"{REFUSED}: {port}")]]
            answers = [step.play(port, STEP_SECONDS) for step in case.steps]
        return [*answers, [Answer(0, body=self.events.encode(), note=EVENTS_NOTE)]]

    def play_as_reference(self, case: Case) -> list[list[Answer]]:
        """Play the case, and check its statement whether its app can be built and started.

        Raises:
            CaseError: The statement is wrong: a mistake in a source must not pass as a refusal by both.
        """
        answers = self.play(case)
        failed = any(answer.note.startswith((REFUSED, NO_ANSWER)) for step in answers[:1] for answer in step)
        if failed != case.fails:
            meant = "should fail and does not" if case.fails else "should start and does not"
            raise CaseError(f"{case.id}: the app {meant}: {answers[0][0].note}\n{self.log[-1000:]}")
        return answers

    @contextlib.contextmanager
    def serving(self, case: Case) -> Any:
        """Serve the case within the block; yield its port, or the exception of its build."""
        source = case.program()
        self._write({"source": source, "env": dict(case.env), "debug": case.debug})
        # The worker and its new child write independently.
        description = {**self._read(), **self._read()}
        try:
            yield description.get("port") or description["refused"]
        finally:
            self._write({"stop": description["pid"], "seconds": STEP_SECONDS if case.stops else 0})
            self._read()
            log = Path(description["log"])
            self.log, self.events = log.read_text(errors="replace"), log.with_suffix(".events").read_text()

    def _write(self, order: dict[str, Any]) -> None:
        assert self._worker.stdin
        try:
            self._worker.stdin.write(json.dumps(order).encode() + b"\n")
            self._worker.stdin.flush()
        except BrokenPipeError:
            raise WorkerError(f"the {self.name} worker has ended") from None

    def _read(self) -> dict[str, Any]:
        assert self._worker.stdout
        while b"\n" not in self._unread:
            if not select.select([self._worker.stdout], [], [], START_SECONDS)[0]:
                raise WorkerError(f"the {self.name} worker did not answer within {START_SECONDS:g} s")
            data = os.read(self._worker.stdout.fileno(), 65536)
            if not data:
                raise WorkerError(f"the {self.name} worker has ended; its error output tells why")
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        if "failed" in message:
            raise WorkerError(f"the {self.name} worker could not start: {message['failed']}")
        return message
