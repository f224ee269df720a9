"""Building URLs from the names of views: `app.url_for`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import urlencode, urlunparse

from starlette.routing import Host, Mount, NoMatchFound

from sanic_star.compat._routing.path_types import FileType, PathType
from sanic_star.compat._routing.routes import Route, WebSocketRoute
from sanic_star.compat.exceptions import URLBuildError
from sanic_star.compat.router import Router
from sanic_star.engine import requests
from sanic_star.engine.urls import split_root_path

if TYPE_CHECKING:
    from sanic_star.compat.config import Config
    from sanic_star.engine.index import Parameter


class Application(Protocol):
    """The members of an application that building a URL uses; `compat.app` cannot be imported here."""

    name: str

    @property
    def config(self) -> Config: ...

    @property
    def router(self) -> Router: ...


class _Template(NamedTuple):
    """How the path of a route is written.

    Attributes:
        text: the path with `%s` for each parameter.
        parameters: their names in the order of the path, each with the function that checks a value.
        has_hosts: whether the route is for certain hosts.
    """

    text: str
    parameters: tuple[tuple[str, Callable[[str], object]], ...]
    has_hosts: bool


_find_route = Router.find_route_by_view_name
# The maximum position of a scheme's colon; anything longer is a host.
_SCHEME_WITHIN = 8
_FILE_URI = "__file_uri__"
# The names of the converters in Sanic's messages.
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
    version = app.router._version
    route, full_name = _find(app, view_name, arguments)
    if route is None:
        return _url_of_starlette_route(app, view_name, full_name, arguments)
    _cache_template(app.router, version, full_name, route)
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


def plain_path(app: Application, view_name: str, arguments: dict[str, Any], external: bool = False) -> str | None:
    """Return path and query of a view; `None` if only `build_url` can build them, or raise the right exception.

    PERF: after the first time, a route's path is one format operation: 1 to 2 µs, and 6 to 15 µs in `build_url`
    («templates»). Safe because a change of the routes drops the templates, and because `build_url` handles options,
    static files and values that do not match.

    Args:
        app: the application.
        view_name: the view's name.
        arguments: path parameters and query parameters; not changed.
        external: whether a host will precede the path.
    """
    template: _Template | None = app.router._path_templates.get(_full_name(app, view_name))
    if template is None or (external and template.has_hosts):
        return None
    values = []
    for name, matches in template.parameters:
        if name not in arguments:
            return None
        value = str(arguments[name])
        if not matches(value):
            return None
        values.append(value)
    path = root_path(app) + template.text % tuple(values)
    if len(arguments) > len(values):
        names = [name for name, _ in template.parameters]
        query = {name: value for name, value in arguments.items() if name not in names}
        if any(name.startswith("_") for name in query):
            return None
        encoded = urlencode(query, doseq=True)
        path = f"{path}?{encoded}" if encoded else path
    # A path with two leading slashes is written differently depending on the rest of the URL.
    return None if path.startswith("//") else path


def _cache_template(router: Router, version: object, full_name: str, route: Route | WebSocketRoute) -> None:
    """Cache the template of a route's path, if `plain_path` can build it."""
    if full_name.endswith(".static") or route.extra.static or type(router).find_route_by_view_name != _find_route:
        return
    parameters_in_path = [part for part in route.path_segments if not isinstance(part, str)]
    kinds = [part.convertor for part in parameters_in_path]
    if route.names is None or any(isinstance(kind, FileType) or not isinstance(kind, PathType) for kind in kinds):
        return
    text = "/" + "/".join(part.replace("%", "%%") if isinstance(part, str) else "%s" for part in route.path_segments)
    matches = [kind.pattern.match for kind in kinds if isinstance(kind, PathType)]
    parameters = tuple((part.name, match) for part, match in zip(parameters_in_path, matches, strict=True))
    if len({name for name, _ in parameters}) != len(parameters):
        return
    templates = router._path_templates
    templates[full_name] = _Template(text, parameters, any(route.extra.hosts))
    if router._version is not version:
        # Another thread has changed the routes in between.
        templates.pop(full_name, None)


def root_path(app: Any) -> str:
    """Return the prefix of an application's paths in the current request: that of a mount or a proxy."""
    try:
        request = requests.current_request()
    except LookupError:
        return ""
    # Inside a mounted application, the scope's root path is that of the mounted one. A plain ASGI application does not
    # change `scope["app"]`.
    scope = request.scope
    if scope.get("app") is not app:
        outer: str = scope.get("app_root_path", "")
        return outer.rstrip("/")
    if request._outer:
        scope = {"root_path": scope.get("app_root_path", ""), **request._outer}
    if "app_root_path" in scope:
        return "".join(split_root_path(scope))
    path: str = scope.get("root_path", "")
    return path.rstrip("/")


def _full_name(app: Application, name: str) -> str:
    return name if "." in name else f"{app.name}.{name}"


def _find(app: Application, name: str, arguments: dict[str, Any]) -> tuple[Route | WebSocketRoute | None, str]:
    full_name = _full_name(app, name)
    if full_name.endswith(".static") and arguments.get("name"):
        full_name = full_name.replace("static", arguments.pop("name"))
    route = app.router.find_route_by_view_name(full_name)
    if route is not None and route.extra.static:
        filename = arguments.pop("filename", "")
        if any(part.name == _FILE_URI for part in route.params.values()):
            arguments[_FILE_URI] = filename[1:] if filename.startswith("/") else filename
    return route, full_name


def _url_of_starlette_route(app: Application, name: str, full_name: str, arguments: dict[str, Any]) -> str:
    """Return the URL of a Starlette route (`mount:name`), which Sanic's router does not have."""
    options = {key: arguments.pop(key) for key in list(arguments) if key.startswith("_")}
    try:
        path = root_path(app) + str(app.router.url_path_for(name, **arguments))
    except NoMatchFound:
        for parameter in _parameters_around(app, name):
            if parameter not in arguments:
                raise URLBuildError(f"Required parameter `{parameter}` was not passed to url_for") from None
        raise URLBuildError(f"Endpoint with name `{full_name}` was not found") from None
    netloc = options.get("_server") or app.config.get("SERVER_NAME") or ""
    scheme = options.get("_scheme") or _scheme(netloc, False)
    if not options.get("_external"):
        return path
    return str(urlunparse((scheme, netloc.split("://", 1)[-1], path, "", "", options.get("_anchor", ""))))


def _parameters_around(app: Application, name: str) -> list[str]:
    """Return the parameters of the mount or host that a name begins with."""
    prefix = name.partition(":")[0]
    for route in app.router.routes:
        if isinstance(route, Mount | Host) and route.name == prefix:
            return [parameter for parameter in route.param_convertors if parameter != "path"]
    return []


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
    """Return the route's path with its parameters, which are removed from `arguments`."""
    types = list(app.router.path_types)

    # If several are missing, Sanic names the most general one first.
    def rank(part: Parameter) -> int:
        return types.index(part.label) if part.label in types else len(types)

    values = {id(part): _value(part, arguments, types) for part in sorted(route.params.values(), key=rank)}
    return "/" + "/".join(part if isinstance(part, str) else values[id(part)] for part in route.path_segments)


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
