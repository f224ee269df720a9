"""One application under each of the servers that the docs name: start, requests, stop, a failing start, restarts.

Servers differ in what they tell an application; the differences are in `matrix.SERVERS`, and the rest holds for all.
"""

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine import matrix
from tests.engine.matrix import SERVERS, Server, Stop

START, STOP = ["before_server_start", "after_server_start"], ["before_server_stop", "after_server_stop"]
each_server = pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
# A stop within a second is what is promised, and what `matrix` measures on an idle machine. Servers' own time-outs for
# streams begin at 3 s (hypercorn), ours are 15: below that nothing has waited for one.
SOON = 10.0


@each_server
def test_start(server: Server, tmp_path: Path) -> None:
    seen = matrix.start(server, tmp_path)
    assert seen.before == (START if server.lifespan else [])
    assert seen.after == START


@each_server
@pytest.mark.parametrize("measure", [matrix.stream_at_stop, matrix.websocket_at_stop])
def test_stop_with_something_open(server: Server, measure: Callable[[Server, Path], Stop], tmp_path: Path) -> None:
    if server.name == "hypercorn" and sys.version_info >= (3, 12):
        pytest.skip("its worker waits for its connections without end: asyncio's `Server.wait_closed` does since 3.12")

    def stops() -> None:
        seen = measure(server, tmp_path)
        log = seen.log.log
        assert seen.seconds < SOON, log
        assert seen.status == server.status, log
        assert seen.cleaned, log
        assert seen.phases == START + STOP, log
        if measure is matrix.stream_at_stop:
            assert seen.complete is not server.cut or server.together, log
        else:
            assert seen.code == server.code or (server.together and seen.code is None), log

    if server.together:
        mostly(stops)
    else:
        stops()


@each_server
def test_a_failing_start(server: Server, tmp_path: Path) -> None:
    assert matrix.failing(server, tmp_path) == (server.failed, True)


def mostly(check: Callable[[], object]) -> None:
    """Check up to three times what a server does that hears of the signal at the same time as the application.

    That is granian by itself: its signal handler is the event loop's, which nobody can be put before. On a machine that
    gives them no time its worker is gone before the application's last words; the docs say so. What is wrong here, and
    not late, is wrong three times.
    """
    for _ in range(2):
        with contextlib.suppress(Exception):
            check()
            return
    check()


@pytest.mark.parametrize(
    "server", [each for each in SERVERS if each.reload is not None], ids=lambda server: server.name
)
def test_restart_on_a_change(server: Server, tmp_path: Path) -> None:
    matrix.reload(server, tmp_path)
