"""URLs by the names of a mounted application, for Starlette's plain requests and websockets in it.

Starlette's `url_for` asks the router in the scope, which is the outermost application's.

Loaded with the first plain request or websocket.
"""

from __future__ import annotations

from typing import Any

from starlette.datastructures import URL, URLPath
from starlette.routing import NoMatchFound
from starlette.types import Scope


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
            return super().url_for(name, **path_params)  # type: ignore[misc,no-any-return]
        return path.make_absolute_url(base_url=self.base_url)  # type: ignore[attr-defined]
