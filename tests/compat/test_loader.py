"""`AppLoader` and the server of files: behaviour beyond the parity cases, because Sanic lacks it."""

import pickle
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from sanic_star import Sanic
from sanic_star.compat.exceptions import SanicException
from sanic_star.compat.simple import create_simple_server
from sanic_star.compat.worker.loader import AppLoader, NoApplication


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "loaded"
    package.mkdir()
    (package / "__init__.py").write_text("")
    source = "from sanic_star import Sanic\napp = Sanic('Loaded')\ndef fail(args): raise TypeError('of its own')\n"
    source += "def named(name='Named', **more): return Sanic(name)\n"
    source += "def broken(name='Named'): raise TypeError(f'with {name}')\n"
    (package / "server.py").write_text(source)
    (package / "empty.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    for name in ("loaded", "loaded.server", "loaded.empty"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_a_dotted_module_has_its_app() -> None:
    # Before the module was imported, and when it is an attribute of its package.
    assert AppLoader("loaded.server").load().name == "Loaded"
    assert AppLoader("loaded.server").load().name == "Loaded"
    assert AppLoader("loaded.server:app.name").load() == "Loaded"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("target", ["loaded", "loaded.empty"])
def test_a_module_without_app_is_reported(target: str) -> None:
    with pytest.raises(NoApplication, match=f"no 'app' in the module '{target}'; name the .* {target}:app"):
        AppLoader(target).load()


@pytest.mark.usefixtures("folder")
def test_exceptions_of_a_factory_are_not_taken_for_a_wrong_call() -> None:
    with pytest.raises(TypeError, match="of its own"):
        AppLoader("loaded.server:fail").load()


@pytest.mark.usefixtures("folder")
def test_a_factory_that_can_not_make_anything_of_the_arguments_is_called_without() -> None:
    assert AppLoader("loaded.server:named", args=Namespace(port=1)).load().name == "Named"
    assert AppLoader("loaded.server:named", args="Text").load().name == "Text"
    with pytest.raises(TypeError, match="with Named"):
        AppLoader("loaded.server:broken", args=Namespace(port=1)).load()


@pytest.mark.usefixtures("folder")
def test_it_can_be_sent_to_another_process() -> None:
    loader: Any = pickle.loads(pickle.dumps(AppLoader("loaded.server:app")))
    assert loader.load().name == "Loaded"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("target", [".", "./loaded"])
def test_directories(target: str) -> None:
    app = AppLoader(target).load()
    assert isinstance(app, Sanic)
    _, response = app.test_client.get("/")
    assert response.status == 200
    assert ".py" in response.text or "loaded" in response.text


def test_no_directory() -> None:
    with pytest.raises(SanicException, match="without a path to a directory"):
        create_simple_server(Path("nosuch"))
