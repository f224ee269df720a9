"""Steps of a start or stop, in this process: their results, exceptions and time limits."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sanic_star import Sanic
from sanic_star.compat.exceptions import ServerError
from sanic_star.engine import steps
from sanic_star.engine.steps import Limit, StepTimeout, position, run_step
from tests.engine.processes import ROOT, TIMEOUT_S

SHORT, LONG = Limit(0.05, "SETTING"), Limit(60.0, "SETTING")


async def gives() -> int:
    await asyncio.sleep(0)
    return 7


async def swallows() -> int:
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        pass
    return 7


async def changes() -> None:
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        raise ValueError("changed") from None


async def own_timeout() -> None:
    raise TimeoutError("its own")


def sleeps() -> int:
    time.sleep(0.3)
    return 7


@pytest.mark.parametrize("limit", [None, LONG, Limit(float("inf"), "SETTING"), Limit(threading.TIMEOUT_MAX, "S")])
@pytest.mark.parametrize("call", [gives, lambda: 7, sleeps])
async def test_in_time(call: Callable[[], Any], limit: Limit | None) -> None:
    assert await run_step(call, "the step", limit) == 7


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: asyncio.sleep(3600), StepTimeout),
        (swallows, StepTimeout),
        (sleeps, StepTimeout),
        (changes, ValueError),
    ],
)
async def test_overdue(call: Callable[[], Any], error: type[Exception], caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(error):
        await run_step(call, "the step", SHORT)
    assert "The step has not ended after 0.05 s (SETTING); it is cancelled" in caplog.text
    # The task itself is not cancelled.
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_exceptions_of_a_step_pass_unchanged() -> None:
    with pytest.raises(TimeoutError, match="its own") as raised:
        await run_step(own_timeout, "the step", LONG)
    assert not isinstance(raised.value, StepTimeout)


async def test_a_cancellation_from_outside_is_not_a_timeout() -> None:
    task = asyncio.ensure_future(run_step(lambda: asyncio.sleep(3600), "the step", LONG))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(steps, "_watcher", None)
    monkeypatch.setattr(threading.Thread, "start", start)
    assert await run_step(gives, "the step", SHORT) == 7
    # Later, when there are threads again, a step has its limit.
    monkeypatch.undo()
    with pytest.raises(StepTimeout):
        await run_step(swallows, "the step", SHORT)


async def test_one_thread_watches_over_all() -> None:
    await asyncio.gather(*(run_step(gives, "the step", LONG) for _ in range(200)))
    results = await asyncio.gather(
        *(run_step(swallows, f"step {number}", SHORT) for number in range(20)),
        *(run_step(gives, "the step", LONG) for _ in range(20)),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [StepTimeout] * 20 + [int] * 20
    assert [thread.name for thread in threading.enumerate()].count("sanic-star-steps") == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_in_a_process_that_was_forked(tmp_path: Path) -> None:
    script = """
import asyncio, os
from sanic_star.engine.steps import Limit, StepTimeout, run_step

async def hangs():
    await asyncio.sleep(3600)

async def main():
    try:
        await run_step(hangs, "the step", Limit(0.05, "SETTING"))
    except StepTimeout:
        return 7

assert asyncio.run(main()) == 7
child = os.fork()
if child == 0:
    os._exit(asyncio.run(main()))
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stderr


async def test_a_blocking_listener_is_located(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(steps, "CLEAN_UP_BEFORE_EXIT_S", 0.05)
    with pytest.raises(StepTimeout):
        await run_step(sleeps, "the step", SHORT)
    assert "The step blocks the event loop at " in caplog.text
    assert "(sleeps)" in caplog.text


def test_an_interpreter_without_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "(position)" in position(threading.get_ident())
    monkeypatch.delattr(sys, "_current_frames")
    assert position(threading.get_ident()) == ""


def limit_of(app: Sanic[Any, Any], stopping: bool) -> tuple[float, str]:
    limit = app._answers.step_limit(stopping)
    assert limit is not None
    return limit.seconds, limit.setting


@pytest.mark.parametrize("value", [0, -1, "5", True, float("nan"), [], 0.0])
@pytest.mark.parametrize("setting", ["STARTUP_LISTENER_TIMEOUT", "SHUTDOWN_LISTENER_TIMEOUT"])
def test_impossible_limits_are_refused(setting: str, value: Any) -> None:
    app = Sanic("Limits")
    app.config[setting] = value
    with pytest.raises(ServerError, match=f"{setting} is .*; it has to be a number from 0.001 on, or None"):
        app.test_client.get("/")
    # Set later, it does not keep the stop from its end.
    assert app._answers.step_limit(stopping=False) is None
    assert limit_of(app, stopping=True) == (60.0, "SHUTDOWN_LISTENER_TIMEOUT")


def test_defaults() -> None:
    app = Sanic("Defaults")
    assert app._answers.step_limit(False) is None
    assert limit_of(app, stopping=True) == (60.0, "SHUTDOWN_LISTENER_TIMEOUT")
    app.config.update(STARTUP_LISTENER_TIMEOUT=3, SHUTDOWN_LISTENER_TIMEOUT=None)
    assert limit_of(app, stopping=False) == (3, "STARTUP_LISTENER_TIMEOUT")
    assert app._answers.step_limit(True) is None


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANIC_SHUTDOWN_LISTENER_TIMEOUT", "2.5")
    assert limit_of(Sanic("Environment"), stopping=True) == (2.5, "SHUTDOWN_LISTENER_TIMEOUT")


async def test_each_listener_has_its_own_time(caplog: pytest.LogCaptureFixture) -> None:
    app = Sanic("Each")
    ran: list[str] = []
    app.config.SHUTDOWN_LISTENER_TIMEOUT = 0.05

    @app.before_server_stop
    async def last(app: Sanic) -> None:
        ran.append("last")

    @app.before_server_stop
    async def second(app: Sanic) -> None:
        await asyncio.sleep(3600)

    @app.signal("server.shutdown.before")
    async def first(app: Sanic, loop: Any) -> None:
        await asyncio.sleep(3600)

    with caplog.at_level(logging.ERROR):
        await app._listeners.run("before_server_stop", app)
    assert ran == ["last"]
    named = [record.getMessage().split(" has not")[0] for record in caplog.records]
    assert sorted(named) == [
        f"The before_server_stop listener {__name__}.test_each_listener_has_its_own_time.<locals>.{name}"
        for name in ("first", "second")
    ]


class Hanging:
    async def __call__(self, app: Sanic) -> None:
        await asyncio.sleep(3600)


async def test_an_object_is_named_by_its_class(caplog: pytest.LogCaptureFixture) -> None:
    app = Sanic("Object")
    app.config.STARTUP_LISTENER_TIMEOUT = 0.05
    app.register_listener(Hanging(), "before_server_start")
    with pytest.raises(StepTimeout):
        await app._listeners.run("before_server_start", app)
    assert f"listener {__name__}.Hanging has not ended" in caplog.text
