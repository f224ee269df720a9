"""Background tasks: found by name, counted, logged, ended."""

import asyncio
import logging

import pytest

from sanic_star.engine.tasks import Tasks


async def forever(ended: list[str] | None = None) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        if ended is not None:
            ended.append("cleaned up")


async def nothing() -> str:
    return "done"


async def test_a_task_is_counted_while_it_runs_and_found_by_its_name() -> None:
    tasks = Tasks()
    task = tasks.add(nothing(), "named")
    assert len(tasks) == 1
    assert list(tasks) == [task]
    assert tasks.get("named") is task
    assert await task == "done"
    await asyncio.sleep(0)
    assert len(tasks) == 0
    assert list(tasks) == [task]
    assert tasks.get("named") is task
    tasks.purge()
    assert list(tasks) == []
    with pytest.raises(KeyError):
        tasks.get("named")


@pytest.mark.parametrize(("name", "register"), [(None, True), ("hidden", False)])
async def test_without_a_name_or_unregistered_it_is_not_found(name: str | None, register: bool) -> None:
    tasks = Tasks()
    task = tasks.add(nothing(), name, register)
    with pytest.raises(KeyError):
        tasks.get("hidden")
    await task


async def test_purge_keeps_what_runs() -> None:
    tasks = Tasks()
    tasks.add(forever(), "running")
    tasks.purge()
    assert tasks.get("running")
    await tasks.shutdown()


async def test_a_failure_is_logged_with_the_name(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise KeyError("lost")

    tasks = Tasks()
    with caplog.at_level(logging.ERROR):
        await asyncio.wait({tasks.add(fail(), "failing")})
        await asyncio.sleep(0)
    assert [record.message for record in caplog.records] == ["Task failing failed"]


async def test_a_cancelled_task_is_not_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    tasks, ended = Tasks(), list[str]()
    tasks.add(forever(ended), "a")
    tasks.add(forever(ended))
    await asyncio.sleep(0)
    await tasks.shutdown()
    assert ended == ["cleaned up", "cleaned up"]
    assert list(tasks) == []
    assert not caplog.records


async def test_shutdown_waits_at_most_for_its_limit() -> None:
    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await release.wait()

    release = asyncio.Event()
    tasks = Tasks()
    task = tasks.add(stubborn())
    await asyncio.sleep(0)
    await tasks.shutdown(0.01)
    assert not task.done()
    release.set()
    await task


async def test_a_task_that_shuts_down_does_not_wait_for_itself() -> None:
    tasks = Tasks()
    task = tasks.add(tasks.shutdown())
    await task
    assert not task.cancelled()


async def test_nothing_to_shut_down() -> None:
    await Tasks().shutdown()


def test_tasks_of_another_loop_are_not_cancelled() -> None:
    tasks = Tasks()
    loop = asyncio.new_event_loop()

    async def add() -> asyncio.Task[None]:
        return tasks.add(forever())

    task = loop.run_until_complete(add())
    asyncio.run(tasks.shutdown())
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()
