"""Some random tables; `nox -s fuzz` tests more of them."""

from __future__ import annotations

import subprocess
import sys

from tests.project import ROOT


def test_both_choose_the_same_routes() -> None:
    # In its own process, because Sanic configures logging for the whole process.
    command = [sys.executable, "-m", "tests.fuzz", "--requests", "800", "--paths", "400", "--served", "300"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
