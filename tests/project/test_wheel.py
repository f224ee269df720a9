"""The installed package: built with the real build back end, installed by the real installer."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
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


def test_the_page_on_installation_names_commands_that_work(tmp_path: Path) -> None:
    page = (ROOT / "docs/start/install.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)\n```$", page, re.MULTILINE | re.DOTALL)
    # The first block makes an environment, which is done below.
    assert "python3 -m venv .venv\n" in blocks[0]
    commands = blocks[1:]
    assert [command.split()[:2] for command in commands] == [["pip", "install"], ["pip", "wheel"], ["pip", "install"]]
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "sanic_star", checkout / "sanic_star", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    # Nothing is fetched: dependencies and the build back end are those of the tests.
    (packages,) = environment.glob("lib/python*/site-packages")
    own = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "tests.pth").write_text("\n".join(own))
    where = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PIP_")},
        **{"PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_INDEX": "1", "PIP_FORCE_REINSTALL": "1"},
        "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    for command in commands:
        subprocess.run(command, shell=True, cwd=checkout, env=where, check=True)
        if command.startswith("pip install"):
            installed = packages / "sanic_star"
            assert (installed / "py.typed").is_file()
            assert (environment / "bin/sanic-star").is_file()
            shutil.rmtree(installed)


def test_only_one_place_has_install_instructions() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    sources = [*(ROOT / "sanic_star").rglob("*.py"), *(ROOT / "examples").rglob("*.py")]
    named = re.compile(r"pip install [^\n]*sanic.star")
    assert [path.name for path in pages + sources if named.search(path.read_text())] == ["install.md"]


def test_the_table_of_extras_is_whole() -> None:
    page = (ROOT / "docs/start/install.md").read_text()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set(extras)


def test_the_source_archive_holds_what_the_tests_look_at(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("it is the source archive")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)], cwd=ROOT, check=True
    )
    (built,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    for entry in ("sanic_star", "tests", "docs", "examples", "benchmarks"):
        paths = (path.relative_to(ROOT) for path in (ROOT / entry).rglob("*") if path.suffix in (".py", ".md", ".txt"))
        # The results of a benchmark run are not part of the project.
        own = [path for path in paths if path.parts[:2] != ("benchmarks", "results")]
        assert own
        assert {str(path) for path in own} <= set(names)
    for entry in (".ci/run", "noxfile.py", "mkdocs.yml", "CONTRIBUTING.md", "SECURITY.md", "LICENSE"):
        assert entry in names
    assert [name for name in names if "__pycache__" in name or "/." in name] == ["examples/taskboard/.gitignore"]
