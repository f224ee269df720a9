"""The index: the route of a path, the order of alternatives, and the values of parameters."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.convertors import CONVERTOR_TYPES, Convertor

from sanic_star.engine.index import Index, Parameter, Segments, prefixes_of
from sanic_star.engine.routing import Route


class Digits(Convertor[int]):
    """Takes what `int` takes."""

    regex = r"\d+"
    convert = int  # type: ignore[assignment]

    def to_string(self, value: int) -> str:
        return str(value)


class Pair(Convertor[tuple[str, str]]):
    """Takes `a=b`."""

    regex = r"\w+=\w+"

    def convert(self, value: str) -> tuple[str, str]:
        name, sign, converter = value.partition("=")
        if not sign:
            raise ValueError(value)
        return name, converter

    def to_string(self, value: tuple[str, str]) -> str:
        return "=".join(value)


class Text(Convertor[str]):
    """Takes anything; what it should take is said by the expression."""

    def __init__(self, regex: str) -> None:
        self.regex = regex  # type: ignore[misc]

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


@dataclass
class Place:
    """A route, as far as the index knows one."""

    name: str
    path_segments: Segments
    methods: tuple[str, ...] = ("GET",)
    hosts: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...] | None:
        parameters = [part for part in self.path_segments if isinstance(part, Parameter)]
        return None if any(part.expand for part in parameters) else tuple(part.name for part in parameters)

    def expression(self) -> re.Pattern[str]:
        return Route(self.path_segments, print, methods=()).expression()


TEXT = Parameter("text", CONVERTOR_TYPES["str"])
NUMBER = Parameter("number", Digits(), "int", priority=5)
PAIR = Parameter("pair", Pair(), "pair", priority=9, expand=dict)
REST = Parameter("rest", CONVERTOR_TYPES["path"], "path", spans=True)
TWO = Parameter("two", Text(r"\d+/\d+"), r"\d+/\d+", spans=True)
UPPER = Parameter("upper", Text("[A-Z]+"), "[A-Z]+", needs_regex=True)


def build(*places: Place) -> Index[Place]:
    index: Index[Place] = Index()
    for place in places:
        index.add(place, place.methods)
    index.arrange()
    return index


def walk(index: Index[Place], path: str, method: str = "GET") -> tuple[str | None, list[Any]] | None:
    places = index.walk(path)
    if places is None:
        return None
    leaf, values = places
    return leaf.for_any_host[method].name if method in leaf.for_any_host else None, list(values)


def test_a_path_without_parameters_is_in_the_dictionary() -> None:
    index = build(Place("root", ("",)), Place("deep", ("a", "b")))
    assert {path: leaf.for_any_host["GET"].name for path, leaf in index.literal_paths.items()} == {
        "/": "root",
        "/a/b": "deep",
    }
    assert walk(index, "/a/b") is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a/1", ("number", [1])),
        ("/a/b=c", ("pair", [("b", "c")])),
        ("/a/x", ("text", ["x"])),
        ("/a/1/end", ("number end", [1])),
        # The literal and the number lead nowhere: a step back each, to the general one.
        ("/a/new/other", ("text other", ["new"])),
        ("/a/1/other", ("text other", ["1"])),
        ("/a/1/nothing", None),
        ("/a/new/nothing", None),
        ("/a/new/edit", None),
        ("/a/new/edit/now", ("edit", ["now"])),
        ("/1/2/x", ("deep", [1, "x"])),
        ("/b", None),
        ("/", None),
        ("/a/1/end/and/too/long", None),
    ],
)
def test_the_more_specific_branch_is_tried_first(path: str, expected: Any) -> None:
    index = build(
        Place("text", ("a", TEXT)),
        Place("number", ("a", NUMBER)),
        Place("pair", ("a", PAIR)),
        Place("number end", ("a", NUMBER, "end")),
        Place("text other", ("a", TEXT, "other")),
        Place("deep", (NUMBER, "2", TEXT)),
        Place("edit", ("a", "new", "edit", TEXT)),
    )
    assert walk(index, path) == expected


def test_a_step_back_drops_the_values_of_the_failed_branch() -> None:
    index = build(Place("a", (NUMBER, NUMBER, "a")), Place("b", (TEXT, TEXT, "b")))
    assert walk(index, "/1/2/b") == ("b", ["1", "2"])


@pytest.mark.parametrize(
    ("segments", "first"),
    [
        # No route of its own, a deeper way, a narrower way, the text of the type: in this order.
        ([("A",), ("B", "x")], "B"),
        ([("A", "x"), ("B", "x", "y")], "B"),
        ([("A", "x", "1"), ("A", "y", "2"), ("B", "x", "1")], "B"),
        ([("B", "x"), ("A", "x")], "A"),
        # But first of all the priority, among those with a route of their own or without.
        ([("9", "x"), ("A", "x", "y")], "9"),
        ([("9",), ("A", "x")], "A"),
    ],
)
def test_branches_are_tried_by_priority(segments: list[tuple[str, ...]], first: str) -> None:
    kinds = {label: Parameter("p", CONVERTOR_TYPES["str"], label, priority=9 if label == "9" else 0) for label in "AB9"}
    index = build(*(Place("", tuple(kinds.get(part, part) for part in parts)) for parts in segments))
    assert index.tree.edges[0].parameter.label == first


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/1/posts/2", ("part", [1, "posts", 2])),
        ("/1/posts/two", ("post", [1, "two"])),
        ("/1/posts", ("posts", [1])),
        ("/1/posts/two/three", ("rest", [1, "posts", "two"])),
        # Behind nothing, because no path ends with this literal.
        ("/1/likes/2", ("like", [1, "2"])),
    ],
)
def test_a_final_literal_does_not_hide_a_route_with_more_parameters(path: str, expected: Any) -> None:
    index = build(
        Place("posts", (NUMBER, "posts")),
        Place("post", (NUMBER, "posts", TEXT)),
        Place("like", (NUMBER, "likes", TEXT)),
        Place("part", (NUMBER, TEXT, NUMBER)),
        Place("rest", (NUMBER, PAIR, "x")),
        Place("rest", (NUMBER, TEXT, TEXT, "three")),
    )
    assert walk(index, path) == expected


def test_a_path_for_a_host_counts_in_the_tree() -> None:
    places = (Place("two", ("a", TEXT)), Place("three", (TEXT, NUMBER)), Place("lonely", ("b",), hosts=("one.test",)))
    assert walk(build(*places, Place("all", ("a",))), "/a/1") == ("two", ["1"])
    index = build(*places, Place("one", ("a",), hosts=("one.test",)))
    assert walk(index, "/a/1") == ("three", ["a", 1])
    assert walk(index, "/a/x") == ("two", ["x"])
    assert b"/a" not in index.tails


def test_equal_types_share_a_branch() -> None:
    named = Parameter("id", Digits(), "int", priority=5)
    index = build(
        Place("get", (NUMBER,)), Place("post", (NUMBER,), methods=("POST",)), Place("put", (named,), methods=("PUT",))
    )
    assert len(index.tree.edges) == 1
    assert [walk(index, "/7", method) for method in ("GET", "POST", "PUT", "PATCH")] == [
        ("get", [7]),
        ("post", [7]),
        ("put", [7]),
        (None, [7]),
    ]


def test_certain_and_final_routes() -> None:
    leaf = build(Place("first", (NUMBER,)), Place("second", (NUMBER,))).tree.edges[0].node.leaves[0]
    assert (leaf.for_any_host["GET"].name, leaf.shared, leaf.ends_search) == ("first", True, False)
    leaf = build(Place("for a", (NUMBER,), hosts=("a",))).tree.edges[0].node.leaves[0]
    assert (leaf.for_any_host, leaf.shared, leaf.ends_search) == ({}, True, False)
    leaf = build(Place("alone", (NUMBER,))).tree.edges[0].node.leaves[0]
    assert (list(leaf.for_any_host), leaf.shared, leaf.ends_search) == (["GET"], False, True)


def test_many_routes_of_one_path_are_found_by_host() -> None:
    index = build(
        *(Place(f"for {number}", ("a",), ("GET", "POST"), (f"h{number}.test", "ä.test")) for number in range(100)),
        Place("for all", ("a",)),
    )
    assert index.literal_paths == {}
    places = index.walk("/a")
    assert places is not None
    leaf = places[0]
    assert leaf.hosted["POST", b"h99.test"].name == "for 99"
    assert leaf.hosted["GET", "ä.test".encode()].name == "for 0"
    assert (leaf.for_any_host, leaf.without_host["GET"].name, leaf.ends_search) == ({}, "for all", False)


def test_a_wide_path_type_checks_its_expression_last() -> None:
    index = build(Place("upper", (UPPER, NUMBER)), Place("text", (TEXT, TEXT)))
    assert walk(index, "/AB/1") == ("upper", ["AB", 1])
    assert walk(index, "/ab/1") == ("text", ["ab", "1"])


def test_two_routes_of_one_branch() -> None:
    loose, tight = (
        Parameter("f", CONVERTOR_TYPES["str"], "ext", needs_regex=needs_regex) for needs_regex in (False, True)
    )
    tight.convertor = Digits()
    index = build(Place("any", (loose,)), Place("digits", (tight,)))
    assert walk(index, "/12") == ("digits", ["12"])
    assert walk(index, "/ab") == ("any", ["ab"])


def test_the_tails_of_literal_beginnings() -> None:
    index = build(
        Place("number", ("a", NUMBER)),
        Place("upper", ("a", UPPER)),
        Place("text", ("a", TEXT), methods=("POST",)),
        Place("pair", ("b", PAIR)),
        Place("static", ("a", "new")),
        Place("deeper", ("a", NUMBER, "x")),
    )
    assert sorted(index.tails) == [b"/a", b"/b"]
    (numbers, by_number, _), (uppers, by_upper, _), (texts, *_) = index.tails[b"/a"].entries
    assert (numbers(b"7"), {method: (route.name, name) for method, (route, name) in by_number.items()}) == (
        7,
        {"GET": ("number", "number")},
    )
    assert (uppers(b"AB"), by_upper["GET"][1], texts(b"ab")) == ("AB", "upper", "ab")
    with pytest.raises(ValueError, match="ab"):
        uppers(b"ab")
    with pytest.raises(UnicodeDecodeError):
        texts("ä".encode())
    assert index.tails[b"/a"].reserved == {b"new"}
    # What makes several parameters goes the long way.
    assert index.tails[b"/b"].entries[0][1] == {}


def spanning(index: Index[Place], path: str, method: str = "GET") -> Any:
    mount = index.find_spanning(path)
    return mount and (
        mount[0].for_any_host[method].name if method in mount[0].for_any_host else None,
        list(mount[1]),
        mount[2],
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a/b/c", ("ab", ["c"], "/a/b")),
        ("/a/b", ("a", ["b"], "/a")),
        ("/a/b/", ("ab", [""], "/a/b")),
        ("/a", ("all", ["a"], "")),
        ("/a/", ("a", [""], "/a")),
        ("/ab", ("all", ["ab"], "")),
        ("/", ("all", [""], "")),
    ],
)
def test_the_longest_prefix_wins(path: str, expected: Any) -> None:
    index = build(Place("all", (REST,)), Place("a", ("a", REST)), Place("ab", ("a", "b", REST)))
    assert spanning(index, path) == expected


def test_the_first_prefix_decides_whatever_its_methods_are() -> None:
    index = build(Place("all", (REST,)), Place("a", ("a", REST), methods=("POST",)))
    assert spanning(index, "/a/b") == (None, ["b"], "/a")
    assert spanning(build(), "/a/b") is None


def test_expressions_and_prefixes_stand_in_one_order() -> None:
    index = build(
        Place("two", ("a", TWO)),
        Place("three", ("a", "b", REST, "c")),
        Place("also two", ("a", TWO), methods=("POST",)),
        Place("mixed", (NUMBER, REST)),
        Place("a", ("a", REST)),
        Place("end", (REST, "end")),
    )
    assert [len(segments) for _, segments in index.patterns] == [4, 2, 2, 2]
    assert spanning(index, "/a/b/x/y/c") == ("three", ["x/y"], None)
    assert spanning(index, "/5/x/y") == ("mixed", ["5", "x/y"], None)
    assert spanning(index, "/a/7/8") == ("two", ["7/8"], None)
    assert spanning(index, "/a/7/8", "PUT") == (None, ["7/8"], None)
    assert spanning(index, "/a/7/end") == ("a", ["7/end"], "/a")
    assert spanning(index, "/b/7/end") == ("end", ["b/7"], None)
    assert spanning(index, "/b") is None


def test_the_beginnings_of_a_path() -> None:
    assert list(prefixes_of("/a/b", 9)) == ["/a/b", "/a", ""]
    assert list(prefixes_of("/a/b/c/d", 1)) == ["/a", ""]


def test_shapes_hold_what_a_walk_finds_first() -> None:
    index = build(
        Place("orders", ("users", NUMBER, "orders")),
        Place("order", ("users", NUMBER, "orders", TEXT)),
        Place("deep", ("a", "b", NUMBER, "orders", TEXT)),
        Place("pair", ("pairs", PAIR, "orders")),
        Place("upper", ("upper", UPPER, "orders")),
        Place("any", ("users", TEXT, "others")),
        Place("new", ("users", NUMBER, "orders", "new")),
        Place("literal", ("users", "me", "orders")),
    )
    keys = {slashes: {key for shape in shapes for key in shape.entries} for slashes, shapes in index.shapes.items()}
    # `pair` makes parameters of its own, `upper` takes an expression, and `users/<text>/others` waits for a number.
    assert keys == {3: {("/users", "orders")}, 4: {("/users", "orders"), ("/users", "orders", "new")},
                    5: {("/a/b", "orders")}}  # fmt: skip
    (with_two,) = (shape for shape in index.shapes[4] if ("/users", "orders") in shape.entries)
    (with_one,) = index.shapes[3]
    assert with_two.entries["/users", "orders"][0] == {"new"}
    assert "me" in with_one.entries["/users", "orders"][0]
    (deep,) = index.shapes[5]
    assert [step[:2] for step in deep.entries["/a/b", "orders"][2]] == [(1, "number"), (3, "text")]


def test_the_number_of_shapes_is_limited() -> None:
    places = [
        Place(f"{at}-{number}", (f"h{number}", *("x",) * at, NUMBER, *("x",) * (6 - at)))
        for at in range(6)
        for number in range(at + 1)
    ]
    (shapes,) = build(*places).shapes.values()
    assert [len(shape.entries) for shape in shapes] == [6, 5, 4, 3]
