"""Sanic: the source of `sanic_star` beside it, with the import changed."""

from benchmarks.apps import source_for_sanic

exec(source_for_sanic("real/sanic_star.py"))
