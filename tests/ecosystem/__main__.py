"""Run the packages of one environment: `python -m tests.ecosystem ENVIRONMENT [PACKAGE …]`; `page` writes the page.

The exit status is 1 if a test fails here, or if an own test passes on Sanic, fails here, and `packages.toml` has no
reason for it. A package that cannot be installed is recorded with the reason, and fails nothing.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.ecosystem import FOLDER, PAGE, ROOT, WANTED, own, page
from tests.ecosystem.packages import PACKAGES, Package

# The Sanic of the control; a package's requirement for another version does not change it.
SANIC = "sanic==25.12.*"


def main(arguments: Sequence[str]) -> int:
    """Run the packages in `arguments`, write results and page, and return the exit status."""
    if arguments != ["page"]:
        environment, *names = arguments
        packages = [package for package in PACKAGES if package.environment == environment]
        packages = [package for package in packages if not names or package.name in names]
        if not packages:
            print(f"No package of the environment {environment!r} is named {', '.join(names) or 'in the table'}")
            return 1
        reasons = install(packages)
        faults = [fault for package in packages for fault in run(package, reasons.get(package.name, ""))]
    else:
        faults = []
    PAGE.write_text(page.page_text(), encoding="utf-8")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def install(packages: Sequence[Package]) -> dict[str, str]:
    """Install the packages, all at once if that works; return the reason for each that cannot be installed."""
    everything = [requirement for package in packages for requirement in package.requirements]
    reasons = {}
    if _pip(SANIC, *everything):
        reasons = {package.name: _pip(SANIC, *package.requirements) for package in packages}
    for package in packages:
        if package.alone and not reasons.get(package.name):
            reasons[package.name] = _pip("--no-deps", package.alone)
    return {name: reason for name, reason in reasons.items() if reason}


def _pip(*requirements: str) -> str:
    command = (*own.PIP, "install", "--upgrade", *requirements)
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return own.last_line(done.stdout) if done.returncode else ""


def run(package: Package, reason: str) -> list[str]:
    """Run the tests of one package and write its results; return the faults."""
    results: dict[str, Any] = {"package": package.name, "environment": package.environment}
    faults = []
    if reason:
        results["not installed"] = reason
    else:
        results |= {
            "version": _version(package),
            "sanic": version("sanic"),
            "python": ".".join(platform.python_version_tuple()[:2]),
            "shown": _record_tests(package),
        }
        for shown in results["shown"]:
            failed = [how for how, outcome in shown["outcomes"].items() if outcome == "failed"]
            faults += [f"{package.name}, {how}: {shown['what']}" for how in failed]
        if not results["shown"]:
            faults.append(f"{package.name}: no test ran")
        if package.own_tests:
            results["own tests"] = _run_own_tests(package, results["version"])
            for name, pair in results["own tests"].get("differences", {}).items():
                if pair["sanic"] == "passed" and name not in package.differs:
                    faults.append(f"{package.name}: own test {name} passes on Sanic, here: {pair['here']}")
    Path(package.results).write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return faults


def _version(package: Package) -> str:
    if package.project:
        return ", ".join(f"{name} {version(name)}" for name in package.project)
    return version(package.distribution)


def _record_tests(package: Package) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder, "record.json")
        command = ("-m", "pytest", "-q", "-p", "tests.ecosystem.recording", f"--record={record}")
        subprocess.run(
            (sys.executable, *command, str(FOLDER / f"{package.module}.py")),
            cwd=ROOT, env=os.environ | {WANTED: "1"}, check=False,
        )  # fmt: skip
        return list(json.loads(record.read_text())) if record.exists() else []


def _run_own_tests(package: Package, installed: str) -> dict[str, Any]:
    assert package.own_tests is not None
    archive = package.own_tests.archive
    # Outside of the checkout: pytest would take the configuration of this package for the archive's.
    release = installed if archive == package.distribution else version(archive)
    with tempfile.TemporaryDirectory() as folder:
        return own.run(package.own_tests, release, Path(folder))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
