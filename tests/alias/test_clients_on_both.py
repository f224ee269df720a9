"""A test module in the manner of a Sanic user, on `sanic_testing` and on the clients of this package.

Each test in `clients/` notes what it has seen. `observed.json` holds what that was on Sanic, whose clients need a
server for each request and a minute for all; so each run of this suite asks Sanic about a sample only. After a
change: `python -m tests.alias.test_clients_on_both`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[2]
CLIENTS = Path(__file__).parent / "clients"
OBSERVED = CLIENTS / "observed.json"
OURS = ["-p", "sanic_star.testing.plugin", "--sanic-star-alias"]
SANIC = ["-p", "no:sanic_star.testing.plugin"]
SAMPLE = "cookies_stay or that_the_app_closes or by_name or readable or each_time_asgi"
# The expected differences; these tests must differ, and no other test may.
DIFFERS = {
    "test_response[<lambda>-json]": "the JSON is in UTF-8 here; the library that Sanic finds installed escapes it",
    "test_paths[/%61]": "an escape that a path does not need is read as the character: `path-spelling` in the docs",
    "test_route_path": "a route of Starlette's has its path in Starlette's syntax",
}


def observe(folder: Path, *options: str) -> dict[str, Any]:
    """Run the module; give what each test has seen, and which failed."""
    results = folder / "observed.json"
    environment = {**os.environ, "OBSERVED": str(results), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    done = subprocess.run(
        command, cwd=CLIENTS, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert results.exists(), done.stdout + done.stderr
    seen: dict[str, Any] = json.loads(results.read_text())
    return seen


def test_our_clients_show_what_sanics_show(tmp_path: Path) -> None:
    expected = json.loads(OBSERVED.read_text())
    seen = observe(tmp_path, *OURS)
    assert len(seen) > 60
    assert seen.keys() == expected.keys()
    assert {name for name in seen if seen[name] != expected[name]} == DIFFERS.keys()


def test_sanics_clients_still_show_it(tmp_path: Path) -> None:
    expected = json.loads(OBSERVED.read_text())
    seen = observe(tmp_path, *SANIC, "-k", SAMPLE)
    assert len(seen) == 5
    assert seen == {name: expected[name] for name in seen}


if __name__ == "__main__":
    with TemporaryDirectory() as place:
        OBSERVED.write_text(json.dumps(observe(Path(place), *SANIC), indent=0, sort_keys=True) + "\n")
