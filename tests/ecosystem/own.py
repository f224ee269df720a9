"""The tests that a package has in its source archive: run on Sanic and here, and compared.

Nothing of the archive is kept. The results hold the figures, and the identifiers of the tests whose outcomes differ.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tests.ecosystem import ROOT
from tests.ecosystem.packages import OwnTests

LIMIT = 1200  # seconds for one run of a package's tests, on a loaded machine
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "-q")


def run(own: OwnTests, version: str, folder: Path) -> dict[str, Any]:
    """Run the tests of an archive twice and return figures and differences; `reason` if they cannot be run."""
    try:
        if own.requires:
            _call(*PIP, "install", *own.requires)
        archive = _unpack(own.archive, version, folder)
    except subprocess.CalledProcessError as error:
        return {"reason": last_line(error.output)}
    outcomes: dict[str, dict[str, str]] = {}
    for how, options in (("sanic", ()), ("here", ("--sanic-star-alias",))):
        outcomes[how] = _outcomes(archive, own, options, folder / f"{how}.xml")
    names = sorted(outcomes["sanic"].keys() | outcomes["here"].keys())
    return {
        "archive": archive.name,
        "figures": {how: dict(sorted(Counter(outcome.values()).items())) for how, outcome in outcomes.items()},
        "differences": {
            name: pair
            for name in names
            if len(set((pair := {how: outcomes[how].get(name, "not collected") for how in outcomes}).values())) > 1
        },
    }


def _call(*command: str) -> None:
    subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def last_line(output: str | None) -> str:
    """Return the last line of an output that tells of an error, else its last line."""
    lines = [line for line in (output or "").splitlines() if line.strip()]
    errors = [line for line in lines if line.lstrip().lower().startswith("error")]
    return (errors or lines or ["no output"])[-1].strip()


def _unpack(name: str, version: str, folder: Path) -> Path:
    requirement = f"{name}=={version}" if version else name
    _call(*PIP, "download", "--no-deps", "--no-binary", ":all:", "-d", str(folder), requirement)
    (packed,) = [path for path in folder.iterdir() if path.name.endswith((".tar.gz", ".zip"))]
    if packed.name.endswith(".zip"):
        with zipfile.ZipFile(packed) as archive:
            archive.extractall(folder)
    else:
        with tarfile.open(packed) as archive:
            archive.extractall(folder, filter="data")
    (unpacked,) = [path for path in folder.iterdir() if path.is_dir()]
    return unpacked


def _outcomes(archive: Path, own: OwnTests, options: tuple[str, ...], report: Path) -> dict[str, str]:
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}")
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    with report.with_suffix(".log").open("w") as log:
        subprocess.run(
            (*command, *own.options, *options, *own.paths),
            cwd=archive, env=env, stdout=log, stderr=subprocess.STDOUT, timeout=LIMIT, check=False,
        )  # fmt: skip
    if not report.exists():
        return {}
    outcomes = {}
    for case in ElementTree.parse(report).iter("testcase"):
        parts = {child.tag for child in case}
        outcome = "failed" if parts & {"failure", "error"} else "skipped" if "skipped" in parts else "passed"
        outcomes[f"{case.get('classname')}::{case.get('name')}"] = outcome
    return outcomes
