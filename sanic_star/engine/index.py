"""The route index: which routes stand at a path, at a cost that does not grow with the number of routes.

Paths are cut at their slashes and kept in three structures, asked by the router in this order:

1. `exact`: a path without parameters is one dictionary look-up;
2. a tree over segments (`walk`): a literal segment is a look-up in its node, a parameter an edge, the more specific
   type first, with a step back where a branch ends in nothing; but ways where no path ends by itself come before
   those where one does. As in Sanic, a path without parameters is here if one of its routes is for certain hosts.
   `tails` and `shapes` lead to the same places in fewer steps;
3. parameters that may hold slashes (`spanning`): a path that ends in its only one is found by its literal prefix, any
   other by its regular expression; of both, the path with more segments first, then the one registered first.

A client may escape characters that need no escape: `/%61dmin` and `/admin` are one path (RFC 3986, section 6.2.2.2).
Literals are compared with these escapes undone, as `request.path` shows them, so that a guard and the route read one
spelling. Parameters get their text as it came. An escaped slash stays escaped: both spellings have the same segments.

Each structure leads to a `Leaf`: the routes of one path, by method. The first leaf whose path matches decides; which of
its routes fits the request (method, host) is the router's to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import product
from operator import itemgetter
from re import Pattern
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar
from urllib.parse import quote, unquote

from starlette.convertors import Convertor

# What may stand unescaped in a path (RFC 3986, section 3.3: pchar and the slash).
PATH_SAFE = "/:@!$&'()*+,;=~-._"


class Parameter:
    """A path parameter, as one segment of a route's path; not to be changed once it is made.

    Args:
        name: the name under which the handler gets the value.
        convertor: turns the segment into a value and back; `convert` raises `ValueError` for what it refuses.
        label: the type's name, as in `{name:label}`; parameters of one label in one place are one way.
        priority: of two parameters in one place the higher is tried first.
        spans: whether the value may hold slashes.
        expand: makes several parameters of the value, instead of the one called `name`; a `ValueError` is no match.
        exact: whether the whole path's regular expression has to match too, because `convertor` takes more.
        lasting: whether a segment always gives the same value, and one that can't be changed.
    """

    __slots__ = ("convertor", "exact", "expand", "label", "lasting", "name", "priority", "spans")

    def __init__(
        self,
        name: str,
        convertor: Convertor[Any],
        label: str = "str",
        priority: int = 0,
        spans: bool = False,
        expand: Callable[[Any], dict[str, Any]] | None = None,
        exact: bool = False,
        lasting: bool = False,
    ) -> None:
        self.name = name
        self.convertor = convertor
        self.label = label
        self.priority = priority
        self.spans = spans
        self.expand = expand
        self.exact = exact
        self.lasting = lasting


Segments: TypeAlias = tuple[str | Parameter, ...]
# The place of a parameter, its name, and what converts its text; `None` where any text but an empty one stays as it is.
_Step: TypeAlias = tuple[int, str, Callable[[str], Any] | None]
# A path of the same length that is in none of them is cut so many times in vain.
_MOST_SHAPES = 4


if TYPE_CHECKING:

    class Indexed(Protocol):
        """What the index must know of a route."""

        pieces: Segments
        hosts: tuple[str, ...]

        @property
        def names(self) -> tuple[str, ...] | None:
            """Return the parameters' names; `None` where one of them makes others."""

        def expression(self) -> Pattern[str]:
            """Return the whole path as a regular expression; asked for only where the tree can't express it."""


R = TypeVar("R", bound="Indexed")
T = TypeVar("T")


