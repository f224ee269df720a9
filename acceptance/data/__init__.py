"""The files of this folder: identifiers of tests, with classes and reasons. JSON, written by this package.

- `sanic_control`, `starlette_control`: file → tests that pass on the original.
- `sanic_flaky`: file → tests that passed on Sanic in some runs only.
- `sanic_out_of_scope`: pattern of a file's name → why it is not run.
- `floor`: suite → number of tests that have to pass.
- `left`: suite → a list of groups, each with a `class`, a `reason` and its `tests` (file → tests).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def read(name: str) -> Any:
    """Return the content of a file of this folder."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def write(name: str, value: object) -> None:
    """Write a file of this folder."""
    (FOLDER / f"{name}.json").write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
