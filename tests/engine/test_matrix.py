"""One application under each of the servers that the docs name: start, requests, stop, a failing start, restarts.

Servers differ in what they tell an application; the differences are in `matrix.SERVERS`, and the rest holds for all.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine import matrix
from tests.engine.matrix import SERVERS, Server, Stop

START, STOP = ["before_server_start", "after_server_start"], ["before_server_stop", "after_server_stop"]
each_server = pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
restarting = [server for server in SERVERS if server.reload is not None]
each_restarting_server = pytest.mark.parametrize("server", restarting, ids=lambda server: server.name)
# A stop within a second is what is promised, and what `matrix` measures on an idle machine. Servers' own time-outs for
# streams begin at 3 s (hypercorn), ours are 15: below that nothing has waited for one.
STOP_LIMIT_S = 10.0


@each_server
def test_start(server: Server, tmp_path: Path) -> None:
    seen = matrix.start(server, tmp_path)
    assert seen.before == (START if server.lifespan else [])
    assert seen.after == START


def skip_if_it_waits_without_end(server: Server) -> None:
    if server.name == "hypercorn" and sys.version_info >= (3, 12):
        pytest.skip("its worker waits for its connections without end: asyncio's `Server.wait_closed` does since 3.12")


@each_server
@pytest.mark.parametrize("measure", [matrix.stream_at_stop, matrix.websocket_at_stop])
def test_stop_with_something_open(server: Server, measure: Callable[[Server, Path], Stop], tmp_path: Path) -> None:
    skip_if_it_waits_without_end(server)

    seen = measure(server, tmp_path)
    log = seen.log.log
    assert seen.seconds < STOP_LIMIT_S, log
    assert seen.status == server.status, log
    assert seen.cleaned, log
    assert seen.phases == START + STOP, log
    if measure is matrix.stream_at_stop:
        assert seen.complete is not server.is_cut_off, log
    else:
        assert seen.code == server.code, log


@each_server
def test_a_failing_start(server: Server, tmp_path: Path) -> None:
    assert matrix.failing(server, tmp_path) == (server.failed, True)


def answered(answer: bytes) -> bool:
    """Return whether an answer is a complete one with an empty body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    length_or_chunks = b"content-length: 0" in head.lower() or body == b"0\r\n\r\n"
    # uvicorn closes the connection without either, which ends the body (RFC 9112, section 6.3).
    return head.split(b" ")[1] == b"200" and (length_or_chunks or not body)


def completes(answer: bytes) -> bool:
    """Return whether a chunked answer has its last chunk, or a websocket its close frame with 1001 (daphne: 4001)."""
    return answer.endswith((b"\r\n0\r\n\r\n", b"\x88\x02\x03\xe9", b"\x88\x02\x0f\xa1"))


@each_server
@pytest.mark.parametrize(
    ("path", "count"), [("/quiet", 1), ("/quiet-function", 1), ("/events", 20), ("/ws", 20)], ids=str
)
def test_stop_with_quiet_or_many_connections(server: Server, path: str, count: int, tmp_path: Path) -> None:
    skip_if_it_waits_without_end(server)

    seen = matrix.many_at_stop(server, tmp_path, path, count)
    log = seen.log.log
    assert seen.seconds < STOP_LIMIT_S, log
    assert seen.status == server.status, log
    assert log.count("cleaned up") == count, log
    assert seen.log.phases() == START + STOP, log
    if server.is_cut_off or (path == "/ws" and server.code is None):
        return
    complete = answered if path.startswith("/quiet") else completes
    assert all(complete(answer) for answer in seen.answers), (seen.answers[0], log)


@each_server
@pytest.mark.parametrize("path", ["/quiet", "/ws", "/flood"])
def test_stop_with_a_peer_that_has_vanished(server: Server, path: str, tmp_path: Path) -> None:
    skip_if_it_waits_without_end(server)
    if path == "/flood" and not server.name.startswith("app.run"):
        pytest.skip("it waits for what is in its own buffers, until its own time-out, if it has one")

    seen = matrix.many_at_stop(server, tmp_path, path, 1, reads=False)
    # granian waits as long as for a slow client, because it does not say what it has sent.
    limit = 25 if path == "/flood" and "granian" in server.name else STOP_LIMIT_S
    assert seen.seconds < limit, seen.log.log
    assert "cleaned up" in seen.log.log
    assert seen.log.phases() == START + STOP, seen.log.log


@each_server
@pytest.mark.parametrize("path", ["/quiet", "/quiet-function"])
def test_a_client_leaves_before_the_first_part(server: Server, path: str, tmp_path: Path) -> None:
    matrix.leaving(server, tmp_path, path)


@pytest.mark.parametrize("path", ["/events", "/quiet", "/lines", "/ws", "/long"])
@each_restarting_server
def test_restart_on_a_change(server: Server, path: str, tmp_path: Path) -> None:
    if path == "/long" and not server.name.startswith("app.run"):
        pytest.skip("it waits for ordinary requests")

    # Two seconds are promised on an idle machine. On a busy one the start of the new process takes longer, and one of
    # three restarts has to keep the limit.
    for _ in range(3):
        seen = matrix.reload(server, tmp_path, path)
        assert seen is not None
        limit = max(2.0, 2.0 * seen.start + 1.0) + (3.0 if server.is_cut_off else 0.0)
        if seen.seconds < limit:
            return
    pytest.fail(f"three restarts were too slow; the last one: {seen}")
