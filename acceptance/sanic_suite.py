"""Sanic's own suite, run through the alias (`sanic_star.compat.install`).

Each file has a pytest process, a copy of `tests/` and, where Linux permits it, a network of its own, so that fixed
ports do not clash. `plugins/suite_conftest.py` replaces the suite's `conftest.py`, which needs private parts of Sanic.
A guard refuses each module that would come from a real Sanic.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .data import read
from .processes import PLUGINS, Limits, PytestRun, clean_environment, network_launcher

# Files that bind the server's default port: without networks of their own, they run one after the other.
DEFAULT_PORT_FILES = (
    "test_app.py",
    "test_bad_request.py",
    "test_coffee.py",
    "test_motd.py",
    "test_multiprocessing.py",
    "test_prepare.py",
    "test_request_stream.py",
    "test_signal_handlers.py",
    "test_tls.py",
    "worker/test_multiplexer.py",
)
# These files take longest, so they start first.
SLOW_FILES = ("test_server_events.py", "test_cli.py", "test_multiprocessing.py", "test_keep_alive_timeout.py")
# Packages that the tests import.
NEEDED = ("pytest", "pytest_asyncio", "pytest_timeout", "httpx", "bs4", "aiofiles", "uvicorn", "websockets", "ujson")
PYTEST_INI = """\
[pytest]
addopts = --strict-markers
asyncio_default_fixture_loop_scope = function
filterwarnings =
    ignore::pytest.PytestUnhandledThreadExceptionWarning
markers =
    asyncio
    xdist_group(name): tests that would have to share an xdist worker
"""


def files_with_tests(tests: Path) -> list[str]:
    """Return the names of the files that hold tests, relative to `tests/`."""
    names = (path.relative_to(tests).as_posix() for path in tests.rglob("*.py"))
    return sorted(name for name in names if re.match(r"(.*/)?(skip_)?test_[^/]*$", name))


def in_scope(name: str) -> bool:
    """Return whether a file is run; `data/sanic_out_of_scope.json` has the reasons why others are not."""
    return not any(fnmatch.fnmatch(name, pattern) for pattern in read("sanic_out_of_scope"))


@dataclass
class SanicSuite:
    """The suite in one unpacked source archive."""

    archive: Path
    """The unpacked source archive: the folder that has `tests/`."""
    work: Path
    """A folder for the copies."""
    out: Path
    """A folder for the output of each file."""
    native: bool = False
    """Whether the suite runs on the real Sanic of this environment: that is how the control is made."""

    def __post_init__(self) -> None:
        self.launcher = network_launcher()
        self.default_port = threading.Lock()
        self.command_folder = self.work / "bin"
        if not self.native:
            self._write_command()
        self._check_environment()

    def jobs(self, patterns: Sequence[str] = ()) -> list[Callable[[], PytestRun]]:
        """Return one job a file, the slow ones first; patterns are globs or parts of the files' names."""
        names = [name for name in files_with_tests(self.archive / "tests") if in_scope(name)]
        if patterns:
            names = [name for name in names if any(fnmatch.fnmatch(name, part) or part in name for part in patterns)]
        names.sort(key=lambda name: SLOW_FILES.index(name) if name in SLOW_FILES else len(SLOW_FILES))
        return [lambda name=name: self.run_file(name) for name in names]  # type: ignore[misc]

    def run_file(self, name: str) -> PytestRun:
        """Run the tests of one file."""
        if name in DEFAULT_PORT_FILES and not self.launcher:
            with self.default_port:
                return self._run_file(name)
        return self._run_file(name)

    def _run_file(self, name: str) -> PytestRun:
        slug = re.sub(r"[^0-9A-Za-z]+", "-", name.removesuffix(".py"))
        # Tests of the command expect a working directory with the name of a clone.
        folder = self.work / slug / "sanic"
        self._copy_tests(name, folder)
        plugins = ["event_recorder"] if self.native else ["alias_plugin", "event_recorder"]
        command = [
            *self.launcher,
            *(sys.executable, "-m", "pytest", f"tests/{name}"),
            *(option for plugin in plugins for option in ("-p", plugin)),
            *("-p", "no:cacheprovider", "-p", "no:xdist", "-q", "-rN", "--tb=short", "--no-header"),
            *("--timeout=30", "--timeout-method=signal"),
        ]
        run = PytestRun(command, folder, self._environment(), self.out / f"{slug}.txt", Limits(), name=name).run()
        shutil.rmtree(folder.parent, ignore_errors=True)
        return run

    def _copy_tests(self, name: str, folder: Path) -> None:
        """Copy `tests/` with the tests of one file only, and with the conftest of this folder."""
        tests = folder / "tests"
        if folder.exists():
            shutil.rmtree(folder)
        shutil.copytree(self.archive / "tests", tests, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        for path in list(tests.rglob("conftest.py")):
            path.unlink()
        for other in files_with_tests(tests):
            if other != name:
                (tests / other).unlink()
        shutil.copyfile(PLUGINS / "suite_conftest.py", tests / "conftest.py")
        (folder / "pytest.ini").write_text(PYTEST_INI)

    def _environment(self) -> dict[str, str]:
        if self.native:
            return clean_environment()
        return clean_environment(
            ACCEPTANCE_ALIAS="sanic_star.compat",
            PATH=f"{self.command_folder}{os.pathsep}{os.environ.get('PATH', '')}",
            # Workers and commands that a test starts get the alias from `child/sitecustomize.py`.
            PYTHONPATH=os.pathsep.join([str(PLUGINS), str(PLUGINS / "child")]),
        )

    def _write_command(self) -> None:
        """Write a `sanic` command that runs this package; its folder comes first in the PATH."""
        self.command_folder.mkdir(parents=True)
        command = self.command_folder / "sanic"
        command.write_text(f"#!{sys.executable}\nfrom sanic.__main__ import main\n\nmain()\n")
        command.chmod(0o755)

    def _check_environment(self) -> None:
        """Exit with a reason if no test could be collected in this environment."""
        probe = [
            "import importlib.util, sys",
            f"missing = [name for name in {NEEDED!r} if importlib.util.find_spec(name) is None]",
            "missing and sys.exit('not installed: ' + ', '.join(missing))",
            *([] if self.native else ["import alias_plugin"]),
            "import sanic, sanic_testing.testing",
            "print('Sanic’s suite:', sanic.__version__, 'from', sanic.__file__)",
        ]
        probed = subprocess.run(
            [sys.executable, "-c", "\n".join(probe)],
            cwd=self.work,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if probed.returncode:
            sys.exit(f"This environment cannot run Sanic's suite:\n{probed.stderr.strip()}")
        network = "of its own for each file" if self.launcher else "shared"
        print(f"{probed.stdout.strip().splitlines()[-1]}; network: {network}", flush=True)
