"""The processes of an application by name: its workers, and processes that run functions.

`Jobs` is the table of jobs, in the order of their addition. A `Job` is a worker or a function, with a `Slot` for each
of its processes. A slot has a name and the state that `app.m.workers` shows; it keeps both when its process is
replaced. The supervisor starts, restarts and stops the processes; this module only records them.

A state has built-in values, which this package sets (`pid`, `state`, `starts`, …), and values that users set. The
latter stay pickled here, because their classes may exist only in the workers.
"""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Pipe
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any

# The names of states in Sanic 25.12: `sanic.worker.constants.ProcessState`.
NONE, STARTED, ACKED, TERMINATED = "NONE", "STARTED", "ACKED", "TERMINATED"
FAILED, COMPLETED = "FAILED", "COMPLETED"
ENDED_STATES = frozenset({NONE, FAILED, COMPLETED})
MAIN_PROCESS_NAME = "Sanic-Main"


class LazyValue:
    """A value that is sent to another process, and unpickled there when it is needed.

    Its classes may be defined in the main module, which is imported after the message arrives. In a forked process
    the value is a copy in memory, and is not pickled.

    Args:
        value: the value.
    """

    def __init__(self, value: Any) -> None:
        self.value = value

    def __reduce__(self) -> tuple[Any, ...]:
        return PickledValue, (pickle_value(self.value),)


@dataclass
class PickledValue:
    """A `LazyValue` in the other process.

    Args:
        data: the pickled value.
    """

    data: bytes


