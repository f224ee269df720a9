"""The records of registrations: created, unpacked and changed like Sanic's named tuples."""

from __future__ import annotations

from typing import Any

import pytest

from sanic_star.compat._app.definitions import CommandDefinition, ListenerDefinition, Record, SignalDefinition


def test_fields_by_place_and_by_name_with_defaults() -> None:
    listener = ListenerDefinition(print, event="before_server_start")
    assert tuple(listener)[:3] == (print, "before_server_start", 0)
    assert listener._fields[:3] == ("listener", "event", "priority")
    assert repr(listener).startswith(f"ListenerDefinition(listener={print!r}, event='before_server_start', priority=0")


def test_changes_to_a_copy_do_not_change_the_original() -> None:
    signal = SignalDefinition(print, "a.b.c")
    copy = signal._replace(priority=2)
    assert (signal.priority, copy.priority, copy.event) == (0, 2, "a.b.c")
    assert copy._asdict() == {**signal._asdict(), "priority": 2}


def test_equal_are_the_same_only() -> None:
    assert CommandDefinition("a", print) != CommandDefinition("a", print)
    assert len({CommandDefinition("a", print), CommandDefinition("a", print)}) == 2


@pytest.mark.parametrize(
    ("values", "named", "complaint"),
    [
        ((), {}, "'name' is missing"),
        (("a",), {}, "'func' is missing"),
        (("a", print, 1), {}, "has 2 fields, not 3"),
        (("a", print), {"name": "b"}, "two values for 'name'"),
        (("a",), {"func": print, "help": "b"}, "no field 'help'"),
        ((), {"nmae": "a"}, "no field 'nmae'"),
        ((), {"_fields": ()}, "no field '_fields'"),
    ],
)
def test_wrong_values_are_refused(values: tuple[Any, ...], named: dict[str, Any], complaint: str) -> None:
    record: type[Record] = CommandDefinition
    with pytest.raises(TypeError, match=complaint):
        record(*values, **named)
