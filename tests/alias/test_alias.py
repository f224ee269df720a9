"""The alias inside a process: the meaning of `import sanic` while it is installed, and afterwards."""

import importlib
import importlib.metadata
import importlib.util
import pickle
import pkgutil
import subprocess
import sys
import textwrap
from typing import Any

import pytest
import sanic as real_sanic

import sanic_star
from sanic_star.compat._alias import alias
from sanic_star.compat._alias.left_out import LEFT_OUT, explain, is_left_out

REAL = ["sanic", *(module.name for module in pkgutil.walk_packages(real_sanic.__path__, "sanic."))]


@pytest.fixture
def installed(no_sanic: None) -> None:
    alias.install()


def load(name: str) -> Any:
    return importlib.import_module(name)


@pytest.mark.usefixtures("installed")
def test_names_are_our_own_modules() -> None:
    assert load("sanic") is load("sanic_star.compat")
    assert load("sanic.app") is load("sanic_star.compat.app")
    assert load("sanic.response.types") is load("sanic_star.compat.response.types")
    assert load("sanic_testing") is load("sanic_star.testing")
    assert load("sanic_testing.testing").HOST == "127.0.0.1"
    assert load("sanic").__version__.startswith("25.12.")
    assert load("sanic.__version__").__version__ == load("sanic").__version__
    assert sanic_star.__version__ != load("sanic").__version__


@pytest.mark.usefixtures("installed")
def test_clients_of_sanic_testing() -> None:
    testing = load("sanic_testing.testing")
    app = load("sanic").Sanic("Managed")
    manager = load("sanic_testing").TestManager(app)
    assert manager.test_client is app.test_client
    assert manager.asgi_client is app.asgi_client
    assert isinstance(manager.test_client, testing.SanicTestClient)
    assert isinstance(manager.asgi_client, testing.SanicASGITestClient)
    assert load("sanic.testing") is testing
    with pytest.raises(AttributeError, match="nosuch"):
        _ = testing.nosuch


@pytest.mark.usefixtures("installed")
def test_patching_by_path_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sanic.helpers.STATUS_CODES", {200: b"fine"})
    assert load("sanic_star.compat.helpers").STATUS_CODES == {200: b"fine"}


@pytest.mark.usefixtures("installed")
def test_modules_keep_their_own_specs_and_can_be_reloaded() -> None:
    module = load("sanic.constants")
    assert module.__name__ == module.__spec__.name == "sanic_star.compat.constants"
    assert importlib.util.find_spec("sanic.views") is not None
    before = load("sanic.types.hashable_dict")
    assert importlib.reload(before) is before


@pytest.mark.usefixtures("installed")
def test_exceptions_of_sanic_routing_are_those_that_are_raised() -> None:
    raised = load("sanic_routing.exceptions").RouteExists
    assert load("sanic_routing").exceptions.RouteExists is raised
    app = load("sanic").Sanic("Twice")

    def handler(request: Any) -> None: ...

    app.add_route(handler, "/")
    with pytest.raises(raised):
        app.add_route(handler, "/", name="other")


@pytest.mark.parametrize("name", REAL)
@pytest.mark.usefixtures("installed")
def test_each_module_of_sanic_exists_or_is_explained(name: str) -> None:
    if name == "sanic.__main__":
        assert importlib.util.find_spec(name)
    elif alias.twin(name):
        assert load(name).__name__ == alias.twin(name).name  # type: ignore[union-attr]
        assert not is_left_out(name), "it has a twin now; take it out of sanic_star.compat._alias.left_out"
    else:
        assert is_left_out(name)
        with pytest.raises(ModuleNotFoundError, match="sanic_star has no "):
            load(name)


def test_only_modules_that_were_sanics_are_spoken_of() -> None:
    gone = {"sanic.websocket", "sanic_routing", "sanic_testing"}
    assert set(LEFT_OUT) - gone <= set(REAL)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("statement", "missing"),
    [
        ("import sanic.cli.app", "sanic.cli.app"),
        ("from sanic.cli import console", "sanic.cli.console"),
        ("from sanic.touchup import schemes", "sanic.touchup.schemes"),
        ("from sanic_testing.adapter import ASGIAdapter", "sanic_testing.adapter"),
        ("import sanic_routing.nosuch", "sanic_routing.nosuch"),
        ("import sanic._static", "sanic._static"),
        ("import sanic.alias", "sanic.alias"),
        ("import sanic.nosuch", "sanic.nosuch"),
    ],
)
def test_a_missing_module_names_its_replacement(statement: str, missing: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=f"^sanic_star has no {missing}: ") as caught:
        exec(statement, {})
    assert caught.value.name == missing


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["sanic.cli.app", "sanic.nosuch", "sanic_routing.nosuch"])
def test_asking_for_a_missing_name_reports_that_it_is_missing(name: str) -> None:
    assert importlib.util.find_spec(name) is None
    with pytest.raises(ModuleNotFoundError, match="sanic_star has no "):
        load(name)


