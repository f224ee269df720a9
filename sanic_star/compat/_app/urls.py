"""Building URLs from the names of views: `app.url_for`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode, urlunparse

from starlette.routing import NoMatchFound

from sanic_star.compat._routing.path_types import FileType, PathType
from sanic_star.compat._routing.routes import Route, WebSocketRoute
from sanic_star.compat.exceptions import URLBuildError
from sanic_star.compat.router import Router
from sanic_star.engine import requests

if TYPE_CHECKING:
    from sanic_star.compat.config import Config
    from sanic_star.engine.index import Parameter


class Application(Protocol):
    """What building a URL needs of an application, which cannot be imported here."""

    name: str

    @property
    def config(self) -> Config: ...

    @property
    def router(self) -> Router: ...


# A scheme with its colon fits in here; anything longer is a host.
_SCHEME_WITHIN = 8
_FILE_URI = "__file_uri__"
# What Sanic's messages call the functions that convert.
_FUNCTIONS = {"str": "nonemptystr", "ymd": "parse_date", "ext": "ext"}


def build_url(app: Application, view_name: str, arguments: dict[str, Any]) -> str:
    """Return the URL of a view.

    Args:
        app: the application.
        view_name: the view's name.
        arguments: path parameters, query parameters, and `_anchor _external _host _method _scheme _server`; emptied.

    Raises:
        URLBuildError: no view has that name, or a parameter is missing or of another type.
        ValueError: the options contradict each other.
    """
    route, whole = _find(app, view_name, arguments)
    if route is None:
        return _of_starlette(app, view_name, whole, arguments)
    anchor = arguments.pop("_anchor", "")
    arguments.pop("_method", None)
    host = arguments.pop("_host", None)
    external = bool(arguments.pop("_external", False) or host)
    scheme = arguments.pop("_scheme", "")
    server = arguments.pop("_server", None)
    if scheme and not external:
        raise ValueError("When specifying _scheme, _external must be True")
    netloc = ""
    if external:
        host = _host(route, host)
        netloc = server if server is not None else host or app.config.get("SERVER_NAME") or ""
        if not scheme:
            scheme = _scheme(netloc, isinstance(route, WebSocketRoute))
        netloc = netloc.split("://", 1)[-1]
    path = root_path(app) + _path(app, route, arguments)
    query = urlencode(arguments, doseq=True) if arguments else ""
    return str(urlunparse((scheme, netloc or server or "", path, "", query, anchor)))


def root_path(app: Any) -> str:
    """Return what goes before an application's paths, by the request that is being answered: a mount's or a proxy's."""
    try:
        request = requests.current_request()
    except LookupError:
        return ""
    # Inside an application that is mounted in this one, the scope's root path is that one's. A plain ASGI application
    # leaves `scope["app"]` as it is.
    scope, root = request.scope, "app_root_path"
    if scope.get("app") is app:
        root = "root_path"
        if request._outer:
            scope = {"root_path": scope.get("app_root_path", ""), **request._outer}
    path: str = scope.get(root, "")
    return path.rstrip("/")


def _find(app: Application, name: str, arguments: dict[str, Any]) -> tuple[Route | WebSocketRoute | None, str]:
    whole = name if "." in name else f"{app.name}.{name}"
    if whole.endswith(".static") and arguments.get("name"):
        whole = whole.replace("static", arguments.pop("name"))
    route = app.router.find_route_by_view_name(whole)
    if route is not None and route.extra.static:
        filename = arguments.pop("filename", "")
        if any(part.name == _FILE_URI for part in route.params.values()):
            arguments[_FILE_URI] = filename[1:] if filename.startswith("/") else filename
    return route, whole


def _of_starlette(app: Application, name: str, whole: str, arguments: dict[str, Any]) -> str:
    """Build the URL of one of Starlette's routes (`mount:name`), which Sanic's router does not know."""
    options = {key: arguments.pop(key) for key in list(arguments) if key.startswith("_")}
    try:
        path = root_path(app) + str(app.router.url_path_for(name, **arguments))
    except NoMatchFound:
        raise URLBuildError(f"Endpoint with name `{whole}` was not found") from None
    netloc = options.get("_server") or app.config.get("SERVER_NAME") or ""
    scheme = options.get("_scheme") or _scheme(netloc, False)
    if not options.get("_external"):
        return path
    return str(urlunparse((scheme, netloc.split("://", 1)[-1], path, "", "", options.get("_anchor", ""))))


def _host(route: Route | WebSocketRoute, host: str | None) -> str | None:
    hosts = [host for host in route.extra.hosts if host]
    if host is None:
        if not hosts:
            return None
        if len(hosts) > 1:
            raise ValueError(f"Host is ambiguous: {', '.join(hosts)}")
        return str(hosts[0])
    if host not in hosts:
        raise ValueError(f"Requested host ({host}) is not available for this route: {hosts or [None]}")
    return host


def _scheme(netloc: str, websocket: bool) -> str:
    scheme = netloc.split(":", 1)[0] if ":" in netloc[:_SCHEME_WITHIN] and "://" in netloc else "http"
    return scheme.replace("http", "ws") if websocket else scheme


def _path(app: Application, route: Route | WebSocketRoute, arguments: dict[str, Any]) -> str:
    """Return the route's path with its parameters, which are taken out of `arguments`."""
    types = list(app.router.path_types)

    # Of several that are missing Sanic names the most general first.
    def rank(part: Parameter) -> int:
        return types.index(part.label) if part.label in types else len(types)

    values = {id(part): _value(part, arguments, types) for part in sorted(route.params.values(), key=rank)}
    return "/" + "/".join(part if isinstance(part, str) else values[id(part)] for part in route.pieces)


def _value(part: Parameter, arguments: dict[str, Any], types: list[str]) -> str:
    kind = part.convertor
    assert isinstance(kind, PathType)
    is_file = isinstance(kind, FileType)
    name = kind.name if isinstance(kind, FileType) else part.name
    if name not in arguments:
        raise URLBuildError(f"Required parameter `{name}` was not passed to url_for")
    value = str(arguments.pop(name))
    if kind.pattern.match(value):
        return value
    pattern = kind.pattern.pattern
    if kind.convert is str or not (is_file or part.label in types):
        raise URLBuildError(f'Value "{value}" for parameter `{name}` does not satisfy pattern {pattern}')
    type_name = _FUNCTIONS.get(kind.label) or getattr(kind.convert, "__name__", kind.label).lstrip("_")
    mismatch = f'Value "{value}" for parameter `{name}` does not match pattern for type `{type_name}`: {pattern}'
    raise URLBuildError(mismatch)
