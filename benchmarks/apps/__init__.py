"""The same small application, written for each contender as its own users would write it.

Each module has `basic()` (the four cases of `benchmarks.cases`); most have `routes(count, mixed)`, some
`middleware(kind, count)`. Each returns a new ASGI application. A package is a scene, with a module for each contender.
"""

import os
from pathlib import Path
from types import CodeType


def source_for_sanic(name: str) -> CodeType:
    """Return the code of a module written for sanic_star, with its import changed to Sanic's; `name` is its path here.

    What Sanic runs is the very source that sanic_star runs.
    """
    os.environ["SANIC_AUTO_EXTEND"] = "false"  # sanic-ext may be installed, and is not measured
    path = Path(__file__).parent / name
    return compile(path.read_text().replace("from sanic_star import", "from sanic import"), str(path), "exec")
