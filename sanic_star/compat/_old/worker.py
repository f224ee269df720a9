"""`GunicornWorker`: gunicorn's worker class, here the one of the package `uvicorn-worker`."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    if name != "GunicornWorker":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        base = import_module("uvicorn_worker").UvicornWorker
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "GunicornWorker needs two packages: pip install gunicorn uvicorn-worker", name=error.name
        ) from error
    worker = globals()[name] = type(name, (base,), {"__module__": __name__, "__doc__": "uvicorn's worker."})
    return worker
