"""The floors of the dependencies have no known advisories, and the documentation says how to check and report them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

# The first release without a known advisory, and the newest advisory that it answers.
SAFE = {
    "h11": ("0.16", "CVE-2025-43859"),
    "h2": ("4.4.1", "CVE-2026-71554"),
    "hypercorn": ("0.16", "SNYK-PYTHON-HYPERCORN-6371005"),
    "idna": ("3.15", "CVE-2026-45409"),
    "jinja2": ("3.1.6", "CVE-2025-27516"),
    "python-dotenv": ("1.2.2", "CVE-2026-28684"),
    "python-multipart": ("0.0.30", "CVE-2026-53538"),
    "requests": ("2.33", "CVE-2026-25645"),
    "starlette": ("1.3.1", "PYSEC-2026-249"),
    "urllib3": ("2.8", "CVE-2026-97687"),
}


def declared() -> list[Requirement]:
    project, groups = PYPROJECT["project"], PYPROJECT["dependency-groups"]
    texts = [*project["dependencies"], *(text for extra in project["optional-dependencies"].values() for text in extra)]
    texts += [text for group in groups.values() for text in group if isinstance(text, str)]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("name", SAFE)
def test_a_floor_is_free_of_known_advisories(name: str) -> None:
    version, advisory = SAFE[name]
    floors = [
        Version(bound.version)
        for requirement in declared()
        if requirement.name.lower() == name
        for bound in requirement.specifier
        if bound.operator == ">="
    ]
    assert floors, f"{name} has no floor"
    assert min(floors) >= Version(version), advisory


def test_each_dependency_of_the_package_has_a_floor() -> None:
    project = PYPROJECT["project"]
    texts = [*project["dependencies"], *(text for extra in project["optional-dependencies"].values() for text in extra)]
    without = [text for text in texts if not any(bound.operator == ">=" for bound in Requirement(text).specifier)]
    assert without == []


def test_the_report_of_a_vulnerability_needs_no_address() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    assert "Report a vulnerability" in text
    assert re.findall(r"[\w.+-]+@[\w-]+\.[\w.]+", text) == []
    assert "nox -s audit" in text
    assert "nox -s sbom" in text


def test_the_audit_is_not_part_of_the_gate() -> None:
    """It needs data that not every machine reaches."""
    assert "audit" not in (ROOT / ".ci/run").read_text()
    noxfile = (ROOT / "noxfile.py").read_text()
    assert "def audit(" in noxfile
    assert "def sbom(" in noxfile
