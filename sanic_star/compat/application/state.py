"""An application's state: Starlette's `State`, with what Sanic tells about the application."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from starlette.datastructures import State

from sanic_star.compat.application.constants import Mode, Server, ServerStage
from sanic_star.compat.logging.filter import VerbosityFilter
from sanic_star.engine.steps import Stage

if TYPE_CHECKING:
    from sanic_star.compat._serving.plans import ApplicationServerInfo as ApplicationServerInfo
else:

    def __getattr__(name):
        if name != "ApplicationServerInfo":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # The plans of servers are loaded only where there is one.
        from sanic_star.compat._serving import plans

        return plans.ApplicationServerInfo


_STAGES = {
    Stage.IDLE: ServerStage.STOPPED,
    Stage.STARTING: ServerStage.PARTIAL,
    Stage.RUNNING: ServerStage.SERVING,
    Stage.STOPPING: ServerStage.SERVING,
}


class ApplicationState(State):
    """Anything that is set is kept, as in Starlette; these are there from the start.

    Args:
        app: the application.

    Attributes: `app`, `mode`, `host`, `port`, `ssl`, `sock`, `unix`, `workers`, `auto_reload`, `reload_dirs`,
    `verbosity`,
    `fast`, `server`, `server_info`, `asgi`, `primary`, `coffee`.
    """

    def __init__(self, app: object) -> None:
        super().__init__(
            {
                "app": app,
                "asgi": True,
                "auto_reload": False,
                "coffee": False,
                "fast": False,
                "host": "",
                "port": 0,
                "primary": True,
                "reload_dirs": set(),
                "server": Server.ASGI,
                "server_info": [],
                "sock": None,
                "ssl": None,
                "unix": None,
                "verbosity": 0,
                "workers": 0,
            }
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Unpickled it has nothing yet, and Starlette's class looks for each name, this one too, in what it has.
        self.__dict__.update(state)

    def __setattr__(self, key: Any, value: Any) -> None:
        # The mode is the application's: `app.debug` and this are one thing, whichever of them is set.
        if key == "mode":
            self.app.debug = Mode(value) is Mode.DEBUG
        else:
            super().__setattr__(key, value)

    @property
    def mode(self) -> Mode:
        """The mode of the application: `Mode.DEBUG` if `app.debug` is set."""
        return Mode.DEBUG if self.app.debug else Mode.PRODUCTION

    @property
    def is_debug(self) -> bool:
        """Whether the application runs in debug mode."""
        return bool(self.mode is Mode.DEBUG)

    @property
    def stage(self) -> ServerStage:
        """Where the application stands in its life."""
        return _STAGES[self.app._engine.lifecycle.stage]

    @property
    def is_started(self) -> bool:
        """Whether the application has started."""
        return self.app._engine.lifecycle.stage in (Stage.RUNNING, Stage.STOPPING)

    @property
    def is_running(self) -> bool:
        """Whether the application answers requests, unless `app.set_serving` has said something else."""
        return bool(self._state.get("is_running", self.is_started))

    def set_mode(self, value: str | Mode) -> None:
        """Set debug or production mode.

        Raises:
            ValueError: there is no such mode.
        """
        self.app.debug = Mode(value) is Mode.DEBUG

    def set_verbosity(self, value: int) -> None:
        """Choose which log records for the curious are logged, in the whole process; see `VerbosityFilter`."""
        self.verbosity = VerbosityFilter.verbosity = value

    @property
    def is_stopping(self) -> bool:
        """Whether the application is about to stop."""
        return bool(self.app._engine.lifecycle.stage is Stage.STOPPING)

    @property
    def python(self) -> str:
        """The interpreter's version."""
        return sys.version.split()[0]