class Leaf(Generic[R]):
    """The routes of one path.

    Attributes:
        open: those for all hosts, by method.
        sure: those that answer whatever the request's host is.
        hosted: those for certain hosts, by method and host, as it stands on the wire.
        regex: what the path must match beside; `None` where the way to this leaf says it all.
        rank: the place among the leaves with a parameter that holds slashes, the lower first.
        shared: whether several routes are here, or one for certain hosts.
        final: whether the search is over where no route here fits the request. Else the path without its last slash
            may lead on; that is how Sanic does it where the path has parameters and there is something to choose.
    """

    __slots__ = ("hosted", "literal", "open", "rank", "regex", "shared", "sure")

    def __init__(
        self, regex: Pattern[str] | None = None, rank: tuple[int, int] = (0, 0), literal: bool = False
    ) -> None:
        # One dictionary until a route for certain hosts comes: most leaves never get one.
        self.open: dict[str, R] = {}
        self.sure = self.open
        self.hosted: dict[tuple[str, bytes], R] = {}
        self.shared = False
        self.literal = literal
        self.regex = regex
        self.rank = rank

    @property
    def parameters(self) -> list[Parameter]:
        """The parameters of the path; their names are those of one of the routes."""
        route = next(iter((self.open or self.hosted).values()))
        return [part for part in route.pieces if isinstance(part, Parameter)]

    @property
    def final(self) -> bool:
        return not self.shared or (self.literal and bool(self.sure))

    def add(self, route: R, methods: Iterable[str]) -> None:
        """Put a route under its methods; of several the first answers."""
        self.shared = bool(self.open or self.hosted or route.hosts)
        if route.hosts:
            self.sure = {}
            names = [host.encode(errors="replace") for host in route.hosts]
            for place in product(methods, names):
                self.hosted.setdefault(place, route)
        else:
            for method in methods:
                self.open.setdefault(method, route)


class Edge(Generic[R]):
    """A way from a node to the next, through a parameter."""

    __slots__ = ("convert", "node", "parameter")

    def __init__(self, parameter: Parameter) -> None:
        self.parameter = parameter
        # PERF: held here, bound once; a convertor may set `convert` to a builtin such as `int`, which saves a frame.
        self.convert: Callable[[str], Any] = parameter.convertor.convert
        self.node: Node[R] = Node()


class Node(Generic[R]):
    """A place in the tree: all routes whose segments so far are alike.

    Attributes:
        early: how many of the edges lead to nodes where none ends; they come first.
        waits: whether these edges of the node before come before this one, which is reached by a literal.
    """

    __slots__ = ("early", "edges", "leaves", "literals", "waits")

    def __init__(self) -> None:
        self.waits = False
        self.early = 0
        self.literals: dict[str, Node[R]] = {}
        self.edges: Sequence[Edge[R]] = ()
        # One, or none; two where types that look alike to the tree differ in what they refuse (see `Parameter.exact`).
        self.leaves: Sequence[Leaf[R]] = ()

    def follow(self, parameter: Parameter) -> Node[R]:
        """Return the node behind `parameter`, made where it is missing."""
        for edge in self.edges:
            if edge.parameter.label == parameter.label:
                return edge.node
        made: Edge[R] = Edge(parameter)
        self.edges = (*self.edges, made)
        return made.node

    def leaf(self, regex: Pattern[str] | None) -> Leaf[R]:
        """Return the leaf of this node for routes with that expression, made where it is missing."""
        for leaf in self.leaves:
            if (leaf.regex is None) == (regex is None):
                return leaf
        made: Leaf[R] = Leaf(regex)
        self.leaves = (made, *self.leaves) if regex else (*self.leaves, made)
        return made

    def settle(self) -> int:
        """Put all edges below in the order in which they are tried; return how many segments lie below.

        Ways that end nowhere by themselves come before those that do: that is how Sanic does it.
        """
        depth = max((1 + child.settle() for child in self.literals.values()), default=0)
        if self.edges:
            order = {id(edge): _order(edge, edge.node.settle()) for edge in self.edges}
            self.edges = sorted(self.edges, key=lambda edge: order[id(edge)])
            depth = max(depth, *(1 - order[id(edge)][2] for edge in self.edges))
            self.early = sum(not edge.node.leaves for edge in self.edges)
        for child in self.literals.values():
            child.waits = bool(self.early and child.leaves)
        return depth


def _order(edge: Edge[Any], depth: int) -> tuple[bool, int, int, int, str]:
    node, parameter = edge.node, edge.parameter
    # A literal that is spelled in two ways is one way on.
    ways = len(set(node.literals.values())) + len(node.edges)
    return bool(node.leaves), -parameter.priority, -depth, ways, parameter.label


