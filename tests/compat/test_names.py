"""Names: each one that Sanic accepts is accepted here, and each one that it refuses is refused, for every kind of name.

The inputs are generated: characters of every kind at the beginning, in the middle and at the end of a name, and words
that mean something somewhere. Each check runs on Sanic and on this package, and returns what became of the name.
`DIFFERENCES` lists the intended differences, which the entry `names` of `docs/compatibility.md` describes. The test
fails for one that is gone, too.
"""

from __future__ import annotations

import asyncio
import os
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from importlib import import_module
from string import ascii_letters, digits
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest
import sanic
import sanic_routing.exceptions
import sanic_routing.route

import sanic_star
from sanic_star.compat._routing import exceptions, path_types

LETTERS = {*ascii_letters, *digits} - {*"aABz019"}
CHARACTERS = [c for c in map(chr, range(32, 127)) if c not in LETTERS]
CHARACTERS += [*"\n\t\r\0\x7féñ名ß²٣𝒳·ªΣ😀", "\u0301", "\u200b", "\xa0"]
WORDS = (
    *("", "__main__", "__mp_main__", "__init__", "_x", "_", "__", "___", "__a", "__a__", "__file_uri__", "-", "x-"),
    *("0", "1x", "x1", "a.b", "a.b.c", "a.b.c.d", "a..b", ".a", "a.", "..", "a/b", "/a", "a/", "//", "<a>", "<a", "a>"),
    *("<>", "<:int>", "a:int", "a:", ":int", "a.b.<c>", "a.b.*", "{a}", "%41", "%2F", "%zz", "a%20b", "a?b", "a#b"),
    *("a" * 300, "a" * 3000 + "!", "\ud800", "None", "True", "class", "app", "request", "static", "Static"),
    *("GET", "get", "HEAD", "TRACE", "CONNECT", "PROPFIND", "str", "int", "path", "ext", "string", "number"),
    *("http.lifecycle.begin", "server.init.before", "before_server_start", "BEFORE_SERVER_START"),
    *("response", "REQUEST", "html", "json", "text", "auto", "HTML", "file", "dir", "FILE", "lax", "Strict", "NONE"),
    *("after_reload_trigger", "error", "ignore", "always", "once", "module", "default", "AUTO", "trustme", "on"),
)
FORMS = ("#", "#ab", "a#b", "ab#")
TEXTS = list(dict.fromkeys((*(form.replace("#", c) for c in CHARACTERS for form in FORMS), *WORDS)))


class Members(Enum):
    """Things that are used as names in enumerations."""

    WORD = "abc"
    EVENT = "a.b.c"


VALUES = (None, 0, 1, 1.5, True, b"abc", ["a"], {"a"}, Members.WORD, Members.EVENT, len)


class Framework:
    """One of the two packages, under Sanic's names."""

    def __init__(self, package: Any, modules: str) -> None:
        self.Sanic = package.Sanic
        self.Blueprint = package.Blueprint
        self.text = package.text
        self.is_sanic = package is sanic
        self.NoSignal = (sanic_routing.exceptions if self.is_sanic else exceptions).NotFound
        self._modules = modules

    def __getattr__(self, name: str) -> Any:
        return import_module(f"{self._modules}.{name}")

    def app(self) -> Any:
        self.Sanic._app_registry.clear()
        return self.Sanic("App", configure_logging=False)


SANIC, SANIC_STAR = Framework(sanic, "sanic"), Framework(sanic_star, "sanic_star.compat")
Check = Callable[[Framework, Any], Any]
CHECKS: dict[str, Check] = {}


def check(function: Check) -> Check:
    CHECKS[function.__name__] = function
    return function


async def handler(request: Any, **values: Any) -> None: ...


async def talk(request: Any, ws: Any, **values: Any) -> None: ...


def routes(app: Any, finalize: bool = False) -> list[Any]:
    """Return what identifies each of an application's routes; Sanic checks parameters when it is finalized."""
    if finalize:
        app.finalize()
    return sorted(
        (
            str(route.name),
            "/" + route.uri.lstrip("/"),
            sorted(map(str, route.methods or ())),
            repr((route.requirements or {}).get("host")),
            sorted(route.labels or ()),
            str(route.extra.ident),
        )
        for route in app.router.routes
    )


# Applications and blueprints ------------------------------------------------------------------------------------------


@check
def application(framework: Framework, name: Any) -> Any:
    framework.Sanic._app_registry.clear()
    return framework.Sanic(name).name, framework.Sanic.get_app(name).name


