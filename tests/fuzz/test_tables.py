"""Some of the random tables in the ordinary tests; `nox -s fuzz` asks more of them."""

from __future__ import annotations

import subprocess
import sys

from tests.project import ROOT


def test_both_choose_the_same_routes() -> None:
    # In a process of its own: Sanic sets up logging for the whole of it.
    command = [sys.executable, "-m", "tests.fuzz", "--requests", "800", "--paths", "400", "--served", "300"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