class Tail(Generic[R]):
    """The ways through one more parameter to the end of a path, from a node that literals alone lead to.

    Attributes:
        ways: each with what converts the bytes, the route and the parameter's name by method, and the leaf.
        lasting: whether the same bytes always take the same way, to the same value.
        barred: the last segments for which a literal path comes first.
    """

    __slots__ = ("barred", "lasting", "ways")

    def __init__(self, node: Node[R]) -> None:
        self.lasting = all(edge.parameter.lasting for edge in node.edges if edge.node.leaves)
        self.ways = tuple(way for edge in node.edges for way in _ways(edge))
        self.barred = {literal.encode("ascii") for literal, child in node.literals.items() if child.leaves}


def _ways(edge: Edge[R]) -> Iterator[tuple[Callable[[bytes], Any], dict[str, tuple[R, str]], Leaf[R]]]:
    """Yield the way to the end of a path through an edge, if there is one."""
    for leaf in edge.node.leaves:
        routes: dict[str, tuple[R, str]] = {}
        for method, route in leaf.sure.items():
            last = route.pieces[-1]
            if isinstance(last, Parameter) and not last.expand:
                routes[method] = route, last.name
        yield _reads_bytes(edge.parameter), routes, leaf


def _reads_bytes(parameter: Parameter) -> Callable[[bytes], Any]:
    """Return what converts a segment as it stands on the wire; what is not ASCII is refused, and takes the long way."""
    convert = parameter.convertor.convert
    if convert in (int, float):
        # PERF: these read bytes as they read text; not to decode them saves a tenth of the look-up.
        return convert
    if not parameter.exact:
        return lambda segment: convert(segment.decode("ascii"))
    matches = re.compile(parameter.convertor.regex).fullmatch

    def checked(segment: bytes) -> Any:
        text = segment.decode("ascii")
        if matches(text) is None:
            raise ValueError(text)
        return text

    return checked


class Shape(Generic[R]):
    """Where parameters stand from the first one to the end of a path: `<>/items/<>`, whatever stands before.

    PERF: cutting a path from its end and looking its literals up takes a third of the time of a walk («real»). Safe
    because a path is here only if a walk has nothing else to try first: see `Index._add_shapes`.

    Attributes:
        count: how many segments there are from the first parameter on.
        literals: takes the literal parts out of a path that was cut `count` times from its end.
        ways: by these literals, the segments for which a literal path may come first, the routes by method, and what
            is to be done for each parameter.
    """

    __slots__ = ("_steps", "count", "literals", "ways")

    def __init__(self, places: tuple[int, ...], count: int) -> None:
        self.count = count
        self.literals = itemgetter(*(place for place in range(count + 1) if place not in places))
        self._steps: dict[Any, tuple[_Step, ...]] = {}
        self.ways: dict[Any, tuple[frozenset[str], dict[str, R], tuple[_Step, ...]]] = {}

    def add(
        self, parts: Sequence[str], barred: frozenset[str], edges: Sequence[tuple[int, Edge[R]]], leaf: Leaf[R]
    ) -> None:
        """Put a leaf under the literals of its path, if its routes call their parameters the same.

        Args:
            parts: the path up to its first parameter, and the segments after that.
            barred: literals that stand where a parameter does.
            edges: the parameters, each with its place in `parts`.
            leaf: the leaf.
        """
        names, *others = {route.names for route in leaf.sure.values()} or {None}
        if names is not None and not others:
            # PERF: a frame less for each parameter that is plain text: 0.1 µs («real»).
            steps = tuple(
                (place, name, None if getattr(edge.parameter.convertor, "keeps_text", False) else edge.convert)
                for (place, edge), name in zip(edges, names, strict=True)
            )
            # Many routes have the same; each would take 200 bytes.
            steps = self._steps.setdefault(tuple((name, id(convert)) for _, name, convert in steps), steps)
            self.ways[self.literals(parts)] = barred, leaf.sure, steps

    def bar(self, path: str) -> None:
        """Note a path without parameters, which comes before any path with some."""
        key = self.literals(path.rsplit("/", self.count))
        if key in self.ways:
            barred, routes, steps = self.ways[key]
            self.ways[key] = barred.union(path.rsplit("/", self.count)), routes, steps