@check
def registered_application(framework: Framework, name: Any) -> Any:
    framework.app()
    return framework.Sanic.get_app(name).name


@check
def spawned_application(framework: Framework, name: Any) -> Any:
    framework.app()
    framework.Sanic("__mp_main__")
    return framework.Sanic.get_app(name).name


@check
def created_application(framework: Framework, name: Any) -> Any:
    framework.app()
    return framework.Sanic.get_app(name, force_create=True).name


@check
def blueprint(framework: Framework, name: Any) -> Any:
    app, part = framework.app(), framework.Blueprint(name)
    part.get("/")(handler)
    app.blueprint(part)
    return part.name, routes(app)


@check
def copied_blueprint(framework: Framework, name: Any) -> Any:
    app, part = framework.app(), framework.Blueprint("part")
    part.get("/")(handler)
    app.blueprint(part.copy(name))
    return routes(app)


@check
def blueprint_prefix(framework: Framework, name: Any) -> Any:
    app, part = framework.app(), framework.Blueprint("part", url_prefix=name)
    part.get("/x")(handler)
    app.blueprint(part)
    return routes(app, finalize=True)


@check
def name_prefix(framework: Framework, name: Any) -> Any:
    app, part = framework.app(), framework.Blueprint("part")
    part.get("/")(handler)
    app.blueprint(part, name_prefix=name)
    return routes(app)


@check
def group_name_prefix(framework: Framework, name: Any) -> Any:
    app, part = framework.app(), framework.Blueprint("part")
    part.get("/")(handler)
    app.blueprint(framework.Blueprint.group(part, name_prefix=name))
    return routes(app)


@check
def group_prefix(framework: Framework, name: Any) -> Any:
    app, part = framework.app(), framework.Blueprint("part")
    part.get("/x")(handler)
    app.blueprint(framework.Blueprint.group(part, url_prefix=name))
    return routes(app, finalize=True)


# Routes ---------------------------------------------------------------------------------------------------------------


@check
def route_name(framework: Framework, name: Any) -> Any:
    app = framework.app()
    app.get("/", name=name)(handler)
    return routes(app), app.url_for(name) if isinstance(name, str) else None


@check
def blueprint_route_name(framework: Framework, name: Any) -> Any:
    app, part = framework.app(), framework.Blueprint("part")
    part.get("/", name=name)(handler)
    app.blueprint(part)
    return routes(app)


@check
def view_name(framework: Framework, name: Any) -> Any:
    app = framework.app()
    app.get("/", name="abc")(handler)
    app.finalize()
    return app.url_for(name)


@check
def handler_name(framework: Framework, name: Any) -> Any:
    async def named(request: Any) -> None: ...

    named.__name__ = name
    app = framework.app()
    app.get("/")(named)
    return routes(app)


@check
def object_name(framework: Framework, name: Any) -> Any:
    class Handler:
        def __call__(self, request: Any) -> None: ...

    named: Any = Handler()
    named.name = name
    app = framework.app()
    app.add_route(named, "/")
    return routes(app)


def _in_path(path: str, add: str = "get", handle: Any = handler) -> Check:
    def inside(framework: Framework, name: Any) -> Any:
        app = framework.app()
        getattr(app, add)(path.replace("NAME", f"{name}"))(handle)
        return routes(app, finalize=True)

    return inside


CHECKS |= {
    "literal_path": _in_path("/x/NAME/y"),
    "whole_path": _in_path("NAME"),
    "literal_beside_parameter": _in_path("/xNAME/<b>"),
    "parameter": _in_path("/<NAME>"),
    "parameter_str": _in_path("/<NAME:str>"),
    "parameter_int": _in_path("/x/<NAME:int>/y"),
    "parameter_path": _in_path("/<NAME:path>"),
    "parameter_expression": _in_path("/<NAME:[a-z]+>"),
    "parameter_file": _in_path("/<NAME:ext>"),
    "parameter_image": _in_path("/<NAME=int:ext=jpg|png>"),
    "parameter_of_websocket": _in_path("/<NAME:int>", "websocket", talk),
    "parameter_twice": _in_path("/<NAME:int>/<ab>"),
    "stem_type": _in_path("/<a=NAME:ext>"),
    "extension": _in_path("/<a:ext=NAME>"),
    "parameter_type": _in_path("/<a:NAME>"),
    "group_in_expression": _in_path("/<a:(?P<NAME>x)>"),
}


@check
def registered_type(framework: Framework, name: Any) -> Any:
    app = framework.app()
    app.router.register_pattern(name, str, "^[a-z]+$")
    app.get(f"/<x:{name}>")(handler)
    return routes(app, finalize=True)


