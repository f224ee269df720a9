"""Background tasks beyond Sanic's: drained, limited, counted; timers, by intervals and by the clock."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
import types
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sanic_star import Request, Sanic, text
from sanic_star.engine.tasks import Tasks
from sanic_star.engine.timers import Lock, Timer, at_intervals, by_cron_expression
from sanic_star.testing import TestClient


def app_named(name: str = "Tasks") -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic(name)

    @app.get("/")
    async def hello(request: Request) -> Any:
        return text("hello")

    return app


def until(condition: Any) -> None:
    """Wait for an event on another thread, with enough time for slow machines."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_the_stop_drains_marked_tasks_and_cancels_others() -> None:
    app, seen = app_named(), list[str]()

    async def work(name: str, seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
            seen.append(f"{name} done")
        except asyncio.CancelledError:
            seen.append(f"{name} cancelled")
            raise

    @app.after_server_start
    async def start(app: Sanic[Any, Any]) -> None:
        app.add_task(work("drained", 0.05), drain=True)
        app.add_task(work("other", 60))
        await asyncio.sleep(0)

    with TestClient(app):
        assert app.running_tasks == 2
    assert seen == ["other cancelled", "drained done"]
    assert app.running_tasks == 0


def test_tasks_beyond_the_drain_limit_are_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    app, seen = app_named(), list[str]()
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 0.02

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cleaned up")

    app.add_task(endless, name="endless", drain=True)
    with TestClient(app), caplog.at_level(logging.ERROR):
        pass
    assert seen == ["cleaned up"]
    assert "Task endless did not end in time and is cancelled" in caplog.text


def test_a_limit_of_tasks_is_answered_with_503() -> None:
    app = app_named()
    app.config.TASK_LIMIT = 2

    @app.get("/add")
    async def add(request: Request) -> Any:
        app.add_task(asyncio.sleep(60))
        return text(str(app.running_tasks))

    with TestClient(app) as client:
        assert [client.get("/add").text for _ in range(2)] == ["1", "2"]
        refused = client.get("/add")
        assert refused.status_code == 503
        assert "2 background tasks are running" in refused.text


async def test_a_task_beyond_the_limit_is_cancelled() -> None:
    tasks = Tasks()
    tasks.limit = 0
    job = asyncio.ensure_future(asyncio.sleep(60))
    with pytest.raises(Exception, match="no more are allowed"):
        tasks.add(job)
    await asyncio.wait({job})
    assert job.cancelled()


def test_only_registered_tasks_are_listed() -> None:
    app = app_named()

    @app.after_server_start
    async def start(app: Sanic[Any, Any]) -> None:
        app.add_task(asyncio.sleep(60), name="listed")
        app.add_task(asyncio.sleep(60), name="hidden", register=False)

    with TestClient(app):
        assert [task.get_name() for task in app.tasks] == ["listed"]
        assert app.running_tasks == 2


async def test_ending_tasks_needs_no_await_and_spares_the_current_task() -> None:
    app, seen = app_named(), list[str]()

    async def asks() -> None:
        await app.shutdown_tasks()
        seen.append("went on")

    other = app.add_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    asking = app.add_task(asks())
    assert other is not None
    assert asking is not None
    await asyncio.wait({other, asking})
    assert other.cancelled()
    assert seen == ["went on"]
    last = app.add_task(asyncio.sleep(60))
    assert last is not None
    app.shutdown_tasks(timeout=1)
    await asyncio.wait({last})
    assert last.cancelled()


def test_ending_tasks_without_an_event_loop() -> None:
    async def wait() -> str:
        await over
        return "over"

    over = app_named().shutdown_tasks()
    assert asyncio.run(wait()) == "over"


# Timers -------------------------------------------------------------------------------------------------------------


def test_a_job_runs_again_and_again_and_ends_with_the_application() -> None:
    app, seen = app_named(), list[Any]()

    @app.every(0.01, jitter=0.001)
    async def with_app(app: Sanic[Any, Any]) -> None:
        seen.append(app.name)

    @app.every(0.01)
    def in_a_thread() -> None:
        seen.append(threading.current_thread())

    app.every(0.01)(partial(seen.append, "partial"))
    with TestClient(app):
        until(lambda: seen.count("Tasks") > 1 and seen.count("partial") > 1)
        until(lambda: any(isinstance(thread, threading.Thread) for thread in seen))
        assert app.running_tasks >= 3
    assert all(thread is not threading.main_thread() for thread in seen)
    count = len(seen)
    time.sleep(0.05)
    assert len(seen) == count
    with TestClient(app):
        until(lambda: len(seen) > count)


def test_a_failure_ends_one_run_only(caplog: pytest.LogCaptureFixture) -> None:
    app, runs = app_named(), list[int]()

    @app.every(0.01, name="picky")
    async def fail() -> None:
        runs.append(1)
        raise ValueError("of a run")

    with TestClient(app):
        until(lambda: len(runs) > 1)
    assert "Task picky failed" in caplog.text


def test_a_job_does_not_overlap_with_itself() -> None:
    app = app_named()
    running, peak = 0, list[int]()

    @app.every(0.005)
    async def slow() -> None:
        nonlocal running
        running += 1
        peak.append(running)
        await asyncio.sleep(0.02)
        running -= 1

    with TestClient(app):
        until(lambda: len(peak) > 2)
    assert set(peak) == {1}


def test_a_run_may_be_drained() -> None:
    app, seen = app_named(), list[str]()

    async def work(end: str) -> None:
        seen.append("begun")
        await asyncio.sleep(0.1)
        seen.append(end)

    app.every(0.01, drain=True, name="drained")(partial(work, "drained"))
    app.every(0.01, name="cut")(partial(work, "not cut"))
    with TestClient(app):
        until(lambda: len(seen) == 2)
    assert seen[2:] == ["drained"]


def test_a_timer_made_while_the_application_runs_starts_at_once() -> None:
    app, seen = app_named(), list[int]()

    @app.get("/start")
    async def start(request: Request) -> Any:
        app.every(0.01)(lambda: seen.append(1))
        return text("")

    with TestClient(app) as client:
        client.get("/start")
        until(lambda: seen)


def test_a_run_beyond_the_limit_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    app, seen = app_named(), list[int]()
    app.config.TASK_LIMIT = 0
    app.every(0.005, name="left out")(lambda: seen.append(1))

    @app.get("/add")
    async def add(request: Request) -> Any:
        app.add_task(asyncio.sleep(0))

    with TestClient(app, raise_server_exceptions=False) as client:
        client.get("/add")
        count = len(seen)
        until(lambda: "A run of left out is skipped" in caplog.text)
    assert len(seen) <= count + 1


@pytest.mark.parametrize("seconds", [0, -1, "5", None, float("nan"), float("inf"), True])
def test_invalid_intervals_are_refused(seconds: Any) -> None:
    with pytest.raises(ValueError, match="positive number of seconds"):
        app_named().every(seconds)


def test_jitter_is_not_negative() -> None:
    with pytest.raises(ValueError, match="jitter is a number"):
        app_named().every(1, jitter=-1)


def test_intervals_do_not_drift_and_skip_missed_runs() -> None:
    next_run_time = at_intervals(10)
    assert next_run_time(100, None) == 110
    assert next_run_time(110.5, 110) == 120
    assert next_run_time(119, 110) == 120
    assert next_run_time(155, 120) == 165


# The clock ------------------------------------------------------------------------------------------------------------


def test_a_cron_expression_gives_the_next_times() -> None:
    start = datetime(2026, 1, 1, 12, 0, tzinfo=UTC).timestamp()
    next_run_time = by_cron_expression("*/15 * * * *", "UTC")
    assert next_run_time(start, None) - start == 15 * 60
    assert next_run_time(start + 15 * 60, None) - start == 30 * 60
    midnight = by_cron_expression("0 0 * * *")(start, None)
    assert datetime.fromtimestamp(midnight).hour == 0


def test_a_cron_expression_respects_summer_time() -> None:
    zone = ZoneInfo("Europe/Berlin")
    next_run_time = by_cron_expression("0 6 * * *", zone)
    before = datetime(2026, 3, 28, 6, 0, tzinfo=zone).timestamp()
    # The night of 29 March has one hour less.
    assert next_run_time(before, None) - before == 23 * 3600


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("* * *", "not a cron expression"),
        ("61 * * * *", "not a cron expression"),
        ("nonsense", "not a cron expression"),
        ("", "not a cron expression"),
        (None, "not a cron expression"),
        (5, "not a cron expression"),
        ("0 0 30 2 *", "cron expression|has no next time"),
    ],
)
def test_invalid_cron_expressions_are_refused(expression: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        app_named().cron(expression)


@pytest.mark.parametrize("zone", ["Nowhere/Town", "../etc", ""])
def test_invalid_time_zones_are_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        app_named().cron("* * * * *", timezone=zone)


def test_without_the_parser_the_message_names_the_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cronsim", None)
    with pytest.raises(ImportError, match=r"pip install cronsim"):
        app_named().cron("* * * * *")


async def test_a_job_by_the_clock_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    app, seen = app_named(), list[int]()

    @app.cron("* * * * *", name="clock")
    async def job() -> None:
        seen.append(1)

    (timer,) = app._background._timers
    # Minutes are too long for a test.
    timer.next_run_time = lambda now, last: now + 0.001
    with TestClient(app):
        until(lambda: seen)


# One worker only ----------------------------------------------------------------------------------------------------


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    path = tmp_path / "job.lock"
    first, second = Lock(path), Lock(path)
    assert first.acquire()
    assert first.acquire()
    assert not second.acquire()
    first.release()
    first.release()
    assert second.acquire()
    assert path.stat().st_mode & 0o777 == 0o600
    second.release()


def test_a_lock_is_acquired_again_after_its_file_was_deleted(tmp_path: Path) -> None:
    path = tmp_path / "job.lock"
    first, second = Lock(path), Lock(path)
    assert first.acquire()
    path.unlink()
    assert second.acquire()
    # There is one who holds it, though the first one's file is locked still.
    assert not first.acquire()
    second.release()
    assert first.acquire()
    path.unlink()
    assert first.acquire()
    assert path.exists()
    first.release()


def test_a_lock_is_not_taken_through_a_link(tmp_path: Path) -> None:
    target = tmp_path / "target"
    (tmp_path / "job.lock").symlink_to(target)
    with pytest.raises(OSError, match=r"job\.lock"):
        Lock(tmp_path / "job.lock").acquire()
    assert not target.exists()


def test_another_process_takes_over_when_the_first_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "job.lock"
    code = "import sys\nfrom pathlib import Path\nfrom sanic_star.engine.timers import Lock\n"
    code += "lock = Lock(Path(sys.argv[1])); print(lock.acquire(), flush=True); sys.stdin.read()"
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ
    )
    assert other.stdout
    assert other.stdout.readline() == b"True\n"
    lock = Lock(path)
    assert not lock.acquire()
    other.kill()
    other.communicate()
    assert lock.acquire()
    lock.release()


