"""The index: what leads to a route, in which order, and with what parameters."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.convertors import CONVERTOR_TYPES, Convertor

from sanic_star.index import Index, Leaf, Parameter, Segments


class Digits(Convertor[int]):
    """Takes what `int` takes."""

    regex = r"\d+"
    convert = int  # type: ignore[assignment]

    def to_string(self, value: int) -> str:
        return str(value)


class Pair(Convertor[dict[str, str]]):
    """Takes `a=b`; gives names and values."""

    regex = r"\w+=\w+"

    def convert(self, value: str) -> dict[str, str]:
        name, sign, rest = value.partition("=")
        if not sign:
            raise ValueError(value)
        return {name: rest}

    def to_string(self, value: dict[str, str]) -> str:
        return str(value)


@dataclass
class Place:
    """A route, as far as the index knows one."""

    name: str
    segments: Segments
    hosts: tuple[str, ...] = ()
    methods: Iterable[str] = field(default=("GET",))


TEXT = Parameter("text", CONVERTOR_TYPES["str"])
NUMBER = Parameter("number", Digits(), "int", priority=5)
PAIR = Parameter("", Pair(), "pair", priority=9)
REST = Parameter("rest", CONVERTOR_TYPES["path"], "path", spans=True)
BARE = Parameter("rest", CONVERTOR_TYPES["path"], "path", spans=True, bare=True)
TWO = Parameter("two", Digits(), r"\d+/\d+", spans=True)


def choose(leaf: Leaf[Place], method: Any) -> Place | None:
    return next(iter(leaf.get(method, ())), None)


def build(*places: Place) -> Index[Place]:
    index: Index[Place] = Index()
    for place in places:
        source = "/" + "/".join(
            part if isinstance(part, str) else f"(?P<{part.name}>{part.convertor.regex})" for part in place.segments
        )
        index.add(place, lambda source=source: re.compile(source), place.methods)  # type: ignore[misc]
    index.settle(lambda leaf: {method: places[0] for method, places in leaf.items() if len(places) == 1})
    return index


def walk(index: Index[Place], path: str, method: str = "GET") -> tuple[str, dict[str, Any]] | None:
    found = index.walk(path, method, choose, method)
    return None if found is None else (found[0].name, found[1])


def test_a_path_without_parameters_is_in_the_dictionary() -> None:
    index = build(Place("root", ("",)), Place("deep", ("a", "b")))
    assert {path: leaf["GET"][0].name for path, leaf in index.exact.items()} == {"/": "root", "/a/b": "deep"}
    assert walk(index, "/a/b") is None


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/a/1", ("number", {"number": 1})),
        ("/a/b=c", ("pair", {"b": "c"})),
        ("/a/x", ("text", {"text": "x"})),
        ("/a/1/end", ("number end", {"number": 1})),
        # The literal and the number lead nowhere: a step back each, to the general one.
        ("/a/new/other", ("text other", {"text": "new"})),
        ("/a/1/other", ("text other", {"text": "1"})),
        ("/a/1/nothing", None),
        ("/a/new/nothing", None),
        ("/a/new/edit", None),
        ("/a/new/edit/now", ("edit", {"text": "now"})),
        ("/1/2/x", ("deep", {"number": 1, "text": "x"})),
        ("/b", None),
        ("/", None),
    ],
)
def test_the_more_specific_way_comes_first_with_a_step_back(path: str, found: Any) -> None:
    index = build(
        Place("text", ("a", TEXT)),
        Place("number", ("a", NUMBER)),
        Place("pair", ("a", PAIR)),
        Place("number end", ("a", NUMBER, "end")),
        Place("text other", ("a", TEXT, "other")),
        Place("deep", (NUMBER, "2", TEXT)),
        Place("edit", ("a", "new", "edit", TEXT)),
    )
    assert walk(index, path) == found


def test_a_step_back_forgets_the_parameters_of_the_way_that_failed() -> None:
    index = build(Place("a", (NUMBER, NUMBER, "a")), Place("b", (TEXT, Parameter("x", CONVERTOR_TYPES["str"]), "b")))
    assert walk(index, "/1/2/b") == ("b", {"text": "1", "x": "2"})


def test_equal_parameters_share_a_way_and_other_names_make_another() -> None:
    named = Parameter("id", Digits(), "int", priority=5)
    index = build(
        Place("get", (NUMBER,)), Place("post", (NUMBER,), methods=("POST",)), Place("put", (named,), methods=("PUT",))
    )
    assert [edge.name for edge in index.tree.edges] == ["number", "id"]
    assert walk(index, "/7", "POST") == ("post", {"number": 7})
    assert walk(index, "/7", "PUT") == ("put", {"id": 7})
    assert walk(index, "/7", "PATCH") is None


def test_of_several_routes_in_one_place_the_caller_chooses() -> None:
    index = build(Place("first", (NUMBER,)), Place("second", (NUMBER,)))
    assert index.tree.edges[0].node.sure == {}
    found = index.walk("/1", "GET", lambda leaf, wanted: leaf["GET"][wanted], 1)
    assert found is not None
    assert found[0].name == "second"


def prefixes(index: Index[Place], path: str, method: str = "GET") -> list[tuple[str, str, dict[str, Any]]]:
    return [(prefix, place.name, params) for prefix, place, params in index.by_prefix(path, choose, method)]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/a/b/c", [("/a/b", "ab", {"rest": "c"}), ("/a", "a", {"rest": "b/c"}), ("", "all", {"rest": "a/b/c"})]),
        ("/a/b", [("/a/b", "ab", {"rest": ""}), ("/a", "a", {"rest": "b"}), ("", "all", {"rest": "a/b"})]),
        ("/a", [("", "all", {"rest": "a"})]),
        ("/a/", [("/a", "a", {"rest": ""}), ("", "all", {"rest": "a/"})]),
        ("/ab", [("", "all", {"rest": "ab"})]),
        ("/", [("", "all", {"rest": ""})]),
    ],
)
def test_prefixes_come_longest_first(path: str, found: Any) -> None:
    index = build(Place("all", (REST,)), Place("a", ("a", REST)), Place("ab", ("a", "b", BARE)))
    assert prefixes(index, path) == found


def test_a_prefix_of_another_method_is_passed_over() -> None:
    index = build(Place("all", (REST,)), Place("a", ("a", REST), methods=("POST",)))
    assert prefixes(index, "/a/b") == [("", "all", {"rest": "a/b"})]
    assert prefixes(build(), "/a/b") == []


def test_expressions_over_several_segments() -> None:
    index = build(
        Place("two", ("a", TWO)),
        Place("three", ("a", "b", REST, "c")),
        Place("also two", ("a", TWO), methods=("POST",)),
        Place("mixed", (NUMBER, REST)),
    )
    assert [len(each.segments) for each in index.patterns] == [4, 2, 2]

    def find(path: str, method: str = "GET") -> Any:
        found = index.by_pattern(path, choose, method)
        return None if found is None else (found[0].name, found[1])

    assert find("/a/b/x/y/c") == ("three", {"rest": "x/y"})
    assert find("/5/x/y") == ("mixed", {"number": 5, "rest": "x/y"})
    assert find("/a/7") == ("two", {"two": 7})
    assert find("/a/7", "POST") == ("also two", {"two": 7})
    assert find("/a/7", "PUT") is None
    assert find("/a") is None


def test_an_expression_whose_value_is_refused_is_no_match() -> None:
    odd = Parameter("odd", Pair(), r"\w+/\w+", spans=True)
    index: Index[Place] = Index()
    index.add(Place("odd", (odd,)), lambda: re.compile(r"/(?P<odd>\w+/\w+)(?P<other>!)?"), ("GET",))
    assert index.by_pattern("/a/b", choose, "GET") is None


def test_names_in_an_expression_that_are_no_parameters_keep_their_text() -> None:
    index: Index[Place] = Index()
    index.add(Place("odd", (TWO,)), lambda: re.compile(r"/(?P<two>\d+)(?P<other>!)?(?P<none>x)?"), ("GET",))
    found = index.by_pattern("/7!", choose, "GET")
    assert found is not None
    assert found[1] == {"two": 7, "other": "!"}


def test_clear_forgets_everything() -> None:
    index = build(Place("a", ("a",)), Place("b", (NUMBER,)), Place("c", (REST,)), Place("d", (TWO,)))
    index.clear()
    assert (index.exact, index.tree.edges, index.prefixes, index.patterns) == ({}, [], {}, [])
