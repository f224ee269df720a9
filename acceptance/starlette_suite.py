"""Starlette's own suite, with the class `Starlette` replaced by `Sanic`.

The plugin `replace_starlette` puts the class into `starlette.applications` before the tests import it. Tests that build
a bare `Router` or `Route` reach nothing of this package; they pass unless the package disturbs Starlette.
Tests on trio are left out: this package needs asyncio.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .processes import Limits, PytestRun, clean_environment


@dataclass
class StarletteSuite:
    """The suite in one unpacked source archive."""

    archive: Path
    """The unpacked source archive: the folder that has `tests/`."""
    work: Path
    """A folder for the copy."""
    out: Path
    """A folder for the output."""
    native: bool = False
    """Whether the suite runs on Starlette itself: that is how the control is made."""

    def jobs(self) -> list[Callable[[], PytestRun]]:
        """Return the one job: the whole suite in one process."""
        return [self.run]

    def run(self) -> PytestRun:
        """Run the suite."""
        folder = self.work / "starlette"
        if folder.exists():
            shutil.rmtree(folder)
        # Without the archive's own `starlette/`: the installed one is under test.
        shutil.copytree(self.archive, folder, ignore=lambda path, names: {"starlette"} & {*names})
        command = [
            *(sys.executable, "-m", "pytest", "tests", "-q", "-rN", "--tb=short", "--continue-on-collection-errors"),
            # The plugin for asyncio would take Starlette's tests away from anyio's.
            *("-p", "no:cacheprovider", "-p", "no:asyncio", "-p", "no:xdist", "-p", "no:sanic_star.testing.plugin"),
            *("-p", "event_recorder", *([] if self.native else ["-p", "replace_starlette"])),
            *("-k", "not trio", "-W", "ignore::ResourceWarning", "--timeout=60", "--timeout-method=signal"),
        ]
        limits = Limits(test=60, file=300)
        run = PytestRun(command, folder, clean_environment(), self.out / "starlette.txt", limits, keep_files=True)
        run.run()
        shutil.rmtree(folder, ignore_errors=True)
        return run
