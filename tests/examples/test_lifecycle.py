"""How the board starts, stops and reloads with connected clients."""

import time
from contextlib import suppress
from pathlib import Path

import requests
from websockets.exceptions import ConnectionClosed

from .serving import TIMEOUT_S, copy_board, serve_board, serve_on_sanic, until

PHASES = [f"taskboard: {phase}" for phase in
          ("before_server_start", "after_server_start", "before_server_stop", "after_server_stop")]  # fmt: skip
# Long before uvicorn would have given up on open connections (never) or the board's own timeout (15 s) had ended.
STOP_LIMIT_S = 8.0


def test_sigterm_ends_open_feeds_and_runs_every_listener(tmp_path: Path) -> None:
    with serve_board(tmp_path) as board, board.socket("/live/feed") as socket:
        socket.recv(timeout=TIMEOUT_S)
        with board.get("/live/ticker", stream=True) as ticker:
            lines = ticker.iter_lines(decode_unicode=True)
            next(lines)
            took = board.stop()
            # The stream ends as a stream ends: requests raises when a chunked body breaks off.
            remaining_lines = list(lines)
        heard = []
        with suppress(ConnectionClosed):
            while True:
                heard.append(socket.recv(timeout=TIMEOUT_S))
    assert took < STOP_LIMIT_S
    assert any("event: tick" in line for line in remaining_lines)
    assert '{"kind": "goodbye"}' in heard
    assert socket.protocol.close_code in {1000, 1001, 1012}
    for ending in ("taskboard: a websocket has ended", "taskboard: a ticker has ended"):
        order = [*PHASES[:3], ending, PHASES[3]]
        assert board.order_of(*order) == order
    for line in PHASES:
        assert board.log.count(line) == 1
    assert "Traceback" not in board.log


def test_the_board_keeps_tasks_and_sessions_over_a_restart(tmp_path: Path) -> None:
    with requests.Session() as visitor:
        with serve_board(tmp_path) as board:
            visitor.put(board.url("/session"), json={"name": "Ada"}, timeout=TIMEOUT_S)
            visitor.post(board.url("/api/v1/tasks"), json={"title": "Stay"}, timeout=TIMEOUT_S)
        with serve_board(tmp_path) as board:
            assert visitor.get(board.url("/session"), timeout=TIMEOUT_S).json()["name"] == "Ada"
            tasks = visitor.get(board.url("/api/v1/tasks"), timeout=TIMEOUT_S).json()
    assert [task["title"] for task in tasks].count("Stay") == 1
    assert [task["title"] for task in tasks].count("Read the README") == 1


def test_reload_takes_up_an_edit_with_feeds_open(tmp_path: Path) -> None:
    source = copy_board(tmp_path) / "store.py"
    with serve_board(tmp_path, "--reload") as board:

        def first_column() -> str:
            answer = board.get("/api/v2/board")
            return str(answer.json()["columns"][0]["title"])

        assert first_column() == "To do"
        with board.socket("/live/feed") as socket, board.get("/live/ticker", stream=True):
            socket.recv(timeout=TIMEOUT_S)
            # The watcher is a thread that may not look yet; an edit that it has missed is made again.
            deadline = time.monotonic() + TIMEOUT_S
            while PHASES[3] not in board.log and time.monotonic() < deadline:
                source.write_text(source.read_text().replace('"To do"', '"Next"') + "\n")
                time.sleep(1)
            until(lambda: board.log.count(PHASES[0]) >= 2, board)
            assert first_column() == "Next"
        board.stop()
    assert board.log.count(PHASES[3]) == board.log.count(PHASES[0]) >= 2


def test_every_listener_runs_on_sanic_too(tmp_path: Path) -> None:
    with serve_on_sanic(tmp_path) as board:
        # Before that it has no handler for the signal, though it answers already.
        until(lambda: "Worker ready" in board.log, board)
        assert board.get("/").status_code == 200
        board.stop()
    assert board.order_of(*PHASES) == PHASES
