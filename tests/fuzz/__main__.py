"""Compare with Sanic: the routers on random tables, whole applications on such tables, and on odd paths.

`--ways` compares the fast and the slow implementations of headers, cookies, arguments and routes instead.

`--wire` sends malformed requests over raw sockets instead, to an application with many features behind each server.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import sanic

import sanic_star
from tests.fuzz.dispatch import compare_dispatch, compare_served_paths
from tests.fuzz.paths import compare_paths
from tests.fuzz.serving import SERVERS, fuzz, report
from tests.fuzz.tables import Difference, Row, Table, compare
from tests.fuzz.ways import COMPARISONS, compare_ways
from tests.parity.frameworks import Framework


def tables(rows: list[Row]) -> tuple[Table, Table]:
    """Return the same table of both frameworks."""
    return Table(sanic.Sanic, sanic.text, rows), Table(sanic_star.Sanic, sanic_star.text, rows)


def compare_tables(
    options: argparse.Namespace, requests: int, subject: str, ask: Callable[[int], tuple[int, list[Difference]]]
) -> bool:
    """Play tables until `requests` requests were sent; print the differences, and return whether there were any."""
    sent_count, seed, differences = 0, options.seed, []
    while sent_count < requests:
        count, new_differences = ask(seed)
        differences += [(seed, difference) for difference in new_differences]
        sent_count += count
        seed += 1
    kinds: Counter[str] = Counter()
    for number, difference in differences:
        kind = f"{difference.sanic.split()[0]} / {difference.ours.split()[0] if difference.ours else ''}"
        kinds[kind] += 1
        if kinds[kind] <= options.show:
            print(f"seed {number}: {difference.request}")
            print(f"    Sanic      {difference.sanic}\n    sanic_star {difference.ours}")
            for place, row in enumerate(difference.rows):
                print(f"      {place} {' '.join(row.methods):12} {row.uri}  {row.options()}")
    print(f"{seed - options.seed} tables, {sent_count} {subject}, {len(differences)} differences")
    return bool(differences)


def compare_implementations(options: argparse.Namespace, inputs: int) -> bool:
    """Compare fast and slow implementations, print the differences, and return whether there were any."""
    differs = False
    for name in COMPARISONS:
        differences = compare_ways(name, options.seed, inputs)
        print(f"{name}: {inputs} inputs, {len(differences)} differences")
        for input_, fast, slow in differences[: options.show]:
            print(f"    {input_!r}\n      fast {fast!r}\n      slow {slow!r}")
        differs = differs or bool(differences)
    return differs


def main() -> int:
    """Run the command; the exit status is 1 if there were differences."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--served", type=int, default=4000, help="requests over a socket, to random tables")
    parser.add_argument("--paths", type=int, default=6000, help="odd paths, to routes and files")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first table; each next table adds 1")
    parser.add_argument("--show", type=int, default=10, help="how many differences are printed")
    parser.add_argument(
        "--ways", type=int, nargs="?", const=100_000, help="only fast and slow implementations, N inputs each"
    )
    parser.add_argument("--wire", type=int, nargs="?", const=20_000, help="only malformed requests, N in total")
    parser.add_argument(
        "--servers", default=",".join(SERVERS), help="for --wire: names of servers, separated by commas"
    )
    options = parser.parse_args()
    if options.wire:
        names = options.servers.split(",")
        outcomes = fuzz(names, options.seed, -(-options.wire // len(names)))
        print(report(outcomes, options.show))
        return any(outcome.wrong for outcome in outcomes.values())
    warnings.simplefilter("ignore")
    logging.disable()
    if options.ways:
        return compare_implementations(options, options.ways)
    differences = compare_tables(options, options.requests, "requests", lambda seed: compare(seed, 40, tables))
    with Framework("sanic") as sanics, Framework("sanic_star") as ours:
        both = sanics.play, ours.play
        served = compare_tables(
            options, options.served, "served requests", lambda seed: compare_dispatch(seed, 40, tables, both)
        )
        path_differences = compare_served_paths(options.seed, options.served // 4, both)
    with TemporaryDirectory() as directory:
        wrong = asyncio.run(compare_paths(options.seed, options.paths, (sanic, sanic_star), Path(directory)))
    print(*path_differences, f"{options.served // 4} served paths, {len(path_differences)} differences", sep="\n")
    print(*wrong, f"{options.paths} paths, {len(wrong)} differences", sep="\n")
    return bool(differences or served or path_differences or wrong)


if __name__ == "__main__":
    sys.exit(main())
