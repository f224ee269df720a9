"""Headers, constants, helpers, utils, types and deprecation, compared with Sanic's where it has them."""

from __future__ import annotations

import asyncio
import io
import logging
import multiprocessing
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sanic.application.constants
import sanic.compat
import sanic.constants
import sanic.helpers
import sanic.types
import sanic.types.shared_ctx
import sanic.utils
from multidict import istr

from sanic_star.compat import compat, constants, exceptions, helpers, types, utils
from sanic_star.compat.application import constants as application
from sanic_star.compat.logging.deprecation import deprecation
from sanic_star.compat.models import handler_types
from sanic_star.compat.types import shared_ctx

sanic_helpers: Any = sanic.helpers  # its functions are not annotated
CONSTANTS = """
HTTP_METHODS SAFE_HTTP_METHODS IDEMPOTENT_HTTP_METHODS CACHEABLE_HTTP_METHODS DEFAULT_HTTP_CONTENT_TYPE
DEFAULT_LOCAL_TLS_KEY DEFAULT_LOCAL_TLS_CERT HTTPMethod LocalCertCreator
"""
TRUTHS = "y Y yes YEP yup t true TRUE on ON enable enabled 1 n no f false off disable disabled 0"
ITEMS = [("content-type", "a/b"), ("X-Foo", "1"), ("x-foo", "2")]


@pytest.mark.parametrize("name", ["content_type", "x_foo", "X_FOO", "missing", "a__b"])
def test_headers_are_attributes(name: str) -> None:
    assert getattr(compat.Header(ITEMS), name) == getattr(sanic.compat.Header(ITEMS), name)


@pytest.mark.parametrize("key", ["x-foo", "content-type", "vary"])
def test_get_all_lists_the_values(key: str) -> None:
    assert compat.Header(ITEMS).get_all(key) == sanic.compat.Header(ITEMS).get_all(key)


@pytest.mark.parametrize("items", [[], ITEMS, [*ITEMS, ("X-FOO", "3"), ("vary", "a")]])
@pytest.mark.parametrize("name", ["x-foo", "X-Foo", "content-type", "vary", istr("X-foo")])
@pytest.mark.parametrize("value", ["1", "2", "new", "tab\there", ""])
def test_a_field_that_is_set_replaces_all_of_its_name(items: list[tuple[str, str]], name: str, value: str) -> None:
    made = []
    for kind in (compat.Header, sanic.compat.Header):
        headers = kind(items)
        headers[name] = value
        headers["x-other"] = value
        headers[name] = value
        made.append([(key.lower(), text) for key, text in headers.items()])
    assert made[0] == made[1]


def test_a_private_attribute_is_not_a_header() -> None:
    with pytest.raises(AttributeError, match="'Header' object has no attribute '_secret'"):
        _ = compat.Header(ITEMS)._secret


def test_headers_are_copied_and_pickled() -> None:
    headers = compat.Header(ITEMS)
    assert isinstance(headers.copy(), compat.Header)
    assert pickle.loads(pickle.dumps(headers)) == headers


def test_files_are_opened_and_looked_at_asynchronously(tmp_path: Path) -> None:
    async def use() -> tuple[str, int]:
        async with await compat.open_async(tmp_path / "a", "w", encoding="latin-1") as file:
            await file.write("é")
        async with await compat.open_async(tmp_path / "a", encoding="latin-1") as file:
            return await file.read(), (await compat.stat_async(tmp_path / "a")).st_size

    assert asyncio.run(use()) == ("é", 1)


@pytest.mark.parametrize("name", CONSTANTS.split())
def test_constants_are_sanics(name: str) -> None:
    ours, sanics = getattr(constants, name), getattr(sanic.constants, name)
    assert list(map(str, ours)) == list(map(str, sanics))


@pytest.mark.parametrize("other", ["GET", "get", "Get", "PUT", None, 1])
def test_a_method_equals_its_name_in_any_case(other: object) -> None:
    assert (other == constants.HTTPMethod.GET) == (other == sanic.constants.HTTPMethod.GET)
    assert hash(constants.HTTPMethod.GET) == hash("GET")


