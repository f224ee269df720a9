"""The reference: each public name has its place there, once, and says what it is.

A page names an object by a line `::: sanic_star.Sanic.get`, which shows its docstring, or by an anchor
`{ #sanic_star.Sanic.config }` with a sentence of the page's own: that is for attributes, and for what Starlette has.
"""

import ast
import importlib
import inspect
import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from enum import Enum
from itertools import pairwise
from types import MemberDescriptorType
from typing import Any

import pytest

import sanic_star
from sanic_star import hub, testing
from sanic_star.compat._support.lazy import OldName
from sanic_star.compat.config import DEFAULT_CONFIG, Config
from sanic_star.compat.helpers import _default
from tests.project import ROOT
from tests.project.public_names import ONLY_WITHOUT_SANIC, public_modules, public_names
from tests.project.test_own_names import KINDS, annotated, public

PAGES = sorted((ROOT / "docs/reference").glob("*.md"))
DIRECTIVE = re.compile(
    r"^(?:\[\]\(\)\{ #(?P<anchor>[\w.]+) \}\n\n)?::: (?P<path>[\w.]+)\n(?P<options>(?: .*\n)*)", re.M
)
ANCHOR = re.compile(r"(?<!\[\]\(\))\{ #(sanic_star\.[\w.]+) \}")
# Names that are imported when somebody uses them, so that `__all__` is without them.
LOADED_LATE = ("EventStream", "Hub", "NegotiatedResponse", "NotAcceptable", "ServerSentEvent", "guard")

# The names that handlers and start-up code of most applications use.
MOST_USED = [
    "Sanic",
    "Sanic.get",
    "Sanic.post",
    "Sanic.put",
    "Sanic.patch",
    "Sanic.delete",
    "Sanic.route",
    "Sanic.add_route",
    "Sanic.websocket",
    "Sanic.static",
    "Sanic.blueprint",
    "Sanic.mount",
    "Sanic.url_for",
    "Sanic.on_request",
    "Sanic.on_response",
    "Sanic.middleware",
    "Sanic.exception",
    "Sanic.listener",
    "Sanic.before_server_start",
    "Sanic.after_server_stop",
    "Sanic.signal",
    "Sanic.dispatch",
    "Sanic.add_task",
    "Sanic.every",
    "Sanic.command",
    "Sanic.get_app",
    "Sanic.update_config",
    "Sanic.test_client",
    "Blueprint",
    "Blueprint.middleware",
    "Blueprint.group",
    "Blueprint.copy",
    "Blueprint.mount",
    "Blueprint.add_middleware",
    "Request.json",
    "Request.body",
    "Request.form",
    "Request.files",
    "Request.args",
    "Request.query_args",
    "Request.headers",
    "Request.cookies",
    "Request.token",
    "Request.credentials",
    "Request.ctx",
    "Request.path",
    "Request.url",
    "Request.method",
    "Request.match_info",
    "Request.stream",
    "Request.url_for",
    "Request.get_current",
    "Request.build",
    "text",
    "json",
    "html",
    "raw",
    "empty",
    "redirect",
    "file",
    "HTTPResponse",
    "HTTPResponse.headers",
    "HTTPResponse.add_cookie",
    "HTTPResponse.delete_cookie",
    "HTTPResponse.send",
    "Config",
    "Config.update_config",
    "SanicException",
    "NotFound",
    "guard",
    "Hub",
    "EventStream",
]


def directives() -> Iterator[tuple[str, str]]:
    """Yield the name under which each object is shown, and the path that its docstring is taken from."""
    for page in PAGES:
        for directive in DIRECTIVE.finditer(page.read_text()):
            path = directive["path"]
            yield directive["anchor"] or path, path
            for member in re.findall(r"^ +- (\w+)$", directive["options"], re.MULTILINE):
                yield f"{path}.{member}", f"{path}.{member}"


def anchors() -> Iterator[str]:
    """Yield the names that pages describe by a sentence of their own."""
    for page in PAGES:
        yield from ANCHOR.findall(page.read_text())


def names() -> Counter[str]:
    """Count how often the reference describes each name."""
    return Counter([*(name for name, _ in directives()), *anchors()])


def resolve(path: str) -> Any:
    """Return what a dotted path names; a property is returned as it stands in its class."""
    parts = path.split(".")
    length = next(n for n in range(len(parts), 0, -1) if is_module(".".join(parts[:n])))
    thing: Any = importlib.import_module(".".join(parts[:length]))
    for part in parts[length:]:
        static = inspect.getattr_static(thing, part, None)
        thing = static if isinstance(static, property | MemberDescriptorType) else getattr(thing, part)
    return thing


