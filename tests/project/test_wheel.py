"""What a user installs: built with the real build back end, installed by the real installer."""

import subprocess
import sys
import tarfile
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


def test_the_source_archive_holds_what_the_tests_look_at(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("it is the source archive")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)], cwd=ROOT, check=True
    )
    (built,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    for known in ("sanic_star", "tests", "docs", "examples", "benchmarks"):
        found = (path.relative_to(ROOT) for path in (ROOT / known).rglob("*") if path.suffix in (".py", ".md", ".txt"))
        # What a run of the benchmarks has left is nobody else's.
        own = [path for path in found if path.parts[:2] != ("benchmarks", "results")]
        assert own
        assert {str(path) for path in own} <= set(names)
    for known in (".ci/run", "noxfile.py", "mkdocs.yml", "CONTRIBUTING.md", "SECURITY.md", "LICENSE"):
        assert known in names
    assert [name for name in names if "__pycache__" in name or "/." in name] == ["examples/taskboard/.gitignore"]
