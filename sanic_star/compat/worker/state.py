"""The states of processes: `WorkerState` for one process, `SharedState` for all of them by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from sanic_star.servers.jobs import Jobs, load_state, pickle_values
from sanic_star.servers.worker import StateChange, parent


def _request_states() -> dict[str, dict[str, Any]]:
    return parent().request_states()


def _send_change(
    name: str,
    user_values: Mapping[str, bytes],
    removed: Iterable[str] = (),
    builtin_values: Mapping[str, Any] | None = None,
) -> None:
    parent().send(StateChange(name, dict(user_values), list(removed), dict(builtin_values or {})))


class SharedState(MutableMapping[str, dict[str, Any]]):
    """The state of each process by name; the same in all processes of the application.

    Each access reads the current states and returns copies: to change a state, assign a mapping to its name. The table
    can be an argument of a managed function, whose process then requests the states from the main process.

    Args:
        read_states: returns the current states; by default it requests them from the main process.
        send_change: called with the name of a process, pickled values by key, the keys to remove, and built-in values
            by key; by default it sends them to the main process.
    """

    def __init__(
        self,
        read_states: Callable[[], dict[str, dict[str, Any]]] = _request_states,
        send_change: Callable[..., Any] = _send_change,
    ) -> None:
        self._read_states = read_states
        self._send_change = send_change

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process cannot access the table of this one.
        return SharedState, ()

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self._read_states()[name]

    def __setitem__(self, name: str, state: Mapping[str, Any]) -> None:
        former_state = self._read_states().get(name, {})
        # Only the differences are sent, because the supervisor may have changed other values meanwhile.
        changed = {key: value for key, value in state.items() if key not in former_state or former_state[key] != value}
        self._send_change(name, pickle_values(changed), [key for key in former_state if key not in state])

    def __delitem__(self, name: str) -> None:
        self._send_change(name, {}, list(self[name]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._read_states())

    def __len__(self) -> int:
        return len(self._read_states())

    def set_builtin(self, name: str, **values: Any) -> None:
        """Set built-in values of a process.

        Args:
            name: the name of the process.
            values: the values, for example of `state` and `serving`.
        """
        self._send_change(name, {}, [], values)

    def copy(self) -> dict[str, dict[str, Any]]:
        """Return the current state of each process."""
        return self._read_states()

    def __repr__(self) -> str:
        return repr(self._read_states())


def state_of(jobs: Jobs) -> SharedState:
    """Return the states of all processes, in the main process."""

    def read_states() -> dict[str, dict[str, Any]]:
        return {name: load_state(*state) for name, state in jobs.snapshot().items()}

    return SharedState(read_states, jobs.change_state)


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
        # Read at each access, because other processes change it.
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
