"""Synchronous handlers in threads over sockets: SQLAlchemy, requests that overlap, and stops with busy threads."""

import signal
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.engine.processes import TIMEOUT_S, UVICORN, Process, free_port, process

DATABASE = """
import threading
from sqlalchemy import create_engine, event, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sanic_star import HTTPResponse, Request, json
from sanic_star.compat.exceptions import BadRequest, NotFound

class Base(DeclarativeBase): ...

class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(unique=True)

app.config.THREAD_POOL_SIZE = 50
loop_thread = threading.get_ident()

@app.before_server_start(threaded=True)
def open_database(app):
    app.ctx.engine = create_engine("sqlite:///books.sqlite", connect_args={"timeout": 30}, pool_size=50)
    # The log warns when a handler blocks the event loop.
    @event.listens_for(app.ctx.engine, "before_cursor_execute")
    def check(*args):
        assert threading.get_ident() != loop_thread, "a query blocks the event loop"
    Base.metadata.create_all(app.ctx.engine)

@app.after_server_stop(threaded=True)
def close_database(app):
    app.ctx.engine.dispose()
    say("database closed")

@app.on_request(threaded=True)
def open_session(request):
    if request.path.startswith("/books"):
        request.ctx.session = Session(request.app.ctx.engine)

@app.on_response(threaded=True)
def close_session(request, response):
    if hasattr(request.ctx, "session"):
        request.ctx.session.close()
        response.headers["x-session"] = "closed"

@app.exception(IntegrityError, threaded=True)
def conflict(request, error):
    request.ctx.session.rollback()
    return json({"error": "there is one already"}, status=409)

@app.post("/books", threaded=True)
def add(request):
    title = (request.json or {}).get("title")
    if not isinstance(title, str):
        raise BadRequest("title: text")
    book = Book(title=title)
    request.ctx.session.add(book)
    request.ctx.session.commit()
    return json({"id": book.id}, status=201)

@app.get("/books", threaded=True)
def books(request):
    return json([book.title for book in request.ctx.session.scalars(select(Book).order_by(Book.id))])

@app.get("/books/<id:int>", threaded=True)
def show(request, id):
    book = request.ctx.session.get(Book, id)
    if book is None:
        raise NotFound("no such book")
    return json({"id": book.id, "title": book.title})

running = most = 0
lock = threading.Lock()

@app.get("/slow", threaded=True)
def slow(request):
    global running, most
    with lock:
        running += 1
        most = max(most, running)
    time.sleep(0.05)
    with lock:
        running -= 1
    return text(Request.get_current().args.get("n"))

@app.get("/most")
async def show_most(request):
    return json(most)

@app.get("/loop")
async def in_loop(request):
    return text("answers")
"""


@contextmanager
def uvicorn(folder: Path, script: str, *options: str) -> Iterator[Process]:
    with process(folder, script, *UVICORN, "served:app", *options) as server:
        yield server


def test_synchronous_sqlalchemy(tmp_path: Path) -> None:
    with uvicorn(tmp_path, DATABASE) as server:
        base = f"http://127.0.0.1:{server.port}"
        server.get("/")
        with requests.Session() as session:
            made = session.post(f"{base}/books", json={"title": "first"}, timeout=TIMEOUT_S)
            assert (made.status_code, made.json(), made.headers["x-session"]) == (201, {"id": 1}, "closed")
            shown = session.get(f"{base}/books/1", timeout=TIMEOUT_S)
            assert shown.json() == {"id": 1, "title": "first"}
            # Bad input is answered, and the session is closed.
            answers = (
                (session.post(f"{base}/books", json={"title": "first"}, timeout=TIMEOUT_S), 409),
                (session.post(f"{base}/books", json={"title": 5}, timeout=TIMEOUT_S), 400),
                (session.post(f"{base}/books", data=b"{", timeout=TIMEOUT_S), 400),
                (session.get(f"{base}/books/9", timeout=TIMEOUT_S), 404),
            )
            for answer, status in answers:
                assert (answer.status_code, answer.headers.get("x-session")) == (status, "closed")
        with ThreadPoolExecutor(20) as pool:
            sent = [
                pool.submit(requests.post, f"{base}/books", json={"title": f"book {n}"}, timeout=TIMEOUT_S)
                for n in range(100)
            ]
            assert {answer.result().status_code for answer in sent} == {201}
        titles = requests.get(f"{base}/books", timeout=TIMEOUT_S).json()
        assert sorted(titles) == sorted(["first", *(f"book {n}" for n in range(100))])
        server.terminate()
        assert "database closed" in server.log
        assert "blocks the event loop" not in server.log


