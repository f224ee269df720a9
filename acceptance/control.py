"""Make the lists of tests that count: `python -m acceptance.control --archives FOLDER`, where real Sanic is installed.

Run it in the environment of `nox -s tests`, with the packages that `nox -s acceptance` installs. Both suites are
run several times on the originals. A test counts if it passed each time; Sanic's tests that passed in some runs only
go to `data/sanic_flaky.json`. Tests in `data/sanic_internals.json` do not count.
"""

from __future__ import annotations

import argparse
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import data
from .__main__ import call, unpack
from .results import SuiteResult, Tests, result_of_sanic, result_of_starlette
from .sanic_suite import SanicSuite
from .starlette_suite import StarletteSuite


def passed_tests(result: SuiteResult) -> set[tuple[str, str]]:
    """Return the tests that passed: file and identifier."""
    return {
        (file, test)
        for file, outcomes in result.outcomes.items()
        for test, (outcome, _) in outcomes.items()
        if outcome == "passed"
    }


def by_file(tests: set[tuple[str, str]]) -> Tests:
    """Return tests as the files in `data/` have them."""
    table: Tests = {}
    for file, test in sorted(tests):
        table.setdefault(file, []).append(test)
    return table


def main() -> None:
    """Run the suites on the originals, and write the lists."""
    parser = argparse.ArgumentParser(prog="acceptance.control")
    parser.add_argument("--archives", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3, help="how often each suite is run")
    parser.add_argument("--only", choices=("sanic", "starlette"))
    options = parser.parse_args()
    passed: dict[str, list[set[tuple[str, str]]]] = {"sanic": [], "starlette": []}
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory(prefix="acceptance-") as folder:
            work = Path(folder).resolve()
            if options.only != "sanic":
                starlette = StarletteSuite(unpack(options.archives, "starlette", work), work, work, native=True)
                passed["starlette"].append(passed_tests(result_of_starlette(starlette.run())))
            if options.only != "starlette":
                sanic = SanicSuite(unpack(options.archives, "sanic", work), work, work, native=True)
                with ThreadPoolExecutor(2) as pool:
                    runs = list(pool.map(call, sanic.jobs()))
                passed["sanic"].append(passed_tests(result_of_sanic(runs)))
    if passed["starlette"]:
        data.write("starlette_control", by_file(set.intersection(*passed["starlette"])))
    if passed["sanic"]:
        internals = {
            (file, test)
            for group in data.read("sanic_internals")
            for file, tests in group["tests"].items()
            for test in tests
        }
        always = set.intersection(*passed["sanic"])
        data.write("sanic_control", by_file(always - internals))
        data.write("sanic_flaky", by_file(set.union(*passed["sanic"]) - always))


if __name__ == "__main__":
    main()
