"""A case: a source, the requests to send, and the allowed differences.

The source is written for Sanic. The names that `sanic` exports need no import, and `app` exists unless the source
creates its own; other names are imported from `sanic.…` as usual. `folder({...})` creates a directory of files.
`event(...)` records an event: the order of events is compared, together with the log.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tests.parity.wire import Step

EXPORTED = (
    "Sanic, Config, Blueprint, HTTPMethod, HTTPResponse, Request, Websocket, "
    "BadRequest, ExpectationFailed, FileNotFound, Forbidden, HeaderNotFound, InternalServerError, InvalidHeader, "
    "MethodNotAllowed, NotFound, RangeNotSatisfiable, SanicException, ServerError, ServiceUnavailable, Unauthorized, "
    "empty, file, html, json, raw, redirect, text"
)


@dataclass(frozen=True)
class Case:
    """One source and the steps played against it; `steps` empty means that only building the app is compared."""

    name: str
    group: str
    source: str
    steps: tuple[Step, ...]
    differs: str | None = None
    fails: bool = False
    debug: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    scrub: tuple[str, ...] = ()
    exact: bool = False
    awaits: str | None = None
    stops: bool = False
    log_differs: str | None = None

    @cached_property
    def id(self) -> str:
        return f"{self.group}-{re.sub(r'[^a-z0-9]+', '_', self.name.lower()).strip('_')}"

    def program(self) -> str:
        """Return the whole source, with the names of `sanic` and an app put before it."""
        start = f"from sanic import {EXPORTED}\n"
        if not _makes_app(self.source):
            start += 'app = Sanic("Parity")\n'
        return start + self.source


CASES: list[Case] = []
_IDS: set[str] = set()


def case(
    name: str,
    source: str,
    *steps: Step,
    differs: str | None = None,
    fails: bool = False,
    debug: bool = False,
    env: Mapping[str, str] | None = None,
    scrub: tuple[str, ...] = (),
    exact: bool = False,
    awaits: str | None = None,
    stops: bool = False,
    log_differs: str | None = None,
    group: str | None = None,
) -> Case:
    """Add a case to the table.

    Args:
        name: The subject in a few words, unique within its module.
        source: Python code for Sanic.
        steps: The requests to send, in order: `get`, `post`, `request`, `wire` or `websocket`.
        differs: The entry of `docs/compatibility.md` that describes an intended difference.
        fails: Whether Sanic refuses to build or to start the app.
        debug: Whether the app is served in debug mode.
        env: Environment variables for the source.
        scrub: Regular expressions; their matches in a body or a header are not compared (times, paths).
        exact: Whether JSON is compared to the letter.
        awaits: A feature of Sanic that is not built yet; the case must fail until it is, and then loses this mark.
        stops: Whether SIGTERM stops the app after the last step, so that events of its shutdown are compared too.
        log_differs: The entry of `docs/compatibility.md` that explains a log that differs while the answers are the
            same.
        group: Its group, by default the calling module.
    """
    group = group or caller_module(2)
    made = Case(
        name,
        group,
        textwrap.dedent(source).strip() + "\n",
        steps,
        differs,
        fails,
        debug,
        env or {},
        scrub,
        exact,
        awaits,
        stops,
        log_differs,
    )
    if made.id in _IDS:
        raise ValueError(f"two cases are called {made.id!r}")
    _IDS.add(made.id)
    CASES.append(made)
    return made


def caller_module(depth: int) -> str:
    """Return the last part of the name of the module `depth` calls above this one."""
    # `inspect.stack()` would read the source of every frame.
    name: str = sys._getframe(depth).f_globals["__name__"]
    return name.rpartition(".")[2]


def for_sanic_star(source: str) -> str:
    """Return the source with its imports of `sanic` turned into those of sanic_star."""
    # A module that is imported as a name of the package: `from sanic import exceptions`.
    source = re.sub(r"^(\s*)from sanic import ([a-z]+s)$", r"\1from sanic_star.compat import \2", source, flags=re.M)
    source = re.sub(r"^(\s*)from sanic import\b", r"\1from sanic_star import", source, flags=re.M)
    source = re.sub(r"^(\s*)from sanic\.([\w.]+) import\b", r"\1from sanic_star.compat.\2 import", source, flags=re.M)
    return re.sub(r"^(\s*)import sanic$", r"\1import sanic_star as sanic", source, flags=re.M)


def _makes_app(source: str) -> bool:
    return re.search(r"^app\s*(:[^=\n]+)?=", source, flags=re.M) is not None
