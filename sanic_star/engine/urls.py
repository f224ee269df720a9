"""URLs of the views of mounted applications, and of views below a mount or host with parameters.

Starlette's `url_for` uses the router in the scope, which is the outermost application's. For a mount at `/t/{tenant}`
it returns a URL with `{tenant}` in it, unless the caller passes the parameter.

Imported late: only such URLs, root paths, and plain requests and websockets need it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from starlette.datastructures import URL, URLPath
from starlette.routing import NoMatchFound
from starlette.types import Scope

from sanic_star.engine import requests

_UNFILLED = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def fill_in(
    find: Callable[..., URLPath], name: str, path_params: dict[str, Any], outer: Mapping[str, Any] | None = None
) -> URLPath:
    """Build a path; the request's parameters fill in those of mounts and hosts that the caller omits.

    Args:
        find: the `url_path_for` of the router that has the view.
        name: the view's name.
        path_params: the caller's parameters.
        outer: the request's parameters; by default those of the current request.

    Raises:
        NoMatchFound: no view has that name and these parameters, or a parameter is missing in the request, too.
    """
    path = find(name, **path_params)
    names = {*_UNFILLED.findall(path), *_UNFILLED.findall(path.host)}
    # A value may look like an unfilled parameter.
    missing = [key for key in names if not any(f"{{{key}}}" in str(value) for value in path_params.values())]
    if not missing:
        return path
    if outer is None:
        try:
            outer = requests.current_request().scope.get("path_params", {})
        except LookupError:
            outer = {}
    if any(key not in outer for key in missing):
        raise NoMatchFound(name, path_params)
    return find(name, **path_params, **{key: outer[key] for key in missing})


def split_root_path(scope: Scope) -> tuple[str, str]:
    """Return the root path that the server gave, and the paths of the mounts around, without slashes at their ends.

    Args:
        scope: the connection's ASGI scope.

    Examples:
        >>> split_root_path({"root_path": "/api//inner", "app_root_path": "/api/"})
        ('/api', '/inner')
    """
    root: str = scope.get("root_path", "")
    outer: str = scope.get("app_root_path", root)
    if not root.startswith(outer):
        return root.rstrip("/"), ""
    below = root[len(outer) :]
    if below[:1] not in ("", "/"):
        below = root[len(outer.rstrip("/")) :]
    return outer.rstrip("/"), below.rstrip("/")


def own_url_path(scope: Scope, name: str, path_params: dict[str, Any]) -> URLPath | None:
    """Return the path of a view of the mounted application that answers the request.

    Args:
        scope: the connection's ASGI scope.
        name: the view's name.
        path_params: its path parameters.

    Returns:
        The path below the outermost application's root path. `None` if the application is not mounted, or has no such
        view: then the outermost application may have it.
    """
    router = getattr(scope.get("app"), "router", None)
    if router is None or router is scope.get("router"):
        return None
    try:
        path = router.url_path_for(name, **path_params)
    except NoMatchFound:
        return None
    _, mount_paths = split_root_path(scope)
    return URLPath(mount_paths + path, path.protocol, path.host)


class OwnNames:
    """A mixin for Starlette's requests and websockets, whose `url_for` finds views of mounted applications, too."""

    scope: Scope

    def url_for(self, name: str, /, **path_params: Any) -> URL:
        """Build an absolute URL of a view of the current application, else of the outermost one, as Starlette does.

        Args:
            name: the view's name.
            path_params: its path parameters.

        Raises:
            NoMatchFound: neither application has a view with that name and these parameters.
        """
        path = own_url_path(self.scope, name, path_params)
        if path is None:
            router = self.scope.get("router") or self.scope.get("app")
            if router is None:
                return super().url_for(name, **path_params)  # type: ignore[misc,no-any-return]
            path = fill_in(router.url_path_for, name, path_params, self.scope.get("path_params", {}))
        return path.make_absolute_url(base_url=self.base_url)  # type: ignore[attr-defined]