@check
def method(framework: Framework, name: Any) -> Any:
    app = framework.app()
    app.route("/", methods=[name])(handler)
    return routes(app)


@check
def methods(framework: Framework, name: Any) -> Any:
    app = framework.app()
    app.route("/", methods=name)(handler)
    return routes(app)


@check
def added_method(framework: Framework, name: Any) -> Any:
    app = framework.app()
    app.add_route(handler, "/", methods=[name])
    return routes(app)


@check
def router_method(framework: Framework, name: Any) -> Any:
    return sorted(map(str, framework.app().router.add("/", [name], handler).methods))


@check
def host(framework: Framework, name: Any) -> Any:
    app = framework.app()
    app.get("/", host=name)(handler)
    return routes(app)


@check
def hosts(framework: Framework, name: Any) -> Any:
    app = framework.app()
    app.get("/", host=[name, "b.test"])(handler)
    return routes(app)


@check
def blueprint_host(framework: Framework, name: Any) -> Any:
    app, part = framework.app(), framework.Blueprint("part", host=name)
    part.get("/")(handler)
    app.blueprint(part)
    return routes(app)


@check
def version(framework: Framework, name: Any) -> Any:
    app = framework.app()
    app.get("/", version=name)(handler)
    return routes(app)


@check
def blueprint_version(framework: Framework, name: Any) -> Any:
    app, part = framework.app(), framework.Blueprint("part", version=name)
    part.get("/")(handler)
    app.blueprint(part)
    return routes(app)


@check
def version_prefix(framework: Framework, name: Any) -> Any:
    app = framework.app()
    app.get("/x", version=1, version_prefix=name)(handler)
    return routes(app)


@check
def error_format(framework: Framework, name: Any) -> Any:
    app = framework.app()
    app.get("/", error_format=name)(handler)
    return routes(app)


@check
def context(framework: Framework, name: Any) -> Any:
    app = framework.app()
    app.get("/", **{name: 1})(handler)
    return vars(next(iter(app.router.routes)).ctx)


@check
def named_context(framework: Framework, name: Any) -> Any:
    app = framework.app()
    app.get("/", **{"ctx_" + name: 1})(handler)
    return vars(next(iter(app.router.routes)).ctx)


@check
def static_name(framework: Framework, name: Any) -> Any:
    app = framework.app()
    app.static("/s", os.path.dirname(__file__), name=name)
    return routes(app, finalize=True)


@check
def static_path(framework: Framework, name: Any) -> Any:
    app = framework.app()
    app.static(name, os.path.dirname(__file__))
    return routes(app, finalize=True)


@check
def directory(framework: Framework, name: Any) -> Any:
    app = framework.app()
    app.static("/s", name)
    return routes(app, finalize=True)


@check
def resource_type(framework: Framework, name: Any) -> Any:
    app = framework.app()
    app.static("/s", os.path.dirname(__file__), resource_type=name)
    return routes(app, finalize=True)


# What else is registered ----------------------------------------------------------------------------------------------


@check
def command(framework: Framework, name: Any) -> Any:
    app = framework.app()
    app.command(name=name)(handler)
    return [command.name for command in app._future_commands]


@check
def middleware(framework: Framework, name: Any) -> Any:
    app = framework.app()
    app.middleware(name)(handler)
    app.register_middleware(lambda request: None, name)
    return len(app.request_middleware), len(app.response_middleware)


@check
def named_middleware(framework: Framework, name: Any) -> Any:
    app = framework.app()
    app.register_named_middleware(handler, [name])
    return list(app.named_request_middleware)


@check
def listener(framework: Framework, name: Any) -> Any:
    app, part = framework.app(), framework.Blueprint("part")
    app.listener(name)(handler)
    app.register_listener(handler, name)
    part.listener(handler, name)
    app.blueprint(part)


@check
def task(framework: Framework, name: Any) -> Any:
    async def run() -> Any:
        app = framework.app()
        if framework.is_sanic:
            # Its tasks start in the process that runs it.
            app.asgi = True
        app.add_task(handler(None), name=name)
        await asyncio.sleep(0)
        return app.get_task(name).get_name()

    return asyncio.run(run())


def _event(event: str, *dispatched: str, fires: bool = True) -> Check:
    """Listen to an event, and dispatch it and others. Sanic does not find all that it accepts: `fires=False`."""

    def hear(framework: Framework, name: Any) -> Any:
        app, heard = framework.app(), []
        whole = event.replace("NAME", f"{name}") if isinstance(name, str) else name
        app.signal(whole)(lambda **values: heard.append(values))

        async def dispatch() -> None:
            app.signal_router.finalize()
            for event_name in (whole, *dispatched):
                try:
                    await app.dispatch(event_name, inline=True)
                except framework.NoSignal:
                    heard.append(None)

        asyncio.run(dispatch())
        return heard if fires else None

    return hear