def test_with_the_locks_of_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    def locking(number: int, mode: int, count: int) -> None:
        if taken:
            raise OSError("taken")
        taken.append(count)

    fake = types.SimpleNamespace(locking=locking, LK_NBLCK=2)
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", fake)
    lock = Lock(tmp_path / "job.lock")
    assert lock.acquire()
    assert not Lock(tmp_path / "job.lock").acquire()
    lock.release()


def test_of_two_applications_one_runs_the_job(tmp_path: Path) -> None:
    seen: list[str] = []
    apps = [app_named("First"), app_named("Second")]
    for app in apps:
        app.every(0.01, one_worker=tmp_path / "job.lock")(partial(seen.append, app.name))
    with TestClient(apps[0]):
        with TestClient(apps[1]):
            until(lambda: len(seen) > 2)
        assert set(seen) == {"First"}
    seen.clear()
    with TestClient(apps[1]):
        until(lambda: seen)
    assert set(seen) == {"Second"}


def test_the_lock_file_is_named_after_application_and_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    app, seen = app_named("Named"), list[int]()
    app.every(0.01, one_worker=True, name="a/b c")(lambda: seen.append(1))
    with TestClient(app):
        until(lambda: seen)
    assert [path.name for path in tmp_path.iterdir()] == [f"sanic-star-{os.getuid()}-Named-a_b_c.lock"]