@pytest.mark.usefixtures("installed")
def test_other_modules_of_sanic_routing_are_the_real_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "site-packages" in str(load("sanic_routing.tree").__file__)
    assert load("sanic_routing.utils").parts_to_path(("a", "b")) == "a/b"
    with pytest.raises(ModuleNotFoundError, match="is not a package"):
        load("sanic_routing.utils.nosuch")
    requirements = load("sanic_routing.route").Requirements(host="a")
    assert {requirements: 1}[load("sanic_routing.route").Requirements(host="a")] == 1
    with pytest.raises(TypeError, match="do not change"):
        requirements["host"] = "b"
    monkeypatch.delitem(sys.modules, "sanic_routing.line", raising=False)
    monkeypatch.setattr("sanic_star.compat._alias.alias.PathFinder.find_spec", lambda *_: None)
    with pytest.raises(ModuleNotFoundError, match=r"sanic_star has no sanic_routing\.line"):
        load("sanic_routing.line")


@pytest.mark.usefixtures("installed")
def test_modules_pass_on_what_sanic_s_import() -> None:
    app = load("sanic.app")
    assert app.BadRequest is load("sanic.exceptions").BadRequest
    assert app.error_logger is load("sanic.log").error_logger
    assert load("sanic.signals").BaseRouter is load("sanic_routing").BaseRouter
    assert load("sanic.router").RouteGroup is load("sanic_routing.group").RouteGroup
    # These have a `__getattr__` of their own.
    assert load("sanic.compat").UVLOOP_INSTALLED in (True, False)
    protocol = load("sanic.server.protocols.base_protocol").SanicProtocol
    assert load("sanic.server.websockets.impl").SanicProtocol is protocol
    for module, name in (("sanic.app", "nosuch"), ("sanic.views", "BadRequest"), ("sanic.server", "nosuch")):
        with pytest.raises(AttributeError, match=name):
            getattr(load(module), name)
        with pytest.raises(ImportError, match=name):
            exec(f"from {module} import {name}", {})


@pytest.mark.usefixtures("installed")
def test_states_and_exceptions_of_websockets_are_those_of_the_library() -> None:
    import websockets

    impl = load("sanic.server.websockets.impl")
    assert impl.ConnectionClosedOK is websockets.exceptions.ConnectionClosedOK
    assert impl.OPEN is impl.State.OPEN is load("sanic.server.protocols.websocket_protocol").OPEN
    with pytest.raises(AttributeError, match="nosuch"):
        impl.nosuch  # noqa: B018


@pytest.mark.usefixtures("installed")
def test_other_mistakes_raise_pythons_errors() -> None:
    with pytest.raises(ImportError, match="cannot import name 'nosuch'"):
        exec("from sanic import nosuch", {})
    with pytest.raises(ModuleNotFoundError, match="is not a package"):
        exec("import sanic.app.nosuch", {})
    with pytest.raises(ModuleNotFoundError, match="No module named 'nosuch'"):
        exec("import nosuch", {})
    assert alias.twin("sanic.app.nosuch") is None
    assert "no module of that name" in explain("sanic.nosuch")


@pytest.mark.usefixtures("installed")
def test_a_plugin_that_asks_for_the_version() -> None:
    assert importlib.metadata.version("sanic") == load("sanic").__version__
    assert importlib.metadata.version("Sanic_Testing") == "24.6.0"
    assert importlib.metadata.distribution("sanic-routing").metadata["Name"] == "sanic-routing"
    assert importlib.metadata.distribution("sanic").files is None
    assert str(importlib.metadata.distribution("sanic").locate_file("sanic")) == "sanic"
    assert importlib.metadata.version("pytest") == pytest.__version__
    listed = [distribution.metadata["Name"] for distribution in importlib.metadata.distributions()]
    assert listed.count("sanic") <= 1


@pytest.mark.usefixtures("installed")
def test_pickles_can_be_read_where_no_alias_is() -> None:
    NotFound = load("sanic.exceptions").NotFound
    written = pickle.dumps(NotFound("gone"))
    assert b"sanic_star.compat.exceptions" in written
    alias.uninstall()
    assert type(pickle.loads(written)) is NotFound
    assert repr(NotFound) == "<class 'sanic_star.compat.exceptions.NotFound'>"


@pytest.mark.usefixtures("installed")
def test_pickles_of_sanic_itself_can_be_read() -> None:
    assert pickle.loads(b"csanic.exceptions\nNotFound\n.") is load("sanic.exceptions").NotFound


def test_python_m_sanic_is_the_command() -> None:
    # In a process of its own: what pytest imports through has no code to run.
    script = """
    import runpy, sys
    from sanic_star.compat import install; install()
    sys.argv = ["sanic", "--version"]
    runpy.run_module("sanic", run_name="__main__")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    # As a script reads it.
    assert done.stdout.startswith("Sanic 25.12.")


@pytest.mark.usefixtures("no_sanic")
def test_installing_twice_and_taking_it_away() -> None:
    finders = list(sys.meta_path)
    alias.install()
    alias.install()
    assert alias.is_installed()
    assert len(sys.meta_path) == len(finders) + 1
    load("sanic.response")
    alias.uninstall()
    alias.uninstall()
    assert not alias.is_installed()
    assert sys.meta_path == finders
    assert not [name for name in sys.modules if name.partition(".")[0] == "sanic"]
    # The real one again.
    assert "sanic_star" not in str(load("sanic").__file__)


@pytest.mark.usefixtures("no_sanic")
def test_after_sanic_itself() -> None:
    load("sanic")
    with pytest.raises(alias.AliasError, match=r"comes too late: sanic\S* was imported before, from .*sanic"):
        alias.install()
    assert not alias.is_installed()


@pytest.mark.usefixtures("no_sanic")
def test_a_forbidden_module_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sanic", None)
    alias.install()
    assert load("sanic") is load("sanic_star.compat")
