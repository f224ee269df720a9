"""The signal handlers before those of a foreign server, which gets a signal after the application's stop."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvloop
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from sanic_star.engine.os_signals import SAME_SIGNAL_S, WAKEUP_DELAYS_S, chain
from tests.engine.processes import TIMEOUT_S, UVICORN, process

HANDLED = (signal.SIGINT, signal.SIGTERM)


class Server:
    """A server that has taken the signals, and an application that takes its time to stop."""

    def __init__(self, heard: list[str]) -> None:
        self.heard = heard
        self.may_stop = asyncio.Event()
        self.stopping = asyncio.Event()

    async def stop(self) -> bool:
        """Stop the application."""
        self.stopping.set()
        await self.may_stop.wait()
        self.heard.append("stopped")
        return True

    async def chained(self, patience: float = TIMEOUT_S) -> Callable[[], None]:
        """Put the handlers before those of the server."""
        signals = chain(self.stop, patience)
        assert signals is not None
        signals.started()
        return signals.undo


def send(number: signal.Signals) -> None:
    """Do what a signal does, without one."""
    handler = signal.getsignal(number)
    assert callable(handler)
    handler(number, None)


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """The events in their order; meanwhile the signals have the server's handlers."""
    lines: list[str] = []
    before = {
        number: signal.signal(number, lambda number, frame: lines.append(signal.Signals(number).name))
        for number in HANDLED
    }
    yield lines
    for number, handler in before.items():
        signal.signal(number, handler)


async def until(condition: Callable[[], bool]) -> None:
    """Let others run until something holds."""
    async with asyncio.timeout(TIMEOUT_S):
        while not condition():  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0.001)


async def test_the_server_is_notified_after_the_stop(heard: list[str]) -> None:
    server = Server(heard)
    undo = await server.chained()
    send(signal.SIGTERM)
    await asyncio.wait_for(server.stopping.wait(), TIMEOUT_S)
    assert heard == []
    server.may_stop.set()
    await until(lambda: len(heard) == 2)
    assert heard == ["stopped", "SIGTERM"]
    # From then on nothing is held back.
    send(signal.SIGINT)
    assert heard == ["stopped", "SIGTERM", "SIGINT"]
    undo()
    send(signal.SIGINT)
    assert heard[3:] == ["SIGINT"]


async def test_signals_repeated_by_supervisors_count_once(heard: list[str]) -> None:
    server = Server(heard)
    undo = await server.chained()
    # Ctrl-C reaches the whole group, and a supervisor terminates its worker.
    for number in (signal.SIGINT, signal.SIGTERM):
        send(number)
    await asyncio.wait_for(server.stopping.wait(), TIMEOUT_S)
    assert heard == []
    server.may_stop.set()
    await until(lambda: len(heard) == 3)
    assert heard == ["stopped", "SIGINT", "SIGTERM"]
    undo()


async def test_a_second_ctrl_c_ends_at_once(heard: list[str]) -> None:
    server = Server(heard)
    undo = await server.chained()
    send(signal.SIGINT)
    await asyncio.sleep(2 * SAME_SIGNAL_S)
    send(signal.SIGINT)
    assert heard == ["SIGINT", "SIGINT"]
    server.may_stop.set()
    await until(lambda: len(heard) == 3)
    # Nothing is passed on twice.
    assert heard == ["SIGINT", "SIGINT", "stopped"]
    undo()


async def test_a_failing_or_cancelled_stop_releases_the_application(heard: list[str]) -> None:
    async def fail() -> bool:
        raise RuntimeError("no")

    async def cancel() -> bool:
        for task in asyncio.all_tasks() - {asyncio.current_task(), test}:
            task.cancel()
        return True

    test = asyncio.current_task()
    for number, stop in enumerate((fail, cancel), 1):
        signals = chain(stop, TIMEOUT_S)
        assert signals is not None
        send(signal.SIGTERM)
        await until(lambda number=number: len(heard) == number)  # type: ignore[misc]
        signals.undo()


