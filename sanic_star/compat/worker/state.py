"""The states of processes: `WorkerState` for one process, `SharedState` for all of them by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from sanic_star.servers.jobs import Jobs, pickled, unpickled
from sanic_star.servers.worker import Change, parent


def _request_states() -> dict[str, dict[str, Any]]:
    return parent().ask()


def _send_change(
    name: str, values: Mapping[str, bytes], removed: Iterable[str] = (), facts: Mapping[str, Any] | None = None
) -> None:
    parent().send(Change(name, dict(values), list(removed), dict(facts or {})))


class SharedState(MutableMapping[str, dict[str, Any]]):
    """The state of each process by name; the same in all processes of the application.

    It is read anew each time, and returns copies: to change a state, assign a mapping to the name. It can be an
    argument of a managed function; its process requests the states from the main process.

    Args:
        read_states: returns the current states; by default from the main process.
        change: called with a name, pickled values by key, the keys to remove, and facts of this package; by default
            sends them to the main process.
    """

    def __init__(
        self,
        read_states: Callable[[], dict[str, dict[str, Any]]] = _request_states,
        change: Callable[..., Any] = _send_change,
    ) -> None:
        self._read_states = read_states
        self._change = change

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process cannot access the table of this one.
        return SharedState, ()

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self._read_states()[name]

    def __setitem__(self, name: str, state: Mapping[str, Any]) -> None:
        before = self._read_states().get(name, {})
        # Only the differences, because the supervisor may have changed the rest meanwhile.
        changed = {key: value for key, value in state.items() if key not in before or before[key] != value}
        self._change(name, pickled(changed), [key for key in before if key not in state])

    def __delitem__(self, name: str) -> None:
        self._change(name, {}, list(self[name]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._read_states())

    def __len__(self) -> int:
        return len(self._read_states())

    def note(self, name: str, **facts: Any) -> None:
        """Record facts of a process that users cannot set.

        Args:
            name: the name of the process.
            facts: for example `state` and `serving`.
        """
        self._change(name, {}, [], facts)

    def copy(self) -> dict[str, dict[str, Any]]:
        """Return the current state of each process."""
        return self._read_states()

    def __repr__(self) -> str:
        return repr(self._read_states())


def state_of(jobs: Jobs) -> SharedState:
    """Return the states of all processes, in the main process."""

    def read_states() -> dict[str, dict[str, Any]]:
        return {name: unpickled(*state) for name, state in jobs.snapshot().items()}

    return SharedState(read_states, jobs.change)


class WorkerState(Mapping[str, Any]):
    """The state of a process: `server`, `state`, `pid`, `start_at`, `starts`, `serving`, and values that you set.

    Other processes of the application see it in `app.m.workers`. Values are pickled.

    Args:
        state: the states of all processes by name.
        current: the name of this process.

    Examples:
        >>> state = WorkerState({"Sanic-Server-0-0": {"pid": 7}}, "Sanic-Server-0-0")
        >>> state["jobs"] = 3
        >>> state
        {'pid': 7, 'jobs': 3}
    """

    RESTRICTED = ("health", "pid", "requests", "restart_at", "server", "start_at", "starts", "state")

    def __init__(self, state: MutableMapping[str, dict[str, Any]], current: str) -> None:
        self._state = state
        self._name = current

    @property
    def _own_state(self) -> dict[str, Any]:
        # Read anew each time, because other processes change it.
        return self._state[self._name]

    def __getitem__(self, key: str) -> Any:
        return self._own_state[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __delitem__(self, key: str) -> None:
        self._check([key])
        # Sanic does not raise for a missing key.
        self._state[self._name] = {state_key: value for state_key, value in self._own_state.items() if state_key != key}

    def __iter__(self) -> Iterator[str]:
        return iter(self._own_state)

    def __len__(self) -> int:
        return len(self._own_state)

    def __repr__(self) -> str:
        return repr(self._own_state)

    def __eq__(self, other: object) -> bool:
        return self._own_state == other

    __hash__ = None  # type: ignore[assignment]

    def update(self, mapping: Mapping[str, Any]) -> None:
        """Set several values.

        Args:
            mapping: the values by key.

        Raises:
            LookupError: a key is one of `RESTRICTED`.
        """
        self._check(mapping)
        self._state[self._name] = {**self._own_state, **mapping}

    def pop(self) -> None:
        """Raise `NotImplementedError`, as in Sanic: use `del`."""
        raise NotImplementedError

    def full(self) -> dict[str, Any]:
        """Return the states of all processes by name."""
        return dict(self._state)

    def _check(self, keys: Iterable[str]) -> None:
        restricted = [key for key in keys if key in self.RESTRICTED]
        if restricted:
            plural = "s" if len(restricted) > 1 else ""
            raise LookupError(f"Cannot set restricted key{plural} on WorkerState: {', '.join(restricted)}")


__all__ = ["SharedState", "WorkerState"]
