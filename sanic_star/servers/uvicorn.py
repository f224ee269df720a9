"""uvicorn, with the application's four phases at their exact moments.

`before_server_start` runs in the lifespan's start-up, before the port is open; `after_server_start` when it is;
`before_server_stop` when the signal has come, with connections open; `after_server_stop` in the lifespan's shutdown,
when they are closed.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.supervisors import ChangeReload, Multiprocess
from uvicorn.supervisors.multiprocess import Process

from sanic_star.applications import Application

serving: set[Server] = set()
# How long websockets have to say goodbye before uvicorn closes them in its own words (1012), in seconds.
FAREWELL = 1.0


class Config(uvicorn.Config):
    """uvicorn's configuration, which knows its application."""

    def loaded_app_is(self, app: Application) -> bool:
        """Tell whether this configuration serves `app`."""
        return self.app is app or self.application is app

    @property
    def should_reload(self) -> bool:
        """Whether source files are watched; uvicorn's own answer is yes only for an application given by name."""
        return bool(self.reload)

    @property
    def application(self) -> Any:
        """The application, once it is loaded."""
        return self.__dict__.get("_application", self.app)

    def load(self) -> None:
        """Load the application, keeping it apart from what uvicorn puts around it."""
        if self.factory and callable(self.app):
            self.app, self.factory = self.app(), False  # type: ignore[call-arg,assignment]
        self._application = self.app
        super().load()


class Server(uvicorn.Server):
    """uvicorn's server; calls the application's phases itself."""

    config: Config

    @property
    def app(self) -> Application:
        """The application."""
        app: Application = self.config.application
        return app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then listen, then tell it so."""
        self.app.lifecycle.exact = True
        serving.add(self)
        try:
            await super().startup(sockets)
        except SystemExit:
            self._gone()
            # uvicorn's own status for a failed start is 3, and the same for a port in use.
            raise SystemExit(1) from None
        if not self.started:
            return
        try:
            await self.app.lifecycle.after_start()
        except BaseException:
            await self.shutdown(sockets)
            raise

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell the application, then close the connections, then stop it."""
        try:
            await self.app.lifecycle.before_stop()
            await self.app.endless_ended(FAREWELL)
        finally:
            await super().shutdown(sockets)
            self._gone()

    def _gone(self) -> None:
        self.app.lifecycle.exact = False
        serving.discard(self)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin the stop; a second signal ends at once.

        uvicorn raises the signal again after a clean stop, and the process would end with its number.
        """
        self.force_exit = self.should_exit
        self.should_exit = True


class Worker(Process):
    """One of several processes."""

    @property
    def server(self) -> Server:
        """The server of this process."""
        if not isinstance(self._server, Server):
            self._server = Server(self.config)
        return self._server


class Workers(Multiprocess):
    """Several processes on one socket."""

    def init_processes(self) -> None:
        """Start the processes."""
        for _ in range(self.processes_num):
            worker = Worker(self.config, self.sockets)
            worker.start()
            self.processes.append(worker)


def serve(app: Application, load: Callable[[], Application], *, reload: bool, workers: int, **options: Any) -> None:
    """Serve an application; arguments as in `sanic_star.servers.run`."""
    # Forwarding headers are the application's: PROXIES_COUNT and its like say what is trusted, and nothing by default.
    options["proxy_headers"] = False
    if not reload and workers == 1:
        Server(Config(app, lifespan="on", **options)).run()
        return
    config = Config(load, factory=True, lifespan="on", reload=reload, workers=None if reload else workers, **options)
    try:
        sockets = [config.bind_socket()]
    except SystemExit:
        raise SystemExit(1) from None
    if reload:
        ChangeReload(config, target=Server(config).run, sockets=sockets).run()
    else:
        Workers(config, sockets).run()
