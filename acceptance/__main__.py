"""Run both suites, print the figures, and fail below the floor.

`python -m acceptance --archives FOLDER` is what `nox -s acceptance` calls; FOLDER has the two source archives.
With `--files`, only those files of Sanic's suite are run, and no figure is compared.
"""

from __future__ import annotations

import argparse
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import data, page
from .processes import PytestRun
from .results import SuiteResult, result_of_sanic, result_of_starlette, updated_groups
from .sanic_suite import SanicSuite
from .starlette_suite import StarletteSuite

# A file with unlisted failures runs again, alone. More files than this are not an accident.
MAX_FILES_AGAIN = 12


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="acceptance", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--archives", type=Path, required=True, help="folder of the two source archives")
    parser.add_argument("--out", type=Path, default=Path(".nox/acceptance-output"), help="folder for pytest's output")
    parser.add_argument("--jobs", type=int, default=2, help="processes at the same time")
    parser.add_argument("--files", nargs="+", default=[], metavar="PATTERN", help="only these files of Sanic's suite")
    parser.add_argument("--only", choices=("sanic", "starlette"), help="only one suite")
    parser.add_argument("--write", action="store_true", help="write the floor, the list of failing tests and the pages")
    return parser.parse_args()


def unpack(archives: Path, suite: str, work: Path) -> Path:
    """Unpack a source archive and return its folder."""
    release = f"{suite}-{page.RELEASES[suite]}"
    with tarfile.open(archives / f"{release}.tar.gz") as archive:
        archive.extractall(work / "archives", filter="data")
    return work / "archives" / release


def report(result: SuiteResult, write: bool) -> bool:
    """Print the result of a suite, and return whether it is good enough."""
    title = page.TITLES[result.suite]
    floor = data.read("floor")
    total = sum(map(len, result.control.values()))
    for file, tests in result.unexpected.items():
        for test in tests:
            print(f"fails, and is not listed: {file}::{test}: {result.outcomes.get(file, {}).get(test, ('', ''))[1]}")
    if result.foreign_modules:
        print(f"Modules of a real Sanic were loaded, so the figures prove nothing: {', '.join(result.foreign_modules)}")
        return False
    print(f"{title}'s suite: {result.passed} of {total} tests pass; the floor is {floor[result.suite]}")
    if result.passed < floor[result.suite]:
        print(f"FAILED: {title}'s suite is below its floor")
        return False
    groups = updated_groups(result)
    if groups != data.read("left")[result.suite] or result.passed > floor[result.suite]:
        if not write:
            print("The list or the floor can be updated: nox -s acceptance -- --write")
            return True
        data.write("floor", {**floor, result.suite: result.passed})
        data.write("left", {**data.read("left"), result.suite: groups})
    return True


def run_again(suite: SanicSuite, result: SuiteResult) -> None:
    """Run files again, alone, that failed unexpectedly: on a busy machine a time limit may expire."""
    files = list(result.unexpected)
    if len(files) > MAX_FILES_AGAIN:
        return
    for file in files:
        print(f"run again: {file}", flush=True)
        result.merge_passes(suite.run_file(file), file)


def main() -> None:
    """Run the selected suites; exit with status 1 if one is below its floor."""
    options = parse_arguments()
    began = time.monotonic()
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="acceptance-") as folder:
        work = Path(folder).resolve()
        sanic = SanicSuite(unpack(options.archives, "sanic", work), work, out)
        starlette = StarletteSuite(unpack(options.archives, "starlette", work), work, out)
        starlette_jobs = starlette.jobs() if options.only != "sanic" and not options.files else []
        sanic_jobs = sanic.jobs(options.files) if options.only != "starlette" else []
        with ThreadPoolExecutor(options.jobs) as pool:
            runs = list(pool.map(call, [*starlette_jobs, *sanic_jobs]))
        results = [result_of_starlette(run) for run in runs[: len(starlette_jobs)]]
        if sanic_jobs:
            result = result_of_sanic(runs[len(starlette_jobs) :])
            if not options.files:
                run_again(sanic, result)
            results.append(result)
    for run in sorted(runs, key=lambda run: -run.seconds)[:5]:
        print(f"{run.seconds:4.0f} s {run.name or 'starlette'} {'; '.join(run.notes)}")
    print(f"took {time.monotonic() - began:.0f} s; pytest's output is in {out}")
    if options.files:
        print_files(results[0])
        return
    reports = [report(result, options.write) for result in results]
    good = all(reports)
    if options.write and good:
        page.write_pages()
    sys.exit(0 if good else 1)


def call(job: Callable[[], PytestRun]) -> PytestRun:
    """Run a job of the pool."""
    return job()


def print_files(result: SuiteResult) -> None:
    """Print each test that did not pass in the files that were run."""
    for file, outcomes in result.outcomes.items():
        passed = sum(outcome == "passed" for outcome, _ in outcomes.values())
        print(f"{file}: {passed} of {len(outcomes)} pass")
        for test, (outcome, reason) in outcomes.items():
            if outcome in ("failed", "error"):
                print(f"  {outcome}: {test}: {reason[:160]}")


if __name__ == "__main__":
    main()