CHECKS |= {
    "event": _event("NAME"),
    "event_first": _event("NAME.b.c", fires=False),
    "event_second": _event("a.NAME.c", fires=False),
    "event_third": _event("a.b.NAME", "a.b.x"),
    "event_parameter": _event("a.b.<NAME>", "a.b.x"),
    "event_number": _event("a.b.<NAME:int>", "a.b.1", "a.b.x"),
    "event_type": _event("a.b.<x:NAME>"),
    "event_of_requests": _event("http.NAME.c"),
    "event_of_server": _event("server.init.NAME"),
}


@check
def awaited_event(framework: Framework, name: Any) -> Any:
    app = framework.app()
    app.signal("abc")(handler)
    app.signal("a.b.abc")(handler)

    async def wait() -> Any:
        app.signal_router.finalize()
        try:
            return await app.event(name, timeout=0)
        except TimeoutError:
            return "known"

    return asyncio.run(wait())


# Settings, and words with a meaning -----------------------------------------------------------------------------------


def _custom_settings(framework: Framework, config: Any) -> list[Any]:
    """Return the settings that are in addition to the default ones."""
    hidden = {*framework.config.DEFAULT_CONFIG, "_converters", "_init", "defaults"}
    return sorted((key, value) for key, value in config.items() if key not in hidden and "NAMES" not in key)


@contextmanager
def _environment(*names: str) -> Iterator[None]:
    """Set these variables and no others; those are left out that no environment can have."""
    kept = dict(os.environ)
    os.environ.clear()
    try:
        for name in names:
            with suppress(ValueError, OSError):
                os.environ[name] = "1"
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


@check
def environment_prefix(framework: Framework, name: Any) -> Any:
    prefix = name if isinstance(name, str) else "None"
    with _environment(f"{prefix}KEY", f"{prefix}lower", prefix, f"{prefix.upper()}UP"):
        return _custom_settings(framework, framework.config.Config(env_prefix=name))


@check
def environment_variable(framework: Framework, name: Any) -> Any:
    with _environment("SANIC_" + name):
        return _custom_settings(framework, framework.config.Config())


def _config(framework: Framework) -> Any:
    return framework.config.Config(env_prefix=None)


@check
def updated_setting(framework: Framework, name: Any) -> Any:
    config = _config(framework)
    config.update({name: 1})
    return _custom_settings(framework, config)


@check
def setting(framework: Framework, name: Any) -> Any:
    config = _config(framework)
    config[name] = 1
    return _custom_settings(framework, config)


@check
def setting_of_mapping(framework: Framework, name: Any) -> Any:
    config = _config(framework)
    config.update_config({name: 1})
    return _custom_settings(framework, config)


@check
def setting_of_object(framework: Framework, name: Any) -> Any:
    config = _config(framework)
    config.update_config(SimpleNamespace(**{name: 1}))
    return _custom_settings(framework, config)


@check
def fallback_error_format(framework: Framework, name: Any) -> Any:
    config = _config(framework)
    config.FALLBACK_ERROR_FORMAT = name
    return config.FALLBACK_ERROR_FORMAT


@check
def certificate_creator(framework: Framework, name: Any) -> Any:
    config = _config(framework)
    config.LOCAL_CERT_CREATOR = name
    return str(config.LOCAL_CERT_CREATOR)


@check
def deprecation_filter(framework: Framework, name: Any) -> Any:
    with warnings.catch_warnings():
        config = _config(framework)
        config.DEPRECATION_FILTER = name
        return config.DEPRECATION_FILTER


@check
def truth_value(framework: Framework, name: Any) -> Any:
    return framework.utils.str_to_bool(name)


@check
def cookie(framework: Framework, name: Any) -> Any:
    response = framework.text("")
    response.add_cookie(name, "1")
    return response.cookies.get_cookie(name) is not None


@check
def same_site(framework: Framework, name: Any) -> Any:
    response = framework.text("")
    response.add_cookie("a", "b", samesite=name)
    return str(response.cookies.get_cookie("a"))


# The comparison -------------------------------------------------------------------------------------------------------


class Refused(str):
    """The class of an exception."""


def outcome(framework: Framework, run: Check, name: Any) -> Any:
    try:
        return run(framework, name)
    except Exception as error:
        return Refused(type(error).__name__)


