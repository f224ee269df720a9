"""The contenders: their names on the command line and in the tables."""

import importlib
from dataclasses import dataclass
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Contender:
    """One framework (on one server): its title, its module in `benchmarks.apps`, and the parts it supports.

    With `scenes` it takes part in the scenes only, not in the parts that compare the smallest of applications.
    """

    title: str
    module: str
    distribution: str | None = None
    routes: bool = True
    own_server: bool = False
    scenes: bool = False

    def load(self, scene: str = "") -> ModuleType:
        """Import the contender's module, of a scene if one is named, and the framework with it."""
        return importlib.import_module(".".join(filter(None, ("benchmarks.apps", scene, self.module))))

    def make(self, factory: str, *args: Any) -> Any:
        """Return a new ASGI application from the function named `factory`: `basic`, or `real.make` of a scene."""
        scene, _, function = factory.rpartition(".")
        return getattr(self.load(scene), function)(*args)


CONTENDERS = {
    "raw": Contender("raw ASGI app", "raw", routes=False),
    "raw_ready": Contender("raw ASGI app with ready-made messages", "raw_ready", routes=False),
    "raw_body": Contender("raw ASGI app that reads the body", "raw_body", routes=False),
    "sanic_star": Contender("sanic_star", "sanic_star", "sanic-star"),
    "sanic_star_run": Contender(
        "sanic_star, `app.run`", "sanic_star", "sanic-star", routes=False, own_server=True, scenes=True
    ),
    "starlette": Contender("Starlette", "starlette", "starlette"),
    "fastapi": Contender("FastAPI", "fastapi", "fastapi"),
    "falcon": Contender("Falcon", "falcon", "falcon"),
    "blacksheep": Contender("BlackSheep", "blacksheep", "blacksheep"),
    "litestar": Contender("Litestar", "litestar", "litestar", routes=False, scenes=True),
    "quart": Contender("Quart", "quart", "quart", routes=False, scenes=True),
    "sanic": Contender("Sanic (ASGI)", "sanic", "sanic"),
    "sanic_server": Contender("Sanic on its own server", "sanic", "sanic", own_server=True),
}

REFERENCE = "starlette"
OURS = "sanic_star"
