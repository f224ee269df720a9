"""Pages of the guide that list something: each list equals the one in the code."""

import ast
import importlib
import re
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from itertools import pairwise
from typing import Any

import pytest

from sanic_star import HTTPResponse, Request, Sanic, text
from sanic_star.cli import main
from sanic_star.compat._app.listeners import LISTENER_EVENTS, LISTENER_TIMEOUTS
from sanic_star.compat.config import DEFAULT_CONFIG, Config
from sanic_star.compat.helpers import Default
from sanic_star.compat.signals import Event
from sanic_star.engine.threads import DEFAULT_SIZE
from sanic_star.servers.settings import Settings
from tests.project import ROOT

GUIDE = ROOT / "docs/guide"
SETTING = re.compile(
    r"^`(?P<name>[A-Z_]+)` · default (?P<default>unset|`[^`]*`)(?: (?P<unit>seconds|bytes))?$", re.MULTILINE
)
UNSET = "unset"
# Defaults that a function imports when it reads the setting: `settings_read` does not see them.
IMPORTED_LATE = {"REQUEST_HEAD_TIMEOUT": Settings.head_timeout, "THREAD_POOL_SIZE": DEFAULT_SIZE}


# Settings -------------------------------------------------------------------------------------------------------------


def is_config(node: ast.expr) -> bool:
    """Return whether an expression is `config`, `app.config`, `self.app.config` or the like."""
    return (node.id if isinstance(node, ast.Name) else getattr(node, "attr", None)) == "config"


