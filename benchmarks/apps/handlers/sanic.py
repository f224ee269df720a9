"""Sanic: the source of `sanic_star` beside it, with the import changed."""

from collections.abc import Callable
from typing import Any

from benchmarks.apps import source_for_sanic

pages: Callable[[], Any]
streams: Callable[[], Any]
large: Callable[[], Any]

exec(source_for_sanic("handlers/sanic_star.py"))
