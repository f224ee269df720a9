"""Settings: the same steps on both, and our additions: `on_change`, inheritance, a default error format."""

from __future__ import annotations

import logging
import os
import pickle
import re
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sanic.config

from sanic_star import Sanic
from sanic_star.compat import config as ours
from sanic_star.compat.config import Config
from sanic_star.compat.exceptions import SanicException, ServerError
from sanic_star.compat.helpers import Default
from sanic_star.compat.logging.deprecation import deprecation
from sanic_star.testing import TestClient

INNER = {"defaults", "_converters", "_init"}  # Sanic keeps these among the settings


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith("SANIC_")]:
        monkeypatch.delenv(name)
    with warnings.catch_warnings():  # Sanic's Config changes the filters
        yield


def settings(config: Any) -> dict[str, str]:
    return {key: str(config[key]) for key in sorted(config) if key not in INNER}


def test_the_defaults_are_sanics() -> None:
    assert settings(Config()) == settings(sanic.config.Config())
    assert {key: str(value) for key, value in ours.DEFAULT_CONFIG.items()} == {
        key: str(value) for key, value in sanic.config.DEFAULT_CONFIG.items()
    }
    assert vars(ours)["DEFAULT_FORMAT"] == vars(sanic.config)["DEFAULT_FORMAT"]
    assert ours.SANIC_PREFIX == sanic.config.SANIC_PREFIX


STEPS = """
c.NOPE
c["NOPE"]
c.get("NOPE")
c.FALLBACK_ERROR_FORMAT
c._FALLBACK_ERROR_FORMAT
"FALLBACK_ERROR_FORMAT" in c
setattr(c, "FALLBACK_ERROR_FORMAT", "json") or c.FALLBACK_ERROR_FORMAT
setattr(c, "FALLBACK_ERROR_FORMAT", "bogus")
c.update({"FALLBACK_ERROR_FORMAT": "text"}) or c._FALLBACK_ERROR_FORMAT
c.__setitem__("FALLBACK_ERROR_FORMAT", "html") or c.FALLBACK_ERROR_FORMAT
setattr(c, "NEW", 3) or c["NEW"]
c.__setitem__("NEW", 3) or c.NEW
setattr(c, "lower", 3) or c["lower"]
c.update({"A": 1}, {"B": 2}, C=3) or (c.A, c.B, c.C)
c.update([("A", 1)]) or c.A
c.setdefault("A", 1), c.setdefault("A", 2)
setattr(c, "LOCAL_CERT_CREATOR", "mkcert") or str(c.LOCAL_CERT_CREATOR)
c.SERVER_NAME
c.update_config({"A": 1, "b": 2, "a_b": 3, "C": None}) or settings(c)
c.update_config({"REQUEST_TIMEOUT": "x"}) or c.REQUEST_TIMEOUT
c.update_config(Plain) or (c.A, c.get("b"), c.REQUEST_TIMEOUT)
c.update_config(Plain()) or (c.A, c.get("b"), c.P)
c.load(Plain()) or (c.A, c.get("b"), c.P)
c.update_config(SimpleNamespace(A=1, b=2))
c.update_config("sanic.constants") or c.DEFAULT_HTTP_CONTENT_TYPE
c.update_config("nope")
c.update_config(b"nope.x")
c.update_config("${NOPE}/x.py")
c.update_config("/nope/x.py")
"""


class Plain:
    A = 1
    b = 2
    REQUEST_TIMEOUT = 5

    @property
    def P(self) -> int:
        return 7


def result(kind: Any, step: str) -> Any:
    names = {"c": kind(), "settings": settings, "Plain": Plain, "SimpleNamespace": SimpleNamespace}
    try:
        return str(eval(step, names))
    except Exception as error:
        return type(error).__name__, str(error).partition(":")[0]


@pytest.mark.parametrize("step", STEPS.strip().splitlines())
def test_a_step_does_what_it_does_in_sanic(step: str) -> None:
    assert result(Config, step) == result(sanic.config.Config, step)