# By check: Sanic's exception, and the one here. All others are of one class where the name is text.
OTHER_EXCEPTIONS = {
    "listener": {("KeyError", "BadRequest")},
    "certificate_creator": {("KeyError", "ValueError")},
    "deprecation_filter": {("AssertionError", "ValueError")},
    "event": {("InvalidUsage", "InvalidSignal")},
    "event_third": {("InvalidUsage", "InvalidSignal")},
    "event_number": {("ValueError", "InvalidUsage")},
    "event_of_requests": {("UnicodeEncodeError", "InvalidSignal")},
    "event_of_server": {("UnicodeEncodeError", "InvalidSignal")},
    "awaited_event": {("NotFound", "InvalidSignal"), ("UnicodeEncodeError", "NotFound")},
}
_SURROGATE = {"\ud800"}


def unknown_types() -> set[str]:
    """Return the texts that are one word, and no path type; the entry `path-types`."""
    # A parameter holds no line break, for either package.
    words = {name: unquote(name).strip() for name in TEXTS if "\n" not in name}
    return {name for name, word in words.items() if re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", word)} - {*PATH_TYPES}


PATH_TYPES = {kind.label for kind in path_types.PATH_TYPES}
# By check: the names that only one package refuses, or that have another effect; see the entry `names`.
# As older releases had them; the entry `old-names`.
DOTTED = {name for name in TEXTS if re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_\-]*(\.[a-zA-Z0-9_\-]+)+", name)}
DIFFERENCES: dict[str, set[Any]] = {
    "application": DOTTED,
    "blueprint": DOTTED,
    "created_application": DOTTED,
    "extension": {"a>b", "ab>", "a>"},
    "parameter": {"a:b"},
    "registered_type": {"%41", *_SURROGATE},
    "parameter_type": unknown_types() | _SURROGATE,
    "event": _SURROGATE,
    "event_first": {".ab", ".a", *_SURROGATE},
    "event_second": _SURROGATE,
    "event_third": _SURROGATE,
    "event_parameter": {"a:b"},
    "event_number": {":", ":ab", "a:b", "ab:", "a:", "a:int", ":int"},
    "event_type": {
        *(form.replace("#", c) for c in "'\r\0:" for form in FORMS),
        *("a:int", "a:", ":int", "<:int>", "path", *_SURROGATE),
        *unknown_types(),
    },
    "event_of_server": {"<>", "<:int>"},
    "environment_prefix": {name for name in TEXTS if name.isupper() and not {*name} & {*"=\0"}},
    "environment_variable": {""},
}
# The same where the name is no text, by what it looks like.
OTHER_DIFFERENCES = {
    "blueprint_host": {"{'a'}"},
    "parameter_type": {"None", "True"},
    "version_prefix": {"['a']", "{'a'}"},
}


def differs(run: str, name: Any) -> bool:
    sanics, ours = outcome(SANIC, CHECKS[run], name), outcome(SANIC_STAR, CHECKS[run], name)
    if isinstance(sanics, Refused) and isinstance(ours, Refused):
        # What is no text fails in many ways.
        return isinstance(name, str) and sanics != ours and (sanics, ours) not in OTHER_EXCEPTIONS.get(run, ())
    return bool(sanics != ours) or isinstance(sanics, Refused) != isinstance(ours, Refused)


@pytest.mark.parametrize("run", CHECKS)
def test_text(run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sanic.Sanic, "test_mode", True)
    # It warns of `<a:string>`, and Sanic's own filter goes before any other.
    monkeypatch.setattr(sanic_routing.route, "warn", lambda *arguments: None)
    assert {name for name in TEXTS if differs(run, name)} == DIFFERENCES.get(run, set())


@pytest.mark.parametrize("run", CHECKS)
def test_names_that_are_not_text(run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sanic.Sanic, "test_mode", True)
    assert {repr(name) for name in VALUES if differs(run, name)} == OTHER_DIFFERENCES.get(run, set())


class Path(str, Enum):  # noqa: UP042 – a `StrEnum` formats as its value, this does not
    RELATIVE = "users"
    ABSOLUTE = "/items"


@pytest.mark.parametrize("path", Path)
def test_a_path_that_is_a_member_of_an_enumeration_counts_by_its_text(path: Path) -> None:
    uris = []
    for package in (sanic, sanic_star):
        app = package.Sanic("enumerated")
        app.get(path)(lambda request: None)
        uris.append([route.uri for route in app.router.routes])
    sanic.Sanic._app_registry.pop("enumerated")
    assert uris[0] == uris[1]