async def test_the_server_does_not_wait_for_ever(heard: list[str]) -> None:
    server = Server(heard)
    undo = await server.chained(0.01)
    send(signal.SIGTERM)
    await until(lambda: heard == ["SIGTERM"])
    server.may_stop.set()
    await until(lambda: heard == ["SIGTERM", "stopped"])
    undo()


def test_a_loop_that_is_closed_holds_nothing_back(heard: list[str]) -> None:
    async def start() -> Callable[[], None]:
        return await Server(heard).chained()

    undo = asyncio.run(start())
    send(signal.SIGTERM)
    assert heard == ["SIGTERM"]
    undo()


def listen(heard: list[str]) -> None:
    """Take the signals through the event loop, as granian does."""
    loop = asyncio.get_running_loop()
    for number in HANDLED:
        loop.add_signal_handler(number, heard.append, signal.Signals(number).name)


LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.mark.parametrize("loop", LOOPS, ids=["asyncio", "uvloop"])
def test_a_server_with_loop_signal_handlers_is_held_back(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    heard: list[str] = []

    async def start() -> Callable[[], None]:
        listen(heard)
        server = Server(heard)
        undo = await server.chained()
        finished = asyncio.create_task(serve(server))
        finish.append(finished)
        return undo

    async def serve(server: Server) -> None:
        await asyncio.sleep(2 * WAKEUP_DELAYS_S[1])
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(server.stopping.wait(), TIMEOUT_S)
        signal.raise_signal(signal.SIGTERM)
        await asyncio.sleep(0)
        heard.append("stopping")
        server.may_stop.set()
        await until(lambda: heard.count("SIGTERM") == 2)
        # From then on nothing is held back.
        signal.raise_signal(signal.SIGINT)
        await until(lambda: "SIGINT" in heard)

    finish: list[asyncio.Task[None]] = []
    # granian has a run of the loop for the start, and another in which it serves.
    with asyncio.Runner(loop_factory=loop) as runner:
        undo = runner.get_loop().run_until_complete(start())
        runner.get_loop().run_until_complete(finish[0])
        assert heard == ["stopping", "stopped", "SIGTERM", "SIGTERM", "SIGINT"]

        async def stop() -> None:
            undo()
            signal.raise_signal(signal.SIGTERM)
            await until(lambda: len(heard) == 6)

        runner.get_loop().run_until_complete(stop())


def test_applications_that_are_never_stopped_leave_no_chain(heard: list[str]) -> None:
    async def start() -> None:
        await Server(heard).chained()

    for _ in range(2_000):
        asyncio.run(start())
    assert len(repr(signal.getsignal(signal.SIGTERM))) < 200
    send(signal.SIGTERM)
    assert heard == ["SIGTERM"]


def test_a_loop_that_runs_on_in_another_thread(caplog: pytest.LogCaptureFixture) -> None:
    async def start() -> Callable[[], None]:
        listen([])
        return await Server([]).chained()

    loop = asyncio.new_event_loop()
    undo = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_until_complete, args=[asyncio.sleep(2 * WAKEUP_DELAYS_S[0])])
    thread.start()
    thread.join(TIMEOUT_S)
    undo()
    for number in HANDLED:
        loop.remove_signal_handler(number)
    loop.close()
    assert caplog.records == []


async def test_a_second_ctrl_c_ends_a_loop_at_once() -> None:
    heard: list[str] = []
    listen(heard)
    server = Server(heard)
    undo = await server.chained()
    await asyncio.sleep(2 * WAKEUP_DELAYS_S[0])
    signal.raise_signal(signal.SIGINT)
    await asyncio.wait_for(server.stopping.wait(), TIMEOUT_S)
    await asyncio.sleep(2 * SAME_SIGNAL_S)
    signal.raise_signal(signal.SIGINT)
    await until(lambda: heard == ["SIGINT", "SIGINT"])
    server.may_stop.set()
    undo()
    for number in HANDLED:
        asyncio.get_running_loop().remove_signal_handler(number)