@pytest.mark.parametrize("name", ["s.py", "s.cfg"])
def test_settings_come_from_files(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("A = 1\nb = 2\n_C = 3\nKEEP_ALIVE = False\nimport os\n")
    for location in (path, str(path), str(path).encode()):
        config, sanics = Config(), sanic.config.Config()
        config.update_config(location)
        sanics.update_config(location)
        assert settings(config) == settings(sanics)


ENVIRONMENT = {
    "SANIC_A": "1", "SANIC_B": "1.5", "SANIC_C": "true", "SANIC_D": "text", "SANIC_E": "", "SANIC_lower": "1",
    "SANIC_F_G": "off", "SANIC_REQUEST_TIMEOUT": "5", "SANIC_KEEP_ALIVE": "no", "SANIC_H": "1e3", "SANIC_I": "nan",
    "SANIC_J": "0", "SANIC_K": " 5", "SANIC_L": "0x10", "SANIC_M": "1_000", "SANIC_N": "{}", "SANIC_P": "y",
    "SANIC__X": "3", "SANIC_FALLBACK_ERROR_FORMAT": "json", "MYAPP_A": "9", "SANIC_LOCAL_CERT_CREATOR": "trustme",
    "SANIC_Mixed": "1", "SANIC_NEG": "-3",
}  # fmt: skip


def make_d(value: str) -> str:
    if value != "text":
        raise ValueError
    return "D"


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"env_prefix": "MYAPP_"},
        {"env_prefix": "MYAPP"},
        {"env_prefix": None},
        {"env_prefix": ""},
        {"defaults": {"A": "given", "Q": 4}},
        {"defaults": {"KEEP_ALIVE": True}, "keep_alive": False, "env_prefix": None},
        {"keep_alive": True},
        {"converters": [make_d]},
    ],
)
def test_settings_come_from_the_environment(arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    assert settings(Config(**arguments)) == settings(sanic.config.Config(**arguments))


def test_a_variable_named_like_the_prefix_is_not_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANIC_", "7")
    assert "" not in Config()


def test_later_converters_are_tried_first(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("MYAPP_A", "9")
    for kind in (Config, sanic.config.Config):
        config: Any = kind()
        config.register_type(make_d)
        config.register_type(lambda value: f"<{value}>")
        config.load_environment_vars("MYAPP_")
        assert config.A == "<9>"
        caplog.clear()
        with caplog.at_level(logging.WARNING, "sanic.error"):
            config.register_type(make_d)
        assert "make_d" in caplog.text


def test_a_detailed_converter_gets_more_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    class Detailed(ours.DetailedConverter):
        def __call__(self, full_key: str, config_key: str, value: str, defaults: dict[str, Any]) -> Any:
            return full_key, config_key, value, defaults["Q"]

    monkeypatch.setenv("MYAPP_A", "9")
    assert Config({"Q": 1}, env_prefix="MYAPP_", converters=[Detailed()]).A == ("MYAPP_A", "A", "9", 1)


def test_a_secret_of_digits_stays_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANIC_FORWARDED_SECRET", "12345")
    config = Config()
    assert config.FORWARDED_SECRET == "12345"
    config.FORWARDED_SECRET = None
    assert config["FORWARDED_SECRET"] is None


SWITCHES = [key for key, value in ours.DEFAULT_CONFIG.items() if isinstance(value, bool)]
OTHER_SWITCHES = ["CANCEL_ON_DISCONNECT", "LOG_EXTRA", "TOUCHUP", "USE_UVLOOP", "SHOP_OPEN"]


@pytest.mark.parametrize("name", [*SWITCHES, *OTHER_SWITCHES])
def test_an_invalid_boolean_variable_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"SHOP_OPEN": True}
    for prefix in ("SANIC_", "SHOP_"):
        variable = prefix + name
        for text in ("maybe", "5", "2.5", "-1", " true", "none"):
            monkeypatch.setenv(variable, text)
            # By every way of reading the environment.
            with pytest.raises(ours.SettingError, match=f"{variable} is {text!r}"):
                Config(own, env_prefix=prefix)
            with pytest.raises(ours.SettingError, match=variable):
                Config(own, env_prefix=None).load_environment_vars(prefix)
            if name != "SHOP_OPEN":
                with pytest.raises(ours.SettingError, match=variable):
                    Sanic("Switches", env_prefix=prefix)
        for text, value in (("Yes", True), ("off", False), ("1", 1), ("0", 0), ("", "")):
            monkeypatch.setenv(variable, text)
            assert Config(own, env_prefix=prefix)[name] == value
        # A converter of the application's own knows better.
        monkeypatch.setenv(variable, "maybe")
        assert Config(own, env_prefix=prefix, converters=[str.title])[name] == "Maybe"
        monkeypatch.delenv(variable)


@pytest.mark.parametrize("name", SWITCHES)
def test_text_that_switches_nothing_is_refused_at_the_start(name: str) -> None:
    for config in (Config({name: "maybe"}), Config()):
        config.update_config({name: "maybe"})
        with pytest.raises(ours.SettingError, match=f"{name} is 'maybe'"):
            config._validate()
    for value in (True, False, 1, 0, None, "yes", "off", ""):
        Config({name: value})._validate()


@pytest.mark.parametrize("name", ["FORWARDED_SECRET", "SERVER_NAME", "TLS_CERT_PASSWORD", "INSPECTOR_API_KEY"])
def test_a_variable_that_is_text_stays_text(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("0123", "1e5", "true", "off", "127.5", ""):
        monkeypatch.setenv(f"SANIC_{name}", text)
        assert Config()[name] == text


def test_inherited_settings_count() -> None:
    class Base:
        A = 1

    class Live(Base):
        B = 2

    config = Config()
    config.update_config(Live)
    assert (config.A, config.B) == (1, 2)


@pytest.mark.parametrize("nothing", [None, 5])
def test_objects_without_settings_are_refused(nothing: object) -> None:
    with pytest.raises(TypeError, match="Settings come from"):
        Config().update_config(nothing)


def test_the_error_format_can_be_given_at_once() -> None:
    assert Config({"FALLBACK_ERROR_FORMAT": "json"}).FALLBACK_ERROR_FORMAT == "json"
    with pytest.raises(SanicException, match="Unknown format: bogus"):
        Config({"FALLBACK_ERROR_FORMAT": "bogus"})


def test_a_second_error_format_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    config = Config({"FALLBACK_ERROR_FORMAT": "json"})
    config.FALLBACK_ERROR_FORMAT = "json"
    assert not caplog.records
    with caplog.at_level(logging.WARNING, "sanic.error"):
        config.FALLBACK_ERROR_FORMAT = "text"
    assert "was 'json' and is now 'text'" in caplog.text


def test_config_changes_call_on_change() -> None:
    config = Config()
    seen: list[tuple[str, Any]] = []
    config.on_change.append(lambda key, value: seen.append((key, value)))
    config.A = 1
    config["B"] = 2
    config.update(C=3)
    config |= {"D": 4}
    config.setdefault("E", 5)
    config.setdefault("E", 6)
    config.LOCAL_CERT_CREATOR = "mkcert"
    assert [(key, str(value)) for key, value in seen] == [
        ("A", "1"), ("B", "2"), ("C", "3"), ("D", "4"), ("E", "5"), ("LOCAL_CERT_CREATOR", "MKCERT")
    ]  # fmt: skip


def test_a_setting_can_be_deleted() -> None:
    config = Config({"A": 1})
    del config.A
    assert "A" not in config
    with pytest.raises(AttributeError, match="Config has no 'A'"):
        del config.A


def test_settings_are_pickled() -> None:
    config = Config({"A": 1, "FALLBACK_ERROR_FORMAT": "text"})
    copy = pickle.loads(pickle.dumps(config))
    assert (copy.A, copy.FALLBACK_ERROR_FORMAT, isinstance(copy.TOUCHUP, Default)) == (1, "text", True)


def test_applications_do_not_share_what_they_display() -> None:
    Config().MOTD_DISPLAY["a"] = "b"
    assert Config().MOTD_DISPLAY == {}


@pytest.mark.parametrize(("action", "seen"), [("ignore", 0), ("always", 2), ("once", 1)])
def test_the_filter_of_deprecations(action: str, seen: int) -> None:
    with warnings.catch_warnings(record=True) as caught:
        Config({"DEPRECATION_FILTER": action})
        for _ in range(2):
            deprecation(f"old {action}", 1.0)
    assert len(caught) == seen


def test_an_unknown_filter_is_refused() -> None:
    with pytest.raises(ValueError, match="DEPRECATION_FILTER is 'bogus'"):
        Config({"DEPRECATION_FILTER": "bogus"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REQUEST_MAX_SIZE", "1 MB"),
        ("REQUEST_MAX_SIZE", -1),
        ("RESPONSE_TIMEOUT", True),
        ("REQUEST_TIMEOUT", float("nan")),
        ("PROXIES_COUNT", "two"),
        ("GRACEFUL_SHUTDOWN_TIMEOUT", None),
        ("WEBSOCKET_MAX_SIZE", 0),
    ],
)
def test_an_invalid_number_prevents_the_start(name: str, value: object) -> None:
    app = Sanic("wrong")
    app.config[name] = value
    with pytest.raises(ServerError, match=f"^{name} is {re.escape(repr(value))}; it has to be a number from "):
        app.finalize()


@pytest.mark.parametrize(
    ("name", "text", "choices"),
    [
        ("FALLBACK_ERROR_FORMAT", "xml", "auto, html, json, text"),
        ("LOCAL_CERT_CREATOR", "foo", "auto, trustme, mkcert"),
        ("DEPRECATION_FILTER", "never", "default, error, ignore, always, module, once"),
    ],
)
def test_a_variable_that_a_setting_refuses_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, choices: str
) -> None:
    monkeypatch.setenv(f"SANIC_{name}", text)
    message = f"the environment variable SANIC_{name} is '{text}'; it has to be one of {choices}"
    with pytest.raises(ours.SettingError, match=f"^{message}$"):
        Config()


def test_no_number_switches_a_limit_off() -> None:
    app = Sanic("off")
    app.config.update(REQUEST_MAX_SIZE=None, RESPONSE_TIMEOUT=None, PROXIES_COUNT=None, WEBSOCKET_PING_INTERVAL=None)
    app.config._validate()
    config = Config(env_prefix=None)
    del config.KEEP_ALIVE_TIMEOUT
    config._validate()


def test_a_subclass_may_have_a_method_to_validate_its_own_settings() -> None:
    class Mine(Config):
        def validate(self) -> None:
            raise AssertionError

    app: Sanic[Any, Any] = Sanic("Mine", config=Mine())
    with TestClient(app) as client:
        assert client.get("/none").status_code == 404


@pytest.mark.parametrize("world", ["sanic", "sanic_star.compat"])
def test_a_subclass_learns_of_each_setting(world: str) -> None:
    module: Any = import_module(f"{world}.config")
    seen: list[tuple[str, Any]] = []

    class Observed(module.Config):  # type: ignore[misc]
        def _post_set(self, attr: str, value: Any) -> None:
            seen.append((attr, value))
            super()._post_set(attr, value)

    config = Observed(env_prefix=None)
    seen.clear()
    config.A = 1
    config["B"] = 2
    config.update({"C": 3})
    config.update(D=4)
    config.update([("E", 5)])
    config.update_config({"F": 6})
    assert seen == [("A", 1), ("B", 2), ("C", 3), ("D", 4), ("E", 5), ("F", 6)]
    assert config.REQUEST_TIMEOUT == 60


def test_a_mapping_counts_before_a_keyword_argument() -> None:
    for kind in (sanic.config.Config, Config):
        config: Any = kind(env_prefix=None)
        config.update({"A": 1}, {"A": 2, "B": 2}, [("C", 3)], A=4, D=5)
        assert (config.A, config.B, config.C, config.D) == (2, 2, 3, 5)
        for wrong in (5, [5], ["abc"]):
            with pytest.raises((TypeError, ValueError)):
                config.update(wrong)


def test_an_invalid_configuration_is_refused() -> None:
    wrong: Any
    for wrong in ({"SHOP": "Delft"}, "settings.py", [], object()):
        with pytest.raises(TypeError, match="config has to be a Config"):
            Sanic("Wrong", config=wrong)
    assert Sanic("Right", config=Config({"SHOP": "Delft"})).config.SHOP == "Delft"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("abc", "REQUEST_TIMEOUT is 'abc' (from the environment variable SHOP_REQUEST_TIMEOUT); it has to be"),
        ("-1", "REQUEST_TIMEOUT is -1 (from the environment variable SHOP_REQUEST_TIMEOUT); it has to be"),
    ],
)
def test_an_invalid_setting_names_its_environment_variable(
    monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.setenv("SHOP_REQUEST_TIMEOUT", text)
    config = Config(env_prefix="SHOP_")
    with pytest.raises(ServerError, match=re.escape(message)):
        config._validate()
    config["REQUEST_TIMEOUT"] = "soon"
    with pytest.raises(ServerError, match="REQUEST_TIMEOUT is 'soon'; it has to be"):
        config._validate()