class Index(Generic[R]):
    """All routes of one router, arranged for look-up; built anew as a whole when a route comes or goes."""

    def __init__(self) -> None:
        self.exact: dict[str, Leaf[R]] = {}
        self.tree: Node[R] = Node()
        # By the path up to its last slash, as it stands on the wire.
        self.tails: dict[bytes, Tail[R]] = {}
        self.prefixes: dict[str, Leaf[R]] = {}
        self.patterns: list[tuple[Leaf[R], Segments]] = []
        # By how many slashes a path has; those with the most paths first.
        self.shapes: dict[int, Sequence[Shape[R]]] = {}
        # The most segments that a path has, and that a prefix has.
        self.depth = 0
        self.longest_prefix = 0
        # Whether a route has a parameter that holds slashes.
        self.has_spanning = False

    def add(self, route: R, methods: Iterable[str]) -> None:
        """Put a route under its segments.

        Args:
            route: what a search shall give.
            methods: the HTTP methods, upper case.
        """
        self.depth = max(self.depth, len(route.pieces))
        self._leaf(route).add(route, methods)

    def fill(self, routes: Iterable[tuple[R, Iterable[str]]]) -> None:
        """Put routes under their segments, each with its methods, and settle."""
        for route, methods in routes:
            self.add(route, methods)
        self.settle()

    def _leaf(self, route: R) -> Leaf[R]:
        segments = route.pieces
        parameters = [part for part in segments if isinstance(part, Parameter)]
        if not parameters:
            path = "/" + "/".join(part for part in segments if isinstance(part, str))
            return _entry(self.exact, path, partial(Leaf, literal=True))
        if any(part.spans for part in parameters):
            return self._spanning(route, parameters)
        return self._follow(segments).leaf(route.expression() if any(part.exact for part in parameters) else None)

    def _spanning(self, route: R, parameters: list[Parameter]) -> Leaf[R]:
        segments = route.pieces
        self.has_spanning = True
        rank = -len(segments), len(self.prefixes) + len(self.patterns)
        if len(parameters) == 1 and segments[-1] is parameters[0] and parameters[0].label == "path":
            self.longest_prefix = max(self.longest_prefix, len(segments) - 1)
            prefix = "/".join(("", *(part for part in segments if isinstance(part, str))))
            return _entry(self.prefixes, prefix, partial(Leaf, rank=rank))
        shape = _shape(segments)
        for known, others in self.patterns:
            if _shape(others) == shape:
                return known
        leaf: Leaf[R] = Leaf(route.expression(), rank)
        self.patterns.append((leaf, segments))
        self.patterns.sort(key=lambda entry: entry[0].rank)
        return leaf

    def settle(self) -> None:
        """Put everything in the order of a search; to be called when all routes are added."""
        for path in [path for path, leaf in self.exact.items() if leaf.hosted]:
            self._follow(path[1:].split("/")).leaves = (self.exact.pop(path),)
        self.tree.settle()
        reached = [("", self.tree)]
        shapes: dict[int, dict[tuple[int, ...], Shape[R]]] = {}
        while reached:
            head, node = reached.pop()
            if node.edges:
                self.tails[head.encode("ascii")] = Tail(node)
                self._add_shapes(head, node, shapes)
            reached += ((f"{head}/{literal}", child) for literal, child in node.literals.items() if not child.waits)
        for path in self.exact:
            start, _, last = path.encode("ascii").rpartition(b"/")
            if start in self.tails:
                self.tails[start].barred.add(last)
        for slashes, alike in shapes.items():
            self.shapes[slashes] = sorted(alike.values(), key=lambda shape: -len(shape.ways))[:_MOST_SHAPES]
        for path in self.exact:
            for shape in self.shapes.get(path.count("/"), ()):
                shape.bar(path)

    @staticmethod
    def _add_shapes(head: str, start: Node[R], shapes: dict[int, dict[tuple[int, ...], Shape[R]]]) -> None:
        """Put the paths that go on with a parameter into `shapes`, by their slashes and the places of parameters.

        A walk finds such a path first if each of its segments leads to the first way on that there is: a literal that
        does not wait, or the first edge for a segment that is no literal there.

        Args:
            head: the path up to the node, literals only.
            start: the node.
            shapes: by the number of slashes, then by the number of segments after `head` and the places in those.
        """
        # The node, the path to it, its parameters, and the literals that stand beside those.
        reached: list[tuple[Node[R], tuple[str, ...], tuple[tuple[int, Edge[R]], ...], frozenset[str]]]
        reached = [(start, (head,), (), frozenset())]
        while reached:
            node, parts, edges, barred = reached.pop()
            if edges and len(parts) > 2 and len(node.leaves) == 1 and node.leaves[0].regex is None:
                places = tuple(place for place, _ in edges)
                count = len(parts) - 1
                alike = shapes.setdefault(head.count("/") + count, {})
                key = count, *places
                if key not in alike:
                    alike[key] = Shape(places, count)
                alike[key].add(parts, barred, edges, node.leaves[0])
            if node.edges and not node.edges[0].parameter.exact:
                beside = barred.union(node.literals) if node.literals else barred
                edge = node.edges[0]
                reached.append((edge.node, (*parts, ""), (*edges, (len(parts), edge)), beside))
            if edges:
                for literal, child in node.literals.items():
                    if not child.waits:
                        reached.append((child, (*parts, literal), edges, barred))

    def _follow(self, segments: Iterable[str | Parameter]) -> Node[R]:
        """Return the node at the end of a path, made where it is missing."""
        node = self.tree
        for part in segments:
            node = node.follow(part) if isinstance(part, Parameter) else _entry(node.literals, part, Node)
        return node

    def walk(self, path: str, undone: str | None = None) -> tuple[Leaf[R], Sequence[Any]] | None:
        """Find the first leaf of the tree whose path matches, and the values of its parameters.

        Args:
            path: the request's path, undecoded, with its leading slash.
            undone: the same without needless escapes, if that is known: `path` itself, where it has none.
        """
        # No more pieces than the tree is deep: a path of ten thousand slashes is not worth as many strings.
        segments = path.split("/", self.depth + 1)
        end = len(segments)
        if end > self.depth + 1:
            return None
        names = segments if undone is path else (undone or undo_needless_escapes(path)).split("/")
        depth = 1
        node = self.tree
        values: list[Any] = []
        # Where a step back leads: the depth, the values so far, the edges not tried there, or a node that waits.
        untried: list[tuple[int, list[Any], Sequence[Edge[R]] | Node[R]]] = []
        edges: Sequence[Edge[R]]
        while True:
            if depth < end:
                child = node.literals.get(names[depth])
                edges = node.edges
                if child is not None and child.waits:
                    untried += (depth, values[:], edges[node.early :]), (depth + 1, values[:], child)
                    edges = edges[: node.early]
                elif child is not None:
                    if edges:
                        untried.append((depth, values[:], edges))
                    node = child
                    depth += 1
                    continue
            else:
                for leaf in node.leaves:
                    if leaf.regex is None or matches_spelled(leaf.regex, path, leaf.parameters) is not None:
                        return leaf, values
                edges = ()
            while True:
                for edge in edges:
                    try:
                        value = edge.convert(segments[depth])
                    except ValueError:
                        continue
                    if edge is not edges[-1]:
                        untried.append((depth, values[:], edges[edges.index(edge) + 1 :]))
                    values.append(value)
                    node = edge.node
                    depth += 1
                    break
                else:
                    if not untried:
                        return None
                    depth, values, ways = untried.pop()
                    if not isinstance(ways, Node):
                        edges = ways
                        continue
                    node = ways
                break

    def spanning(self, path: str) -> tuple[Leaf[R], Sequence[Any], str | None] | None:
        """Find the first leaf with a parameter that holds slashes whose path matches.

        Returns:
            The leaf, the values of its parameters, and the literal prefix where it was found by that.
        """
        by_prefix = self._by_prefix(path) if self.prefixes else None
        for leaf, segments in self.patterns:
            if by_prefix is not None and by_prefix[0].rank < leaf.rank:
                return by_prefix
            assert leaf.regex is not None
            match = leaf.regex.fullmatch(path)
            if match is not None:
                return leaf, [match[part.name] for part in segments if isinstance(part, Parameter)], None
            if "%" in path:
                parameters = [part for part in segments if isinstance(part, Parameter)]
                values = matches_spelled(leaf.regex, path, parameters)
                if values is not None:
                    return leaf, values, None
        return by_prefix

    def _by_prefix(self, path: str) -> tuple[Leaf[R], Sequence[Any], str] | None:
        for prefix in prefixes_of(path, self.longest_prefix):
            leaf = self.prefixes.get(undo_needless_escapes(prefix))
            if leaf is not None and len(prefix) < len(path):
                return leaf, (path[len(prefix) + 1 :],), prefix
        return None


