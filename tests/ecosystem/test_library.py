"""A project of four packages, `library/project`, served on Sanic and here, unchanged and with its imports changed.

The polls of a Socket.IO client have to reach one worker, for which a balancer is needed that keeps clients apart. So
with two workers websockets only are used, and a reader hears of the books that its own worker adds.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.ecosystem import ROOT
from tests.ecosystem.library import exchanges, serving
from tests.ecosystem.library.serving import CHANGED, CONTROL, PYTHON, UNCHANGED, Served

TRANSPORTS = (["websocket"], ["polling"], ["polling", "websocket"])
# The exceptions that reach Sentry: two of a handler with an exception handler, one of a handler, one of a task; then
# there is one for each conversation.
ERRORS = {
    ("IntegrityError", "UNIQUE constraint failed: book.title"): 1,
    ("ValidationError", f"title: Length of '{'E' * 41}' 41 > 40"): 1,
    ("ArithmeticError", "in a handler"): 1,
    ("RuntimeError", "in a task"): 1,
}
OF_A_CONVERSATION = ("LookupError", "in an event")
# The transaction of Socket.IO's route: how many polls there are is a matter of time.
SOCKET = "handle_request"

Library = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the project."""
    folder = tmp_path_factory.mktemp("library")
    serving.unpack(folder)
    return folder


@pytest.fixture(scope="module")
def library(folder: Path) -> Library:
    """Return a function that serves the library once for each setup, and returns its answers and reports."""
    reports: dict[str, dict[str, Any]] = {}

    def report(setup: str) -> dict[str, Any]:
        if setup not in reports:
            run = folder / str(len(reports))
            run.mkdir()
            with serving.served(run, setup) as served:
                talks = _transports(setup)
                report = reports[setup] = {
                    "answers": exchanges.answers(served.base),
                    "conversations": [exchanges.conversation(served.base, transports) for transports in talks],
                    "broadcast": exchanges.broadcast(served.base) if len(talks) > 1 else None,
                }
                report["errors"] = served.process.until(partial(_errors, served, sum(_expected(setup).values())))
                report["transactions"] = _transactions(served)
            report["status"] = served.process.popen.returncode
        return reports[setup]

    return report


def _transports(setup: str) -> tuple[list[str], ...]:
    return TRANSPORTS[:1] if setup.endswith("2 workers") else TRANSPORTS


def _expected(setup: str) -> dict[tuple[str, str], int]:
    return ERRORS | {OF_A_CONVERSATION: len(_transports(setup))}


def _errors(served: Served, count: int) -> Counter[tuple[str, str]] | None:
    errors = Counter((event["exception"], event["value"]) for event in served.events() if event["exception"])
    return errors if errors.total() >= count else None


def _transactions(served: Served) -> Counter[str]:
    return Counter(event["transaction"] for event in served.events() if event["kind"] == "transaction")


every_setup = pytest.mark.parametrize("setup", serving.SETUPS)


@every_setup
def test_http(library: Library, setup: str) -> None:
    """Rows are created, read, updated and deleted, invalid input is refused; each origin gets its CORS headers."""
    answers = library(setup)["answers"]
    for exchange, answer, control in zip(exchanges.EXCHANGES, answers, library(CONTROL)["answers"], strict=True):
        assert answer[0] == exchange[-1], (exchange, answer)
        assert answer == control, exchange
    allowed = [answer[1].get("access-control-allow-origin") for answer in answers]
    for exchange, origin in zip(exchanges.EXCHANGES, allowed, strict=True):
        sent = exchange[2].get("origin")
        if sent == exchanges.EVIL["origin"] or not exchange[1].startswith("/books"):
            assert origin is None, exchange
        elif sent and exchange[-1] < 300:
            assert origin == sent, exchange


@every_setup
def test_socket_io(library: Library, setup: str) -> None:
    """Socket.IO by polling, websocket and upgrade: events, answers, a room, a refused client, a failing event."""
    controls = library(CONTROL)["conversations"]
    for transports, talk, control in zip(_transports(setup), library(setup)["conversations"], controls, strict=False):
        assert talk == control, transports
        assert talk[0] == transports[-1]
        assert talk[2] == talk[3][1]
        assert talk[-1] == "refused"


@pytest.mark.parametrize("setup", [setup for setup in serving.SETUPS if len(_transports(setup)) > 1])
def test_broadcast(library: Library, setup: str) -> None:
    """A book that is added by HTTP reaches both clients of a room: one polls, one has a websocket and leaves."""
    broadcast = library(setup)["broadcast"]
    assert broadcast == library(CONTROL)["broadcast"]
    assert [event[1]["title"] for event in broadcast[3:]] == ["Heard of", "Heard of", "Heard of again"]


@every_setup
def test_sentry(library: Library, setup: str) -> None:
    """Sentry gets one event for each exception, in handlers, tasks and events, and one transaction for each request."""
    report, control = library(setup), library(CONTROL)
    assert report["errors"] == _expected(setup)
    transactions, controls = report["transactions"], control["transactions"]
    assert transactions[SOCKET] > 0
    # Two books are added to be heard of.
    added = {"books.add": 0 if report["broadcast"] else 2}
    assert transactions + Counter(added) - Counter({SOCKET: transactions[SOCKET]}) == controls - Counter(
        {SOCKET: controls[SOCKET]}
    )


@pytest.mark.parametrize("setup", serving.OUR_SETUPS)
def test_stop(library: Library, setup: str) -> None:
    """The server stops although Tortoise leaves a thread in the main process; Sanic's server never stops."""
    # uvicorn ends by the signal that it got.
    assert library(setup)["status"] == (-signal.SIGTERM if "uvicorn" in setup else 0)


@pytest.mark.parametrize("name", ["test_library.py", "test_reusable.py"])
@pytest.mark.parametrize(
    ("how", "project", "options"),
    [
        ("sanic", UNCHANGED, ()),
        ("here", UNCHANGED, ("--sanic-star-alias",)),
        ("here", CHANGED, ()),
    ],
    ids=["Sanic", "unchanged", "changed imports"],
)
def test_its_own_tests(
    folder: Path, tmp_path: Path, how: str, project: str, options: tuple[str, ...], name: str
) -> None:
    """Its own tests, written with sanic_testing: `test_client`, `asgi_client`, and `ReusableClient` over a port."""
    command = (PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", *options, name)
    done = subprocess.run(
        command,
        cwd=folder / project,
        env=os.environ | serving.settings(tmp_path) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    transactions = [event["transaction"] for event in serving.events(tmp_path) if event["kind"] == "transaction"]
    assert transactions.count("books.add") == (3 if name == "test_reusable.py" else 5)
