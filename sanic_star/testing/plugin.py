"""The plugin for pytest, which finds it by itself where the package is installed.

`pytest --sanic-star-alias`, or `sanic_alias = true` in the configuration, runs the tests of an application that is
written for Sanic: the alias is installed before any file of the tests, a `conftest.py` too, is imported.
"""

from __future__ import annotations

import sys

import pytest

from sanic_star.compat._spawned import stand_before
from sanic_star.compat.alias import AliasError, install


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    says = "let `import sanic` and `import sanic_testing` mean sanic_star"
    parser.getgroup("sanic_star").addoption("--sanic-star-alias", action="store_true", help=says)
    parser.addini("sanic_alias", says, type="bool", default=False)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Install the alias where it is asked for."""
    if early_config.known_args_namespace.sanic_star_alias or early_config.getini("sanic_alias"):
        try:
            install()
        except AliasError as error:
            raise pytest.UsageError(str(error)) from None
        stand_before(sys.modules.get("__main__"))