async def test_other_signals_of_a_loop_pass_at_once() -> None:
    heard: list[str] = []
    listen(heard)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, heard.append, "SIGUSR1")
    server = Server(heard)
    undo = await server.chained()
    await asyncio.sleep(2 * WAKEUP_DELAYS_S[0])
    signal.raise_signal(signal.SIGTERM)
    await asyncio.wait_for(server.stopping.wait(), TIMEOUT_S)
    signal.raise_signal(signal.SIGUSR1)
    await until(lambda: heard == ["SIGUSR1"])
    # What is still held when the signals are given back is passed on.
    undo()
    await until(lambda: heard == ["SIGUSR1", "SIGTERM"])
    server.may_stop.set()
    for number in (*HANDLED, signal.SIGUSR1):
        loop.remove_signal_handler(number)


async def test_two_applications_of_one_process_give_a_loop_back_in_any_order() -> None:
    heard: list[str] = []
    listen(heard)
    servers = [Server(heard), Server(heard)]
    undo = []
    for server in servers:
        server.may_stop.set()
        undo.append(await server.chained())
        await asyncio.sleep(2 * WAKEUP_DELAYS_S[0])
    undo[0]()
    signal.raise_signal(signal.SIGTERM)
    await until(lambda: heard == ["stopped", "SIGTERM"])
    undo[1]()
    signal.raise_signal(signal.SIGTERM)
    await until(lambda: heard == ["stopped", "SIGTERM", "SIGTERM"])
    for number in HANDLED:
        asyncio.get_running_loop().remove_signal_handler(number)


async def test_two_applications_of_one_process_do_not_write_to_each_other() -> None:
    heard: list[str] = []
    listen(heard)
    servers = [Server(heard), Server(heard)]
    undo = [await server.chained() for server in servers]
    # Each looks several times for a loop that has put its file descriptor back.
    await asyncio.sleep(2 * WAKEUP_DELAYS_S[1])
    signal.raise_signal(signal.SIGTERM)
    for server in servers:
        server.may_stop.set()
    await until(lambda: "SIGTERM" in heard)
    assert heard == ["stopped", "stopped", "SIGTERM"]
    for call in reversed(undo):
        call()
    for number in HANDLED:
        asyncio.get_running_loop().remove_signal_handler(number)


@pytest.mark.parametrize("options", [(), ("--lifespan", "off")], ids=["lifespan", "lazy"])
def test_a_listener_that_fails_is_logged_and_the_stop_goes_on(tmp_path: Path, options: tuple[str, ...]) -> None:
    script = """
    @app.before_server_stop
    async def fail(app):
        raise RuntimeError("no farewell")
    """
    with process(tmp_path, script, *UVICORN, *options, "served:app") as server:
        assert server.get().status_code == 200
        server.terminate()
    assert server.log.count("RuntimeError: no farewell") == 1
    assert "never retrieved" not in server.log
    assert server.phases()[-2:] == ["before_server_stop", "after_server_stop"]


def test_listeners_and_farewells_come_before_uvicorns_stop(tmp_path: Path) -> None:
    # The tick of uvicorn, every 0.1 s, falls into this listener.
    script = """
    @app.before_server_stop
    async def slow(app):
        await asyncio.sleep(0.3)

    @app.websocket("/ws")
    async def ws(request, ws):
        await ws.send("hello")
        await ws.recv()
    """

    with process(tmp_path, script, *UVICORN, "served:app") as server:
        assert server.get().status_code == 200
        with connect(f"ws://127.0.0.1:{server.port}/ws") as ws:
            assert ws.recv(TIMEOUT_S) == "hello"
            server.popen.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as closed:
                ws.recv(TIMEOUT_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        assert server.wait_for_end() == -signal.SIGTERM
    assert server.phases()[-2:] == ["before_server_stop", "after_server_stop"]
