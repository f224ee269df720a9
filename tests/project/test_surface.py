"""The public names: they are listed, the list is correct, and importing them stays cheap."""

import importlib
import subprocess
import sys

import pytest
import sanic

import sanic_star
from tests.project import ROOT
from tests.project.public_names import NAMES_FILE, ONLY_WITHOUT_SANIC, describe, public_modules, public_names

HEAVY = {"uvicorn", "hypercorn", "granian", "requests", "httpx", "httpx2", "tracerite", "libcst", "rich", "sanic"}


def test_public_names_are_those_written_down() -> None:
    assert describe() == NAMES_FILE.read_text(), "after a wanted change: python -m tests.project.public_names"


@pytest.mark.parametrize("module", sorted({*public_modules()} - ONLY_WITHOUT_SANIC))
def test_each_public_name_exists(module: str) -> None:
    loaded = importlib.import_module(module)
    names = public_names(module)
    assert [name for name in names if not hasattr(loaded, name)] == []
    assert len(names) == len(set(names))


def test_every_name_of_sanic_is_here() -> None:
    assert set(sanic.__all__) - {"__version__"} <= set(sanic_star.__all__)


def test_sanics_modules_can_be_imported_from_the_package() -> None:
    modules = ("app", "exceptions", "headers", "log", "request", "response", "server", "signals", "views", "worker")
    for name in modules:
        assert getattr(sanic_star, name) is importlib.import_module(f"sanic_star.compat.{name}")
    from sanic_star import response

    assert response.text is sanic_star.text
    for name in ("nonsense", "_app", "compat_"):
        with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
            getattr(sanic_star, name)


def test_import_loads_no_server_client_or_debug_page() -> None:
    code = "import sys, sanic_star; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & set(done.stdout.split()) == set()


STARLETTE = """
    applications authentication background concurrency convertors datastructures endpoints exceptions formparsers
    middleware middleware.base middleware.errors middleware.exceptions requests responses routing staticfiles status
    types websockets
"""
# Other modules that an import may load: parts of the interpreter, which cost nothing, and a module that anyio loads.
LIGHT = {"gc", "sniffio"}
# Parts of this package that an application may need, and an import does not. Of a package all of its modules.
LATE = """
    cli servers testing engine.boundary engine.body_limit engine.os_signals compat._files _serving.plans _serving.tls
    _support.error_page _support.redaction engine.timers _app.access_log _app.route_options response._foreign _upload
    _multipart _urlencoded _plain logging.formatter logging.setup compat.worker compat.cookies compat.errorpages
    compat.handlers compat.types compat.utils application.constants _serving.peer engine.seams websockets._inbox
    websockets._frames compat.application _support.plain_json websockets.impl engine.websockets engine.handshakes
    blueprint_group request.form request._body _routing.exceptions logging.color _serving.serving _version _app.events
"""


def loaded_by(statement: str) -> set[str]:
    """Return the modules that are loaded once a statement has run in a new interpreter."""
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_loads_no_foreign_modules_beyond_starlette_asyncio_and_multidict() -> None:
    starlette = ", ".join(f"starlette.{name}" for name in STARLETTE.split())
    # asyncio: what Starlette loads of it depends on the versions of Python and anyio, and an application needs it.
    added = loaded_by("import sanic_star") - loaded_by(f"import asyncio, multidict, {starlette}")
    assert {name for name in added if name.partition(".")[0] != "sanic_star"} <= LIGHT


def test_import_loads_no_parts_that_are_needed_late() -> None:
    paths = (path.relative_to(ROOT).with_suffix("") for path in (ROOT / "sanic_star").rglob("*.py"))
    modules = [f"{'.'.join(path.parts)}." for path in paths]
    assert [part for part in LATE.split() if not any(f".{part}." in name for name in modules)] == []
    loaded = {f"{name}." for name in loaded_by("import sanic_star") if name.startswith("sanic_star.")}
    assert [name for part in LATE.split() for name in loaded if f".{part}." in name] == []
