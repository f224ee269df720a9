"""The module `sanic.static` of older releases: `register`."""

from __future__ import annotations

from typing import Any

from sanic_star.compat._support.deprecation import deprecation


def register(
    app: Any,
    uri: str,
    file_or_directory: Any,
    pattern: str | None,
    use_modified_since: bool,
    use_content_range: bool,
    stream_large_files: bool | int,
    name: str = "static",
    host: str | None = None,
    strict_slashes: bool | None = None,
    content_type: str | None = None,
) -> None:
    """Serve a file or a directory; arguments as in `app.static`.

    Raises:
        ValueError: `file_or_directory` is not a path.
    """
    deprecation("sanic.static.register was removed in Sanic 22.3: call app.static(uri, path) instead.", 22.3)
    app.static(
        uri,
        file_or_directory,
        **({} if pattern is None else {"pattern": pattern}),
        use_modified_since=use_modified_since,
        use_content_range=use_content_range,
        stream_large_files=stream_large_files,
        name=name,
        host=host,
        strict_slashes=strict_slashes,
        content_type=content_type,
    )
