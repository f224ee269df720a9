"""The documentation: its examples run, its anchors exist, its commands are those of CI.

A page's examples run top to bottom in one namespace, as a reader would type them. Docstrings are run by the standard
library's doctest rather than by pytest's option for it, which would import each file under `tests/` as well.
"""

import ast
import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sanic_star
from sanic_star.compat._app.answers import BODY_TIMEOUT_S
from sanic_star.compat._app.listeners import LISTENER_TIMEOUTS
from sanic_star.compat.config import DEFAULT_CONFIG
from sanic_star.compat.request import parameters
from sanic_star.compat.request._multipart import MAX_FILES
from sanic_star.compat.request._spool import SPOOL_SIZE
from sanic_star.servers.settings import Settings
from tests.project import ROOT
from tests.project.public_names import ONLY_WITHOUT_SANIC
from tests.project.test_walkthroughs import PAGES as WALKTHROUGHS

PAGES = [ROOT / "README.md", *sorted({*(ROOT / "docs").rglob("*.md")} - {*WALKTHROUGHS})]
BLOCK = re.compile(r"^```python[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NOT_RUN = re.compile(r"<!-- not run: \S.*-->\n+$")
# The alias of such a page would stay for other tests, and cannot be installed where they have imported Sanic.
ALONE = "<!-- run in a process of its own -->\n"
ENTRY = re.compile(r"^### `(?P<name>[a-z0-9-]+)` \{ #(?P<anchor>[a-z0-9-]+) \}\n(?P<text>.*?)(?=^##|\Z)", re.M | re.S)


def examples(page: Path) -> Iterator[tuple[int, str]]:
    """Yield the number of the line before each Python example, and its source."""
    text = page.read_text()
    for match in BLOCK.finditer(text):
        if not NOT_RUN.search(text[: match.start()]):
            yield text.count("\n", 0, match.start(1)), match.group(1)


def run(page: Path) -> dict[str, object]:
    """Run a page's examples; tracebacks and warnings name the page and its line."""
    namespace: dict[str, object] = {"__name__": page.stem}
    for offset, source in examples(page):
        exec(compile("\n" * offset + source, str(page), "exec"), namespace)
    return namespace


@pytest.mark.parametrize(
    "page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES if any(examples(page))]
)
def test_examples_run(page: Path) -> None:
    if ALONE not in page.read_text():
        run(page)
        return
    source = f"from pathlib import Path; from {__name__} import run; run(Path({str(page)!r}))"
    command = [sys.executable, "-c", source]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_the_app_of_the_readme_answers() -> None:
    app = run(ROOT / "README.md")["app"]
    assert isinstance(app, sanic_star.Sanic)
    _, response = app.test_client.get("/hello/you")
    assert response.json == {"hello": "you"}


@pytest.mark.parametrize(
    "name",
    sorted(
        {"sanic_star", *(module.name for module in pkgutil.walk_packages(sanic_star.__path__, "sanic_star."))}
        - ONLY_WITHOUT_SANIC
    ),
)
def test_docstring_examples_run(name: str) -> None:
    # A failure is reported on standard output, which pytest shows.
    assert doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS).failed == 0


def entries() -> list[str]:
    return [match["name"] for match in ENTRY.finditer((ROOT / "docs/compatibility.md").read_text())]


def test_each_compatibility_entry_has_its_anchor() -> None:
    page = (ROOT / "docs/compatibility.md").read_text()
    assert all(entry["name"] == entry["anchor"] for entry in ENTRY.finditer(page))
    assert len(entries()) == len(set(entries())) > 0
    assert page.count("\n### ") == len(entries()), "an entry begins with: ### `name` { #name }"
    assert not re.search(r"^\|", page, re.MULTILINE), "a table: an entry is a heading with a definition list"


def test_each_compatibility_entry_has_the_same_parts() -> None:
    page = (ROOT / "docs/compatibility.md").read_text()
    parts = {
        entry["name"]: re.findall(r"^\*\*([\w, ]+)\*\*\n:   (?=\S)", entry["text"], re.MULTILINE)
        for entry in ENTRY.finditer(page)
    }
    wanted = [
        [*described, "Why", *last_headings]
        for described in (["Sanic", "Here"], ["Sanic, and here"])
        for last_headings in ([], ["What to do"])
    ]
    assert {name: terms for name, terms in parts.items() if terms not in wanted} == {}


def test_the_index_of_the_compatibility_page_has_each_entry_in_its_group() -> None:
    page = (ROOT / "docs/compatibility.md").read_text()
    index = page.partition("\n## Index\n")[2].partition("\n## ")[0]
    listed = {
        group: re.findall(r"\(#([a-z0-9-]+)\)", names)
        for group, names in re.findall(r"^- \*\*\[([^\]]+)\]\(#[a-z-]+\)\*\*:(.*?)(?=^- |\Z)", index, re.M | re.S)
    }
    sections = re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    grouped = {
        title: [entry["name"] for entry in ENTRY.finditer(text)] for title, text in sections if ENTRY.search(text)
    }
    assert {group: names for group, names in listed.items() if names} == grouped


def test_the_compatibility_page_folds_its_entries() -> None:
    page = (ROOT / "docs/compatibility.md").read_text()
    folded = re.findall(r"<summary>(\d+) entries</summary>\n(.*?)</details>", page, re.DOTALL)
    assert [int(count) for count, _ in folded] == [len(ENTRY.findall(text)) for _, text in folded]
    assert sum(int(count) for count, _ in folded) == len(entries())


def named_differences() -> Iterator[tuple[str, str]]:
    """Yield where a test says `differs="entry"`, and the entry."""
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.keyword(arg="differs", value=ast.Constant(value=str(entry))):
                    yield f"{path.relative_to(ROOT)}:{node.value.lineno}", entry


def test_differences_that_tests_name_are_documented() -> None:
    assert [(where, entry) for where, entry in named_differences() if entry not in entries()] == []


def test_the_page_of_limits_has_the_defaults() -> None:
    page = (ROOT / "docs/deploy/limits.md").read_text()
    stated = {
        name: None if value == "`None`" else float(value.replace(",", ""))
        for name, value in re.findall(r"^\| `([A-Z_]+)` \| (`None`|[\d,]+)", page, re.MULTILINE)
    }
    assert stated == {
        **{name: DEFAULT_CONFIG[name] for name in stated.keys() & DEFAULT_CONFIG.keys()},
        **LISTENER_TIMEOUTS,
        "FORM_MAX_FIELDS": parameters.MAX_FIELDS,
        "FORM_MAX_FILES": MAX_FILES,
        "FORM_MAX_FIELD_SIZE": parameters.MAX_FIELD_SIZE,
        "FORM_MAX_FILE_SIZE": None,
        "FORM_SPOOL_SIZE": SPOOL_SIZE,
        "REQUEST_HEAD_TIMEOUT": Settings.head_timeout,
        "REQUEST_BODY_TIMEOUT": BODY_TIMEOUT_S,
    }
    limits = {name for name in DEFAULT_CONFIG if re.search("_TIMEOUT$|_MAX_|_INTERVAL$", name)}
    assert limits - stated.keys() == {"GRACEFUL_TCP_CLOSE_TIMEOUT"}, "which has no effect"


def test_ci_runs_the_command_of_the_readme() -> None:
    commands = re.findall(r"^```sh\n(.*?)\n```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    tests = [command for command in commands if command.endswith("nox -s tests")]
    assert len(tests) == 1
    assert f"\n    {tests[0]}\n" in (ROOT / ".ci/run").read_text()
