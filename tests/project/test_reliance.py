"""Private names of other packages that this package uses: each is listed, with the fallback without it.

A release of a dependency may take a private name away. `NAMES` is the whole list for imports and for attributes of
imported modules; `MEMBERS` has what is used of objects, which no search finds. Where a name has no fallback, the tests
on the newest releases are what notices.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path

import pytest

import sanic_star
from tests.project import ROOT

# (module, name): the fallback
NAMES = {
    ("servers/granian.py", "granian._granian.SocketHolder"): "the server cannot be used: one line says so",
    ("servers/worker.py", "os._exit"): "none: documented by Python",
    ("engine/steps.py", "os._exit"): "none: documented by Python",
}

# Overridden, read or called names: the name of the object, and the place of its use.
MEMBERS = {
    "uvicorn.server.Server.startup": "servers/uvicorn.py",
    "uvicorn.server.Server.shutdown": "servers/uvicorn.py",
    "uvicorn.server.Server.capture_signals": "servers/uvicorn.py",
    "uvicorn.server.Server.main_loop": "servers/uvicorn.py",
    "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol.on_message_begin": "servers/heads.py",
    "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol.on_headers_complete": "servers/heads.py",
    "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol.send_400_response": "servers/heads.py",
    "granian.server.embed.Server._init_shared_socket": "servers/granian.py",
    "starlette.applications.Starlette.build_middleware_stack": "engine/application.py",
    "starlette.requests.Request.receive": "engine/requests.py",
    "starlette.requests.Request._stream_consumed": "engine/requests.py",
    "starlette.requests.Request._form": "engine/requests.py",
}


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def uses(path: Path) -> Iterator[str]:
    """Yield the private names of other packages that a module imports, or reads from a module it has imported."""
    tree = ast.parse(path.read_text())
    imported: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.module.startswith(("sanic_star", "__")):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                imported[alias.asname or alias.name] = whole
                if any(map(private, whole.split("."))):
                    yield whole
        elif isinstance(node, ast.Import):
            imported |= {
                (alias.asname or alias.name).partition(".")[0]: alias.name if alias.asname else alias.name.split(".")[0]
                for alias in node.names
                if not alias.name.startswith("sanic_star")
            }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and private(node.attr):
            root, _, attributes = ast.unparse(node).partition(".")
            if root in imported and "(" not in attributes:
                yield f"{imported[root]}.{attributes}"


def test_private_names_of_others_are_written_down() -> None:
    package = ROOT / "sanic_star"
    seen = {(str(path.relative_to(package)), name) for path in package.rglob("*.py") for name in uses(path)}
    assert seen == set(NAMES)


@pytest.mark.parametrize("name", [*(name for _, name in NAMES), *MEMBERS])
def test_the_newest_releases_have_them(name: str) -> None:
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        owner = attrgetter(".".join(parts[length:-1]))(module) if length < len(parts) - 1 else module
        # An attribute of each object, not of its class, stands in the source of the class.
        assert hasattr(owner, parts[-1]) or f"self.{parts[-1]} = " in inspect.getsource(owner)
        return
    pytest.fail(f"no module of {name}")


def test_the_list_names_modules_that_exist() -> None:
    package = Path(sanic_star.__file__).parent
    for where in [*MEMBERS.values(), *(where for where, _ in NAMES)]:
        assert (package / where).is_file(), where
