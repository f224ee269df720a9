"""`app.shared_ctx`: objects that the worker processes of an application share."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

from sanic_star.compat.log import error_logger

# Modules whose objects processes can really share (ctypes: the objects of `Value` and `Array`).
_SHARING = ("multiprocessing", "ctypes")


class SharedContext(SimpleNamespace):
    """A namespace for queues, locks, shared memory and others.

    It accepts any object, but logs a warning on `sanic.error` for objects that each process would have a copy of. It is
    locked when the workers start, because later additions would exist in only one process.

    Examples:
        >>> context = SharedContext()
        >>> context.lock()
        >>> context.is_locked
        True
    """

    SAFE = ("_lock",)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._lock = False

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.SAFE:
            if self.is_locked:
                raise RuntimeError(f"Cannot set {name} on locked SharedContext object")
            # In a worker, values come from the main process, which has already warned.
            if "SANIC_WORKER_NAME" not in os.environ and not _is_shared(value):
                error_logger.warning(
                    f"Unsafe object on shared_ctx: {name} is a {type(value).__qualname__}, of which each worker will "
                    "have its own copy. Put it on app.ctx, or use an object made for sharing, such as a "
                    "multiprocessing.Queue."
                )
        super().__setattr__(name, value)

    @property
    def is_locked(self) -> bool:
        """Whether the workers have started."""
        return bool(getattr(self, "_lock", False))

    def lock(self) -> None:
        """Raise for new attributes from now on."""
        self._lock = True


def _is_shared(value: Any) -> bool:
    # `multiprocessing.Pipe()` is a tuple of two connections.
    if isinstance(value, tuple):
        return all(_is_shared(item) for item in value)
    return type(value).__module__.partition(".")[0] in _SHARING


def shared_values(context: SharedContext) -> dict[str, Any]:
    """Return the shared objects by name."""
    return {name: value for name, value in vars(context).items() if name not in SharedContext.SAFE}


def lock(context: SharedContext) -> None:
    """Lock a context, even if one of its attributes is called `lock`."""
    SharedContext.lock(context)


__all__ = ["SharedContext"]
