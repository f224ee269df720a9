"""Functions and constants of several modules that are gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sanic_star.compat.errorpages import HTMLRenderer, JSONRenderer, TextRenderer
from sanic_star.compat.helpers import is_entity_header, str_to_bool
from sanic_star.compat.log import logger as log

strtobool = str_to_bool
RENDERERS_BY_CONFIG = {"html": HTMLRenderer, "json": JSONRenderer, "text": TextRenderer}
CONTENT_TYPE_BY_RENDERERS = {
    TextRenderer: "text/plain; charset=utf-8",
    JSONRenderer: "application/json",
    HTMLRenderer: "text/html; charset=utf-8",
}

__all__ = ["CONTENT_TYPE_BY_RENDERERS", "RENDERERS_BY_CONFIG", "log", "remove_entity_headers", "strtobool", "url_hash"]


def remove_entity_headers(
    headers: Mapping[str, str], allowed: Iterable[str] = ("content-location", "expires")
) -> dict[str, str]:
    """Return headers without those that describe a body, as a response with 304 may have them (RFC 2616, 10.3.5).

    Args:
        headers: the headers.
        allowed: the names, in lower case, of those that stay nevertheless.
    """
    kept = {name.lower() for name in allowed}
    return {name: value for name, value in headers.items() if not is_entity_header(name) or name.lower() in kept}


def url_hash(url: str) -> int:
    """Return how many slashes a path has."""
    return url.count("/")
