"""The loggers and the format of lines."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import os
import subprocess
import sys
from typing import Any

import pytest
import sanic.log
import sanic.logging.formatter

from sanic_star import Sanic
from sanic_star.compat import log
from sanic_star.compat.logging import color, formatter
from sanic_star.compat.logging.setup import setup_logging
from sanic_star.testing import TestClient
from tests.project import ROOT

LOGGERS = ["logger", "access_logger", "error_logger", "server_logger", "websockets_logger"]
FORMATTERS = [
    name
    for name, value in vars(sanic.logging.formatter).items()
    if isinstance(value, type) and value.__module__ == "sanic.logging.formatter"
]


@pytest.fixture(autouse=True)
def _as_before_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (formatter.AutoFormatter, sanic.logging.formatter.AutoFormatter):
        for name, value in {"ATTY": False, "NO_COLOR": False, "LOG_EXTRA": True, "IDENT": "Main "}.items():
            monkeypatch.setattr(kind, name, value)


def record(**fields: Any) -> logging.LogRecord:
    made = logging.LogRecord("sanic.root", logging.INFO, "/a/b.py", 7, "Hello %s", ("W",), None)
    made.created, made.process = 1700000000.5, 99
    vars(made).update(fields)
    return made


@pytest.mark.parametrize("name", LOGGERS)
def test_the_loggers_are_sanics(name: str) -> None:
    assert getattr(log, name) is getattr(sanic.log, name)
    assert any(isinstance(kept, log.VerbosityFilter) for kept in getattr(log, name).filters)


def test_the_module_has_the_names_of_sanics() -> None:
    assert set(log.__all__) == set(sanic.log.__all__)


def test_verbosity_keeps_records_back(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (log.VerbosityFilter, sanic.log.VerbosityFilter):
        assert kind().filter(record())
        assert not kind().filter(record(verbosity=1))
        monkeypatch.setattr(kind, "verbosity", 1)
        assert kind().filter(record(verbosity=1))


def test_the_default_configuration_is_sanics_by_its_parts() -> None:
    ours, sanics = log.LOGGING_CONFIG_DEFAULTS, sanic.log.LOGGING_CONFIG_DEFAULTS
    assert ours["loggers"] == sanics["loggers"]
    for part in ("handlers", "formatters"):
        assert ours[part].keys() == sanics[part].keys()


def test_the_default_configuration_is_applied(capsys: pytest.CaptureFixture[str]) -> None:
    settings = log.LOGGING_CONFIG_DEFAULTS
    before = {
        name: (logging.getLogger(name).handlers[:], logging.getLogger(name).level) for name in settings["loggers"]
    }
    try:
        logging.config.dictConfig(settings)
        log.logger.info("Good morning", extra={"shop": 7})
        log.error_logger.error("Bad luck")
        log.access_logger.info("", extra={"host": "h", "request": "GET /", "status": 200, "byte": 5, "duration": "1ms"})
        written = capsys.readouterr()
        assert "INFO: Good morning\nshop=7\n" in written.out
        assert "INFO: h GET / 200 5 1ms\n" in written.out
        assert "ERROR: Bad luck\n" in written.err
    finally:
        for name, (handlers, level) in before.items():
            logging.getLogger(name).handlers[:] = handlers
            logging.getLogger(name).setLevel(level)


ACCESS = {"host": "1.2.3.4:5", "request": "GET http://x/", "status": 200, "byte": 5, "duration": "1.5ms"}


@pytest.mark.filterwarnings("ignore:functools.partial will be a method:FutureWarning")  # Sanic's, on Python 3.13
@pytest.mark.parametrize("name", FORMATTERS)
def test_each_formatter_writes_the_line_of_sanics(name: str) -> None:
    for level in (5, 10, 20, 30, 40, 50):
        for fields in ({}, {"shop": 7, "what": object}):
            made = record(**(ACCESS if "Access" in name else {}), **fields)
            made.levelno, made.levelname = level, logging.getLevelName(level)
            ours: str = getattr(formatter, name)().format(made)
            if name.startswith("JSON") and fields:
                assert "<class 'object'>" in ours or "Access" in name  # Sanic's fails
            else:
                assert ours == getattr(sanic.logging.formatter, name)().format(made)


def test_extras_and_exceptions_are_written() -> None:
    try:
        raise ValueError("why")
    except ValueError:
        made = record(exc_info=sys.exc_info(), shop=object)
    text = formatter.ProdFormatter().format(made)
    assert text == sanic.logging.formatter.ProdFormatter().format(made)
    assert "Hello W\nTraceback" in text
    assert text.endswith("ValueError: why\nshop=<class 'object'>")
    entry = json.loads(formatter.JSONFormatter().format(made))
    assert entry["shop"] == "<class 'object'>"
    assert entry["exc_info"].endswith("ValueError: why")


START = """
import io, itertools, logging, logging.config, os, sys
terminal = sys.argv[2] == "terminal"
real, sys.stdout = sys.stdout, type("Out", (io.StringIO,), {"isatty": lambda self: terminal})()
if sys.argv[1] == "star":
    from sanic_star.compat import install
    install()
from sanic.log import LOGGING_CONFIG_DEFAULTS, access_logger, error_logger, logger
from sanic.logging import formatter
from sanic.logging.setup import setup_logging

