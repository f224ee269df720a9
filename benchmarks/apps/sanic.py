"""Sanic: the source of `apps.sanic_star`, compiled with the import line changed."""

from collections.abc import Callable
from typing import Any

from benchmarks.apps import source_for_sanic

basic: Callable[[], Any]
static: Callable[[str], Any]
forms: Callable[[], Any]
errors: Callable[[], Any]
routes: Callable[[int, bool], Any]
varied: Callable[[int], Any]
middleware: Callable[[str, int], Any]

exec(source_for_sanic("sanic_star.py"))
