"""URLs by the names of a mounted application, and of what is below a mount or host with parameters.

Starlette's `url_for` asks the router in the scope, which is the outermost application's. For a mount at `/t/{tenant}`
it returns a URL with `{tenant}` in it, unless the caller passes the parameter.

Loaded with the first plain request or websocket, or the first such URL.
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
    """Build a path; parameters of mounts and hosts that the caller leaves out are those of the request.

    Args:
        find: Starlette's `url_path_for` of the router that knows the name.
        name: the view's name.
        path_params: the parameters of the caller.
        outer: those of the request; by default of the one that is being answered.

    Raises:
        NoMatchFound: no view has that name and these parameters, or the request lacks one of the others.
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


def own_url_path(scope: Scope, name: str, path_params: dict[str, Any]) -> URLPath | None:
    """Return the path of a view of a mounted application, for Starlette's `url_for`, which asks the outermost one.

    Args:
        scope: the connection's ASGI scope.
        name: the view's name.
        path_params: its path parameters.

    Returns:
        The path below the outermost application's root path; `None` if that application shall be asked.
    """
    router = getattr(scope.get("app"), "router", None)
    if router is None or router is scope.get("router"):
        return None
    try:
        path = router.url_path_for(name, **path_params)
    except NoMatchFound:
        return None
    # What the mounts around have added to the root path.
    prefix = scope.get("root_path", "")[len(scope.get("app_root_path", "").rstrip("/")) :].rstrip("/")
    return URLPath(prefix + path, path.protocol, path.host)


class OwnNames:
    """Lets a plain request or websocket of Starlette's build URLs by the names of a mounted application, too."""

    scope: Scope

    def url_for(self, name: str, /, **path_params: Any) -> URL:
        """Build a whole URL to a view of the application, else of the outermost one, as in Starlette.

        Raises:
            NoMatchFound: no view of either has that name and these parameters.
        """
        path = own_url_path(self.scope, name, path_params)
        if path is None:
            router = self.scope.get("router") or self.scope.get("app")
            if router is None:
                return super().url_for(name, **path_params)  # type: ignore[misc,no-any-return]
            path = fill_in(router.url_path_for, name, path_params, self.scope.get("path_params", {}))
        return path.make_absolute_url(base_url=self.base_url)  # type: ignore[attr-defined]