def plain(literal: str) -> str:
    """Return a literal as clients may write it too: without the escapes that a path does not need.

    Examples:
        >>> plain("/users/%40me/%C3%A4"), plain("/users")
        ('/users/@me/%C3%A4', '/users')
    """
    return quote(unquote(literal), PATH_SAFE) if "%" in literal else literal


# PERF: compiled when the first path has an escape, which keeps 1 ms out of the import.
@cache
def _needless_escapes() -> Pattern[str]:
    """Return the escapes of the characters that may stand in a path as they are, the slash left out."""
    safe = (f"{byte:02X}" for byte in range(128) if quote(chr(byte), PATH_SAFE) == chr(byte) != "/")
    return re.compile(f"(?<!%)(?<!%[0-9a-fA-F])%(?:{'|'.join(safe)})", re.IGNORECASE)


def undo_needless_escapes(path: str) -> str:
    """Undo the escapes of characters that may stand in a path as they are (RFC 3986, sections 2.3 and 3.3).

    A slash stays encoded, because it would separate segments. What follows an incomplete escape stays, too: it could
    become another escape (`%%341` is not `%41`). So `unquote` gives the same for the result as for `path`.

    Args:
        path: a percent-encoded path.

    Examples:
        >>> undo_needless_escapes("/users/%40me/%61%2Fb%20c/%2561")
        '/users/@me/a%2Fb%20c/%2561'
    """
    if "%" not in path:
        return path
    return _needless_escapes().sub(lambda escape: chr(int(escape[0][1:], 16)), path)


