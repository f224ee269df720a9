"""The shape of the code: small files, a small engine, nothing tied to a place where packages are kept."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.project import ROOT

# The package's own modules pass on what compat and the command have.
ABOVE_THE_ENGINE = {"compat", "testing", "porting", "cli", "__init__.py", "__main__.py", "_version.py"}
# Starts processes and servers, and is not on the way of a request.
BESIDE_THE_ENGINE = "servers"
REASON = re.compile(r"\b(is|stays) one (file|module|page) because\b")


def tracked(*patterns: str) -> list[Path]:
    """Return the files under version control, or skip where there is none (an unpacked archive)."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    done = subprocess.run(
        # The checkout may belong to another user than the one who runs the tests.
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for line in done.stdout.splitlines() if (path := ROOT / line).is_file()]


def line_count(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_long_files_say_why() -> None:
    long = [path for path in tracked("*.py") if line_count(path) > 500]
    # Whitespace is folded, because the sentence may break over two lines.
    heads = {path: " ".join(path.read_text()[:2000].split()) for path in long}
    silent = [str(path.relative_to(ROOT)) for path, head in heads.items() if not REASON.search(head)]
    assert silent == [], 'over 500 lines, without "This is one module because …" at the head'


def lines_of(*parts: str) -> int:
    package = ROOT / "sanic_star"
    return sum(line_count(path) for path in package.rglob("*.py") if path.relative_to(package).parts[0] in parts)


def test_engine_is_small() -> None:
    names = {path.name for path in (ROOT / "sanic_star").iterdir()}
    assert lines_of(*(names - ABOVE_THE_ENGINE - {BESIDE_THE_ENGINE})) < 2500
    assert lines_of(BESIDE_THE_ENGINE) < 1800


def test_no_package_registry_is_named() -> None:
    # Whoever builds this may use a mirror; a host in the repository would bypass it. Written so as not to match itself.
    hosts = re.compile(
        r"py(pi)\.org|python(hosted)\.org|npm(js)\.(org|com)|registry\.(npm|yarn)|unpk(g)\.com|jsdel(ivr)"
    )
    named = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        named += [f"{path.relative_to(ROOT)}: {found.group()}" for found in hosts.finditer(text)]
    assert named == []