def test_a_lock_file_that_cannot_be_created_is_reported(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    app = app_named()
    app.every(60, one_worker=tmp_path / "missing" / "job.lock", name="job")(lambda: None)
    with TestClient(app):
        until(lambda: "Task timer job failed" in caplog.text)


async def test_a_cancelled_timer_releases_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "job.lock"
    timer = Timer("job", lambda: asyncio.sleep(0), at_intervals(60), lock=path)
    task = asyncio.ensure_future(timer.run(Tasks()))
    await asyncio.sleep(0)
    assert not Lock(path).acquire()
    task.cancel()
    await asyncio.wait({task})
    lock = Lock(path)
    assert lock.acquire()
    lock.release()


async def test_a_lock_that_cannot_be_acquired_skips_one_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Any] = [True, OSError("too many open files"), True]
    runs = list[int]()

    def acquire(lock: Lock) -> bool:
        answer = answers.pop(0) if answers else True
        if isinstance(answer, OSError):
            raise answer
        return bool(answer)

    async def job() -> None:
        runs.append(1)

    monkeypatch.setattr(Lock, "acquire", acquire)
    task = asyncio.ensure_future(Timer("job", job, at_intervals(0.01), lock=tmp_path / "job.lock").run(Tasks()))
    while not runs:
        assert not task.done()
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait({task})
    assert "A run of job is skipped: too many open files" in caplog.text
