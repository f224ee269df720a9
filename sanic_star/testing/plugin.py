"""The plugin for pytest, which finds it by itself where the package is installed.

`pytest --sanic-star-alias`, or `sanic_alias = true` in the configuration, runs the tests of an application that is
written for Sanic: the alias is installed before any file of the tests, a `conftest.py` too, is imported.

`--sanic-star-deadline SECONDS`, or `sanic_star_deadline`, is how long the clients wait for an app before they tell
where it hangs.

Its fixtures bear the package's name, because pytest-sanic has taken the shorter ones. What they need is imported when a
test asks for it.
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

_DEADLINE = "SANIC_STAR_TEST_DEADLINE"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the plugin's options to pytest's.

    Args:
        parser: pytest's parser of the command line and of its configuration file.
    """
    group = parser.getgroup("sanic_star")
    description = "let `import sanic` and `import sanic_testing` mean sanic_star"
    group.addoption("--sanic-star-alias", action="store_true", help=description)
    parser.addini("sanic_alias", description, type="bool", default=False)
    description = "how many seconds the test clients of sanic_star wait for an app; 0: for ever"
    group.addoption("--sanic-star-deadline", metavar="SECONDS", type=float, help=description)
    parser.addini("sanic_star_deadline", description)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Install the alias if an option or a setting says so.

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
    """Set the deadline of requests if an option or a setting has one.

    Args:
        config: pytest's configuration.
    """
    asked = config.getoption("--sanic-star-deadline")
    text = config.getini("sanic_star_deadline") if asked is None else str(asked)
    if not text:
        return
    try:
        float(text)
    except ValueError:
        raise pytest.UsageError(f"sanic_star_deadline is a number of seconds, 0 for none, got {text!r}") from None
    before = os.environ.get(_DEADLINE)
    os.environ[_DEADLINE] = text
    config.add_cleanup(lambda: _restore(before))


def _restore(before: str | None) -> None:
    if before is None:
        os.environ.pop(_DEADLINE, None)
    else:
        os.environ[_DEADLINE] = before


@pytest.fixture
def sanic_star_client() -> Iterator[Callable[..., TestClient]]:
    """Start an app, and give a client for it: ``client = sanic_star_client(app)``; stops it after the test.

    Takes any ASGI app, and the arguments of ``TestClient``. Background tasks and timers go on between requests.
    """
    from sanic_star.testing import TestClient

    with ExitStack() as stack:

        def start(app: Any, **kwargs: Any) -> TestClient:
            return stack.enter_context(TestClient(app, **kwargs))

        yield start


@pytest.fixture
def sanic_star_reusable() -> Iterator[Callable[..., ReusableClient]]:
    """Start an app, and give a client with the calls of `sanic_testing` for it; stops it after the test.

    Takes an app, and the arguments of ``ReusableClient``: ``port=0`` for one that listens on a socket.
    """
    from sanic_star.testing import ReusableClient

    with ExitStack() as stack:

        def start(app: Any, **kwargs: Any) -> ReusableClient:
            return stack.enter_context(ReusableClient(app, **kwargs))

        yield start
