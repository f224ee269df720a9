"""Sanic: the source of `sanic_star` beside it, with the import changed."""

from collections.abc import Callable
from typing import Any

from benchmarks.apps import source_for_sanic

make: Callable[[], Any]

exec(source_for_sanic("start/sanic_star.py"))