def test_slow_handlers_overlap_and_the_event_loop_answers(tmp_path: Path) -> None:
    """50 requests at once whose handlers sleep 50 ms each, ten rounds of them."""
    with uvicorn(tmp_path, DATABASE) as server:
        base = f"http://127.0.0.1:{server.port}"
        server.get("/")

        def slow(number: int) -> str:
            return requests.get(f"{base}/slow?n={number}", timeout=TIMEOUT_S).text

        with ThreadPoolExecutor(50) as pool:
            begin = time.monotonic()
            answers = [pool.submit(slow, number) for number in range(500)]
            # A route in the event loop answers while threads sleep.
            meanwhile = 0
            while not all(answer.done() for answer in answers):
                assert requests.get(f"{base}/loop", timeout=TIMEOUT_S).text == "answers"
                meanwhile += 1
            assert [answer.result() for answer in answers] == [str(number) for number in range(500)]
            took = time.monotonic() - begin
        assert meanwhile > 1
        # One after the other they would take 25 s, and never more than one would run.
        peak = requests.get(f"{base}/most", timeout=TIMEOUT_S).json()
        assert peak > 10, peak
        assert took < 25, took


BUSY = """
app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 0.5

@app.get("/busy", threaded=True)
def busy(request):
    say("busy")
    try:
        time.sleep(3600)
    finally:
        say("never")

@app.after_server_stop
def after(app):
    say("after_server_stop", time.monotonic())

if __name__ == "__main__":
    app.run(port=0, motd=False, {options})
"""

SERVERS = {
    "app.run": ("", (), signal.SIGTERM),
    "app.run, Ctrl-C": ("", (), signal.SIGINT),
    "app.run, two workers": ("workers=2", (), signal.SIGTERM),
    "app.run, hypercorn": ("server='hypercorn'", (), signal.SIGTERM),
    "uvicorn": ("", ("-m", "uvicorn", "--timeout-graceful-shutdown", "1", "--port", "{port}"), signal.SIGTERM),
    "uvicorn, Ctrl-C": ("", ("-m", "uvicorn", "--timeout-graceful-shutdown", "1", "--port", "{port}"), signal.SIGINT),
    "hypercorn": ("", ("-m", "hypercorn", "--graceful-timeout", "1", "--bind", "127.0.0.1:{port}"), signal.SIGTERM),
    "daphne": ("", ("-m", "daphne", "-p", "{port}"), signal.SIGTERM),
}


def ask_for(port: int, path: str) -> socket.socket:
    """Send a request, and leave the connection open."""
    connection = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    return connection


@pytest.mark.parametrize("name", SERVERS)
def test_a_busy_thread_does_not_keep_the_process_from_ending(tmp_path: Path, name: str) -> None:
    options, command, number = SERVERS[name]
    port = free_port()
    words = [word.format(port=port) for word in command]
    run = (sys.executable, *words, "served:app") if command else ()
    with process(tmp_path, BUSY.replace("{options}", options), *run) as server:
        server.until(lambda: server.log if not command or _listens(port) else None)
        with ask_for(port if command else server.port, "/busy"):
            server.until(lambda: "busy\n" in server.log)
            # The thread would sleep for an hour; `ended` waits for a minute.
            server.terminate(number)
        if name not in ("daphne",):
            assert "The stop does not wait any longer for the thread Served-thread-1, which is busy at" in server.log
        assert "never" not in server.log


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def test_a_reload_with_a_busy_thread(tmp_path: Path) -> None:
    with uvicorn(tmp_path, BUSY.replace("{options}", ""), "--reload", "--timeout-graceful-shutdown", "1") as server:
        server.get("/")
        with ask_for(server.port, "/busy"):
            server.until(lambda: "busy\n" in server.log)
            script = tmp_path / "served.py"
            text = script.read_text() + "\nsay('reloaded')\n"

            def is_noticed() -> bool:
                # Again and again, because uvicorn begins to watch .25 s after it has started the process.
                script.write_text(text)
                time.sleep(0.5)
                return "detected changes" in server.log

            server.until(is_noticed)
            server.until(lambda: "reloaded" in server.log)
            assert server.get("/").status_code == 200
        server.terminate()