def settings_read(tree: ast.AST, names: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the settings that a module reads, with the default that stands beside the name, or `None`.

    Args:
        tree: the module's source.
        names: the module's variables.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[ast.Constant(value=str(name)), *default]):
                if is_config(value) and name.isupper():
                    yield name, evaluate(default[0], names) if default else None
            case ast.Subscript(value=value, slice=ast.Constant(value=str(name))):
                if is_config(value) and name.isupper():
                    yield name, None
            case ast.Attribute(value=value, attr=name):
                if is_config(value) and name.isupper():
                    yield name, None


def evaluate(node: ast.expr, names: dict[str, Any]) -> Any:
    try:
        return eval(compile(ast.Expression(node), "<default>", "eval"), dict(names))
    except NameError:  # a variable of a function
        return None


def defaults_of_the_code() -> dict[str, Any]:
    defaults: dict[str, Any] = {}
    for path in sorted((ROOT / "sanic_star").rglob("*.py")):
        source = path.read_text()
        if "config" in source:
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            module = importlib.import_module(name)
            for setting, default in settings_read(ast.parse(source), vars(module)):
                if defaults.get(setting) is None:
                    defaults[setting] = default
    defaults |= DEFAULT_CONFIG
    defaults |= LISTENER_TIMEOUTS | IMPORTED_LATE
    defaults["FALLBACK_ERROR_FORMAT"] = Config(env_prefix=None).FALLBACK_ERROR_FORMAT
    return {name: written(value) for name, value in defaults.items() if not name.startswith("_")}


def written(value: Any) -> Any:
    """Return a default as the page gives it."""
    return UNSET if isinstance(value, Default) else value.value if isinstance(value, Enum) else value


def test_the_page_lists_each_setting_with_its_default() -> None:
    page = (GUIDE / "configuration.md").read_text()
    listed = [(match["name"], match["default"]) for match in SETTING.finditer(page)]
    assert len(listed) == len(dict(listed)), "a setting is listed twice"
    defaults = {name: UNSET if text == UNSET else ast.literal_eval(text.strip("`")) for name, text in listed}
    assert defaults == defaults_of_the_code()


def test_numbers_on_the_page_have_a_unit() -> None:
    units = {match["name"]: match["unit"] for match in SETTING.finditer((GUIDE / "configuration.md").read_text())}
    wanted = {name: "seconds" for name in units if name.endswith(("_TIMEOUT", "_INTERVAL"))}
    wanted |= {name: "bytes" for name in units if name.endswith("_SIZE") and name != "THREAD_POOL_SIZE"}
    assert {name: unit for name, unit in units.items() if unit} == wanted


def test_each_entry_of_the_page_is_read() -> None:
    # An entry that is written in another way would be missing above without a message that says why.
    page = (GUIDE / "configuration.md").read_text()
    assert len(re.findall(r"^`[A-Z_]+` ·", page, re.MULTILINE)) == len(SETTING.findall(page))


# Moments and events ---------------------------------------------------------------------------------------------------


def test_the_page_lists_each_listener() -> None:
    page = (GUIDE / "listeners.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \| .+ \|$", page.partition("## Know the order")[0], re.MULTILINE)
    assert sorted(listed) == sorted(LISTENER_EVENTS)


def test_the_page_names_each_event() -> None:
    page = (GUIDE / "signals.md").read_text()
    assert [event.value for event in Event if f"`{event.value}`" not in page] == []


def test_the_events_of_a_request_come_in_the_order_of_the_page() -> None:
    numbered = re.findall(r"^\d+\. (.+)$", (GUIDE / "signals.md").read_text(), re.MULTILINE)
    listed = [name for line in numbered for name in re.findall(r"`(http\.\w+\.\w+)`", line)]
    app: Sanic[Any, Any] = Sanic("Observed")
    seen: list[str] = []

    def observer(event: Event) -> Any:
        return lambda **context: seen.append(event.value)

    for event in Event:
        if event.value in listed:
            for place in ("request", "response") if ".middleware." in event.value else (None,):
                app.add_signal(observer(event), event, condition={"attach_to": place} if place else None)

    @app.on_request
    async def before(request: Request) -> None: ...

    @app.on_response
    async def after(request: Request, response: HTTPResponse) -> None: ...

    @app.post("/")
    async def handler(request: Request) -> HTTPResponse:
        return text("")

    app.test_client.post("/", content=b"1")
    assert seen == listed


# The glossary ---------------------------------------------------------------------------------------------------------


def test_the_glossary_is_sorted() -> None:
    lines = (ROOT / "docs/glossary.md").read_text().splitlines()
    terms = [before.strip("`").lower() for before, line in pairwise(lines) if line.startswith(":   ")]
    assert terms == sorted(set(terms))
    assert len(terms) >= 40


# The command line -----------------------------------------------------------------------------------------------------

ENTRY = re.compile(
    r"^(?P<names>`-[\w-]+`(?:, `-[\w-]+`)*)(?P<value> [^·\n]+)?(?: · default `(?P<default>[^`]*)`)?\n:   ", re.MULTILINE
)
HELP = re.compile(r"^  (?P<names>-[^\s,]*(?:(?:, | / )-[^\s,]*)*)(?P<value> [A-Z\[]\S*)?", re.MULTILINE)
Option = tuple[frozenset[str], bool, str | None]


def listed_options(text: str) -> list[Option]:
    """Return the options of a part of the page: their names, whether they take a value, their default."""
    return [
        (frozenset(re.findall(r"`(.+?)`", match["names"])), bool(match["value"]), match["default"])
        for match in ENTRY.finditer(text)
    ]


def options_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> list[Option]:
    """Return the options that a help text shows."""
    with suppress(SystemExit):  # `inspect` returns
        main(arguments)
    options = []
    text = capsys.readouterr().out.partition("Options:\n")[2]
    for block in re.split(r"\n(?=  -)", text):
        match = HELP.match(block)
        assert match, block
        default = re.search(r"\[default:\s+([^;\]]+)", block)
        names = frozenset(re.split(r", | / ", match["names"]))
        options.append((names, bool(match["value"]), default and default[1].strip()))
    return options


def key(option: Option) -> list[str]:
    return sorted(option[0])


@pytest.mark.parametrize("command", [[], ["inspect"]])
def test_the_page_lists_the_options_of_the_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    page = (GUIDE / "cli.md").read_text().partition("## All options\n")[2]
    serve, _, inspect = page.partition("### Options of `inspect`\n")
    listed = listed_options(inspect if command else serve)
    assert sorted(listed, key=key) == sorted(options_of([*command, "--help"], capsys), key=key)


@pytest.mark.parametrize("command", ["routes", "exec"])
def test_the_page_names_the_options_of_the_other_commands(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    sentence = re.search(rf"`{command}` takes ((?:`--\w+`|,| |and)+)", (GUIDE / "cli.md").read_text())
    assert sentence
    # `exec` comes behind its target and options.
    arguments = ["--help", "exec"] if command == "exec" else [command, "--help"]
    names = [name for option in options_of(arguments, capsys) for name in option[0] if name[:2] == "--"]
    assert sorted(re.findall(r"`(.+?)`", sentence[1].partition(", and")[0])) == sorted(names)
