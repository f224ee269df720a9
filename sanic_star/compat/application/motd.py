"""The message of the day, logged when a server starts.

On a terminal it is a box (`MOTDTTY`), elsewhere one line per fact (`MOTDBasic`), for log collectors. `MOTD.output`
selects the form.
"""

from __future__ import annotations

import platform
import shutil
import sys
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from sanic_star._version import __version__
from sanic_star.compat.application.logo import COLOURS, CUP
from sanic_star.compat.log import logger
from sanic_star.servers.settings import Settings

# Packages whose versions a bug report should contain.
_PACKAGES = ("starlette", "sanic-ext")
# The maximum width of a box, that of a readable paragraph, and the minimum, in columns.
_WIDEST, _NARROWEST = 100, 40


def facts(app: Any, settings: Settings, workers: int) -> dict[str, str]:
    """Return the facts to log when a server starts.

    Args:
        app: the application.
        settings: the settings of the server.
        workers: the number of processes.
    """
    count = "single worker" if workers == 1 else f"w/ {workers} workers"
    fast = "goin' fast " if app.state.fast else ""
    protocols = " and ".join(
        f"HTTP/{number}" for number in {1: ("1.1",), 2: ("1.1", "2"), 3: ("1.1", "2", "3")}[settings.version]
    )
    data = {
        "app": app.name,
        "mode": f"{app.state.mode}, {fast}{count}",
        "server": f"{' '.join(filter(None, (settings.server, _version(settings.server))))}, {protocols}",
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
    if app.state.auto_reload:
        folders = sorted(str(folder.absolute()) for folder in app.state.reload_dirs)
        data["auto-reload"] = ", ".join(["enabled", *folders])
    return {**data, "packages": ", ".join(packages())}


def packages() -> list[str]:
    """Return the main dependencies of an application, with their versions."""
    return [f"{name}=={release}" for name in _PACKAGES if (release := _version(name))]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def location(settings: Settings) -> str:
    """Return the URL of the server, as far as it is known before the start."""
    if settings.unix:
        return f"{settings.unix} http://..."
    scheme = "https" if settings.tls else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{settings.port}" if settings.port else f"{scheme}://{host}, any free port"


class MOTD(ABC):
    """The message; `MOTD.output(…)` writes it to the log in the form that suits standard output.

    Args:
        logo: text, a drawing, or `None`.
        serve_location: the URL of the server, or empty.
        data: facts by name.
        extra: more facts.

    Examples:
        >>> MOTD.output(None, "http://127.0.0.1:8000", {"app": "Shop"}, {})
    """

    def __init__(
        self, logo: str | None, serve_location: str, data: Mapping[str, str], extra: Mapping[str, str]
    ) -> None:
        self.logo = logo
        self.serve_location = serve_location
        self.data = data
        self.extra = extra
        self.key_width = self.value_width = 0

    @abstractmethod
    def display(self) -> None:
        """Write the message to the log."""

    @classmethod
    def output(cls, logo: str | None, serve_location: str, data: Mapping[str, str], extra: Mapping[str, str]) -> None:
        """Write a message to the log; arguments as for the class.

        Args:
            logo: the text above the message, or `None`.
            serve_location: the URL that is served.
            data: facts about the application and its server: name and value.
            extra: further lines: name and value.
        """
        form = MOTDTTY if sys.stdout.isatty() and _shows("┌─│") else MOTDBasic
        form(logo, serve_location, data, extra).display()


class MOTDBasic(MOTD):
    """One log line per fact; the logo only in debug mode."""

    def display(self) -> None:
        """Write the message to the log, one line per fact."""
        if self.logo:
            logger.debug("%s", self.logo)
        logger.info("sanic_star v%s%s", __version__, f" {CUP}" if CUP in (self.logo or "") and _shows(CUP) else "")
        if self.serve_location:
            logger.info("Goin' Fast @ %s", self.serve_location)
        for name, value in {**self.data, **self.extra}.items():
            logger.info("%s: %s", name, value)


class MOTDTTY(MOTD):
    """A box, as wide as its contents and the terminal allow.

    Args:
        logo: text, a drawing, or `None`.
        serve_location: the URL of the server, or empty.
        data: facts by name.
        extra: more facts.
    """

    def __init__(
        self, logo: str | None, serve_location: str, data: Mapping[str, str], extra: Mapping[str, str]
    ) -> None:
        super().__init__(logo, serve_location, data, extra)
        self.set_variables()

    def set_variables(self) -> None:
        """Compute the widths of the columns, in characters.

        `key_width` and `value_width` are for the facts, `centering_length` for the inside of the box.
        """
        facts = {**self.data, **self.extra}
        max_width = max(_NARROWEST, min(shutil.get_terminal_size().columns - 6, _WIDEST))
        self.logo_lines = (self.logo or "").splitlines()
        self.logo_line_length = max((len(COLOURS.sub("", line)) for line in self.logo_lines), default=0)
        self.key_width = max((len(name) for name in facts), default=0)
        needed_width = max((len(str(value)) for value in facts.values()), default=0)
        gap = self.logo_line_length + 2 if self.logo_lines else 0
        self.value_width = max(min(needed_width, max_width - gap - self.key_width - 2), 10)
        self.centering_length = gap + max(
            self.key_width + 2 + self.value_width, len(self.serve_location) + len("Goin' Fast @ ") - gap
        )

    def display(
        self, version: bool = True, action: str = "Goin' Fast", out: Callable[[str], Any] | None = None
    ) -> None:
        """Write the box.

        Args:
            version: whether to show the version of this package.
            action: the text before the location.
            out: writes the message, called once; by default to the log.
        """
        titles = [f"sanic_star v{__version__}" if version else "sanic_star"]
        if self.serve_location:
            titles.append(f"{action} @ {self.serve_location}")
        width = max(self.centering_length, *map(len, titles))
        rows = [row for section in (self.data, self.extra) if section for row in (None, *self._rows(section))]
        lines = [f"┌─{'─' * width}─┐", *(f"│ {title.center(width)} │" for title in titles)]
        logo = iter(self.logo_lines)
        gap = self.logo_line_length + 2 if self.logo_lines else 0
        for row in rows:
            if row is None:
                lines.append(f"├─{'─' * width}─┤")
            else:
                lines.append(f"│ {self._logo_part(next(logo, ''), gap)}{row.ljust(width - gap)} │")
        lines += [f"│ {self._logo_part(line, gap)}{' ' * (width - gap)} │" for line in logo]
        lines.append(f"└─{'─' * width}─┘")
        (out or _log)("\n" + "\n".join(f"  {line}" for line in lines) + "\n")

    def _rows(self, data: Mapping[str, str]) -> Iterator[str]:
        for name, value in data.items():
            lines = textwrap.wrap(str(value), self.value_width, break_on_hyphens=False) or [""]
            yield f"{name.rjust(self.key_width)}  {lines[0]}"
            yield from (" " * (self.key_width + 2) + line for line in lines[1:])

    @staticmethod
    def _logo_part(line: str, width: int) -> str:
        return line + " " * (width - len(COLOURS.sub("", line)))


def _log(text: str) -> None:
    logger.info("%s", text)


def _shows(text: str) -> bool:
    """Return whether standard output can show a text; a Windows console may have an old code page."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


__all__ = ["MOTD", "MOTDTTY", "MOTDBasic"]
