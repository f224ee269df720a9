"""The repository depends on no particular package index."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.project import ROOT


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
        named += [f"{path.relative_to(ROOT)}: {match.group()}" for match in hosts.finditer(text)]
    assert named == []
