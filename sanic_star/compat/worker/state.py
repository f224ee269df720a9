"""What a worker tells of itself, in a table that all processes share."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, MutableMapping, ValuesView
from typing import Any


class WorkerState(Mapping[str, Any]):
    """The facts about one worker.

    Args:
        state: the table: for each worker its facts.
        current: the name of the worker whose facts these are.

    Examples:
        >>> state = WorkerState({"Sanic-Server-0-0": {"pid": 7}}, "Sanic-Server-0-0")
        >>> state["ready"] = True
        >>> state["pid"], state["ready"]
        (7, True)
        >>> state["pid"] = 8
        Traceback (most recent call last):
        ...
        LookupError: Cannot set restricted key on WorkerState: pid
    """

    # What only the manager writes.
    RESTRICTED = ("health", "pid", "requests", "restart_at", "server", "start_at", "starts", "state")

    def __init__(self, state: MutableMapping[str, dict[str, Any]], current: str) -> None:
        self._name = current
        self._state = state

    def _facts(self) -> dict[str, Any]:
        return self._state.get(self._name, {})

    def _check(self, *keys: str) -> None:
        restricted = [key for key in keys if key in self.RESTRICTED]
        if restricted:
            plural = "s" if len(restricted) > 1 else ""
            raise LookupError(f"Cannot set restricted key{plural} on WorkerState: {', '.join(restricted)}")

    def __getitem__(self, key: str) -> Any:
        return self._facts()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __delitem__(self, key: str) -> None:
        self._check(key)
        # Written anew: a table that processes share does not see what is changed inside of an entry.
        self._state[self._name] = {name: value for name, value in self._facts().items() if name != key}

    def __iter__(self) -> Iterator[Any]:
        return iter(self._facts())

    def __len__(self) -> int:
        return len(self._facts())

    def __repr__(self) -> str:
        return repr(self._facts())

    def keys(self) -> KeysView[str]:
        """Return the names of the facts."""
        return self._facts().keys()

    def values(self) -> ValuesView[Any]:
        """Return the facts."""
        return self._facts().values()

    def items(self) -> ItemsView[str, Any]:
        """Return names and facts."""
        return self._facts().items()

    def update(self, mapping: Mapping[str, Any]) -> None:
        """Add facts, or change them.

        Raises:
            LookupError: some of them are the manager's.
        """
        self._check(*mapping.keys())
        self._state[self._name] = {**self._facts(), **mapping}

    def pop(self) -> None:
        """Refuse: a worker can't take anything out but by `del`.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("WorkerState has no pop; use del state[key]")

    def full(self) -> dict[str, Any]:
        """Return the facts about all workers."""
        return dict(self._state)
