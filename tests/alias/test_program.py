"""`python -m sanic_star.compat …`: a program written for Sanic runs as `python` would run it."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[2]

SCRIPT = """
import multiprocessing
import sys

import sanic
from beside import NAME


def told(number):
    return number, __name__, sanic.__name__


if __name__ == "__main__":
    print(NAME, sys.argv[1:], __name__, __package__ or "-", __file__.endswith(("script.py", "__main__.py")))
    if "spawn" in sys.argv:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print(pool.map(told, [3]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "script.py").write_text(dedent(SCRIPT))
    (tmp_path / "beside.py").write_text("NAME = 'beside'")
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("from sanic import Sanic; from . import script; print(Sanic, __package__)")
    (package / "script.py").write_text(dedent(SCRIPT).replace("from beside", "from .beside"))
    (package / "beside.py").write_text("NAME = 'within'")
    inside = tmp_path / "directory"
    inside.mkdir()
    (inside / "__main__.py").write_text(dedent(SCRIPT))
    (inside / "beside.py").write_text("NAME = 'inside'")
    (tmp_path / "leaving.py").write_text("import sanic, sys; sys.exit(7)")
    (tmp_path / "twice.py").write_text("from sanic_star.compat import install; install(); import sanic; print('fine')")
    return tmp_path


def python(*arguments: str, cwd: Path, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run `python -m sanic_star.compat` with arguments."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *options, "-m", "sanic_star.compat", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["script.py", "a", "-b"], "beside ['a', '-b'] __main__ - True\n"),
        (["directory", "a"], "inside ['a'] __main__ - True\n"),
        (["-m", "script", "a"], "beside ['a'] __main__ - True\n"),
        (["-m", "package.script", "a"], "within ['a'] __main__ package True\n"),
        (["-m", "package"], "<class 'sanic_star.compat.app.Sanic'> package\n"),
        (["-c", "import sys, sanic; print(sys.argv, sanic.__name__)", "a"], "['-c', 'a'] sanic_star.compat\n"),
        (["twice.py"], "fine\n"),
    ],
)
def test_runs_as_python_would(folder: Path, arguments: list[str], printed: str) -> None:
    done = python(*arguments, cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, printed, "")


@pytest.mark.parametrize("arguments", [["script.py"], ["-m", "package.script"]])
def test_spawned_processes_have_the_alias(folder: Path, arguments: list[str]) -> None:
    done = python(*arguments, "spawn", cwd=folder)
    assert done.stdout.endswith("[(3, '__mp_main__', 'sanic_star.compat')]\n"), done.stderr


def test_python_safe_path_is_respected(folder: Path) -> None:
    done = python("script.py", cwd=folder, options=("-P",))
    assert done.returncode == 1
    assert "No module named 'beside'" in done.stderr


def test_an_error_of_the_program_itself_is_shown_as_it_is(folder: Path) -> None:
    (folder / "package" / "__init__.py").write_text("import no_such_library")
    done = python("-m", "package.script", cwd=folder)
    assert done.returncode == 1
    assert done.stderr.endswith("ModuleNotFoundError: No module named 'no_such_library'\n")


def test_help(folder: Path) -> None:
    done = python("--help", cwd=folder)
    assert (done.returncode, done.stdout[:34]) == (0, "usage: python -m sanic_star.compat")


def test_the_exit_status_is_the_program_s(folder: Path) -> None:
    assert python("leaving.py", cwd=folder).returncode == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "usage: python -m sanic_star.compat"),
        (["-m"], "-m needs an argument"),
        (["--nosuch"], "There is no option --nosuch"),
        (["nosuch.py"], "Can't open "),
        (["-m", "nosuch"], "There is no module 'nosuch' that can be run"),
        (["-m", "nosuch.deep"], "There is no module 'nosuch.deep' that can be run"),
        (["-m", "package.nosuch"], "There is no module 'package.nosuch' that can be run"),
    ],
)
def test_a_wrong_command_line_is_reported_in_one_line(folder: Path, arguments: list[str], message: str) -> None:
    done = python(*arguments, cwd=folder)
    assert done.returncode == 2
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 1


def test_in_an_archive(folder: Path) -> None:
    # As in a frozen program, there are no files to look at.
    import zipfile

    archive = folder / "program.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted((ROOT / "sanic_star").rglob("*.py")):
            packed.write(path, path.relative_to(ROOT))
        packed.writestr(
            "__main__.py",
            "import sanic_star.compat as compat\n"
            "compat.install()\n"
            "import sanic.response, sanic_testing\n"
            "print(sanic.response.__spec__.loader, sanic.__version__)\n",
        )
    done = subprocess.run(
        [sys.executable, str(archive)], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert "zipimporter" in done.stdout, done.stderr


def test_in_an_embedded_interpreter() -> None:
    # Such a one may have neither a main module nor arguments.
    code = (
        "import sys; del sys.argv, sys.modules['__main__']\n"
        "from sanic_star.compat import install\n"
        "from sanic_star.compat._alias.bootstrap import replace_main\n"
        "install(); replace_main(sys.modules.get('__main__'))\n"
        "import sanic.exceptions; print(sanic.exceptions.NotFound)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "<class 'sanic_star.compat.exceptions.NotFound'>\n", done.stderr


def test_after_sanic_itself() -> None:
    code = (
        "import sanic, runpy, sys; sys.argv[1:] = ['x.py']; runpy.run_module('sanic_star.compat', run_name='__main__')"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "comes too late" in done.stderr
    assert len(done.stderr.splitlines()) == 1
