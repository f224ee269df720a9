"""The checks of the built documentation find what they are for; `nox -s docs` runs them on the site."""

import runpy
import tomllib
from pathlib import Path

import pytest

from tests.project import ROOT
from tests.site.checks import broken_links, loads_from_elsewhere, switches_without_effect, unreadable_drawings


@pytest.mark.parametrize(
    "html",
    [
        '<img src="https://img.example/badge.svg">',
        '<img src="a.png" srcset="a.png 1x, //cdn.example/b.png 2x">',
        '<script src="//cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="https://fonts.example/css">',
        '<link rel="preconnect" href="https://fonts.example">',
        '<iframe src="https://video.example"></iframe>',
        '<p style="background: url(https://img.example/a.png)">',
        '<style>@import "https://fonts.example/a.css";</style>',
    ],
)
def test_pages_that_load_from_elsewhere_are_found(tmp_path: Path, html: str) -> None:
    (tmp_path / "index.html").write_text(html)
    assert len(list(loads_from_elsewhere(tmp_path))) == 1


def test_style_sheets_that_load_from_elsewhere_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("@font-face { src: url('https://fonts.example/a.woff2') }")
    assert list(loads_from_elsewhere(tmp_path)) == ["a.css loads https://fonts.example/a.woff2"]


@pytest.mark.parametrize(
    "html",
    [
        '<a href="https://www.starlette.io">Starlette</a>',
        '<link rel="canonical" href="https://docs.example/">',
        '<img src="../assets/a.svg"><script src="/a.js"></script>',
        '<svg xmlns="http://www.w3.org/2000/svg"></svg>',
    ],
)
def test_links_and_own_files_are_no_complaint(tmp_path: Path, html: str) -> None:
    (tmp_path / "index.html").write_text(html)
    assert list(loads_from_elsewhere(tmp_path)) == []


@pytest.mark.parametrize(
    ("link", "is_broken"),
    [
        ("docs/guide/a.md", False),
        ("docs/guide/a.md#there", False),
        ("docs/guide/index.md#top", False),
        ("https://www.starlette.io/#none", False),
        ("docs/guide/b.md", True),
        ("docs/guide/a.md#none", True),
        ("docs/guide/index.md#none", True),
    ],
)
def test_links_into_the_pages(tmp_path: Path, link: str, is_broken: bool) -> None:
    for folder, anchor in (("guide/a", "there"), ("guide", "top")):
        (tmp_path / "site" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / folder / "index.html").write_text(f'<h2 id="{anchor}">x</h2>')
    (tmp_path / "docs/guide").mkdir(parents=True)
    for name in ("a", "index"):
        (tmp_path / f"docs/guide/{name}.md").touch()
    document = tmp_path / "README.md"
    document.write_text(f"See [this]({link}).\n\n```md\n[not a link](nowhere.md)\n```\n")
    assert bool(list(broken_links(document, tmp_path / "site", root=tmp_path))) is is_broken


LIGHT = ".ground { fill: #ffffff } text { fill: #1f2933; font: 12px sans-serif }"
DARK = "@media (prefers-color-scheme: dark) { .ground { fill: #1f2129 } text { fill: #e4e7eb } }"


@pytest.mark.parametrize(
    ("style", "fault_count"),
    [
        (LIGHT + DARK, 0),
        (LIGHT, 2),
        (DARK, 1),
        (LIGHT + DARK.replace("e4e7eb", "333333"), 1),
        (LIGHT.replace("1f2933", "cccccc") + DARK, 1),
    ],
)
def test_drawings(tmp_path: Path, style: str, fault_count: int) -> None:
    (tmp_path / "a.svg").write_text(f"<svg><style>{style}</style><text>x</text></svg>")
    assert len(list(unreadable_drawings(tmp_path))) == fault_count


@pytest.mark.parametrize(
    ("style", "complaints"),
    [
        ("[data-md-color-scheme=default]{color-scheme:light;--a:1}[data-md-color-scheme=slate]{color-scheme:dark}", 0),
        ('[data-md-color-scheme="slate"] { --a: 1; color-scheme: dark }', 1),
        ("[data-md-color-scheme=slate]{--a:1}b{color-scheme:dark}", 2),
    ],
)
def test_drawings_follow_the_switch_of_a_page(tmp_path: Path, style: str, complaints: int) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets/a.css").write_text(style)
    assert len(list(switches_without_effect(tmp_path))) == complaints


def test_the_table_of_searches() -> None:
    table = tomllib.loads((ROOT / "tests/site/searches.toml").read_text())
    assert len(table["searches"]) >= 20
    assert not table["searches"].keys() & table.get("later", {}).keys()
    for page in table["searches"].values():
        assert any((ROOT / "docs" / f"{page}{ending}").exists() for ending in (".md", "/index.md")), page


def test_tables_are_marked() -> None:
    on_page_content = runpy.run_path(str(ROOT / "docs/_tables.py"))["on_page_content"]
    head = "<table>\n<thead><tr><th>a</th><th><code>b</code> &amp; c</th><th>d</th></tr></thead>"
    page = f"{head}<tbody><tr><td>1</td><td>2</td><td></td></tr></tbody></table>"
    assert on_page_content(page) == page.replace("<table>", "<table data-stacked>").replace(
        "<td>2</td>", '<td data-column="b &amp; c">2</td>'
    )
    numbers = page.replace("<td>2", '<td style="text-align: right;">2')
    assert on_page_content(numbers) == numbers.replace("<table>", "<table data-numbers>")


def test_options_in_inline_code_are_marked() -> None:
    on_page_content = runpy.run_path(str(ROOT / "docs/_code.py"))["on_page_content"]
    page = "<pre><code>run --dev</code></pre><code>run --dev x-y -v</code><code>a-b</code>"
    marked = "<code>run <span data-option>--dev</span> x-y <span data-option>-v</span></code>"
    assert on_page_content(page) == f"<pre><code>run --dev</code></pre>{marked}<code>a-b</code>"