def matches_spelled(regex: Pattern[str], path: str, parameters: Sequence[Parameter]) -> list[Any] | None:
    """Match a path whose literals may have needless escapes; return the parameters' texts as they came.

    Args:
        regex: the whole path, with a group for each parameter.
        path: the request's path, undecoded.
        parameters: the parameters.

    Returns:
        `None` where the path does not match; for a group that took no part `None` in the list.
    """
    match = regex.fullmatch(path)
    if match is not None:
        return [match[part.name] for part in parameters]
    undone = undo_needless_escapes(path)
    match = None if undone == path else regex.fullmatch(undone)
    if match is None:
        return None
    starts = _starts(path)
    values = []
    for part in parameters:
        start, end = match.span(part.name)
        value = None if start < 0 else path[starts[start] : starts[end]]
        # What the expression has seen is not what came.
        if value is not None and re.fullmatch(part.convertor.regex, value) is None:
            return None
        values.append(value)
    return values


def _starts(path: str) -> list[int]:
    """Return where each character of a path without needless escapes begins in the path, and where that ends."""
    starts: list[int] = []
    at = 0
    for escape in _needless_escapes().finditer(path):
        starts += range(at, escape.start() + 1)
        at = escape.end()
    return [*starts, *range(at, len(path) + 1)]


def _entry(table: dict[str, T], literal: str, make: Callable[[], T]) -> T:
    """Return a table's entry for a literal, made where it is missing; it stands there under both spellings."""
    entry = table.get(plain(literal))
    if entry is None:
        entry = make()
        table[literal] = table[plain(literal)] = entry
    return entry


def prefixes_of(path: str, most: int) -> Iterator[str]:
    """Yield the path's beginnings at its slashes, longest first.

    Args:
        path: begins with a slash.
        most: how many slashes the longest that matters has: a path of ten thousand would be copied as many times.

    Examples:
        >>> list(prefixes_of("/a/b/c", 2))
        ['/a/b', '/a', '']
    """
    segments = path.split("/", most + 1)[: most + 1]
    while segments:
        yield "/".join(segments)
        segments.pop()


def _shape(segments: Segments) -> tuple[str, ...]:
    return tuple(part if isinstance(part, str) else f"<{part.label}>" for part in segments)