class Slot:
    """A name under which one process runs at a time, and its state.

    Args:
        name: the name.
        ident: the prefix of its log lines.
        is_server: whether the process serves the application.

    Attributes:
        process: the current or last process; `None` before the first start.
        is_closed: whether the server has stopped, so that no other process will run under this name.
    """

    def __init__(self, name: str, ident: str, is_server: bool) -> None:
        self.name, self.ident = name, ident
        self.is_server = is_server
        self.process: BaseProcess | None = None
        self._builtin_values: dict[str, Any] = {"server": is_server}
        # Values that users have set, pickled.
        self._user_values: dict[str, bytes] = {}
        self.is_closed = False

    @property
    def state(self) -> str:
        """The name of the state; empty before the first start."""
        return str(self._builtin_values.get("state", ""))

    def set_builtin(self, **values: Any) -> None:
        """Set built-in values; they replace values of users with the same names."""
        self._builtin_values |= values
        for key in values:
            self._user_values.pop(key, None)

    def record_start(self, process: BaseProcess) -> None:
        """Record that a process has been started under this name.

        Args:
            process: the process.
        """
        self.process, now = process, datetime.now(tz=UTC)
        self.set_builtin(state=STARTED, pid=process.pid)
        if "starts" in self._builtin_values:
            if "serving" in self._builtin_values:
                self.set_builtin(serving=False)
            self.set_builtin(starts=self._builtin_values["starts"] + 1, restart_at=now)
        else:
            self.set_builtin(start_at=now, starts=1)

    def record_ready(self) -> None:
        """Record that the process accepts connections."""
        self.set_builtin(state=ACKED, serving=True)

    def record_end(self) -> None:
        """Record that the process has ended."""
        self.set_builtin(state=FAILED if self.process is not None and self.process.exitcode else COMPLETED)
        if "serving" in self._builtin_values:
            self.set_builtin(serving=False)

    def change_user_values(self, values: Mapping[str, bytes], removed: Iterable[str] = ()) -> None:
        """Set and remove values of users.

        Args:
            values: the pickled values, by name.
            removed: the names of values to remove.
        """
        for key, value in values.items():
            self._builtin_values.pop(key, None)
            self._user_values[key] = value
        for key in removed:
            self._builtin_values.pop(key, None)
            self._user_values.pop(key, None)

    def snapshot(self) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Return copies of the built-in values, and of the pickled values of users."""
        return dict(self._builtin_values), dict(self._user_values)


@dataclass
class Job:
    """A worker, or a function that runs in separate processes; each process has a slot.

    Args:
        name: the name; its slots are called `Sanic-<name>-<number>`.
        ident: the prefix of its log lines.
        call: the function and its keyword arguments; `None` for a worker.
        transient: whether a restart of all workers restarts it, too.
        restartable: whether it can be restarted by its name.
        tracked: whether it stays in the table after its processes have ended.
        auto_start: whether its processes start with the application.
        slots: the slots.
    """

    name: str
    ident: str
    call: LazyValue | PickledValue | None
    transient: bool
    restartable: bool
    tracked: bool
    auto_start: bool
    slots: list[Slot] = field(default_factory=list)
    # Whether the supervisor has started it.
    is_started: bool = False


class Jobs:
    """The table of an application's jobs; any thread of the main process may read and change it.

    Args:
        workers: the number of processes that serve the application.
    """

    def __init__(self, workers: int) -> None:
        self._lock = threading.RLock()
        self._jobs: dict[str, Job] = {}
        self._main: dict[str, Any] = {"pid": os.getpid()}
        # Called when a job has been added.
        self.on_add: Callable[[], None] = lambda: None
        # The ends of the pipe on which other processes send commands to the supervisor; see `Supervisor`. They are
        # `Any`, because Windows has another class of connections.
        self.publisher: Any
        self.subscriber: Any
        self.subscriber, self.publisher = Pipe()
        for number in range(workers):
            self.worker_slot(number)

    def worker_slot(self, number: int) -> Slot:
        """Return the slot of a worker; add it if it is missing.

        Args:
            number: the number of the worker.
        """
        name = f"Server-{number}"
        with self._lock:
            if name not in self._jobs:
                ident = f"Srv{number:2}"
                job = self._jobs[name] = Job(name, ident, None, True, True, True, True, is_started=True)
                job.slots.append(Slot(f"Sanic-{name}-0", ident, True))
            return self._jobs[name].slots[0]

    def add(
        self,
        name: str,
        call: LazyValue | PickledValue,
        *,
        transient: bool = False,
        restartable: bool | None = None,
        tracked: bool = True,
        auto_start: bool = True,
        workers: int = 1,
        ident: str = "",
    ) -> Job:
        """Add a job; the supervisor starts it.

        Args:
            name: a name that no other job has.
            call: the function and its keyword arguments.
            transient: whether a restart of all workers restarts it, too.
            restartable: whether it can be restarted by its name; by default the same as `transient`.
            tracked: whether it stays in the table after its processes have ended.
            auto_start: whether it starts with the application.
            workers: the number of processes that run it.
            ident: the prefix of its log lines; by default the name.

        Raises:
            TypeError: the name is not a string.
            ValueError: another job has the name, or the options contradict each other.
        """
        if not isinstance(name, str):
            raise TypeError(f"The name of a managed process must be a string, got {name!r}")
        if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
            raise ValueError(f"workers is the number of processes, 1 or more, got {workers!r}")
        restartable = transient if restartable is None else restartable
        if transient and not restartable:
            raise ValueError("Cannot create a transient worker that is not restartable")
        with self._lock:
            if name in self._jobs:
                raise ValueError(f"Worker {name} already exists")
            job = self._jobs[name] = Job(name, ident or name, call, transient, restartable, tracked, auto_start)
            job.slots += [Slot(f"Sanic-{name}-{number}", job.ident, False) for number in range(workers)]
        self.on_add()
        return job

    def remove(self, job: Job) -> None:
        """Remove a job from the table."""
        with self._lock:
            if self._jobs.get(job.name) is job:
                del self._jobs[job.name]

    def remove_worker(self, number: int) -> None:
        """Remove a worker from the table.

        Args:
            number: the number of the worker.
        """
        with self._lock:
            self._jobs.pop(f"Server-{number}", None)

    def __iter__(self) -> Iterator[Job]:
        """Yield the transient jobs, then the others, each in the order of their addition."""
        with self._lock:
            jobs = list(self._jobs.values())
        return iter(sorted(jobs, key=lambda job: not job.transient))

    def slot(self, name: str) -> Slot | None:
        """Return the slot of a name; `None` if the name is unknown.

        Args:
            name: the name.
        """
        return next((slot for job in self for slot in job.slots if slot.name == name), None)

    def snapshot(self) -> dict[str, tuple[dict[str, Any], dict[str, bytes]]]:
        """Return the state of each process: the main process first, then the others in the order of their addition."""
        with self._lock:
            slots = [slot for job in self._jobs.values() for slot in job.slots if not slot.is_closed]
        return {MAIN_PROCESS_NAME: (dict(self._main), {}), **{slot.name: slot.snapshot() for slot in slots}}

    def change_state(
        self,
        name: str,
        values: Mapping[str, bytes],
        removed: Iterable[str] = (),
        builtin_values: Mapping[str, Any] | None = None,
    ) -> None:
        """Change the state of a process; do nothing if the name is unknown.

        Args:
            name: the name of the slot.
            values: the pickled values, by name.
            removed: the names of values to remove.
            builtin_values: the built-in values, by name.
        """
        slot = self.slot(name)
        if slot is not None:
            slot.change_user_values(values, removed)
            slot.set_builtin(**builtin_values or {})

    def close(self) -> None:
        """Close the pipe on which other processes send commands."""
        self.subscriber.close()
        self.publisher.close()


def pickle_values(values: Mapping[str, Any]) -> dict[str, bytes]:
    """Pickle each value of a mapping.

    Args:
        values: the values, by name.

    Raises:
        Exception: a value cannot be pickled.
    """
    return {key: pickle_value(value) for key, value in values.items()}


def pickle_value(value: Any) -> bytes:
    """Pickle a value as `multiprocessing` does.

    Args:
        value: the value.

    Raises:
        Exception: the value cannot be pickled.
    """
    return bytes(ForkingPickler.dumps(value))


def load_state(builtin_values: Mapping[str, Any], user_values: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the state of a process, with the values of users unpickled.

    Args:
        builtin_values: the built-in values.
        user_values: the pickled values of users.
    """
    return {**builtin_values, **{key: pickle.loads(value) for key, value in user_values.items()}}
