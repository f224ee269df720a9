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
# The number of simultaneous servers, for small machines.
AT_ONCE = 2


@dataclass(frozen=True)
class Observed:
    """The outcomes of an idiom in the recorded releases.

    Attributes:
        since: the oldest release that gave the answers.
        until: the newest release that gave the answers.
        answers: the answers of the newest one.
        others: by newer release, the exception that ended the server, or a word.
    """

    since: str
    until: str
    answers: list[dict[str, Any]]
    others: dict[str, str]


def key(release: str) -> tuple[int, ...]:
    """Return a release's number to sort by."""
    return tuple(map(int, release.split(".")))


def run(jobs: list[dict[str, Any]], python: str = sys.executable, **options: Any) -> list[dict[str, Any]]:
    """Run sources by the recorder; return their outcomes.

    Args:
        jobs: the arguments of `recorder.record`.
        python: the interpreter.
        options: of `subprocess.run`.
    """

    def run_one(job: dict[str, Any]) -> dict[str, Any]:
        command = [python, str(FOLDER / "recorder.py")]
        completed = subprocess.run(
            command, input=json.dumps([job]).encode(), capture_output=True, check=False, **options
        )
        assert completed.returncode == 0, completed.stderr.decode()
        result: dict[str, Any] = json.loads(completed.stdout)[0]
        return result

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(run_one, jobs))


def job_of(idiom: Idiom) -> dict[str, Any]:
    """Return the recorder's job for an idiom."""
    return {"source": idiom.source, "requests": list(idiom.steps), "env": idiom.env}


def without(answers: list[dict[str, Any]], ignored: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return answers without some header fields."""
    return [
        {**answer, "headers": [field for field in answer.get("headers", []) if field[0] not in ignored]}
        for answer in answers
    ]


def find_working_releases(idiom: Idiom, results: dict[str, dict[str, Any]]) -> Observed:
    """Find the releases in which an idiom worked.

    The first request has valid input. The idiom works in each release whose first answer equals that of the oldest
    release that did not answer with 500.

    Args:
        idiom: the idiom.
        results: by release, the result of the recorder.
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
    """Record the behaviour of releases again.

    Args:
        pythons: by release, an interpreter with that release installed.
    """
    results: dict[str, dict[str, dict[str, Any]]] = {idiom.name: {} for idiom in IDIOMS}
    for release, python in pythons.items():
        for idiom, result in zip(IDIOMS, run([job_of(idiom) for idiom in IDIOMS], python), strict=True):
            results[idiom.name][release] = result
    write({idiom.name: find_working_releases(idiom, results[idiom.name]) for idiom in IDIOMS})


def write(observed: dict[str, Observed]) -> None:
    """Write the file."""
    FILE.write_text(json.dumps({name: asdict(entry) for name, entry in observed.items()}, indent=1) + "\n")


@cache
def load() -> dict[str, Observed]:
    """Read the file."""
    return {name: Observed(**entry) for name, entry in json.loads(FILE.read_text()).items()}
