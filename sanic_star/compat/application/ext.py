"""Sanic Extensions, the real package `sanic_ext`: when an application is extended, and how the package is imported.

The package imports `sanic`, so the alias is installed first. A process that has imported Sanic itself cannot use the
alias. There, applications are served without extensions, with a warning in the log; `app.extend` and `app.ext` raise.

An application is extended by `app.extend` and `app.ext`, and otherwise when it starts: before the listeners of
`main_process_start`, and in each process before those of `before_server_start`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from sanic_star.compat._routing.routes import WebSocketRoute
from sanic_star.compat.log import logger
from sanic_star.engine.lifespan import InvalidSetting
from sanic_star.engine.routing import WEBSOCKET

if TYPE_CHECKING:
    from sanic_ext import Extend


class CannotExtend(InvalidSetting, RuntimeError):
    """Sanic Extensions cannot be used; the message says why, and the start logs no traceback."""


PACKAGE = "sanic_ext"
NOT_INSTALLED = "Sanic Extensions is not installed: pip install sanic-ext"
SWITCHED_OFF = "Sanic Extensions are switched off by the setting AUTO_EXTEND"


def setup_ext(app: Any, *, fail: bool = False, **kwargs: Any) -> Extend | None:
    """Extend an application with Sanic Extensions, unless it is already extended or `AUTO_EXTEND` is off.

    Args:
        app: the application.
        fail: whether it is an error if the extensions cannot be used here.
        kwargs: arguments of `sanic_ext.Extend`.

    Returns:
        The extensions, if this call has extended the application.

    Raises:
        CannotExtend: an import inside the installed package fails; or, with `fail`, it is not installed.
        AliasError: with `fail`, Sanic itself was already imported.
    """
    if not app.config.AUTO_EXTEND or getattr(app, "_ext", None):
        return None
    extend = _import_extend(fail)
    if extend is None:
        return None
    app._ext = extend(app, **kwargs)
    return app.ext  # type: ignore[no-any-return]


def extensions_of(app: Any) -> Extend:
    """Return an application's extensions; set them up if necessary; see `Sanic.ext`."""
    if not hasattr(app, "_ext"):
        setup_ext(app, fail=True)
    if not hasattr(app, "_ext"):
        raise CannotExtend(SWITCHED_OFF)
    return app._ext  # type: ignore[no-any-return]


def before_start(app: Any) -> None:
    """Log the extensions of an application, and register listeners that have to run before and after theirs.

    Called at each start, because an application may also be extended by `sanic_ext.Extend(app)`.
    """
    if _describe_routes not in app.listeners.get("before_server_start", ()):
        # Runs before the listeners of the package, which have priorities of -1,000 and below.
        app.before_server_start(_describe_routes, priority=-999)
        # Runs after the listeners that add routes: the same priority runs in the order of registration.
        app.before_server_start(_refuse_head_of_websockets, priority=-1_000)
    try:
        app._ext._display()
    except Exception as error:
        # The labels are only for the log; Sanic's worker processes never compute them.
        logger.info("Sanic Extensions are set up, but their list cannot be shown: %s", error)


def _import_extend(fail: bool) -> type[Extend] | None:
    if not _is_installed():
        if fail:
            raise CannotExtend(NOT_INSTALLED)
        return None
    # Most applications run without the package.
    from sanic_star.compat._alias import alias

    try:
        alias.install("Sanic Extensions need `import sanic` to mean sanic_star; import sanic_star.ext before it")
    except alias.AliasError as error:
        if fail:
            raise
        logger.warning("The application is served without Sanic Extensions, which AUTO_EXTEND requests. %s", error)
        return None
    try:
        from sanic_ext import Extend
    except ImportError as error:
        raise CannotExtend(
            f"Sanic Extensions are installed, but their import fails: {error}. Set AUTO_EXTEND=False to go without them"
        ) from error
    return Extend


def _is_installed() -> bool:
    if PACKAGE in sys.modules:
        return sys.modules[PACKAGE] is not None
    # Not `importlib.util.find_spec`: with "" in `sys.path` it calls `os.getcwd`, which blocks, and an event loop runs
    # here.
    path = [entry for entry in sys.path if entry]
    return any(finder.find_spec(PACKAGE, path) for finder in sys.meta_path)


def _describe_routes(app: Any) -> None:
    """Give mounts and Starlette's routes the attributes that the package reads of each route."""
    app.router._describe_foreign()


def _refuse_head_of_websockets(app: Any) -> None:
    """Make the HEAD routes that the package adds for websockets answer 426, like GET.

    They would call the handler with a request, without a websocket.
    """
    routes = app.router.routes
    websockets = {id(route.handler) for route in routes if isinstance(route, WebSocketRoute)}
    for route in routes if websockets else ():
        arguments = getattr(getattr(route, "handler", None), "keywords", {})
        if id(arguments.get("get_handler")) in websockets:
            arguments["get_handler"] = _refuse


def _refuse(request: Any, *args: Any, **kwargs: Any) -> None:
    raise request.app.router._miss(request.path, "GET", {WEBSOCKET}, request.scope)


__all__ = ["setup_ext"]
