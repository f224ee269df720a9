"""The table of packages, `packages.toml`, as records.

Each table `[packages.NAME]` has:

- `environment`: the group that it is installed with. Packages that get along share one.
- `python`: the version of Python that all packages of its environment need, where that is not the default one.
- `requires`: what is installed besides; the package's own requirement, if it is not its bare name, is among them.
- `without-dependencies`: whether the package is installed alone, because it asks for an older Sanic; then `requires`
  has what else it needs.
- `own-tests`: what to run of its source archive: `paths`, and if needed `archive` (another distribution),
  `requires` and `options` (of pytest). `no-own-tests` is the reason why there are none.
- `kind`: `asgi` for a package for Starlette or for any ASGI application. Its test module is in `asgi/`, its control is
  Starlette.
- `notes`: what users of the package have to do or to know, for its section of the page.
- `distribution`: the package, where NAME tells two releases or two uses of it apart.
- `module`: the name of its test module, where it is not made of that of the distribution.
- `project`: the packages that a project of that NAME is made with; their versions are shown, and they are installed.
- `differs`: identifiers of own tests that pass on Sanic and fail here, each with the reason.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import Any

from tests.ecosystem import FOLDER, RESULTS


@dataclass(frozen=True)
class OwnTests:
    """Which tests of a source archive to run."""

    archive: str
    paths: tuple[str, ...]
    requires: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Package:
    """One package of the table."""

    name: str
    environment: str
    requirements: tuple[str, ...]
    alone: str = ""
    own_tests: OwnTests | None = None
    no_own_tests: str = ""
    differs: dict[str, str] = field(default_factory=dict)
    distribution: str = ""
    project: tuple[str, ...] = ()
    kind: str = ""
    notes: str = ""
    named_module: str = ""

    @property
    def module(self) -> str:
        """Its test module below this folder, without the suffix: `test_sanic_cors` for `Sanic-Cors`."""
        name = self.named_module or f"test_{re.sub('[-.]', '_', self.distribution.lower())}"
        return f"{self.kind}/{name}" if self.kind else name

    @property
    def results(self) -> str:
        """The name of the file in `results/`."""
        return str(RESULTS / f"{self.name.lower()}.json")


def _package(name: str, table: dict[str, Any]) -> Package:
    requires = table.get("requires", [])
    distribution = table.get("distribution", name)
    named = any(re.match(rf"{re.escape(distribution)}(?![\w.-])", text, re.IGNORECASE) for text in requires)
    alone = table.get("without-dependencies", False)
    own_tests = None
    if own := table.get("own-tests"):
        requires_more, options = tuple(own.get("requires", ())), tuple(own.get("options", ()))
        own_tests = OwnTests(own.get("archive", distribution), tuple(own["paths"]), requires_more, options)
    return Package(
        name=name,
        environment=table["environment"],
        requirements=_requirements(table, requires, distribution, named or alone),
        alone=distribution if alone else "",
        own_tests=own_tests,
        no_own_tests=table.get("no-own-tests", ""),
        differs=table.get("differs", {}),
        distribution=distribution,
        project=tuple(table.get("project", ())),
        kind=table.get("kind", ""),
        notes=table.get("notes", ""),
        named_module=table.get("module", ""),
    )


def _requirements(table: dict[str, Any], requires: list[str], distribution: str, is_named: bool) -> tuple[str, ...]:
    if project := table.get("project"):
        return (*project, *requires)
    return tuple(requires) if is_named else (distribution, *requires)


PACKAGES = tuple(
    _package(name, table)
    for name, table in tomllib.loads((FOLDER / "packages.toml").read_text(encoding="utf-8"))["packages"].items()
)
