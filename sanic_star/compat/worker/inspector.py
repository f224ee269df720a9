"""The inspector: a separate application that shows and controls the processes of an application, over HTTP.

If the setting `INSPECTOR` is true, the manager starts it beside the workers, on `INSPECTOR_HOST` and `INSPECTOR_PORT`.
`GET /` returns the state of each process; `POST /<action>` calls the method of that name, with the arguments in the
JSON body. The command `sanic-star inspect` uses both.

Each public method of the class, or of the subclass in `Sanic(inspector_class=…)`, is an action, except static methods.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import datetime
from hmac import compare_digest
from inspect import isawaitable, ismethod, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sanic_star._version import __version__
from sanic_star.compat._app import registry
from sanic_star.compat.exceptions import BadRequest, Forbidden, NotFound, Unauthorized
from sanic_star.compat.helpers import Default
from sanic_star.compat.log import logger
from sanic_star.engine.lifespan import InvalidSetting

if TYPE_CHECKING:
    from sanic_star.compat.config import Config
    from sanic_star.compat.request.types import Request
    from sanic_star.compat.response.types import JSONResponse


class Publisher(Protocol):
    """Sends commands to the manager."""

    def send(self, command: str, /) -> Any:
        """Send a command."""
        ...


class Inspector:
    """Shows and controls the processes of an application.

    Args:
        publisher: the object that sends commands to the manager: `app.manager.monitor_publisher`.
        app_info: the data about the application that the inspector shows.
        worker_state: the state of each process by name: `app.manager.worker_state`.
        host: the address to listen on.
        port: the port to listen on.
        api_key: the bearer token that clients must send; empty for none.
        tls_key: the path of a key, for TLS.
        tls_cert: the path of its certificate.

    Examples:
        A custom action, called by `sanic-star inspect greet --name=Ada`::

            class Greeting(Inspector):
                async def greet(self, name: str) -> str:
                    return f"Hello {name}"

            app = Sanic("Shop", inspector=True, inspector_class=Greeting)
    """

    # A `Sanic`. `Any`, because its module imports this one for annotations.
    app: Any

    def __init__(
        self,
        publisher: Publisher,
        app_info: dict[str, Any],
        worker_state: Mapping[str, Any],
        host: str,
        port: int,
        api_key: str,
        tls_key: Path | str | Default,
        tls_cert: Path | str | Default,
    ) -> None:
        self._publisher = publisher
        self.app_info = app_info
        self.worker_state = worker_state
        self.host = host
        self.port = port
        self.api_key = api_key
        self.tls_key = tls_key
        self.tls_cert = tls_cert

    def __call__(self, run: bool = True, **_: Any) -> Inspector:
        """Create the inspector's application, and serve it until it is interrupted.

        Args:
            run: whether to serve the application.
        """
        self.app = registry.make_application("Inspector", configure_logging=False)
        # Environment variables are settings of the inspected application.
        self.app.config.update({"AUTO_EXTEND": False, "INSPECTOR": False})
        self.app.get("/")(self._info)
        self.app.post("/<action:str>")(self._action)
        self.app.on_request(self._authenticate)
        if run:
            self.app.run(
                self.host,
                self.port,
                ssl=tls_files(self.tls_cert, self.tls_key),
                single_process=True,
                motd=False,
                access_log=False,
            )
        return self

    def reload(self, zero_downtime: bool = False) -> None:
        """Restart all workers, one after the other.

        Args:
            zero_downtime: ignored: a worker's successor always starts before the worker stops.
        """
        self._publisher.send("__ALL_PROCESSES__:" + (":STARTUP_FIRST" if zero_downtime else ""))

    def scale(self, replicas: str | int) -> str:
        """Change the number of workers.

        Args:
            replicas: the number; less than 1 means 1, as in Sanic.

        Raises:
            BadRequest: `replicas` is not a whole number.
        """
        try:
            workers = max(1, int(replicas))
        except (TypeError, ValueError, OverflowError):
            raise BadRequest(f"replicas must be a whole number, got {replicas!r}") from None
        message = f"Scaling to {workers}"
        logger.info(message)
        self._publisher.send(f"__SCALE__:{workers}")
        return message

    def shutdown(self) -> None:
        """Stop all processes, and thereby the server."""
        self._publisher.send("__TERMINATE__")

    # The application ------------------------------------------------------------------------------------------------

    def _authenticate(self, request: Request) -> None:
        if self.api_key:
            token = request.token or ""
            if not compare_digest(token.encode(errors="replace"), self.api_key.encode(errors="replace")):
                raise Unauthorized("Bad API key")
        elif "origin" in request.headers:
            # A page of any site can send requests to the browser's own machine, and could stop the server.
            raise Forbidden("Browsers may use the inspector only with an API key: INSPECTOR_API_KEY")

    async def _info(self, request: Request) -> JSONResponse:
        return await self._respond(request, self._state_to_json())

    async def _action(self, request: Request, action: str) -> JSONResponse:
        logger.info("Incoming inspector action: %s", action)
        # The class first, because `getattr` on the object would evaluate properties.
        is_public = not action.startswith("_") and callable(getattr(type(self), action, None))
        method = getattr(self, action) if is_public else None
        if not ismethod(method):
            raise NotFound(f"Unknown action: {action}")
        arguments = request.json or {}
        if not isinstance(arguments, dict):
            raise BadRequest("The arguments of an action must be a JSON object")
        positional = arguments.pop("args", ())
        if not isinstance(positional, (list, tuple)):
            raise BadRequest("The positional arguments of an action, `args`, must be an array")
        try:
            signature(method).bind(*positional, **arguments)
        except TypeError as error:
            raise BadRequest(f"{action}: {error}") from None
        output = method(*positional, **arguments)
        return await self._respond(request, await output if isawaitable(output) else output)

    async def _respond(self, request: Request, output: Any) -> JSONResponse:
        from sanic_star.compat.response.convenience import json

        return json({"meta": {"action": request.match_info.get("action", "info")}, "result": output})

    def _state_to_json(self) -> dict[str, Any]:
        workers = {name: dict(state) for name, state in self.worker_state.items()}
        return {"info": self.app_info, "workers": self._make_safe(workers)}

    @staticmethod
    def _make_safe(obj: dict[str, Any]) -> dict[str, Any]:
        """Convert the times in a mapping, at any depth, to ISO 8601 text."""
        for key, value in obj.items():
            if isinstance(value, dict):
                obj[key] = Inspector._make_safe(value)
            elif isinstance(value, datetime):
                obj[key] = value.isoformat()
        return obj


def tls_files(cert: Any, key: Any) -> dict[str, Any] | None:
    """Return the value of `app.run(ssl=…)`; `None` if the inspector has no certificate.

    Args:
        cert: `INSPECTOR_TLS_CERT`.
        key: `INSPECTOR_TLS_KEY`.

    Raises:
        InvalidSetting: only one of them is set.
    """
    provided = [bool(value) and not isinstance(value, Default) for value in (cert, key)]
    if all(provided):
        return {"cert": cert, "key": key}
    if any(provided):
        raise InvalidSetting("INSPECTOR_TLS_CERT and INSPECTOR_TLS_KEY must be set together: one of them is missing")
    return None


def inspector_of(app: Any, publisher: Publisher, worker_state: Mapping[str, Any]) -> Inspector:
    """Return the inspector of an application, configured by its settings.

    Args:
        app: the application; its `inspector_class` is used.
        publisher: the object that sends commands to the manager.
        worker_state: the state of each process by name.

    Raises:
        InvalidSetting: a setting of the inspector is invalid.
    """
    config: Config = app.config
    host, port = config.INSPECTOR_HOST, config.INSPECTOR_PORT
    if not isinstance(host, str) or not host:
        raise InvalidSetting(f"INSPECTOR_HOST is {host!r}; it has to be an address, such as localhost")
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
        raise InvalidSetting(f"INSPECTOR_PORT is {port!r}; it has to be a number from 0 to 65535")
    files = tls_files(config.INSPECTOR_TLS_CERT, config.INSPECTOR_TLS_KEY)
    if files is not None:
        from sanic_star.compat._serving import tls

        try:
            tls.read(files)
        except (ValueError, OSError) as error:
            raise InvalidSetting(f"INSPECTOR_TLS_CERT, INSPECTOR_TLS_KEY: {error}") from None
    inspector: Inspector = app.inspector_class(
        publisher,
        _application_info(app),
        worker_state,
        host,
        port,
        str(config.INSPECTOR_API_KEY or ""),
        config.INSPECTOR_TLS_KEY,
        config.INSPECTOR_TLS_CERT,
    )
    return inspector


def _application_info(app: Any) -> dict[str, Any]:
    from sanic_star.compat.application.motd import packages

    data, extra = app.get_motd_data()
    # The same keys as in Sanic's inspector, in the same order.
    return {
        "app": app.name,
        "mode": data.get("mode", ""),
        "server": data.get("server", ""),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": [f"sanic-star=={__version__}", *packages()],
        "extra": extra,
    }


__all__ = ["Inspector"]
