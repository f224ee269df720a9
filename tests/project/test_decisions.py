"""The pages of decisions: each has its parts, is in the index and the navigation, and names existing code."""

import importlib
import inspect
import re
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from tests.project import ROOT

FOLDER = ROOT / "docs/decisions"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "index.md")
PARTS = ["Decision", "Reasons", "Rejected", "Held by"]
# The pages that name modules and tests in backticks.
NAMING = [*PAGES, ROOT / "docs/architecture.md", ROOT / "CONTRIBUTING.md"]


def _exists(name: str) -> bool:
    """Return whether a dotted name is a module of the package, or an attribute in one."""
    parts = name.split(".")
    size = 1
    while size < len(parts):
        spec = find_spec(".".join(parts[:size]))
        if spec is None or spec.submodule_search_locations is None or not find_spec(".".join(parts[: size + 1])):
            break
        size += 1
    if size == len(parts):
        return True
    owner: object = importlib.import_module(".".join(parts[:size]))
    for part in parts[size:]:
        if not hasattr(owner, part):
            # An alias that is only for type checkers.
            return isinstance(owner, ModuleType) and f"\n    {part} = Literal[" in inspect.getsource(owner)
        owner = getattr(owner, part)
    return True


@pytest.mark.parametrize(
    ("name", "exists"),
    [
        ("engine.seams", True),
        ("engine.seams.Behaviour.answer", True),
        ("engine.seams.Nobody", False),
        ("engine.steps.Stage", True),
        ("engine.steps.Nothing", False),
    ],
)
def test_names_are_looked_up(name: str, exists: bool) -> None:
    assert _exists(f"sanic_star.{name}") is exists


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in PAGES])
def test_a_page_has_its_parts(page: Path) -> None:
    assert re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE) == PARTS


def test_each_page_is_in_the_index_and_in_the_navigation() -> None:
    names = [path.name for path in PAGES]
    assert len(names) > 15
    listed = re.findall(r"^\| \[[^\]]+\]\(([a-z-]+\.md)\) \|", (FOLDER / "index.md").read_text(), re.MULTILINE)
    assert sorted(listed) == names
    navigation = re.findall(r"decisions/([a-z-]+\.md)", (ROOT / "mkdocs.yml").read_text())
    assert navigation == ["index.md", *listed], "the navigation has the order of the index"


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in NAMING])
def test_modules_and_tests_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text()
    modules = re.findall(r"`(sanic_star(?:\.\w+)+)`", text)
    files = re.findall(r"`((?:tests|benchmarks)(?:/[\w.]+)*)/?`", text)
    assert [name for name in modules if not _exists(name)] == []
    assert [name for name in files if not (ROOT / name).exists()] == []


def test_places_to_change_exist() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("## Where do I change")[2].partition("\n## ")[0]
    files = re.findall(r"`([\w/]+\.py)`", table)
    assert len(files) > 30
    assert [name for name in files if not ((ROOT / "sanic_star" / name).exists() or (ROOT / name).exists())] == []
    sources = "\n".join(path.read_text() for path in (ROOT / "sanic_star").rglob("*.py"))
    names = re.findall(r"`(?:\w+\.)?(_?[A-Za-z]\w+)`", table)
    # Only what is written as a name of code: with an underscore, or an upper-case letter.
    coded = {name for name in names if "_" in name or name != name.lower()}
    defined = set(re.findall(r"^\s*(?:async )?(?:def |class )?(\w+)", sources, re.MULTILINE))
    assert sorted(coded - defined) == []
