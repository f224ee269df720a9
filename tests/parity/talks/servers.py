"""The servers of the conversations, and their answers."""

from __future__ import annotations

import functools
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import tests.parity.talks.conversations  # noqa: F401 - fills CONVERSATIONS
from tests.engine.processes import TIMEOUT_S, Process, free_port, is_open
from tests.parity.talks.client import Client
from tests.parity.talks.table import (
    BAD_FRAMES,
    BREAK_OFF,
    CLIENT_CODE,
    CODES,
    CONVERSATIONS,
    DENIAL,
    ECHO_CODE,
    EMPTY,
    NO_CODE,
    PING,
    REASONS,
    Conversation,
    program,
)

# Conversations at the same time.
AT_ONCE = 8


@dataclass(frozen=True)
class Server:
    """A server.

    Args:
        name: what the tests call it.
        command: its command line, with the placeholder `{port}`.
        lacks: the features that it does not offer to applications.
    """

    name: str
    command: str
    lacks: tuple[str, ...] = ()


SANIC = Server("sanic", "served.py {port}")
DEFAULT = Server("uvicorn, websockets-sansio", "-m uvicorn served:app --ws websockets-sansio --port {port}")
OTHERS = [
    Server("uvicorn, websockets", "-m uvicorn served:app --ws websockets --port {port}", NO_CODE),
    Server("uvicorn, wsproto", "-m uvicorn served:app --ws wsproto --port {port}", BAD_FRAMES),
    Server(
        "hypercorn",
        "-m hypercorn served:app --bind 127.0.0.1:{port}",
        PING + BREAK_OFF + NO_CODE + BAD_FRAMES + CLIENT_CODE,
    ),
    Server(
        "granian",
        "-m granian --interface asgi --port {port} served:app",
        PING + BREAK_OFF + NO_CODE + BAD_FRAMES + CLIENT_CODE,
    ),
    Server(
        "daphne",
        "-m daphne -b 127.0.0.1 -p {port} served:app",
        PING + BREAK_OFF + NO_CODE + BAD_FRAMES + CODES + REASONS + CLIENT_CODE + ECHO_CODE + DENIAL + EMPTY,
    ),
]


@dataclass(frozen=True)
class Outcome:
    """The frames that a client received, and the events in the handler."""

    transcript: list[str]
    events: list[str]


@dataclass(frozen=True)
class Results:
    """The outcomes of all conversations with one server."""

    outcomes: list[Outcome]
    # The coroutines of new tasks.
    tasks: list[str]
    log: str


@contextmanager
def serving(server: Server, folder: Path, source: str | None = None) -> Iterator[tuple[int, Process]]:
    """Serve the application of all conversations, or another, within the block."""
    (folder / "served.py").write_text(source or program("sanic" if server is SANIC else "sanic_star"))
    port = free_port()
    process = Process((sys.executable, "-W", "ignore", *server.command.format(port=port).split()), folder)
    try:
        process.until(lambda: is_open(port))
        yield port, process
    finally:
        if process.popen.poll() is None:
            process.terminate()


def hold_conversations(server: Server, folder: Path) -> Results:
    """Hold all conversations with a server."""
    with serving(server, folder) as (port, process):
        before = _count_tasks(port)
        with ThreadPoolExecutor(AT_ONCE) as threads:
            outcomes = list(threads.map(functools.partial(_talk, port), range(len(CONVERSATIONS))))
        tasks = _tasks_left(port, before)
    return Results(outcomes, tasks, process.log)


def _talk(port: int, number: int) -> Outcome:
    conversation = CONVERSATIONS[number]
    path = f"/c{number}" + (f"?{conversation.query}" if conversation.query else "")
    transcript = Client(port, path, conversation.subprotocols).play(conversation.moves)
    if conversation.any_reason:
        transcript = [re.sub(r"^(close \d+) .*", r"\1", line) for line in transcript]
    opened = transcript[:1] and transcript[0].startswith("open")
    return Outcome(transcript, _get(port, f"/events/{number}") if opened else [])


def _count_tasks(port: int) -> Counter[str]:
    return Counter(re.sub(r" at 0x\w+", "", task) for task in _get(port, "/tasks"))


def _tasks_left(port: int, before: Counter[str]) -> list[str]:
    deadline = time.monotonic() + TIMEOUT_S / 4
    while True:
        new_tasks = list((_count_tasks(port) - before).elements())
        if not new_tasks or time.monotonic() > deadline:
            return new_tasks
        time.sleep(0.1)


def _get(port: int, path: str) -> list[str]:
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=TIMEOUT_S) as response:
        answer: list[str] = json.load(response)
    return answer


def differences(server: Server, ours: Results, reference: Results) -> list[str]:
    """Return the unexpected differences from Sanic's own server, and the expected ones that do not exist any longer."""
    lines = []
    lacking: dict[str, bool] = dict.fromkeys(server.lacks, False)
    for conversation, outcome, expected in zip(CONVERSATIONS, ours.outcomes, reference.outcomes, strict=True):
        same = outcome == expected
        lacks = set(conversation.needs) & set(server.lacks)
        for feature in lacks:
            lacking[feature] = lacking[feature] or not same
        if lacks:
            if not _is_over(conversation, outcome):
                lines.append(f"{conversation.name}: {outcome} does not end")
        elif same == bool(conversation.differs):
            lines.append(f"{conversation.name}: {outcome}, on Sanic {expected}")
    return lines + [f"{server.name} has {feature}" for feature, differs in lacking.items() if not differs]


def _is_over(conversation: Conversation, outcome: Outcome) -> bool:
    return not outcome.transcript[-1].startswith("nothing for") and "still runs" not in outcome.events
