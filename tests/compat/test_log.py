"""The loggers and how lines look."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import subprocess
import sys
from typing import Any

import pytest
import sanic.log
import sanic.logging.formatter

from sanic_star.compat import log
from sanic_star.compat.logging import color, formatter

LOGGERS = ["logger", "access_logger", "error_logger", "server_logger", "websockets_logger"]
FORMATTERS = [
    name
    for name, value in vars(sanic.logging.formatter).items()
    if isinstance(value, type) and value.__module__ == "sanic.logging.formatter"
]


def record(**more: Any) -> logging.LogRecord:
    made = logging.LogRecord("sanic.root", logging.INFO, "/a/b.py", 7, "Hello %s", ("W",), None)
    made.created, made.process = 1700000000.5, 99
    vars(made).update(more)
    return made


@pytest.mark.parametrize("name", LOGGERS)
def test_the_loggers_are_sanics(name: str) -> None:
    assert getattr(log, name) is getattr(sanic.log, name)
    assert any(isinstance(kept, log.VerbosityFilter) for kept in getattr(log, name).filters)


def test_what_the_module_offers_is_what_sanics_offers() -> None:
    assert set(log.__all__) == set(sanic.log.__all__)


def test_verbosity_keeps_records_back(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (log.VerbosityFilter, sanic.log.VerbosityFilter):
        assert kind().filter(record())
        assert not kind().filter(record(verbosity=1))
        monkeypatch.setattr(kind, "verbosity", 1)
        assert kind().filter(record(verbosity=1))


def test_the_default_configuration_is_sanics_by_its_parts() -> None:
    ours, theirs = log.LOGGING_CONFIG_DEFAULTS, sanic.log.LOGGING_CONFIG_DEFAULTS
    assert ours["loggers"] == theirs["loggers"]
    for part in ("handlers", "formatters"):
        assert ours[part].keys() == theirs[part].keys()


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
        assert "INFO: Good morning shop=7\n" in written.out
        assert "INFO: h GET / 200 5 1ms\n" in written.out
        assert "ERROR: Bad luck\n" in written.err
    finally:
        for name, (handlers, level) in before.items():
            logging.getLogger(name).handlers[:] = handlers
            logging.getLogger(name).setLevel(level)


ACCESS = {"host": "1.2.3.4:5", "request": "GET http://x/", "status": 200, "byte": 5, "duration": "1.5ms"}


@pytest.mark.filterwarnings("ignore:functools.partial will be a method:FutureWarning")  # Sanic's, on Python 3.13
@pytest.mark.parametrize("name", FORMATTERS)
def test_each_formatter_tells_what_sanics_tells(name: str) -> None:
    made = record(**ACCESS) if "Access" in name else record()
    ours: str = getattr(formatter, name)().format(made)
    theirs: str = getattr(sanic.logging.formatter, name)().format(made)
    if name.startswith("JSON"):
        assert json.loads(ours) == json.loads(theirs)
    elif name.startswith("Legacy"):
        assert ours == theirs.partition("\n")[0]
    else:
        assert ours in theirs.replace("|", "")


def test_extras_and_exceptions_are_told() -> None:
    try:
        raise ValueError("why")
    except ValueError:
        made = record(exc_info=sys.exc_info(), shop=object)
    text = formatter.ProdFormatter().format(made)
    assert "Hello W shop=<class 'object'>\nTraceback" in text
    told = json.loads(formatter.JSONFormatter().format(made))
    assert told["shop"] == "<class 'object'>"
    assert told["exc_info"].endswith("ValueError: why")


def test_a_format_of_ones_own() -> None:
    assert formatter.AutoFormatter("%(levelname)s %(message)s", datefmt="x").format(record()) == "INFO Hello W"


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
    told = {}
    for env in ({"NO_COLOR": ""}, {"NO_COLOR": "1"}, {"SANIC_NO_COLOR": "1"}):
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        told[str(env)] = done.stdout.strip()
    assert list(told.values()) == [r"['\x1b[31m', '\x1b[0m', True]", *["['', '', True]"] * 2]
    assert isinstance(sys.stdout, io.TextIOBase)
