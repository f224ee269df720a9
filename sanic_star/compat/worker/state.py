"""What is known of the processes: `WorkerState` is one of them, `SharedState` all of them by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from sanic_star.servers.jobs import Jobs, pickled, unpickled
from sanic_star.servers.worker import Change, parent


def _ask() -> dict[str, dict[str, Any]]:
    return parent().ask()


def _send_change(
    name: str, values: Mapping[str, bytes], removed: Iterable[str] = (), facts: Mapping[str, Any] | None = None
) -> None:
    parent().send(Change(name, dict(values), list(removed), dict(facts or {})))


class SharedState(MutableMapping[str, dict[str, Any]]):
    """What is known of each process, by its name; the same in all processes of the application.

    It is read anew each time, and returns copies: assign a mapping to a name to change something. It can be an argument
    of a managed function, whose process asks the main process.

    Args:
        read: returns what is known now; by default the main process is asked.
        change: called with a name, pickled values by their keys, the keys that go, and facts of this package; by
            default the main process takes them over.
    """

    def __init__(
        self, read: Callable[[], dict[str, dict[str, Any]]] = _ask, change: Callable[..., Any] = _send_change
    ) -> None:
        self._read = read
        self._change = change

    def __reduce__(self) -> tuple[Any, ...]:
        # In another process the table of this one is out of reach.
        return SharedState, ()

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self._read()[name]

    def __setitem__(self, name: str, state: Mapping[str, Any]) -> None:
        before = self._read().get(name, {})
        # Only what differs: meanwhile the supervisor may have changed the rest.
        changed = {key: value for key, value in state.items() if key not in before or before[key] != value}
        self._change(name, pickled(changed), [key for key in before if key not in state])

    def __delitem__(self, name: str) -> None:
        self._change(name, {}, list(self[name]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def note(self, name: str, **facts: Any) -> None:
        """Note facts of a process, which users can't set.

        Args:
            name: of the process.
            facts: such as `state` and `serving`.
        """
        self._change(name, {}, [], facts)

    def copy(self) -> dict[str, dict[str, Any]]:
        """Return what is known of each process now."""
        return self._read()

    def __repr__(self) -> str:
        return repr(self._read())


def state_of(jobs: Jobs) -> SharedState:
    """Return what the main process knows of all processes."""

    def read() -> dict[str, dict[str, Any]]:
        return {name: unpickled(*state) for name, state in jobs.snapshot().items()}

    return SharedState(read, jobs.change)


class WorkerState(Mapping[str, Any]):
    """What is known of one process: `server`, `state`, `pid`, `start_at`, `starts`, `serving`, and what you set.

    Other processes of the application see it in `app.m.workers`. Values are sent there by pickle.

    Args:
        state: what is known of all processes, by name.
        current: the name of this one.

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
        # Read anew each time: other processes change it.
        return self._state[self._name]

    def __getitem__(self, key: str) -> Any:
        return self._own_state[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __delitem__(self, key: str) -> None:
        self._check([key])
        # Sanic raises nothing for a key that is not there.
        self._state[self._name] = {other: value for other, value in self._own_state.items() if other != key}

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
            mapping: the values by their keys.

        Raises:
            LookupError: a key is one of `RESTRICTED`.
        """
        self._check(mapping)
        self._state[self._name] = {**self._own_state, **mapping}

    def pop(self) -> None:
        """Raise `NotImplementedError`, as in Sanic: use `del`."""
        raise NotImplementedError

    def full(self) -> dict[str, Any]:
        """Return what is known of all processes, by their names."""
        return dict(self._state)

    def _check(self, keys: Iterable[str]) -> None:
        restricted = [key for key in keys if key in self.RESTRICTED]
        if restricted:
            plural = "s" if len(restricted) > 1 else ""
            raise LookupError(f"Cannot set restricted key{plural} on WorkerState: {', '.join(restricted)}")


__all__ = ["SharedState", "WorkerState"]
