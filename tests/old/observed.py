"""The recorded answers of old releases: `observed.json`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.old.idioms import IDIOMS, Idiom

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
FILE = FOLDER / "observed.json"
# As many servers at a time: the machine that runs the tests may be a small one.
AT_ONCE = 2


@dataclass(frozen=True)
class Observed:
    """What releases made of an idiom.

    Attributes:
        since: the oldest release that gave the answers; of those that were recorded, as the others.
        until: the newest one.
        answers: the answers of that one.
        others: what newer releases did: the exception that ended them, or a word.
    """

    since: str
    until: str
    answers: list[dict[str, Any]]
    others: dict[str, str]


def key(release: str) -> tuple[int, ...]:
    """Return a release's number to sort by."""
    return tuple(map(int, release.split(".")))


def run(jobs: list[dict[str, Any]], python: str = sys.executable, **options: Any) -> list[dict[str, Any]]:
    """Run sources by the recorder; return what became of them.

    Args:
        jobs: what `recorder.record` takes.
        python: the interpreter.
        options: of `subprocess.run`.
    """

    def one(job: dict[str, Any]) -> dict[str, Any]:
        command = [python, str(FOLDER / "recorder.py")]
        done = subprocess.run(command, input=json.dumps([job]).encode(), capture_output=True, check=False, **options)
        assert done.returncode == 0, done.stderr.decode()
        result: dict[str, Any] = json.loads(done.stdout)[0]
        return result

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, jobs))


def job_of(idiom: Idiom) -> dict[str, Any]:
    """Return an idiom as the recorder takes it."""
    return {"source": idiom.source, "requests": list(idiom.steps), "env": idiom.env}


def without(answers: list[dict[str, Any]], ignored: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return answers without some header fields."""
    return [
        {**answer, "headers": [field for field in answer.get("headers", []) if field[0] not in ignored]}
        for answer in answers
    ]


def judge(idiom: Idiom, results: dict[str, dict[str, Any]]) -> Observed:
    """Tell in which releases an idiom worked.

    It worked as long as the first answer, which is that to good input, was the one of the oldest release that had it.

    Args:
        idiom: the idiom.
        results: by release, what the recorder said.
    """
    answered = {release: result["answers"] for release, result in results.items() if "answers" in result}
    good = {release: without(answers[:1], idiom.ignored) for release, answers in answered.items()}
    works = [release for release in sorted(good, key=key) if good[release][0]["status"] != 500]
    first = good[works[0]]
    works = [release for release in works if good[release] == first]
    others = {}
    for release in sorted(results, key=key):
        if key(release) > key(works[-1]):
            # Without the paths of files.
            others[release] = re.sub(r" \(.*", "", results[release].get("raises", "other answers"))[:90]
    return Observed(works[0], works[-1], without(answered[works[-1]], idiom.ignored), others)


def record(pythons: dict[str, str]) -> None:
    """Record again the behaviour of releases.

    Args:
        pythons: by release, the interpreter that has it.
    """
    results: dict[str, dict[str, dict[str, Any]]] = {idiom.name: {} for idiom in IDIOMS}
    for release, python in pythons.items():
        for idiom, result in zip(IDIOMS, run([job_of(idiom) for idiom in IDIOMS], python), strict=True):
            results[idiom.name][release] = result
    write({idiom.name: judge(idiom, results[idiom.name]) for idiom in IDIOMS})


def write(observed: dict[str, Observed]) -> None:
    """Write the file."""
    FILE.write_text(json.dumps({name: asdict(entry) for name, entry in observed.items()}, indent=1) + "\n")


@cache
def load() -> dict[str, Observed]:
    """Read the file."""
    return {name: Observed(**entry) for name, entry in json.loads(FILE.read_text()).items()}
