"""The two workers, one pair per test session, and Sanic's answers."""

import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parity.case import Case
from tests.parity.frameworks import Framework
from tests.parity.inprocess import InProcess
from tests.parity.wire import Answer


class Reference:
    """Sanic's answers, requested once per case, even if several processes run the tests.

    Args:
        sanic: The worker.
        folder: The folder of the answers, shared by the processes of this run.
    """

    def __init__(self, sanic: Framework, folder: Path) -> None:
        self._sanic = sanic
        self._folder = folder

    def __call__(self, case: Case) -> list[list[Answer]]:
        path = self._folder / case.id
        if path.exists():
            answers: list[list[Answer]] = pickle.loads(path.read_bytes())
        else:
            answers = self._sanic.play_as_reference(case)
            # Renamed when it is complete, so that no other process reads a part of it.
            temporary = path.with_name(f"{case.id}.{os.getpid()}")
            temporary.write_bytes(pickle.dumps(answers))
            temporary.replace(path)
        return answers


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reference]:
    own = tmp_path_factory.getbasetemp()
    # pytest-xdist gives each of its processes a subfolder of the run's folder.
    run = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder = run / "parity-reference"
    folder.mkdir(exist_ok=True)
    with Framework("sanic") as framework:
        yield Reference(framework, folder)


@pytest.fixture(scope="session")
def star() -> Iterator[Framework]:
    with Framework("sanic_star") as framework:
        yield framework


@pytest.fixture
def in_process(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path)
