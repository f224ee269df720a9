"""The harness on the command line: print Sanic's answers, find cases that flicker, try a file on both."""

from __future__ import annotations

import argparse
import logging
import re
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from tests.parity.case import CASES, Case
from tests.parity.compare import case_differences, error_page
from tests.parity.frameworks import CaseError, Framework
from tests.parity.inprocess import InProcess, can_play
from tests.parity.page import PAGE, update_page
from tests.parity.wire import Answer, Exchange, request


def main() -> int:
    """Run one of the commands; the exit status is 1 if there were differences."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, meaning in (
        ("observe", "print what Sanic answers"),
        ("compare", "print the differences between the two"),
        ("steady", "play each case twice on Sanic and print the cases whose answers differ"),
        ("list", "print the names"),
    ):
        sub = commands.add_parser(name, help=meaning)
        sub.add_argument("part", nargs="?", default="", help="a part of the case's name or group")
        sub.add_argument("--in-process", action="store_true", help="compare with sanic_star without a server")
        sub.add_argument("--on", default="sanic", choices=("sanic", "sanic_star"))
        sub.add_argument("--log", action="store_true", help="also print the output of the app")
    commands.add_parser("page", help="write the cases of each intended difference into docs/compatibility.md")
    trying = commands.add_parser("try", help="send requests to a file of your own, on both")
    trying.add_argument("file", type=Path)
    trying.add_argument("sent", nargs="+", metavar="'METHOD /path [name: value]... [{body}]'")
    trying.add_argument("--debug", action="store_true")
    trying.add_argument("--on", choices=("sanic", "sanic_star"), action="append")
    trying.add_argument("--log", action="store_true", help="also print the output of the app")
    options = parser.parse_args()
    if options.command == "try":
        steps = tuple(_request(line) for line in options.sent)
        made = Case("yours", "try", options.file.read_text(), steps, debug=options.debug)
        for framework in options.on or ("sanic", "sanic_star"):
            observe([made], framework, options.log)
        return 0
    import tests.parity.cases  # noqa: F401 - fills CASES

    if options.command == "page":
        PAGE.write_text(update_page(PAGE.read_text()))
        return 0
    chosen = [case for case in CASES if options.part.lower() in f"{case.group} {case.name} {case.id}".lower()]
    if options.command == "list":
        print("\n".join(f"{case.id:60} {case.name}" for case in chosen))
        return 0
    if options.command == "observe":
        observe(chosen, options.on, options.log)
        return 0
    if options.command == "steady":
        return steady(chosen)
    return compare_in_process(chosen) if options.in_process else compare(chosen)


def observe(cases: Sequence[Case], name: str, log: bool) -> None:
    """Print the answers of one framework."""
    with Framework(name) as framework:
        for case in cases:
            print(f"\n=== {case.group}: {case.name}   [{name}]")
            for step, answers in zip(case.steps or (None,), framework.play(case), strict=False):
                print(f"--- {step.label if step else 'build'}")
                for answer in answers:
                    show(answer)
            if log:
                print("--- log\n" + framework.log)


def show(answer: Answer) -> None:
    """Print one answer; of an HTML error page only the title and the message."""
    print(answer.status, answer.note)
    for name, value in answer.headers:
        print(f"    {name}: {value}")
    page = error_page(answer)
    try:
        print(f"    (page) {page}" if page else "    " + answer.body.decode()[:3000].replace("\n", "\n    "))
    except UnicodeDecodeError:
        print(f"    {answer.body[:3000]!r}")


def steady(cases: Sequence[Case]) -> int:
    """Play each case twice on Sanic and print those whose answers differ."""
    differences = 0
    with Framework("sanic") as first, Framework("sanic") as second:
        for case in cases:
            differences += _report(case, first, second)
    print(f"{len(cases)} cases, {differences} flicker")
    return min(differences, 1)


def compare(cases: Sequence[Case]) -> int:
    """Play each case on both and print the differences."""
    differences = 0
    with Framework("sanic") as sanic, Framework("sanic_star") as star:
        for case in cases:
            differences += _report(case, sanic, star)
    print(f"{len(cases)} cases, {differences} differ")
    return min(differences, 1)


def compare_in_process(cases: Sequence[Case]) -> int:
    """Play the cases that need no server, and print the differences from Sanic."""
    differences = 0
    logging.disable()
    with Framework("sanic") as sanic, tempfile.TemporaryDirectory(prefix="parity-") as directory:
        star = InProcess(Path(directory))
        for case in cases:
            possible = replace(case, steps=tuple(step for step in case.steps if can_play(step)))
            differences += _report(possible, sanic, star) if possible.steps and not case.differs else 0
    print(f"{len(cases)} cases, {differences} differ")
    return min(differences, 1)


def _report(case: Case, reference: Framework, other: Framework | InProcess) -> int:
    try:
        with ThreadPoolExecutor(1) as pool:
            answers = pool.submit(other.play, case)
            lines = case_differences(case, reference.play_as_reference(case), answers.result())
    except CaseError as error:
        lines = [str(error)]
    if case.differs and isinstance(other, Framework) and other.name != "sanic":
        print(f"=== {case.group}: {case.name}", f"(meant to differ: {case.differs})", sep="\n")
        lines = [] if lines else ["    it does not"]
    elif lines:
        print(f"=== {case.group}: {case.name}")
    print(*lines, sep="\n", end="\n" if lines else "", flush=True)
    return bool(lines)


def _request(line: str) -> Exchange:
    words = re.findall(r"\[.*?\]|\{.*\}|\S+", line)
    pairs = (word[1:-1].partition(": ") for word in words[2:] if word.startswith("["))
    headers = [(name, value) for name, _, value in pairs]
    body = next((word for word in words[2:] if word.startswith("{")), None)
    return request(words[0], words[1], headers, body)


if __name__ == "__main__":
    sys.exit(main())
