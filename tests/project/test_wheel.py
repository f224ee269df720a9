"""What a user installs: built with the real build back end, installed by the real installer."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.project import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)], cwd=ROOT, check=True)
    (built,) = target.glob("*.whl")
    return built


def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"sanic_star"}


def test_installed_wheel_is_typed_and_has_its_command(wheel: Path, tmp_path: Path) -> None:
    installer = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(tmp_path)]
    subprocess.run([*installer, str(wheel)], check=True)
    assert (tmp_path / "sanic_star/py.typed").is_file()
    assert (tmp_path / "sanic_star/__init__.py").is_file()
    assert (tmp_path / "bin/sanic-star").is_file()
