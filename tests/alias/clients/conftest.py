import itertools
import json
import os
from pathlib import Path

import pytest
from sanic import Sanic

count = itertools.count()
observed = {}


@pytest.fixture
def app():
    Sanic.test_mode = True
    app = Sanic(f"app{next(count)}")
    # Sanic would look for its extensions at each start.
    app.config.AUTO_EXTEND = False
    return app


@pytest.fixture
def seen(request):
    """Note what a test has seen, beside what it asserts; the runs are compared."""
    return observed.setdefault(request.node.name, []).append


def pytest_runtest_logreport(report):
    if report.failed:
        print(report.longreprtext)
        observed.setdefault("outcomes", {})[report.nodeid.rpartition("::")[2]] = report.when


def pytest_sessionfinish():
    Path(os.environ["OBSERVED"]).write_text(json.dumps(observed, default=repr))
