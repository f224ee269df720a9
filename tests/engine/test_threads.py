"""The pool of threads: order, size, context variables, cancellation, idle threads, the end."""

import asyncio
import gc
import logging
import threading
import time
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest

from sanic_star.engine import threads
from sanic_star.engine.threads import ThreadPool, call_in_loop

TIMEOUT_S = 30.0
word: ContextVar[str] = ContextVar("word")


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not condition():  # noqa: ASYNC110 - a thread sets no event of the loop
            await asyncio.sleep(0.005)


def busy_threads(name: str) -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(name)]


async def test_calls_a_function_in_a_daemon_thread() -> None:
    pool = ThreadPool("called")
    thread = await pool.run(lambda *args, **kwargs: (threading.current_thread(), args, kwargs), 1, two=2)
    assert thread[1:] == ((1,), {"two": 2})
    assert thread[0].name == "called-1"
    assert thread[0].daemon
    pool.close()


async def test_one_thread_does_for_calls_that_follow_each_other() -> None:
    pool = ThreadPool("following")
    names = {await pool.run(lambda: threading.current_thread().name) for _ in range(50)}
    assert names == {"following-1"}
    pool.close()


@pytest.mark.parametrize("size", [1, 3])
async def test_the_pool_size_limits_concurrent_functions(size: int) -> None:
    pool = ThreadPool("sized", size)
    lock, running, peak, order = threading.Lock(), 0, 0, []

    def work(number: int) -> int:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
            order.append(number)
        time.sleep(0.01)
        with lock:
            running -= 1
        return number

    assert await asyncio.gather(*(pool.run(work, number) for number in range(12))) == list(range(12))
    assert peak == size
    if size == 1:
        assert order == list(range(12))
    pool.close()


async def test_context_variables_are_passed_in_and_back() -> None:
    pool = ThreadPool("context")
    word.set("caller")

    def work() -> str:
        seen = word.get()
        word.set("thread")
        return seen

    assert await pool.run(work) == "caller"
    assert word.get() == "thread"

    def fail() -> None:
        word.set("failed")
        raise KeyError(word.get())

    with pytest.raises(KeyError, match="failed"):
        await pool.run(fail)
    assert word.get() == "failed"
    # Another call, in a thread that has seen other values.
    assert await asyncio.create_task(pool.run(word.get)) == "failed"
    pool.close()


@pytest.mark.parametrize(
    ("raised", "arrives"),
    [
        (KeyError("k"), KeyError),
        (StopIteration(1), RuntimeError),
        (StopAsyncIteration(1), StopAsyncIteration),
        (SystemExit(3), SystemExit),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (GeneratorExit(), GeneratorExit),
        (asyncio.CancelledError(), asyncio.CancelledError),
        (ExceptionGroup("group", [ValueError()]), ExceptionGroup),
    ],
)
def test_whatever_a_function_raises_arrives_as_from_a_coroutine(raised: BaseException, arrives: type) -> None:
    def work() -> None:
        raise raised

    async def main() -> BaseException:
        pool = ThreadPool("raising")
        try:
            await pool.run(work)
        except BaseException as error:
            return error
        finally:
            pool.close()
        raise AssertionError("nothing was raised")

    error = asyncio.run(main())
    assert type(error) is arrives
    assert error is raised or error.__cause__ is raised
    # The traceback leads to the function.
    trace, names = raised.__traceback__, []
    while trace is not None:
        names.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert names[-1] == "work"


async def test_a_cancelled_call_runs_on_and_its_exception_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    pool = ThreadPool("cancelled", 1)
    begun, go, over = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go.wait(TIMEOUT_S)
        over.set()
        raise KeyError("late")

    task = asyncio.create_task(pool.run(work))
    await until(begun.is_set)
    waiting: list[int] = []
    never = asyncio.create_task(pool.run(waiting.append, 1))
    await asyncio.sleep(0)
    for cancelled in (task, never):
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
    assert not over.is_set()
    assert len(pool.busy()) == 1
    go.set()
    assert await pool.run(lambda: 5) == 5
    await until(lambda: caplog.records)
    assert over.is_set()
    assert waiting == [], "a function that had not begun was called after its cancellation"
    assert [record.message for record in caplog.records] == [
        "A function in a thread has failed after its request was cancelled"
    ]
    assert caplog.records[0].exc_info is not None
    pool.close()


async def test_a_coroutine_that_comes_too_late_is_closed() -> None:
    pool = ThreadPool("late")
    begun, go = threading.Event(), threading.Event()
    made: list[Any] = []

    async def unwanted() -> None: ...

    def work() -> Any:
        begun.set()
        go.wait(TIMEOUT_S)
        made.append(unwanted())
        return made[0]

    task = asyncio.create_task(pool.run(work))
    await until(begun.is_set)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    go.set()
    # Otherwise "was never awaited" is a warning, and an error here.
    await until(lambda: made and made[0].cr_frame is None)
    pool.close()


