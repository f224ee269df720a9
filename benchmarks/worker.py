"""One process per contender, which stays alive and runs a round on command: contenders take turns on one core.

So frameworks with global state (Sanic, Falcon) do not share it, and every process has warmed up when it is measured.
"""

import asyncio
import gc
import logging
import logging.config
import multiprocessing
import os
import time
import tracemalloc
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from uvicorn.config import LOGGING_CONFIG

from benchmarks.contenders import CONTENDERS
from benchmarks.driver import AnyCase, Lifespan, fault, measure_requests


class WorkerError(Exception):
    """A contender failed, gave a wrong answer, or exceeded its time limit."""


class _Bench:
    """The contender in its process; the methods are the commands of `Worker`."""

    def __init__(self, contender: str) -> None:
        self._contender = CONTENDERS[contender]
        self._apps: dict[str, tuple[Any, Lifespan]] = {}

    async def preload(self) -> None:
        self._contender.load()

    async def build(self, key: str, factory: str, args: tuple[Any, ...], case: AnyCase) -> dict[str, float]:
        begin = time.perf_counter()
        app = self._contender.make(factory, *args)
        built = time.perf_counter()
        lifespan = Lifespan(app)
        await lifespan.startup()
        started = time.perf_counter()
        wrong = await fault(app, case)
        answered = time.perf_counter()
        if wrong:
            raise WorkerError(f"answered {case.name} with {wrong}")
        self._apps[key] = app, lifespan
        return {
            "build_ms": (built - begin) * 1e3,
            "start_ms": (started - built) * 1e3,
            "first_ms": (answered - started) * 1e3,
        }

    async def memory(self, factory: str, args: tuple[Any, ...]) -> int:
        self._contender.load()
        gc.collect()
        tracemalloc.start()
        app = self._contender.make(factory, *args)
        lifespan = Lifespan(app)
        await lifespan.startup()
        gc.collect()
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        await lifespan.shutdown()
        return size

    async def check(self, key: str, case: AnyCase) -> None:
        if wrong := await fault(self._apps[key][0], case):
            raise WorkerError(f"answered {case.name} with {wrong}")

    async def round(self, key: str, case: AnyCase, count: int) -> float:
        return await measure_requests(self._apps[key][0], case, count)

    async def log(self, on: bool) -> None:
        """Turn all loggers off; or on, with uvicorn's configuration and standard error to the null device."""
        logging.disable(logging.NOTSET if on else logging.CRITICAL)
        if on:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 2)
            os.close(null)
            logging.config.dictConfig(LOGGING_CONFIG)

    async def close(self) -> None:
        for _, lifespan in self._apps.values():
            await lifespan.shutdown()


async def _serve(pipe: Connection, contender: str) -> None:
    # Reading the pipe blocks the loop on purpose: between rounds nothing in this process may run.
    bench = _Bench(contender)
    while True:
        try:
            name, args = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send((True, await getattr(bench, name)(*args)))
        except Exception as error:
            pipe.send((False, f"{type(error).__name__}: {error}"))
        if name == "close":
            return


def _main(pipe: Connection, contender: str, core: int | None) -> None:
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    logging.disable(logging.WARNING)
    try:
        import uvloop
    except ImportError:
        asyncio.run(_serve(pipe, contender))
    else:
        uvloop.run(_serve(pipe, contender))


class Worker:
    """The handle on a contender's process; use it in a `with` block.

    Raises WorkerError from every command when the contender fails or is not done after `timeout` seconds.
    """

    def __init__(self, contender: str, core: int | None = None, timeout: float = 120) -> None:
        context = multiprocessing.get_context("spawn")
        self.contender = contender
        self._timeout = timeout
        self._pipe, child_pipe = context.Pipe()
        self._process = context.Process(target=_main, args=(child_pipe, contender, core), daemon=True)
        self._process.start()
        child_pipe.close()

    def call(self, command: str, *args: Any) -> Any:
        """Run `command` in the process and return its result."""
        try:
            self._pipe.send((command, args))
            if not self._pipe.poll(self._timeout):
                self._process.kill()
                raise WorkerError(f"{self.contender}: not done after {self._timeout:.0f} s")
            succeeded, result = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise WorkerError(f"{self.contender}: the process has gone ({error!r})") from error
        if not succeeded:
            raise WorkerError(f"{self.contender}: {result}")
        return result

    def build(self, key: str, factory: str, args: tuple[Any, ...], case: AnyCase) -> dict[str, float]:
        """Make and start the application `key`; return the ms that building, start-up and the first answer took."""
        result: dict[str, float] = self.call("build", key, factory, args, case)
        return result

    def round(self, key: str, case: AnyCase, count: int) -> float:
        """Return µs a request over `count` requests."""
        return float(self.call("round", key, case, count))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.is_alive() and error is None:
            try:
                self.call("close")
            except WorkerError:
                pass
        self._pipe.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
