"""The pages that a newcomer follows step by step, in the sections Start and Tutorial.

Their pages build on each other, and a page has files: a block with a title is written to a folder, as a reader would
save it. What stands after it is run there: a Python block without a title by a Python of its own, and the commands of a
`console` block while a server serves `server.py`. The output of a command is compared with the page, where `...` stands
for any text.
"""

import code
import doctest
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import CodeType

import pytest

from tests.examples.serving import serve
from tests.project import ROOT

SECTIONS = {
    "start": ("install", "first-app", "test-it", "deploy-it"),
    "tutorial": (
        "1-board", "2-paths-and-errors", "3-blueprints", "4-pages", "5-forms-and-sessions", "6-middleware-and-settings",
        "7-live", "8-deploy",
    ),
}  # fmt: skip
PAGES = [ROOT / f"docs/{section}/{name}.md" for section, names in SECTIONS.items() for name in names]
BLOCK = re.compile(r"^( *)```(\w+)([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r'title="([^"]+)"')
NOT_RUN = re.compile(r"<!-- not run: \S.*-->\n+$")
CHANGED_FILE = re.compile(r"`([\w/]+\.\w+)`[^`\n]*:\n\n")
COMMAND = re.compile(r"^\$ ", re.MULTILINE)
ADDRESS = "127.0.0.1:8000"
DEADLINE = 120  # seconds for one command
SERVER = (str(Path(sys.executable).with_name("sanic-star")), "server:app", "--port", "0")


@dataclass
class Block:
    """A code block: its language, the file that it is to be saved as, its text, and the line that it starts after."""

    language: str
    file: str | None
    text: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page that are saved or run."""
    source = page.read_text()
    for match in BLOCK.finditer(source):
        indent, language, options, text = match.groups()
        if NOT_RUN.search(source[: match.start()]):
            continue
        title = TITLE.search(options)
        lines = "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))
        yield Block(language, title[1] if title else None, lines, source.count("\n", 0, match.start(4)))


def save(block: Block, folder: Path) -> None:
    """Write the file of a block."""
    assert block.file is not None
    path = folder / block.file
    assert path.resolve().is_relative_to(folder.resolve())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text)


def environment() -> dict[str, str]:
    """Return the environment of a command, which finds the programs of this Python."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    # A reader has installed neither sanic-ext nor the plugins of pytest that are beside these tests.
    return os.environ | {
        "PATH": path,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "SANIC_AUTO_EXTEND": "false",
        "TASKBOARD_AUTO_EXTEND": "false",
    }


def run(command: list[str], folder: Path) -> str:
    """Run a command in a folder, and return its output; a failure shows it."""
    result = subprocess.run(
        command, cwd=folder, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=DEADLINE, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout
    return result.stdout


def run_console(block: Block, page: Path, folder: Path, origin: str) -> None:
    """Run the commands of a console block one after the other, and compare what they print."""
    checker = doctest.OutputChecker()
    for step in COMMAND.split(block.text)[1:]:
        command, _, expected = step.partition("\n")
        while command.endswith("\\"):
            line, _, expected = expected.partition("\n")
            command += f"\n{line}"
        output = run(["bash", "-c", command.replace(ADDRESS, origin)], folder)
        output = output.replace("\r\n", "\n").replace(origin, ADDRESS)
        options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        assert checker.check_output(expected, output, options), (
            f"{page}:{block.line}: $ {command}\n{output}\nis not\n{expected}"
        )


def folder_before(page: Path, folder: Path) -> None:
    """Save the files of the earlier pages of the section."""
    names = SECTIONS[page.parent.name]
    earlier = (page.with_name(f"{name}.md") for name in names[: names.index(page.stem)])
    for block in chain.from_iterable(map(blocks, earlier)):
        if block.file:
            save(block, folder)


def test_the_sections_have_these_pages() -> None:
    pages = [page for section in SECTIONS for page in (ROOT / "docs" / section).glob("*.md") if page.stem != "index"]
    assert sorted(pages) == sorted(PAGES)


@pytest.mark.parametrize("page", [pytest.param(page, id=f"{page.parent.name}/{page.stem}") for page in PAGES])
def test_python_blocks_run(page: Path, tmp_path: Path) -> None:
    folder_before(page, tmp_path)
    for block in blocks(page):
        if block.file:
            save(block, tmp_path)
        elif block.language == "python":
            source = tmp_path / f"{page.stem}.check"
            source.write_text("\n" * block.line + block.text)
            run([sys.executable, "-W", "error", "-c", _RUN_FILE, str(source)], tmp_path)


@pytest.mark.parametrize("page", [pytest.param(page, id=f"{page.parent.name}/{page.stem}") for page in PAGES])
def test_python_blocks_can_be_pasted_at_a_prompt(page: Path) -> None:
    # At a prompt of Python 3.11, an empty line ends a `with` block, and what is indented after it is an error.
    prompt = CompilingConsole()
    for block in blocks(page):
        if block.language == "python" and not block.file:
            prompt.problems.clear()
            unfinished = [prompt.push(line) for line in [*block.text.splitlines(), ""]][-1]
            assert not prompt.problems, f"{page}:{block.line}: {prompt.problems}"
            assert not unfinished, f"{page}:{block.line}: the prompt waits for more"


class CompilingConsole(code.InteractiveConsole):
    """Python's prompt, which compiles what is typed, and does not run it."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []

    def runcode(self, code: CodeType) -> None:
        pass

    def write(self, data: str) -> None:
        self.problems.append(data)


# The folder is the first entry of `sys.path`, as it is for a reader who types the block at a prompt.
_RUN_FILE = """
import pathlib, sys
name = sys.argv[1]
exec(compile(pathlib.Path(name).read_text(), name, "exec"), {"__name__": "check"})
"""


def curl_version() -> tuple[int, ...]:
    """Return the version of curl, or `()` if it is not installed."""
    if not shutil.which("curl"):
        return ()
    words = subprocess.run(["curl", "--version"], text=True, capture_output=True, check=True).stdout.split()
    return tuple(int(part) for part in words[1].split("-")[0].split("."))


@pytest.mark.skipif(curl_version() < (7, 82), reason="curl with --json is not installed")
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=f"{page.parent.name}/{page.stem}")
        for page in PAGES
        if any(block.language == "console" for block in blocks(page))
    ],
)
def test_commands_print_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    folder_before(page, tmp_path)
    waiting: list[Block] = []
    for block in chain(blocks(page), [None]):
        if block is not None and block.language == "console":
            waiting.append(block)
        elif (block is None or block.file) and waiting:
            asked = any(ADDRESS in console.text for console in waiting)
            with serve(SERVER, tmp_path, **environment()) if asked else nullcontext() as server:
                for console in waiting:
                    run_console(console, page, tmp_path, server.origin if server else ADDRESS)
            waiting = []
        if block is not None and block.file:
            save(block, tmp_path)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=f"{page.parent.name}/{page.stem}")
        for page in PAGES
        if any(block.language == "diff" for block in blocks(page))
    ],
)
def test_differences_lead_from_one_page_to_the_next(page: Path, tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    folder_before(page, before)
    folder_before(page, after)
    for block in blocks(page):
        if block.file:
            save(block, after)
    source = page.read_text().splitlines(keepends=True)
    changed: dict[str, str] = {}
    for block in blocks(page):
        if block.language != "diff":
            continue
        # The sentence above a difference, or above several, names its file.
        file = CHANGED_FILE.findall("".join(source[: block.line - 1]))[-1]
        lines = block.text.splitlines(keepends=True)
        assert {line[0] for line in lines} <= set(" -+"), f"{page}:{block.line}: a line has no mark"
        old, new = ("".join(line[1:] for line in lines if line[0] in marks) for marks in (" -", " +"))
        text = changed.get(file) or as_lines((before / file).read_text())
        assert text.count(as_lines(old)) == 1, f"{page}:{block.line}: its place in {file} is not clear"
        changed[file] = text.replace(as_lines(old), as_lines(new))
    for file, text in changed.items():
        assert text == as_lines((after / file).read_text()), f"{page}: the differences do not make the complete {file}"


def as_lines(text: str) -> str:
    """Return a text that contains another one only if that stands there in whole lines."""
    return f"\n{text}"
