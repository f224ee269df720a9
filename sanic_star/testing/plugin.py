"""The plugin for pytest. pytest loads it if the package is installed.

`pytest --sanic-star-alias`, or `sanic_alias = true` in the configuration, runs the tests of an application that was
written for Sanic. The alias is installed before pytest imports the first test module or `conftest.py`.

`--sanic-star-deadline SECONDS`, or `sanic_star_deadline`, is how long the clients wait for an application before they
raise an error that names the line that waits.

The names of the fixtures begin with the package's name, because pytest-sanic uses the shorter names. The fixtures
import the clients when a test requests them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sanic_star.testing import ReusableClient, TestClient

_DEADLINE_VARIABLE = "SANIC_STAR_TEST_DEADLINE"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the plugin's options to those of pytest.

    Args:
        parser: pytest's parser for the command line and the configuration file.
    """
    group = parser.getgroup("sanic_star")
    description = "let `import sanic` and `import sanic_testing` mean sanic_star"
    group.addoption("--sanic-star-alias", action="store_true", help=description)
    parser.addini("sanic_alias", description, type="bool", default=False)
    description = "how many seconds the test clients of sanic_star wait for an application; 0: no limit"
    group.addoption("--sanic-star-deadline", metavar="SECONDS", type=float, help=description)
    parser.addini("sanic_star_deadline", description)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Install the alias if the option or the setting is on.

    Args:
        early_config: pytest's configuration, before it loads the first `conftest.py`.
    """
    if early_config.known_args_namespace.sanic_star_alias or early_config.getini("sanic_alias"):
        from sanic_star.compat._alias.alias import AliasError, install
        from sanic_star.compat._alias.bootstrap import replace_main

        try:
            install()
        except AliasError as error:
            raise pytest.UsageError(str(error)) from None
        replace_main(sys.modules.get("__main__"))


def pytest_configure(config: pytest.Config) -> None:
    """Set the time limit of requests if the option or the setting has a value.

    Args:
        config: pytest's configuration.
    """
    option = config.getoption("--sanic-star-deadline")
    text = config.getini("sanic_star_deadline") if option is None else str(option)
    if not text:
        return
    try:
        float(text)
    except ValueError:
        raise pytest.UsageError(f"sanic_star_deadline is a number of seconds, 0 for no limit, got {text!r}") from None
    previous = os.environ.get(_DEADLINE_VARIABLE)
    os.environ[_DEADLINE_VARIABLE] = text
    config.add_cleanup(lambda: _restore(previous))


def _restore(previous: str | None) -> None:
    if previous is None:
        os.environ.pop(_DEADLINE_VARIABLE, None)
    else:
        os.environ[_DEADLINE_VARIABLE] = previous


@pytest.fixture
def sanic_star_client() -> Iterator[Callable[..., TestClient]]:
    """Return a function that starts an application and returns its client: `client = sanic_star_client(app)`.

    The function takes any ASGI application and the arguments of `TestClient`. Background tasks and timers go on between
    requests. The application is stopped after the test.
    """
    from sanic_star.testing import TestClient

    with ExitStack() as stack:

        def start(app: Any, **kwargs: Any) -> TestClient:
            return stack.enter_context(TestClient(app, **kwargs))

        yield start


@pytest.fixture
def sanic_star_reusable() -> Iterator[Callable[..., ReusableClient]]:
    """Return a function that starts an application and returns a client with the API of `sanic_testing`.

    The function takes an application and the arguments of `ReusableClient`, for example `port=0` to listen on a socket.
    The application is stopped after the test.
    """
    from sanic_star.testing import ReusableClient

    with ExitStack() as stack:

        def start(app: Any, **kwargs: Any) -> ReusableClient:
            return stack.enter_context(ReusableClient(app, **kwargs))

        yield start
