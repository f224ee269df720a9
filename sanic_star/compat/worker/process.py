"""`Worker` and `WorkerProcess`: a managed function and its processes, in the main process."""

from __future__ import annotations

from typing import Any

from sanic_star.compat.worker.constants import ProcessState
from sanic_star.servers.jobs import Job, Slot


class WorkerProcess:
    """A named process; it keeps its name when it is restarted.

    Args:
        slot: the supervisor's record of the process.
        restartable: whether it can be restarted by its name.
    """

    SERVER_LABEL = "Server"
    SERVER_IDENTIFIER = "Srv"
    THRESHOLD = 300

    def __init__(self, slot: Slot, restartable: bool) -> None:
        self._slot = slot
        self.restartable = restartable

    @property
    def name(self) -> str:
        """Its name, such as `Sanic-Server-0-0`."""
        return self._slot.name

    @property
    def ident(self) -> str:
        """The prefix of its log lines."""
        return self._slot.ident

    @property
    def state(self) -> ProcessState:
        """Its state; `IDLE` before its first start."""
        return ProcessState[self._slot.state or "IDLE"]

    @property
    def pid(self) -> int | None:
        """The id of the process; `None` before its first start."""
        return None if self._slot.process is None else self._slot.process.pid

    @property
    def exitcode(self) -> int | None:
        """Its exit status; `None` while it runs."""
        return None if self._slot.process is None else self._slot.process.exitcode

    def is_alive(self) -> bool:
        """Return whether it runs."""
        return self._slot.process is not None and self._slot.process.exitcode is None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WorkerProcess) and other._slot is self._slot

    def __hash__(self) -> int:
        return hash(self._slot)

    def __repr__(self) -> str:
        return f"<WorkerProcess {self.name} {self.state.name}>"


class Worker:
    """A function, or the server, that the manager runs in one or several processes.

    Args:
        job: the supervisor's record of the job.
    """

    WORKER_PREFIX = "Sanic"

    def __init__(self, job: Job) -> None:
        self._job = job

    @property
    def name(self) -> str:
        """Its name."""
        return self._job.name

    @property
    def ident(self) -> str:
        """The prefix of its log lines."""
        return self._job.ident

    @property
    def num(self) -> int:
        """The number of its processes."""
        return len(self._job.slots)

    @property
    def processes(self) -> set[WorkerProcess]:
        """Its processes."""
        return {WorkerProcess(slot, self._job.restartable) for slot in self._job.slots}

    @property
    def restartable(self) -> bool:
        """Whether it can be restarted by the names of its processes."""
        return self._job.restartable

    @property
    def tracked(self) -> bool:
        """Whether it is still shown after its processes have ended."""
        return self._job.tracked

    @property
    def auto_start(self) -> bool:
        """Whether it starts with the workers."""
        return self._job.auto_start

    def has_alive_processes(self) -> bool:
        """Return whether one of its processes runs."""
        return any(process.is_alive() for process in self.processes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Worker) and other._job is self._job

    def __hash__(self) -> int:
        return hash(id(self._job))

    def __repr__(self) -> str:
        return f"<Worker {self.name}>"


def check_call(function: Any, kwargs: Any) -> tuple[Any, dict[str, Any]]:
    """Return a function to manage and a copy of its keyword arguments, after checking their types.

    Raises:
        TypeError: `function` is not callable, or `kwargs` is not a mapping with names as keys.
    """
    if not callable(function):
        raise TypeError(f"A managed process runs a function, not {function!r}")
    return function, {**kwargs}


__all__ = ["ProcessState", "Worker", "WorkerProcess"]
