"""Pages of the guide that list something: each list is the one that the code has."""

import ast
import importlib
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

import pytest

from sanic_star.cli import main
from sanic_star.compat._app.listeners import LISTENER_TIMEOUTS
from sanic_star.compat.config import DEFAULT_CONFIG, Config
from sanic_star.compat.helpers import Default
from sanic_star.engine.threads import DEFAULT_SIZE
from sanic_star.servers.settings import Settings
from tests.project import ROOT

GUIDE = ROOT / "docs/guide"
SETTING = re.compile(r"^`(?P<name>[A-Z_]+)` · default (?P<default>unset|`[^`]*`)(?: (?P<unit>seconds|bytes))?$", re.MULTILINE)
UNSET = "unset"
# Defaults that a function imports when it reads the setting: `settings_read` does not see them.
IMPORTED_LATE = {"REQUEST_HEAD_TIMEOUT": Settings.head_timeout, "THREAD_POOL_SIZE": DEFAULT_SIZE}


# Settings -------------------------------------------------------------------------------------------------------------


def is_config(node: ast.expr) -> bool:
    """Tell whether an expression is `config`, `app.config`, `self.app.config` or the like."""
    return (isinstance(node, ast.Name) and node.id == "config") or (isinstance(node, ast.Attribute) and node.attr == "config")


def settings_read(tree: ast.AST, names: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the settings that a module reads, with the default that stands beside the name, or `None`.

    Args:
        tree: the module's source.
        names: the module's variables.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[ast.Constant(value=str(name)), *default]):
                if is_config(value) and name.isupper():
                    yield name, evaluate(default[0], names) if default else None
            case ast.Subscript(value=value, slice=ast.Constant(value=str(name))):
                if is_config(value) and name.isupper():
                    yield name, None
            case ast.Attribute(value=value, attr=name):
                if is_config(value) and name.isupper():
                    yield name, None


def evaluate(node: ast.expr, names: dict[str, Any]) -> Any:
    try:
        return eval(compile(ast.Expression(node), "<default>", "eval"), dict(names))
    except NameError:  # a variable of a function
        return None


def defaults_of_the_code() -> dict[str, Any]:
    defaults: dict[str, Any] = {}
    for path in sorted((ROOT / "sanic_star").rglob("*.py")):
        source = path.read_text()
        if "config" in source:
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            module = importlib.import_module(name)
            for setting, default in settings_read(ast.parse(source), vars(module)):
                if defaults.get(setting) is None:
                    defaults[setting] = default
    defaults |= DEFAULT_CONFIG
    defaults |= LISTENER_TIMEOUTS | IMPORTED_LATE
    defaults["FALLBACK_ERROR_FORMAT"] = Config(env_prefix=None).FALLBACK_ERROR_FORMAT
    return {name: written(value) for name, value in defaults.items() if not name.startswith("_")}


def written(value: Any) -> Any:
    """Return a default as the page gives it."""
    return UNSET if isinstance(value, Default) else value.value if isinstance(value, Enum) else value


def test_the_page_lists_each_setting_with_its_default() -> None:
    page = (GUIDE / "configuration.md").read_text()
    listed = [(match["name"], match["default"]) for match in SETTING.finditer(page)]
    assert len(listed) == len(dict(listed)), "a setting is listed twice"
    defaults = {name: UNSET if text == UNSET else ast.literal_eval(text.strip("`")) for name, text in listed}
    assert defaults == defaults_of_the_code()


def test_numbers_on_the_page_have_a_unit() -> None:
    units = {match["name"]: match["unit"] for match in SETTING.finditer((GUIDE / "configuration.md").read_text())}
    wanted = {name: "seconds" for name in units if name.endswith(("_TIMEOUT", "_INTERVAL"))}
    wanted |= {name: "bytes" for name in units if name.endswith("_SIZE") and name != "THREAD_POOL_SIZE"}
    assert {name: unit for name, unit in units.items() if unit} == wanted


def test_each_entry_of_the_page_is_read() -> None:
    # An entry that is written in another way would be missing above without a message that says why.
    page = (GUIDE / "configuration.md").read_text()
    assert len(re.findall(r"^`[A-Z_]+` ·", page, re.MULTILINE)) == len(SETTING.findall(page))