def is_module(path: str) -> bool:
    try:
        importlib.import_module(path)
    except ModuleNotFoundError:
        return False
    return True


def members(kind: str) -> set[str]:
    """Return the public names of a class, those of its objects among them, without names of old releases."""
    thing = Config() if kind == "Config" else KINDS[kind][0]
    cls = type(thing)
    of_containers = public(dict) | public(Mapping)
    own = {name for base in cls.__mro__ if base.__module__.startswith("sanic_star") for name in vars(base)}
    return {
        name
        for name in public(thing) | public(cls) | annotated(cls)
        if not isinstance(inspect.getattr_static(cls, name, None), OldName)
        and (name in own or name not in of_containers)
    }


@pytest.mark.parametrize("kind", [*KINDS, "Config"])
def test_each_public_member_is_described_once(kind: str) -> None:
    prefix = f"sanic_star.{kind}."
    described = Counter({name.removeprefix(prefix): n for name, n in names().items() if name.startswith(prefix)})
    expected = members(kind)
    assert {
        "missing": sorted(expected - described.keys()),
        "unknown": sorted(described.keys() - expected),
        "twice": sorted(name for name, count in described.items() if count > 1),
    } == {"missing": [], "unknown": [], "twice": []}


def test_each_public_name_is_described_once() -> None:
    expected = {
        *(f"sanic_star.{name}" for name in (*sanic_star.__all__, *LOADED_LATE)),
        *(f"sanic_star.testing.{name}" for name in testing.__all__),
        *(f"sanic_star.hub.{name}" for name in hub.__all__ if name != "Hub"),
    }
    assert {name: names()[name] for name in expected if names()[name] != 1} == {}
    assert [name for name, count in names().items() if count > 1] == []


def test_a_folded_list_of_members_names_them() -> None:
    for page in PAGES:
        for summary, text in re.findall(r"<summary>([^<]*)</summary>\n(.*?)</details>", page.read_text(), re.DOTALL):
            within = re.findall(r"^(?:::: [\w.]+\.(\w+)$|### (\w+) \{)", text, re.MULTILINE)
            assert summary.split(", ") == [directive or heading for directive, heading in within], page.name