def test_nothing_is_raised_in_a_thread_whose_event_loop_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    pool = ThreadPool("closed")
    begun, go = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go.wait(TIMEOUT_S)
        raise KeyError("late")

    async def main() -> None:
        task = asyncio.create_task(pool.run(work))
        await until(begun.is_set)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    go.set()
    deadline = time.monotonic() + TIMEOUT_S
    while not caplog.records and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "has failed after its request was cancelled" in caplog.text
    # The pool serves another event loop.
    assert asyncio.run(pool.run(lambda: 7)) == 7
    pool.close()


async def test_idle_threads_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_IDLE_S", 0.05)
    pool = ThreadPool("idle")
    for _ in range(3):
        await asyncio.gather(*(pool.run(time.sleep, 0.01) for _ in range(5)))
        await until(lambda: not busy_threads("idle-"))
    pool.close()


async def test_ending_idle_threads_lose_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_IDLE_S", 0.0005)
    pool = ThreadPool("racing", 4)
    for number in range(300):
        async with asyncio.timeout(TIMEOUT_S):
            assert await pool.run(lambda number=number: number) == number
        await asyncio.sleep(0.0005)
    pool.close()


async def test_close_ends_the_threads_and_what_waits(caplog: pytest.LogCaptureFixture) -> None:
    pool = ThreadPool("ended", 2)
    go = threading.Event()
    running = [asyncio.create_task(pool.run(go.wait, TIMEOUT_S)) for _ in range(2)]
    await until(lambda: len(pool.busy()) == 2)
    waiting = asyncio.create_task(pool.run(print, "never"))
    await asyncio.sleep(0)
    with caplog.at_level(logging.WARNING):
        await pool.drain(0.05)
    assert len(caplog.records) == 2
    assert "busy at" in caplog.text
    assert "(wait)" in caplog.text
    pool.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go.set()
    assert await asyncio.gather(*running) == [True, True]
    await until(lambda: not busy_threads("ended-"))
    # A request that outlives the stop is answered.
    assert await pool.run(lambda: 3) == 3
    await until(lambda: not busy_threads("ended-"))


async def test_drain_waits_for_functions_that_run() -> None:
    pool = ThreadPool("drained")
    over = threading.Event()

    def work() -> None:
        time.sleep(0.1)
        over.set()

    task = asyncio.create_task(pool.run(work))
    await until(pool.busy)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await pool.drain(TIMEOUT_S)
    assert over.is_set()
    pool.close()


def _is_gone(reference: weakref.ref[Any]) -> bool:
    return reference() is None


async def test_an_idle_thread_keeps_nothing_alive() -> None:
    class Thing: ...

    pool = ThreadPool("free")
    gc.disable()
    try:
        for fails in (False, True):
            item = Thing()
            kept = weakref.ref(item)

            def work(item: Thing, fails: bool = fails) -> None:
                if fails:
                    raise KeyError

            await asyncio.gather(pool.run(work, item), return_exceptions=True)
            del item
            await until(partial(_is_gone, kept))
    finally:
        gc.enable()
        pool.close()


async def test_two_event_loops_share_a_pool() -> None:
    pool = ThreadPool("shared", 2)

    async def many(number: int) -> list[int]:
        return list(await asyncio.gather(*(pool.run(int, n) for n in range(number, number + 100))))

    other: list[Any] = []
    thread = threading.Thread(target=lambda: other.append(asyncio.run(many(1000))))
    thread.start()
    assert await many(0) == list(range(100))
    await until(lambda: other)
    thread.join()
    assert other == [list(range(1000, 1100))]
    pool.close()


async def test_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = ThreadPool("few", 8)
    go = threading.Event()
    first = asyncio.create_task(pool.run(go.wait, TIMEOUT_S))
    await until(pool.busy)

    def refuse(thread: Any) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        second = asyncio.create_task(pool.run(lambda: 2))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="new thread"):
            await ThreadPool("none").run(lambda: 1)
    go.set()
    assert await first
    assert await second == 2
    pool.close()


async def test_call_in_loop_returns_and_raises() -> None:
    pool, loop = ThreadPool("calling"), asyncio.get_running_loop()

    def work() -> Any:
        with pytest.raises(KeyError):
            call_in_loop(loop, {}.popitem)
        return call_in_loop(loop, threading.current_thread)

    assert await pool.run(work) is threading.current_thread()
    pool.close()
