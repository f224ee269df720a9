"""The page of packages equals their results, and each package of the table has a test module and results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ecosystem import FOLDER, PAGE, RESULTS, ROOT, WANTED, page
from tests.ecosystem.packages import PACKAGES


def test_the_page_is_in_step_with_the_results() -> None:
    assert PAGE.read_text(encoding="utf-8") == page.page_text(), "run `python -m tests.ecosystem page`"


def test_each_package_has_a_module_and_results() -> None:
    assert {package.results for package in PACKAGES} == {str(path) for path in RESULTS.glob("*.json")}
    paths = [*FOLDER.glob("test_*.py"), *FOLDER.glob("asgi/test_*.py")]
    modules = {path.relative_to(FOLDER).with_suffix("").as_posix() for path in paths}
    assert {package.module for package in PACKAGES} == modules
    assert all(package.kind in ("", "asgi") for package in PACKAGES)


def test_no_recorded_test_fails_here() -> None:
    for package in PACKAGES:
        for shown in json.loads(Path(package.results).read_text(encoding="utf-8")).get("shown", []):
            failed = [how for how in ("here", "uvicorn") if shown["outcomes"].get(how) == "failed"]
            assert not failed, f"{package.name}: {shown['what']}"


def test_a_plain_run_leaves_the_packages_out() -> None:
    command = (sys.executable, "-m", "pytest", "--collect-only", "-q", str(FOLDER))
    without = {name: value for name, value in os.environ.items() if name != WANTED}
    done = subprocess.run(command, cwd=ROOT, env=without, capture_output=True, text=True, check=False)
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout


def test_each_reason_belongs_to_a_difference() -> None:
    for package in PACKAGES:
        own = json.loads(Path(package.results).read_text(encoding="utf-8")).get("own tests", {})
        assert package.differs.keys() <= own.get("differences", {}).keys(), package.name
