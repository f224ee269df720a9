"""The plugin's option, in its own pytest: tests that import Sanic only, and their conftest."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text(
        "import pytest, sanic\n@pytest.fixture\ndef app():\n    return sanic.Sanic('Tested')\n"
    )
    (tmp_path / "test_it.py").write_text(
        "import multiprocessing\n"
        "import sanic\n"
        "def told(): return sanic.__name__\n"
        "def test_name(app):\n"
        "    assert type(app).__module__ == 'sanic_star.compat.app'\n"
        "def test_spawned():\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        assert pool.apply(told) == 'sanic_star.compat'\n"
    )
    return tmp_path


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with the plugin."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "sanic_star.testing.plugin"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*command, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_by_option(folder: Path) -> None:
    done = run_pytest(folder, "--sanic-star-alias")
    assert "2 passed" in done.stdout, done.stdout


def test_by_configuration_and_in_several_processes(folder: Path) -> None:
    (folder / "pytest.ini").write_text("[pytest]\nsanic_alias = true\n")
    done = run_pytest(folder, "-n", "2")
    assert "2 passed" in done.stdout, done.stdout


def test_it_is_off_by_default(folder: Path) -> None:
    done = run_pytest(folder, "-k", "name")
    assert "1 failed" in done.stdout


def test_after_sanic_itself(folder: Path) -> None:
    (folder / "early.py").write_text("import sanic")
    done = run_pytest(folder, "--sanic-star-alias", "-p", "early")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: sanic_star.compat.install() comes too late" in done.stderr
