"""Modules as attributes: after `import sanic` alone, programs use `sanic.handlers.ErrorHandler`."""

import json
import subprocess
import sys

import pytest

# `import sanic` has imported them on Sanic.
IMPORTED = """
import json, sys, sanic
print(json.dumps(sorted(name for name in sys.modules if name.startswith("sanic.") and "__" not in name)))
"""
REACH = """
import json, sys
from importlib import import_module

{form}

missing = {{}}
for name in json.loads(sys.argv[1]):
    if name == "sanic.compat" and sanic.__name__ == "sanic_star":
        continue  # `sanic_star.compat` is the package of all modules
    module = sanic
    try:
        for part in name.split(".")[1:]:
            assert hasattr(module, part) or part == "schemes", name
            module = getattr(module, part)
    except AttributeError as error:
        missing[name] = str(error)
    else:
        assert module is import_module(name.replace("sanic", {name!r}, 1)), name
for package, name in ((sanic, "nosuch"), (sanic.handlers, "nosuch"), (sanic.server, "_frames"), (sanic.http, "tls.x")):
    assert not hasattr(package, name), name
print(json.dumps(missing))
"""
FORMS = {
    "alias": ("import sanic_star\nsanic_star.install()\nimport sanic", "sanic"),
    "port": ("import sanic_star as sanic", "sanic_star.compat"),
}


def output(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("form", FORMS)
def test_modules_that_sanic_imports_are_attributes(form: str) -> None:
    names = output(IMPORTED)
    assert len(json.loads(names)) > 100
    statement, package = FORMS[form]
    missing = json.loads(output(REACH.format(form=statement, name=package), names))
    assert set(missing) == {
        "sanic.touchup.schemes",
        *(f"sanic.touchup.schemes.{name}" for name in ("altsvc", "base", "ode")),
    }
    if form == "alias":
        assert all("sanic_star has no sanic.touchup.schemes: " in text for text in missing.values())


@pytest.mark.parametrize(
    ("statement", "attribute"),
    [
        ("import sanic", "sanic.Websocket.recv"),
        ("import sanic", "sanic.worker.manager.WorkerManager.THRESHOLD"),
        ("import sanic.views", "sanic.views.HTTPMethodView"),
        ("from sanic import worker", "worker.loader.AppLoader"),
        ("from sanic import *", "Websocket"),
        # Names that modules import from others.
        ("import sanic", "sanic.app.BlueprintGroup"),
        ("import sanic", "sanic.router.NoMethod"),
        ("import sanic", "sanic.request.types.parse_multipart_form"),
        ("import sanic", "sanic.worker.manager.error_logger"),
        ("import sanic_routing", "sanic_routing.group.RouteGroup"),
        ("import sanic_routing", "sanic_routing.router.BaseRouter"),
        ("import sanic_testing", "sanic_testing.testing.SanicTestClient"),
        ("import sanic_testing", "sanic_testing.websocket.WebsocketProxy"),
        ("import sanic_testing.websocket", "sanic_testing.websocket.WebsocketProxy"),
        ("from sanic_testing import websocket", "websocket.websocket_proxy"),
    ],
)
def test_without_another_import(statement: str, attribute: str) -> None:
    assert output(f"import sanic_star\nsanic_star.install()\n{statement}\nprint(bool({attribute}))") == "True\n"


def test_modules_are_listed_for_completion() -> None:
    listed = json.loads(output("import json, sanic_star; print(json.dumps([dir(sanic_star), dir(sanic_star.compat)]))"))
    for names in listed:
        assert {"Websocket", "handlers", "errorpages", "worker", "Sanic"} <= set(names)


def test_a_module_that_cannot_be_imported_is_no_attribute() -> None:
    code = """
import sys
import sanic_star.compat.worker as worker
sys.modules["sanic_star._version"] = None  # which the inspector imports
assert not hasattr(worker, "inspector")
try:
    worker.inspector
except AttributeError as error:
    print(error.name, type(error.__cause__).__name__)
"""
    assert output(code) == "inspector ModuleNotFoundError\n"


@pytest.mark.parametrize("package", ["sanic_star", "sanic_star.compat"])
def test_any_name_can_be_asked_for(package: str) -> None:
    code = f"""
import sys
from types import ModuleType
import {package} as package
names = "nosuch", "nosuch.x", "handlers.error", "", ".", "_app.nosuch", "nul\\0", "worker/manager"
assert not [name for name in names if hasattr(package, name)]
sys.modules["sanic_star.compat.views"] = ModuleType("views")  # of a test; it has no spec
assert package.views is sys.modules["sanic_star.compat.views"]
sys.modules["sanic_star.compat.handlers"] = None
assert not hasattr(package, "handlers")
try:
    package.nosuch
except AttributeError as error:
    print(error)
"""
    assert output(code) == f"module {package!r} has no attribute 'nosuch'\n"


def test_names_are_listed_once() -> None:
    code = """
from sanic_star.compat import blueprints, log
from sanic_star.compat.request import types
for module, name in ((log, "Colors"), (blueprints, "BlueprintGroup"), (types, "File")):
    setattr(module, name, getattr(module, name))  # as a test's patch leaves it
    print(dir(module).count(name))
"""
    assert output(code) == "1\n1\n1\n"


def test_names_that_modules_pass_on_need_the_alias() -> None:
    code = """
import sys, sanic_star
sanic_star.install()
import sanic
app = sanic.app
sanic_star.uninstall()
print(hasattr(app, "BadRequest"), "sanic" in sys.modules)
"""
    assert output(code) == "False False\n"


@pytest.mark.parametrize("name", ["static", "websocket", "tls", "reloader_helpers"])
def test_modules_of_older_releases_are_imported_only_by_name(name: str) -> None:
    code = f"""
import warnings, sanic_star
sanic_star.install()
import sanic
print(hasattr(sanic, {name!r}))
warnings.simplefilter("ignore")
from sanic import {name}
print({name}.__name__)
"""
    assert output(code) == f"False\nsanic_star.compat._old.{name}\n"