def docstring(path: str) -> str | None:
    """Return the docstring of an object; that of an attribute is the string after the statement that sets it."""
    parent, _, name = path.rpartition(".")
    thing = resolve(path)
    if inspect.isclass(thing) or inspect.isroutine(thing) or isinstance(thing, property):
        return inspect.getdoc(thing)
    for base in resolve(parent).__mro__[:-1]:
        (cls,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(cls, ast.ClassDef)
        for statement, follower in pairwise(cls.body):
            match statement, follower:
                case (
                    ast.AnnAssign(target=ast.Name(id=target)) | ast.Assign(targets=[ast.Name(id=target)]),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ) if target == name:
                    return text
    return None


@pytest.mark.parametrize("path", sorted({path for _, path in directives()}))
def test_what_is_described_by_its_docstring_has_one(path: str) -> None:
    assert docstring(path)


def test_no_description_of_an_unknown_name() -> None:
    for name in anchors():
        assert name.rpartition(".")[2] in members(name.split(".")[1]) if name.count(".") == 2 else resolve(name)


@pytest.mark.parametrize("name", MOST_USED)
def test_most_used_names_have_an_example(name: str) -> None:
    # `test_docs` runs it.
    assert ">>> " in (inspect.getdoc(resolve(f"sanic_star.{name}")) or "")


# No user imports from them.
LAYERS_BELOW = ("sanic_star.engine", "sanic_star.servers")


def undocumented() -> Iterator[str]:
    """Yield the public functions, classes and methods without a docstring of their own or of a base."""
    for name in sorted(set(public_modules()) - ONLY_WITHOUT_SANIC):
        if name.startswith(LAYERS_BELOW):
            continue
        module = importlib.import_module(name)
        for public_name in public_names(name):
            thing = getattr(module, public_name)
            if not (inspect.isclass(thing) or inspect.isfunction(thing)):
                continue
            if not str(thing.__module__).startswith("sanic_star"):
                continue
            if not thing.__doc__:
                yield f"{name}.{public_name}"
            if inspect.isclass(thing):
                yield from (f"{name}.{public_name}.{member}" for member in undocumented_methods(thing))


def undocumented_methods(cls: type) -> Iterator[str]:
    """Yield the public methods and properties that neither the class nor a base of it explains."""
    for name, value in vars(cls).items():
        function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if not inspect.isfunction(function) or name.startswith("_"):
            continue
        if not any(inspect.getdoc(getattr(base, name)) for base in cls.__mro__ if hasattr(base, name)):
            yield name


def test_each_public_name_has_a_docstring() -> None:
    assert sorted(set(undocumented())) == []


# "Arguments as in `route`": the docstring of that member of the same class counts too.
OTHER_DOCSTRING = re.compile(r"arguments (?:are )?(?:as (?:in|for)|those of) (?:the )?`?(\w+)")
# Not checked yet: requests, responses, websockets and the hub. No user calls the layers below.
UNCHECKED = (
    *LAYERS_BELOW, "sanic_star.compat.request", "sanic_star.compat.response", "sanic_star.compat.server",
    "sanic_star.hub",
)  # fmt: skip
# Its arguments are those of a method of Starlette's.
ARGUMENTS_OF_STARLETTE = {"sanic_star.compat.cookies.response.check_starlette_cookie"}


def unexplained(path: str, thing: Any, owner: Any = None) -> Iterator[str]:
    """Yield the parameters of a function or class that its docstring never names."""
    function = inspect.unwrap(getattr(thing, "__func__", thing))
    if str(function.__module__).startswith(UNCHECKED) or path in ARGUMENTS_OF_STARLETTE:
        return
    if inspect.isclass(thing):
        function = vars(thing).get("__init__")
        if function is None:
            return
    text = "\n".join(filter(None, (inspect.getdoc(thing), inspect.getdoc(function))))
    for name in OTHER_DOCSTRING.findall(text):
        text += inspect.getdoc(getattr(owner, name, None)) or ""
    for parameter in inspect.signature(function).parameters.values():
        is_star = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        is_hidden = is_star or parameter.name in ("self", "cls") or parameter.name.startswith("_")
        if not is_hidden and not re.search(rf"\b{parameter.name}\b", text):
            yield f"{path}({parameter.name})"


def described() -> Iterator[tuple[str, Any, Any]]:
    """Yield the public functions, classes and methods, and those of the reference: path, object, class."""
    for name in sorted(set(public_modules()) - ONLY_WITHOUT_SANIC):
        module = importlib.import_module(name)
        for public_name in public_names(name):
            thing = getattr(module, public_name)
            if not (inspect.isclass(thing) or inspect.isfunction(thing)) or "sanic_star" not in str(thing.__module__):
                continue
            yield f"{name}.{public_name}", thing, None
            if inspect.isclass(thing):
                for member, value in vars(thing).items():
                    function = getattr(value, "__func__", value)
                    if inspect.isfunction(function) and not member.startswith("_"):
                        # An override without a docstring has that of its base.
                        yield f"{name}.{public_name}.{member}", getattr(thing, member), thing
    for _, path in directives():
        thing = resolve(path)
        if inspect.isfunction(thing) or inspect.ismethod(thing) or inspect.isclass(thing):
            yield path, thing, resolve(path.rpartition(".")[0])


def test_docstrings_name_each_parameter() -> None:
    assert sorted({line for path, thing, owner in described() for line in unexplained(path, thing, owner)}) == []


def test_docstrings_show_their_examples_as_code() -> None:
    # Outside of a section `Examples`, Markdown reads `>>>` as a quotation.
    for _, path in directives():
        if example := re.search(r"^>>> .*", docstring(path) or "", re.MULTILINE):
            pytest.fail(f"{path}: {example[0]!r} stands in no section of examples")


def test_the_defaults_of_settings_are_those_of_the_code() -> None:
    page = (ROOT / "docs/reference/config.md").read_text()
    described = dict(re.findall(r"^- `(\w+)`\{ #[^}]+ \}(?: = `(.+?)`)?: ", page, re.MULTILINE))
    defaults = DEFAULT_CONFIG | {"FALLBACK_ERROR_FORMAT": "auto", "SERVER_NAME": _default}
    assert described.keys() == defaults.keys() - {"_FALLBACK_ERROR_FORMAT"}
    for name, text in described.items():
        default = defaults[name]
        if isinstance(default, Enum):
            assert text == f"{type(default).__name__}.{default.name}"
        else:
            assert (ast.literal_eval(text) if text else _default) == default, name
