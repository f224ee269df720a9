"""The message of the day: the lines that are logged when a server starts."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from sanic_star._version import __version__
from sanic_star.compat.log import logger
from sanic_star.servers.settings import Settings


def facts(app: Any, settings: Settings, workers: int, display: Mapping[str, str]) -> dict[str, str]:
    """Return what is worth knowing when a server starts.

    Args:
        app: the application.
        settings: how it is served.
        workers: how many processes.
        display: what the application adds, or says differently.
    """
    count = "single worker" if workers == 1 else f"w/ {workers} workers"
    protocols = " and ".join(
        f"HTTP/{each}" for each in {1: ("1.1",), 2: ("1.1", "2"), 3: ("1.1", "2", "3")}[settings.version]
    )
    try:
        release = version(settings.server)
    except PackageNotFoundError:
        release = ""
    return {
        "app": app.name,
        "mode": f"{app.state.mode}, {count}",
        "server": f"{settings.server} {release}, {protocols}",
        "python": platform.python_version(),
        "platform": platform.platform(),
        **display,
    }


def location(settings: Settings) -> str:
    """Return where the server is to be found, as far as it is known before it starts."""
    if settings.unix:
        return f"{settings.unix} http://..."
    scheme = "https" if settings.tls else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{settings.port}" if settings.port else f"{scheme}://{host}, any free port"


def show(settings: Settings, lines: Mapping[str, str], coffee: bool = False) -> None:
    """Write the message to the log.

    Args:
        settings: how the application is served.
        lines: what `facts` returns, and what the application adds.
        coffee: whether the first line has a cup.
    """
    # A console of Windows may have a code page without it.
    shown = coffee and (getattr(sys.stdout, "encoding", None) or "").lower().startswith("utf")
    logger.info("sanic_star v%s%s", __version__, " \N{HOT BEVERAGE}" if shown else "")
    logger.info("Goin' Fast @ %s", location(settings))
    for name, value in lines.items():
        logger.info("%s: %s", name, value)


class MOTD:
    """The message in the form of Sanic's class; code for Sanic logs its own start by it.

    Args:
        logo: a first line, or nothing.
        serve_location: where the server is to be found, or nothing.
        data: facts, by name.
        extra: more facts.
    """

    def __init__(
        self, logo: str | None, serve_location: str, data: Mapping[str, str], extra: Mapping[str, str]
    ) -> None:
        self.logo = logo
        self.serve_location = serve_location
        self.data = data
        self.extra = extra

    def display(self) -> None:
        """Write it to the log, a line each."""
        if self.logo:
            logger.info("%s", self.logo)
        if self.serve_location:
            logger.info("Goin' Fast @ %s", self.serve_location)
        for name, value in {**self.data, **self.extra}.items():
            logger.info("%s: %s", name, value)

    @classmethod
    def output(cls, logo: str | None, serve_location: str, data: Mapping[str, str], extra: Mapping[str, str]) -> None:
        """Write a message to the log; arguments as for the class."""
        cls(logo, serve_location, data, extra).display()


# Sanic draws a frame on a terminal; a log has lines, here and there.
MOTDBasic = MOTDTTY = MOTD