@pytest.mark.parametrize("name", ["Server", "Mode", "ServerStage"])
def test_the_states_of_an_application_are_sanics(name: str) -> None:
    ours, sanics = getattr(application, name), getattr(sanic.application.constants, name)
    assert [(item.name, item.value, str(item)) for item in ours] == [(i.name, i.value, str(i)) for i in sanics]


def test_the_mode_equals_its_name_unlike_in_sanic() -> None:
    assert str.__eq__(application.Mode.DEBUG, "debug")
    assert application.Mode.DEBUG in ("debug", "x")


def test_status_codes_are_sanics_and_two_more() -> None:
    added = {421: b"Misdirected Request", 425: b"Too Early"}
    assert {**sanic.helpers.STATUS_CODES, **added} == helpers.STATUS_CODES


def test_statuses_with_a_body() -> None:
    for status in range(100, 600):
        assert helpers.has_message_body(status) == sanic_helpers.has_message_body(status)


@pytest.mark.parametrize("header", ["Content-Type", "allow", "etag", "Connection", "TE", "upgrade", "x-y"])
def test_kinds_of_headers(header: str) -> None:
    assert helpers.is_entity_header(header) == sanic_helpers.is_entity_header(header)
    assert helpers.is_hop_by_hop_header(header) == sanic_helpers.is_hop_by_hop_header(header)


def test_trailer_is_a_hop_by_hop_header() -> None:
    assert helpers.is_hop_by_hop_header("Trailer")


def test_the_mark_for_what_was_not_given() -> None:
    assert repr(helpers._default) == repr(sanic.helpers._default) == "<Default>"
    assert isinstance(helpers._default, helpers.Default)


def test_import_string_calls_all_but_modules() -> None:
    assert helpers.import_string("json.decoder") is sys.modules["json.decoder"]
    assert helpers.import_string("collections.OrderedDict") == {}
    assert helpers.import_string(".decoder.JSONDecoder", "json").__class__.__name__ == "JSONDecoder"


@pytest.mark.parametrize(
    ("name", "error"),
    [("json", ValueError), ("nope.x", ModuleNotFoundError), ("json.nope", AttributeError)],
)
def test_import_string_errors_name_the_problem(name: str, error: type[Exception]) -> None:
    for module in (helpers, sanic.helpers):
        with pytest.raises(error):
            module.import_string(name)


def test_is_atty_looks_at_the_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, expected in ((Terminal(), True), (io.StringIO(), False), (None, False)):
        monkeypatch.setattr(sys, "stdout", stream)
        assert helpers.is_atty() is sanic.helpers.is_atty() is expected


@pytest.mark.parametrize("word", TRUTHS.split())
def test_truth_from_text(word: str) -> None:
    assert utils.str_to_bool(word) is sanic.utils.str_to_bool(word)


@pytest.mark.parametrize("word", ["", "x", "2", " true"])
def test_no_truth_from_other_text(word: str) -> None:
    for module in (utils, sanic.utils):
        with pytest.raises(ValueError, match="Invalid truth value"):
            module.str_to_bool(word)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "good.py").write_text("A = 1\n")
    (tmp_path / "good.cfg").write_text("A = 1\n")
    (tmp_path / "bad.py").write_text("A = 1 / 0\n")
    (tmp_path / "bad.cfg").write_text("A = 1 / 0\n")
    (tmp_path / "wrong.cfg").write_text("A =\n")
    monkeypatch.setenv("SETTINGS_HOME", str(tmp_path))
    return tmp_path


def loaded(module: Any, location: Any) -> Any:
    try:
        module_or_config = module.load_module_from_file_location(location)
    except Exception as error:
        return type(error).__name__, type(error.__cause__).__name__, getattr(error, "errno", None)
    return (
        getattr(module_or_config, "A", None),
        module_or_config.__name__,
        str(getattr(module_or_config, "__file__", None)),
    )


