"""`python -m benchmarks`: run the parts, print and store the tables, and compare them with the budgets."""

import argparse
import compileall
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks import (
    database,
    documents,
    environment,
    errors,
    forms,
    handlers,
    imports,
    inprocess,
    large,
    live,
    middleware,
    overhead,
    real,
    report,
    routing,
    served,
    side_by_side,
    socket_load,
    start,
    static_files,
    testing,
)
from benchmarks.budgets import budgets
from benchmarks.contenders import CONTENDERS
from benchmarks.settings import Settings, print_progress

PARTS: dict[str, Callable[[Settings], dict[str, Any]]] = {
    "inprocess": inprocess.measure,
    "real": real.measure,
    "served": served.measure,
    "database": database.measure,
    "socket": socket_load.measure,
    "beside": side_by_side.measure,
    "routing": routing.measure,
    "import": imports.measure,
    "middleware": middleware.measure,
    "testing": testing.measure,
    "static": static_files.measure,
    "forms": forms.measure,
    "errors": errors.measure,
    "overhead": overhead.measure,
    "templates": handlers.measure_templates,
    "streams": handlers.measure_streams,
    "large": large.measure,
    "start": start.measure,
    "live": live.measure,
}
RESULTS = Path(__file__).parent / "results"


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in CONTENDERS]:
        raise argparse.ArgumentTypeError(f"no contender {', '.join(unknown)}; there are {', '.join(CONTENDERS)}")
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure sanic_star and its peers in one run. A full run takes about half an hour and wants "
        "a quiet machine with two cores; over a socket it needs wrk, and all its load stays on the loopback interface.",
    )
    parser.add_argument(
        "--only", choices=PARTS, action="append", help="run this part (may be given several times; default: all)"
    )
    parser.add_argument(
        "--contenders",
        type=_names,
        default=list(CONTENDERS),
        metavar="A,B,…",
        help=f"who takes part, of {', '.join(CONTENDERS)} (default: all); shares need starlette and raw",
    )
    parser.add_argument("--quick", action="store_true", help="short rounds: for development, not for figures to quote")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a budget is missed, and say which")
    parser.add_argument(
        "--write-docs",
        action="store_true",
        help="write docs/benchmarks.md and its pictures (needs all parts)",
    )
    parser.add_argument(
        "--load",
        type=Path,
        metavar="FILE",
        help="take the results of an earlier run instead of measuring; with --only, measure these parts again",
    )
    return parser


def _run(options: argparse.Namespace) -> dict[str, Any]:
    settings = Settings(options.contenders, quick=options.quick)
    result: dict[str, Any] = json.loads(options.load.read_text()) if options.load else {}
    result |= {"environment": environment.describe(), "settings": asdict(settings)}
    parts = [part for part in PARTS if part in (options.only or PARTS)]
    whole = len({*parts, *result} & {*PARTS}) == len(PARTS)
    target = RESULTS / ("all" if whole else "-".join(parts))
    RESULTS.mkdir(exist_ok=True)
    # In a checkout, modules may have no byte code yet, and with PYTHONDONTWRITEBYTECODE they never get it. The parts
    # that start processes would measure the compiler.
    for package in ("sanic_star", "benchmarks"):
        for folder in find_spec(package).submodule_search_locations or ():  # type: ignore[union-attr]
            compileall.compile_dir(folder, quiet=1)
    for part in parts:
        print_progress(f"{part} …")
        result[part] = PARTS[part](settings)
        # Stored after each part: if a later one fails, `--load` can read the others.
        target.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
        target.with_suffix(".md").write_text(report.markdown(result))
    print_progress(f"written: {target.with_suffix('.md')} and .json")
    return result


def main() -> int:
    """Run the command and return its exit status."""
    parser = _parser()
    options = parser.parse_args()
    if options.write_docs and not options.load and (options.only or options.quick):
        parser.error("--write-docs wants a whole run: leave out --only and --quick")
    measuring = options.only or not options.load
    result = _run(options) if measuring else json.loads(options.load.read_text())
    if options.write_docs and (missing := [part for part in PARTS if part not in result]):
        parser.error(f"--write-docs wants a whole run; {options.load} lacks {', '.join(missing)}")
    print(report.markdown(result))
    if options.write_docs:
        documents.write(result)
    missed = [budget for budget in budgets(result) if not budget.met]
    if options.check:
        for budget in missed:
            measured = "not measured" if budget.value is None else f"{budget.value:.3g}"
            sign = "≥" if budget.least else "≤"
            print_progress(f"missed: {budget.part}: {budget.title}: {measured}, limit {sign} {budget.limit:.3g}")
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
