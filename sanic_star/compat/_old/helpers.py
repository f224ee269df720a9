"""Removed functions and constants of several modules."""

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
    """Return headers without those that describe a body, for a response with 304 (RFC 2616, section 10.3.5).

    Args:
        headers: the headers.
        allowed: names to keep, in lower case.
    """
    allowed_names = {name.lower() for name in allowed}
    return {
        name: value for name, value in headers.items() if not is_entity_header(name) or name.lower() in allowed_names
    }


def url_hash(url: str) -> int:
    """Return the number of slashes in a path."""
    return url.count("/")