@pytest.mark.parametrize("file", ["good.py", "good.cfg", "bad.py", "bad.cfg", "wrong.cfg", "missing.py", "missing.cfg"])
def test_a_file_is_loaded_as_sanic_loads_it(files: Path, file: str) -> None:
    for location in (str(files / file), files / file, str(files / file).encode(), f"${{SETTINGS_HOME}}/{file}"):
        assert loaded(utils, location) == loaded(sanic.utils, location)


@pytest.mark.parametrize("location", ["json", "json.decoder", "json.nope", "nope.x", "", "${NOT_SET}/a.py"])
def test_a_module_is_loaded_as_sanic_loads_it(location: str) -> None:
    assert loaded(utils, location) == loaded(sanic.utils, location)


def test_a_sibling_file_is_found_without_a_slash(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    assert loaded(utils, "good.py")[0] == 1


def test_variables_that_are_not_set_are_named() -> None:
    with pytest.raises(exceptions.LoadFileException, match="not set: NO_A, NO_B"):
        utils.load_module_from_file_location("/${NO_B}/${NO_A}.py")


def test_equal_dictionaries_have_equal_hashes() -> None:
    assert hash(types.HashableDict(a=1, b=2)) == hash(types.HashableDict(b=2, a=1))
    for kind in (types.HashableDict, sanic.types.HashableDict):
        with pytest.raises(TypeError):
            hash(kind(a=[]))


SHARED: list[tuple[Any, bool]] = [
    (multiprocessing.Value("i", 0), True),
    (multiprocessing.Lock(), True),
    (multiprocessing.Pipe(), True),
]
ENVIRONMENT_VALUES: list[tuple[Any, bool]] = [
    (1, False),
    ({}, False),
    (None, False),
    ("text", False),
    (object(), False),
    ((multiprocessing.Lock(), 1), False),
]


@pytest.mark.parametrize(("value", "safe"), SHARED + ENVIRONMENT_VALUES)
def test_a_shared_context_warns_of_what_cannot_be_shared(
    value: Any, safe: bool, caplog: pytest.LogCaptureFixture
) -> None:
    for module in (shared_ctx, sanic.types.shared_ctx):
        context = module.SharedContext()
        caplog.clear()
        with caplog.at_level(logging.WARNING, "sanic.error"):
            context.thing = value
        assert bool(caplog.records) is not safe
        assert safe or "Unsafe object" in caplog.text
        assert context.thing is value


def test_a_worker_is_not_warned(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("SANIC_WORKER_NAME", "Sanic-Server-0-0")
    for module in (shared_ctx, sanic.types.shared_ctx):
        for value, _ in ENVIRONMENT_VALUES:
            module.SharedContext().thing = value
    assert not caplog.records


def test_a_locked_shared_context_rejects_changes() -> None:
    for module in (shared_ctx, sanic.types.shared_ctx):
        context = module.SharedContext()
        assert context.is_locked is False
        context.lock()
        assert context.is_locked is True
        with pytest.raises(RuntimeError, match="Cannot set late on locked SharedContext object"):
            context.late = 1


def test_a_deprecation_points_at_the_caller_outside() -> None:
    with pytest.warns(DeprecationWarning, match=r"\[DEPRECATION v26.6\] old is new") as caught:
        deprecation("old is new", 26.6)
    assert caught[0].filename == __file__
    with pytest.warns(DeprecationWarning, match="fixed status") as caught:
        exceptions.NotFound("x", 404)
    assert caught[0].filename == __file__


def test_a_deprecation_in_the_outermost_frame_still_warns() -> None:
    code = "from sanic_star.compat.logging.deprecation import deprecation as d; d('old', 1.0)"
    command = [sys.executable, "-W", "always", "-c", f"__name__ = 'sanic_star.x'; {code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "DeprecationWarning: [DEPRECATION v1.0] old" in done.stderr


def test_handler_types_annotate_user_code() -> None:
    def listener(app: Any) -> None: ...

    async def middleware(request: Any) -> None: ...

    listeners: list[handler_types.ListenerType[Any]] = [listener]
    both: list[handler_types.MiddlewareType[Any]] = [middleware]
    assert (listeners, both) == ([listener], [middleware])
