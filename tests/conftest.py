"""Fixtures and settings for the tests of several folders."""

import logging
import os
import sys
from collections.abc import Iterator

import hypothesis
import pytest

from sanic_star.compat._alias import alias
from sanic_star.compat.log import configure
from sanic_star.compat.response.types import json_writing

# Sanic Extensions are installed; tests are about applications without them, unless a test says otherwise. Processes
# that a test starts inherit the variable.
os.environ["SANIC_AUTO_EXTEND"] = "false"

# A test may be slow once because the machine is busy.
hypothesis.settings.register_profile("without deadlines", deadline=None)
hypothesis.settings.load_profile("without deadlines")


@pytest.fixture(autouse=True)
def own_json() -> Iterator[None]:
    """Forget the JSON writer that an application of an earlier test has chosen for responses outside of requests."""
    yield
    json_writing.newest_dumps = None


@pytest.fixture(autouse=True)
def own_log_levels() -> Iterator[None]:
    """Restore the levels of the loggers, which an application in debug mode changes."""
    # Otherwise the first application would configure them within a test, and the levels before that were restored.
    configure()
    loggers = [logging.getLogger(name) for name in ("sanic.root", "sanic.error", "sanic.access", "sanic.server")]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture
def no_sanic(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hide that this process has imported the real Sanic, so that the alias can be installed; uninstall it after."""
    for name in [name for name in sys.modules if name.partition(".")[0] in alias.PACKAGES]:
        monkeypatch.delitem(sys.modules, name)
    yield
    alias.uninstall()
    for name in [name for name in sys.modules if name.partition(".")[0] in alias.PACKAGES]:
        del sys.modules[name]