os.getpid = lambda: 99
formatter.AutoFormatter.formatTime = lambda self, record, datefmt: datefmt
access = {"host": "1.2.3.4:5", "request": "GET http://x/", "status": 200, "byte": 5, "duration": " 1.5ms"}
for no_color, debug, extra in itertools.product((False, True), (True, False), (None, True, False)):
    logging.config.dictConfig(LOGGING_CONFIG_DEFAULTS)
    logger.setLevel(1)
    formatter.AutoFormatter.SETUP = False  # Sanic's looks at it: a process starts once
    setup_logging(debug, no_color, **({} if extra is None else {"log_extra": extra}))
    print(debug, no_color, extra)
    for level in (5, 10, 20, 30, 40, 50):
        logger.log(level, "Hello %s", "W", extra={"shop": 7})
    if not no_color:  # Sanic's has colours all the same
        access_logger.info("", extra=access)
    formatted = error_logger.handlers[0].formatter
    print(type(formatted).__name__, formatted.LOG_EXTRA, formatted.format(logging.makeLogRecord({"msg": "x"})))
logging.config.dictConfig({
    "version": 1,
    "formatters": {"old": {"class": "sanic.logging.formatter.LegacyFormatter"}, "own": {"format": "%(message)s!"}},
    "handlers": {
        name: {"class": "logging.StreamHandler", "formatter": name, "stream": "ext://sys.stdout"}
        for name in ("old", "own")
    },
    "loggers": {"sanic.root": {"handlers": ["old", "own"], "propagate": False}},
})
formatter.AutoFormatter.SETUP = False
setup_logging(False, True)
logger.warning("Mine", extra={"shop": 7})
real.write(sys.stdout.getvalue())
"""


@pytest.mark.parametrize("output", ["terminal", "file"])
def test_a_start_configures_the_log_as_sanic_does(output: str) -> None:
    def log_of_start(framework: str) -> str:
        env = {name: value for name, value in os.environ.items() if "NO_COLOR" not in name} | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-W", "ignore", "-c", START, framework, output]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout

    ours = log_of_start("star")
    assert ours == log_of_start("sanic")
    assert ("\x1b[" in ours) == (output == "terminal")


def test_a_second_start_may_be_in_another_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    handler = logging.NullHandler()
    handler.setFormatter(formatter.AutoFormatter())
    monkeypatch.setattr(log.logger, "handlers", [handler])
    for debug, kind in ((True, formatter.DebugFormatter), (False, formatter.ProdFormatter)):
        setup_logging(debug)
        assert type(handler.formatter) is kind


def test_the_settings_are_those_of_the_start() -> None:
    app = Sanic("Quiet", configure_logging=False)
    seen: list[bool] = []

    @app.before_server_start
    def look() -> None:
        seen.append(formatter.AutoFormatter.LOG_EXTRA)

    for wanted in (True, False):
        app.config.LOG_EXTRA = wanted
        with TestClient(app):
            pass
    assert seen == [True, False]


def test_a_custom_format() -> None:
    assert formatter.AutoFormatter("%(levelname)s %(message)s", datefmt="x").format(record()) == "INFO Hello W"

    class Own(formatter.ProdFormatter):
        PREFIX_FORMAT = "[%(ident)s] %(levelname)s "

    class Theirs(sanic.logging.formatter.ProdFormatter):
        PREFIX_FORMAT = Own.PREFIX_FORMAT

    assert Own().format(record()) == Theirs().format(record()) == "[Main ] INFO Hello W"


def test_colours_are_for_terminals() -> None:
    assert {str(value) for value in color.Colors} == {""}
    code = """
import io, sys
sys.stdout = type("Terminal", (io.StringIO,), {"isatty": lambda self: True})()
from sanic_star.compat.logging.color import Colors
from sanic_star.compat.logging.formatter import AutoFormatter
import logging
line = AutoFormatter().format(logging.makeLogRecord({"levelno": 40, "levelname": "ERROR", "msg": "x"}))
print(ascii([Colors.RED.value, Colors.END.value, Colors.RED.value in line]), file=sys.__stdout__)
"""
    colors = {}
    for env in ({"NO_COLOR": ""}, {"NO_COLOR": "1"}, {"SANIC_NO_COLOR": "1"}):
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        colors[str(env)] = done.stdout.strip()
    assert list(colors.values()) == [r"['\x1b[31m', '\x1b[0m', True]", *["['', '', True]"] * 2]
    assert isinstance(sys.stdout, io.TextIOBase)


def test_a_json_formatter_may_be_changed_in_parts() -> None:
    class Short(formatter.JSONFormatter):
        def to_dict(self, record: logging.LogRecord) -> dict[str, Any]:
            return {"said": super().to_dict(record)["message"], "odd": {1}}

    class Shouting(Short):
        def format_dict(self, record: dict[str, Any]) -> str:
            return super().format_dict(record).upper()

    made = logging.makeLogRecord({"msg": "Hi"})
    assert Short().format(made) == '{"said":"Hi","odd":"{1}"}'
    assert Shouting().format(made) == '{"SAID":"HI","ODD":"{1}"}'
    assert formatter.JSONFormatter().format_dict({"a": 1}) == formatter.JSONFormatter.dumps({"a": 1}) == '{"a":1}'
