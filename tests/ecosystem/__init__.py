"""Packages, unmodified: those for Sanic here and on Sanic itself, those for ASGI here and on Starlette.

`nox -s ecosystem` makes one environment for each group in `packages.toml`, installs the packages there, runs the test
module of each (`test_<package>.py`) and the tests of its own that its source archive holds, and writes the outcomes to
`results/`, one file for each package. `docs/ecosystem.md` is generated from these files.

A test module of a package for Sanic starts each application three times: on Sanic's own server as the control, here by
`app.run`, and here under uvicorn. `asgi/` has the packages for Starlette and for any ASGI application; each test gets
an application of this package, and as the control one written with Starlette.

`library/` has a project that uses several packages at once. To add a package, add its table to `packages.toml` and a
test module; the first line of a test's docstring says in the page what the test shows.
"""

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"
PAGE = ROOT / "docs" / "ecosystem.md"
# Set by the runner. Without it `pytest tests` leaves these modules out: their packages are not installed.
WANTED = "SANIC_STAR_ECOSYSTEM"


def is_wanted() -> bool:
    """Return whether pytest should collect the test modules of this folder."""
    return bool(os.environ.get(WANTED))
