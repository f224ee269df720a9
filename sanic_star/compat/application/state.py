"""An application's state: Starlette's `State`, with the attributes of Sanic's application state."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from starlette.datastructures import State

from sanic_star.compat.log import VerbosityFilter

# Imported when they are used, because most applications use none of them.
if TYPE_CHECKING:
    from sanic_star.compat._serving.plans import ApplicationServerInfo as ApplicationServerInfo
    from sanic_star.compat.application.constants import Mode, Server, ServerStage
else:

    def __getattr__(name):
        if name in ("Mode", "Server", "ServerStage"):
            from sanic_star.compat.application import constants

            return getattr(constants, name)
        if name != "ApplicationServerInfo":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from sanic_star.compat._serving import plans

        return plans.ApplicationServerInfo

    def __dir__():
        return sorted({*globals(), "ApplicationServerInfo", "Mode", "Server", "ServerStage"})


class ApplicationState(State):
    """Any attribute can be set, as in Starlette; these exist from the start.

    Args:
        app: the application.

    Attributes: `app`, `mode`, `host`, `port`, `ssl`, `sock`, `unix`, `workers`, `auto_reload`, `reload_dirs`,
    `verbosity`, `fast`, `server`, `server_info`, `asgi`, `primary`, `coffee`.
    """

    asgi: bool
    auto_reload: bool
    coffee: bool
    fast: bool
    host: str
    port: int
    primary: bool
    sock: Any
    ssl: Any
    unix: str | None
    verbosity: int
    workers: int

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
                "server_info": [],
                "sock": None,
                "ssl": None,
                "unix": None,
                "verbosity": 0,
                "workers": 0,
            }
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        # While it is unpickled it is empty, and Starlette's class looks each name up in `_state`, including `_state`
        # itself.
        self.__dict__.update(state)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("mode", "server"):
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    @property
    def mode(self) -> Mode:
        """Whether error pages show details; a new mode sets `app.debug`, as in Sanic 25.12."""
        from sanic_star.compat.application.constants import Mode

        return Mode.DEBUG if self.is_debug else Mode.PRODUCTION

    @mode.setter
    def mode(self, value: Mode | str) -> None:
        from sanic_star.compat.application.constants import Mode

        self.app.debug = Mode(value) is Mode.DEBUG

    @property
    def server(self) -> Server:
        """The server of the application: `app.run`, or an ASGI server that imported it."""
        from sanic_star.compat.application.constants import Server

        chosen: Server = self._state.get("server", Server.ASGI)
        return chosen

    @server.setter
    def server(self, value: Server) -> None:
        self._state["server"] = value

    @property
    def is_debug(self) -> bool:
        """Whether the application runs in debug mode."""
        return bool(self.app._debug)

    @property
    def stage(self) -> ServerStage:
        """The stage of the application's life."""
        from sanic_star.compat.application.constants import ServerStage

        lifecycle = self.app._engine.lifecycle
        if lifecycle.is_down:
            return ServerStage.STOPPED
        return ServerStage.SERVING if lifecycle.is_up else ServerStage.PARTIAL

    @property
    def is_started(self) -> bool:
        """Whether the application has started."""
        return bool(self.app._engine.lifecycle.is_up)

    @property
    def is_running(self) -> bool:
        """Whether the application answers requests, or the value that `app.set_serving` has set."""
        return bool(self._state.get("is_running", self.is_started))

    def set_mode(self, value: str | Mode) -> None:
        """Set debug or production mode.

        Args:
            value: `debug` or `production`, or a member of `Mode`.

        Raises:
            ValueError: the mode is unknown.
        """
        from sanic_star.compat.application.constants import Mode

        self.mode = Mode(value)

    def set_verbosity(self, value: int) -> None:
        """Set the verbosity of the log, in the whole process; see `VerbosityFilter`.

        Args:
            value: 0 to 2; higher logs more.
        """
        self.verbosity = VerbosityFilter.verbosity = value

    @property
    def is_stopping(self) -> bool:
        """Whether the application is about to stop."""
        return self.app._engine.lifecycle.stage in ("stopping", "closing")

    @property
    def python(self) -> str:
        """The interpreter's version."""
        return sys.version.split()[0]
