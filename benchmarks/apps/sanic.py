"""Sanic: the source of `apps.sanic_star`, compiled with the import line changed."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

basic: Callable[[], Any]
static: Callable[[str], Any]
forms: Callable[[], Any]
errors: Callable[[], Any]
routes: Callable[[int, bool], Any]
varied: Callable[[int], Any]
middleware: Callable[[str, int], Any]

os.environ["SANIC_AUTO_EXTEND"] = "false"  # sanic-ext, where it happens to be installed, is not what is measured

_path = Path(__file__).with_name("sanic_star.py")
exec(compile(_path.read_text().replace("from sanic_star import", "from sanic import"), str(_path), "exec"))
