"""The route index: it finds the routes of a path, at a cost that does not grow with the number of routes.

Paths are split at their slashes and kept in three structures. The router asks them in this order:

1. `literal_paths`: a path without parameters is one dictionary look-up;
2. a tree over segments (`walk`): a literal segment is a look-up in its node, a parameter is an edge. The more specific
   type is tried first, and the walk steps back from a branch that leads to no route. Edges to nodes at which no path
   ends come before the others, as in Sanic. A path without parameters is here, too, if one of its routes is for certain
   hosts. `tails` and `shapes` lead to the same leaves in fewer steps;
3. parameters that may hold slashes (`find_spanning`): a path that ends in its only parameter is found by its literal
   prefix, any other by its regular expression. The path with more segments comes first, then the one registered first.

A client may escape characters that need no escape: `/%61dmin` and `/admin` are one path (RFC 3986, section 6.2.2.2).
Literals are compared with these escapes decoded, as in `request.path`, so that a guard and the route see one spelling.
Parameters get their text undecoded. An escaped slash stays escaped, so that both spellings have the same segments.

Each structure leads to a `Leaf`: the routes of one path, by method. The first leaf whose path matches decides. The
router then chooses one of its routes by the method and host of the request.
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

# The characters that may stand unescaped in a path (RFC 3986, section 3.3: pchar and the slash).
PATH_SAFE = "/:@!$&'()*+,;=~-._"


class Parameter:
    """A path parameter: one segment of a route's path; immutable by convention.

    Args:
        name: the name under which the handler gets the value.
        convertor: turns the segment into a value and back; `convert` raises `ValueError` for a segment that it refuses.
        label: the type's name, as in `{name:label}`; parameters of one label at one position share an edge.
        priority: of two parameters at one position, the one with the higher priority is tried first.
        spans: whether the value may hold slashes.
        expand: makes several parameters of the value, instead of the one called `name`; a `ValueError` is no match.
        needs_regex: whether the whole path's regular expression has to match too, because `convertor` accepts more.
        cacheable: whether a segment always gives the same, immutable value.
    """

    __slots__ = ("cacheable", "convertor", "expand", "label", "name", "needs_regex", "priority", "spans")

    def __init__(
        self,
        name: str,
        convertor: Convertor[Any],
        label: str = "str",
        priority: int = 0,
        spans: bool = False,
        expand: Callable[[Any], dict[str, Any]] | None = None,
        needs_regex: bool = False,
        cacheable: bool = False,
    ) -> None:
        self.name = name
        self.convertor = convertor
        self.label = label
        self.priority = priority
        self.spans = spans
        self.expand = expand
        self.needs_regex = needs_regex
        self.cacheable = cacheable


Segments: TypeAlias = tuple[str | Parameter, ...]
# The position of a parameter, its name, and its converting function; `None` if the value is any text but an empty one.
_Step: TypeAlias = tuple[int, str, Callable[[str], Any] | None]
# The highest number of shapes for paths of one length, because a path is split once for each until one fits.
_MAX_SHAPES = 4


if TYPE_CHECKING:

    class IndexedRoute(Protocol):
        """The members of a route that the index uses."""

        path_segments: Segments
        hosts: tuple[str, ...]

        @property
        def names(self) -> tuple[str, ...] | None:
            """Return the parameters' names; `None` if one of them expands into others."""

        def expression(self) -> Pattern[str]:
            """Return the whole path as a regular expression; called only for paths that the tree can't express."""


R = TypeVar("R", bound="IndexedRoute")
T = TypeVar("T")


class Leaf(Generic[R]):
    """The routes of one path.

    Attributes:
        without_host: the routes that were registered without a host, by method.
        for_any_host: the same as `without_host` if no route of the path is for certain hosts; else empty.
        hosted: the routes for certain hosts, by method and undecoded host.
        regex: an expression that the path has to match, too; `None` if the tree alone decides.
        rank: the order among the leaves with a parameter that holds slashes, the lowest first.
        shared: whether there are several routes, or one for certain hosts.
    """

    __slots__ = ("for_any_host", "hosted", "literal", "rank", "regex", "shared", "without_host")

    def __init__(
        self, regex: Pattern[str] | None = None, rank: tuple[int, int] = (0, 0), literal: bool = False
    ) -> None:
        # One dictionary, until a route for certain hosts is added; most leaves never have one.
        self.without_host: dict[str, R] = {}
        self.for_any_host = self.without_host
        self.hosted: dict[tuple[str, bytes], R] = {}
        self.shared = False
        self.literal = literal
        self.regex = regex
        self.rank = rank

    @property
    def parameters(self) -> list[Parameter]:
        """The parameters of the path, named as in one of the routes."""
        route = next(iter((self.without_host or self.hosted).values()))
        return [part for part in route.path_segments if isinstance(part, Parameter)]

    @property
    def ends_search(self) -> bool:
        """Whether the search ends if no route of the leaf fits the request.

        Otherwise it goes on with the path without its last slash, as Sanic does for a path with parameters and several
        routes.
        """
        return not self.shared or (self.literal and bool(self.for_any_host))

    def add(self, route: R, methods: Iterable[str]) -> None:
        """Add a route under its methods; of several for one method, the first answers."""
        self.shared = bool(self.without_host or self.hosted or route.hosts)
        if route.hosts:
            self.for_any_host = {}
            names = [host.encode(errors="replace") for host in route.hosts]
            for method_and_host in product(methods, names):
                self.hosted.setdefault(method_and_host, route)
        else:
            for method in methods:
                self.without_host.setdefault(method, route)


class Edge(Generic[R]):
    """An edge from a node to the next, through a parameter."""

    __slots__ = ("convert", "node", "parameter")

    def __init__(self, parameter: Parameter) -> None:
        self.parameter = parameter
        # PERF: one attribute instead of three, and the method is bound once; a convertor may also set `convert` to a
        # builtin such as `int`, which saves a frame. Safe because a convertor does not change after its registration.
        self.convert: Callable[[str], Any] = parameter.convertor.convert
        self.node: Node[R] = Node()


class Node(Generic[R]):
    """A node of the tree: all routes whose segments up to here are the same.

    Attributes:
        first_edges: the number of edges to nodes at which no path ends; these edges come first.
        is_deferred: whether this node, which a literal leads to, is tried after the `first_edges` of its parent.
    """

    __slots__ = ("edges", "first_edges", "is_deferred", "leaves", "literals")

    def __init__(self) -> None:
        self.is_deferred = False
        self.first_edges = 0
        self.literals: dict[str, Node[R]] = {}
        self.edges: Sequence[Edge[R]] = ()
        # At most one; two if parameters of one label differ in what they accept (see `Parameter.needs_regex`).
        self.leaves: Sequence[Leaf[R]] = ()

    def follow(self, parameter: Parameter) -> Node[R]:
        """Return the node behind `parameter`; create it if it is missing."""
        for edge in self.edges:
            if edge.parameter.label == parameter.label:
                return edge.node
        new_edge: Edge[R] = Edge(parameter)
        self.edges = (*self.edges, new_edge)
        return new_edge.node

    def leaf(self, regex: Pattern[str] | None) -> Leaf[R]:
        """Return the leaf of this node for routes with that expression; create it if it is missing."""
        for leaf in self.leaves:
            if (leaf.regex is None) == (regex is None):
                return leaf
        new_leaf: Leaf[R] = Leaf(regex)
        self.leaves = (new_leaf, *self.leaves) if regex else (*self.leaves, new_leaf)
        return new_leaf

    def arrange(self) -> int:
        """Sort all edges below into the order in which they are tried; return how many segments there are below.

        Edges to nodes at which no path ends come before the others, as in Sanic.
        """
        depth = max((1 + child.arrange() for child in self.literals.values()), default=0)
        if self.edges:
            sort_keys = {id(edge): _sort_key(edge, edge.node.arrange()) for edge in self.edges}
            self.edges = sorted(self.edges, key=lambda edge: sort_keys[id(edge)])
            depth = max(depth, *(1 - sort_keys[id(edge)][2] for edge in self.edges))
            self.first_edges = sum(not edge.node.leaves for edge in self.edges)
        for child in self.literals.values():
            child.is_deferred = bool(self.first_edges and child.leaves)
        return depth


def _sort_key(edge: Edge[Any], depth: int) -> tuple[bool, int, int, int, str]:
    node, parameter = edge.node, edge.parameter
    # A literal with two spellings counts once.
    branches = len(set(node.literals.values())) + len(node.edges)
    return bool(node.leaves), -parameter.priority, -depth, branches, parameter.label


class Tail(Generic[R]):
    """The paths that end with one parameter after a literal beginning.

    Attributes:
        entries: for each edge the function that converts the bytes, route and parameter name by method, and the leaf.
        cacheable: whether the same bytes always lead to the same route and value.
        reserved: the last segments for which a literal path comes first.
    """

    __slots__ = ("cacheable", "entries", "reserved")

    def __init__(self, node: Node[R]) -> None:
        self.cacheable = all(edge.parameter.cacheable for edge in node.edges if edge.node.leaves)
        self.entries = tuple(entry for edge in node.edges for entry in _tail_entries(edge))
        self.reserved = {literal.encode("ascii") for literal, child in node.literals.items() if child.leaves}


def _tail_entries(edge: Edge[R]) -> Iterator[tuple[Callable[[bytes], Any], dict[str, tuple[R, str]], Leaf[R]]]:
    """Yield the elements of `Tail.entries` for an edge; none if no path ends behind it."""
    for leaf in edge.node.leaves:
        routes: dict[str, tuple[R, str]] = {}
        for method, route in leaf.for_any_host.items():
            last = route.path_segments[-1]
            if isinstance(last, Parameter) and not last.expand:
                routes[method] = route, last.name
        yield _bytes_convertor(edge.parameter), routes, leaf


def _bytes_convertor(parameter: Parameter) -> Callable[[bytes], Any]:
    """Return a function that converts the bytes of a segment, and raises ValueError for bytes beyond ASCII."""
    convert = parameter.convertor.convert
    if convert in (int, float):
        # PERF: without decoding the segment, a tenth of the look-up. Safe because both accept the same bytes as text.
        return convert
    if not parameter.needs_regex:
        return lambda segment: convert(segment.decode("ascii"))
    fullmatch = re.compile(parameter.convertor.regex).fullmatch

    def convert_if_matching(segment: bytes) -> Any:
        text = segment.decode("ascii")
        if fullmatch(text) is None:
            raise ValueError(text)
        return text

    return convert_if_matching


class Shape(Generic[R]):
    """The positions of the parameters in a path, from the first one to the end: `<>/items/<>`, after any beginning.

    PERF: splitting a path from its end and looking up its literals takes a third of the time of a walk («real»). Safe
    because a shape has only paths for which a walk tries nothing else first: see `Index._add_shapes`.

    Attributes:
        count: the number of segments from the first parameter on.
        literals: returns the literal parts of a path that was split `count` times from its end.
        entries: by these literals, the segments for which a literal path may come first, the routes by method, and a
            step for each parameter.
    """

    __slots__ = ("_steps", "count", "entries", "literals")

    def __init__(self, positions: tuple[int, ...], count: int) -> None:
        self.count = count
        self.literals = itemgetter(*(position for position in range(count + 1) if position not in positions))
        self._steps: dict[Any, tuple[_Step, ...]] = {}
        self.entries: dict[Any, tuple[frozenset[str], dict[str, R], tuple[_Step, ...]]] = {}

    def add(
        self, parts: Sequence[str], reserved: frozenset[str], edges: Sequence[tuple[int, Edge[R]]], leaf: Leaf[R]
    ) -> None:
        """Add a leaf under the literals of its path, if its routes have the same parameter names.

        Args:
            parts: the path up to its first parameter, and the segments after that.
            reserved: literals at the position of a parameter.
            edges: the parameters, each with its position in `parts`.
            leaf: the leaf.
        """
        names, *other_names = {route.names for route in leaf.for_any_host.values()} or {None}
        if names is not None and not other_names:
            # PERF: no call of `convert` for a parameter that is plain text, 0.1 µs («real»). Safe because its value is
            # the segment, and `Router._find_by_shape` refuses an empty one.
            steps = tuple(
                (position, name, None if getattr(edge.parameter.convertor, "keeps_text", False) else edge.convert)
                for (position, edge), name in zip(edges, names, strict=True)
            )
            # Many routes share one tuple, which takes 200 bytes.
            steps = self._steps.setdefault(tuple((name, id(convert)) for _, name, convert in steps), steps)
            self.entries[self.literals(parts)] = reserved, leaf.for_any_host, steps

    def reserve(self, path: str) -> None:
        """Reserve the segments of a path without parameters, which comes before all paths with parameters.

        Args:
            path: the path.
        """
        key = self.literals(path.rsplit("/", self.count))
        if key in self.entries:
            reserved, routes, steps = self.entries[key]
            self.entries[key] = reserved.union(path.rsplit("/", self.count)), routes, steps


class Index(Generic[R]):
    """All routes of one router, arranged for look-up; rebuilt as a whole when a route is added or removed."""

    def __init__(self) -> None:
        self.literal_paths: dict[str, Leaf[R]] = {}
        self.tree: Node[R] = Node()
        # By the undecoded path up to its last slash.
        self.tails: dict[bytes, Tail[R]] = {}
        self.prefixes: dict[str, Leaf[R]] = {}
        self.patterns: list[tuple[Leaf[R], Segments]] = []
        # By the number of slashes; the shapes with the most paths first.
        self.shapes: dict[int, Sequence[Shape[R]]] = {}
        # The highest number of segments of a path, and of a prefix.
        self.depth = 0
        self.longest_prefix = 0
        # Whether a route has a parameter that holds slashes.
        self.has_spanning = False

    def add(self, route: R, methods: Iterable[str]) -> None:
        """Add a route.

        Args:
            route: the route, which a search for its path returns.
            methods: the HTTP methods, upper case.
        """
        self.depth = max(self.depth, len(route.path_segments))
        self._leaf(route).add(route, methods)

    def fill(self, routes: Iterable[tuple[R, Iterable[str]]]) -> None:
        """Add routes, each with its methods, and arrange them."""
        for route, methods in routes:
            self.add(route, methods)
        self.arrange()

    def _leaf(self, route: R) -> Leaf[R]:
        segments = route.path_segments
        parameters = [part for part in segments if isinstance(part, Parameter)]
        if not parameters:
            path = "/" + "/".join(part for part in segments if isinstance(part, str))
            return _entry(self.literal_paths, path, partial(Leaf, literal=True))
        if any(part.spans for part in parameters):
            return self._spanning_leaf(route, parameters)
        return self._follow(segments).leaf(route.expression() if any(part.needs_regex for part in parameters) else None)

    def _spanning_leaf(self, route: R, parameters: list[Parameter]) -> Leaf[R]:
        segments = route.path_segments
        self.has_spanning = True
        rank = -len(segments), len(self.prefixes) + len(self.patterns)
        if len(parameters) == 1 and segments[-1] is parameters[0] and parameters[0].label == "path":
            self.longest_prefix = max(self.longest_prefix, len(segments) - 1)
            prefix = "/".join(("", *(part for part in segments if isinstance(part, str))))
            return _entry(self.prefixes, prefix, partial(Leaf, rank=rank))
        shape = _shape(segments)
        for former, former_segments in self.patterns:
            if _shape(former_segments) == shape:
                return former
        leaf: Leaf[R] = Leaf(route.expression(), rank)
        self.patterns.append((leaf, segments))
        self.patterns.sort(key=lambda entry: entry[0].rank)
        return leaf

    def arrange(self) -> None:
        """Sort everything into the order of a search; to be called after the last `add`."""
        for path in [path for path, leaf in self.literal_paths.items() if leaf.hosted]:
            self._follow(path[1:].split("/")).leaves = (self.literal_paths.pop(path),)
        self.tree.arrange()
        pending = [("", self.tree)]
        shapes: dict[int, dict[tuple[int, ...], Shape[R]]] = {}
        while pending:
            head, node = pending.pop()
            if node.edges:
                self.tails[head.encode("ascii")] = Tail(node)
                self._add_shapes(head, node, shapes)
            pending += (
                (f"{head}/{literal}", child) for literal, child in node.literals.items() if not child.is_deferred
            )
        for path in self.literal_paths:
            start, _, last = path.encode("ascii").rpartition(b"/")
            if start in self.tails:
                self.tails[start].reserved.add(last)
        for slashes, by_positions in shapes.items():
            self.shapes[slashes] = sorted(by_positions.values(), key=lambda shape: -len(shape.entries))[:_MAX_SHAPES]
        for path in self.literal_paths:
            for shape in self.shapes.get(path.count("/"), ()):
                shape.reserve(path)

    @staticmethod
    def _add_shapes(head: str, start: Node[R], shapes: dict[int, dict[tuple[int, ...], Shape[R]]]) -> None:
        """Add the paths below a node that begin with a parameter to `shapes`.

        A walk finds such a path first if each of its segments takes the first branch: a literal that is not deferred,
        or the first edge for a segment that is no literal there.

        Args:
            head: the path up to the node, literals only.
            start: the node.
            shapes: by the number of slashes, then by the number of segments after `head` and their positions.
        """
        # A node, the path to it, its parameters, and the literals at their positions.
        pending: list[tuple[Node[R], tuple[str, ...], tuple[tuple[int, Edge[R]], ...], frozenset[str]]]
        pending = [(start, (head,), (), frozenset())]
        while pending:
            node, parts, edges, reserved = pending.pop()
            if edges and len(parts) > 2 and len(node.leaves) == 1 and node.leaves[0].regex is None:
                positions = tuple(position for position, _ in edges)
                count = len(parts) - 1
                by_positions = shapes.setdefault(head.count("/") + count, {})
                key = count, *positions
                if key not in by_positions:
                    by_positions[key] = Shape(positions, count)
                by_positions[key].add(parts, reserved, edges, node.leaves[0])
            if node.edges and not node.edges[0].parameter.needs_regex:
                child_reserved = reserved.union(node.literals) if node.literals else reserved
                edge = node.edges[0]
                pending.append((edge.node, (*parts, ""), (*edges, (len(parts), edge)), child_reserved))
            if edges:
                for literal, child in node.literals.items():
                    if not child.is_deferred:
                        pending.append((child, (*parts, literal), edges, reserved))

    def _follow(self, segments: Iterable[str | Parameter]) -> Node[R]:
        """Return the node at the end of a path; create it if it is missing."""
        node = self.tree
        for part in segments:
            node = node.follow(part) if isinstance(part, Parameter) else _entry(node.literals, part, Node)
        return node

    def walk(self, path: str, normalized: str | None = None) -> tuple[Leaf[R], Sequence[Any]] | None:
        """Find the first leaf of the tree whose path matches, and the values of its parameters.

        Args:
            path: the request's path, undecoded, with its leading slash.
            normalized: the same with normalized escapes, if the caller has it.
        """
        # Not split further than the tree is deep: a path may have ten thousand slashes.
        segments = path.split("/", self.depth + 1)
        end = len(segments)
        if end > self.depth + 1:
            return None
        names = segments if normalized is path else (normalized or normalize_escapes(path)).split("/")
        depth = 1
        node = self.tree
        values: list[Any] = []
        # Branches to step back to: the depth, the values so far, and the edges not tried there, or a deferred node.
        untried: list[tuple[int, list[Any], Sequence[Edge[R]] | Node[R]]] = []
        edges: Sequence[Edge[R]]
        while True:
            if depth < end:
                child = node.literals.get(names[depth])
                edges = node.edges
                if child is not None and child.is_deferred:
                    untried += (depth, values[:], edges[node.first_edges :]), (depth + 1, values[:], child)
                    edges = edges[: node.first_edges]
                elif child is not None:
                    if edges:
                        untried.append((depth, values[:], edges))
                    node = child
                    depth += 1
                    continue
            else:
                for leaf in node.leaves:
                    if leaf.regex is None or match_any_spelling(leaf.regex, path, leaf.parameters) is not None:
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
                    depth, values, edges_or_node = untried.pop()
                    if not isinstance(edges_or_node, Node):
                        edges = edges_or_node
                        continue
                    node = edges_or_node
                break

    def find_spanning(self, path: str) -> tuple[Leaf[R], Sequence[Any], str | None] | None:
        """Find the first leaf with a parameter that holds slashes whose path matches.

        Args:
            path: the request's path, undecoded.

        Returns:
            The leaf, the values of its parameters, and its literal prefix if it was found by that.
        """
        by_prefix = self._find_by_prefix(path) if self.prefixes else None
        for leaf, segments in self.patterns:
            if by_prefix is not None and by_prefix[0].rank < leaf.rank:
                return by_prefix
            assert leaf.regex is not None
            match = leaf.regex.fullmatch(path)
            if match is not None:
                return leaf, [match[part.name] for part in segments if isinstance(part, Parameter)], None
            if "%" in path:
                parameters = [part for part in segments if isinstance(part, Parameter)]
                values = match_any_spelling(leaf.regex, path, parameters)
                if values is not None:
                    return leaf, values, None
        return by_prefix

    def _find_by_prefix(self, path: str) -> tuple[Leaf[R], Sequence[Any], str] | None:
        for prefix in prefixes_of(path, self.longest_prefix):
            leaf = self.prefixes.get(normalize_escapes(prefix))
            if leaf is not None and len(prefix) < len(path):
                return leaf, (path[len(prefix) + 1 :],), prefix
        return None


def normalize_literal(literal: str) -> str:
    """Return a literal with normalized escapes (RFC 3986, section 6.2.2.2).

    Examples:
        >>> normalize_literal("/users/%40me/%C3%A4"), normalize_literal("/users")
        ('/users/@me/%C3%A4', '/users')
    """
    return quote(unquote(literal), PATH_SAFE) if "%" in literal else literal


# PERF: compiled for the first path with an escape, which saves 1 ms of the import. Safe because the expression is
# constant, so that it does not matter if two threads compile it.
@cache
def _unneeded_escapes() -> Pattern[str]:
    """Return an expression for the escapes of characters that a path may contain unescaped, except the slash."""
    safe_codes = (f"{byte:02X}" for byte in range(128) if quote(chr(byte), PATH_SAFE) == chr(byte) != "/")
    return re.compile(f"(?<!%)(?<!%[0-9a-fA-F])%(?:{'|'.join(safe_codes)})", re.IGNORECASE)


def normalize_escapes(path: str) -> str:
    """Decode the escapes of characters that a path may contain unescaped (RFC 3986, sections 2.3 and 3.3).

    A slash stays encoded, because it would separate segments. An escape after an incomplete one stays, too, because it
    could complete that one (`%%341` is not `%41`). So `unquote` returns the same for the result as for `path`.

    Args:
        path: a percent-encoded path.

    Examples:
        >>> normalize_escapes("/users/%40me/%61%2Fb%20c/%2561")
        '/users/@me/a%2Fb%20c/%2561'
    """
    if "%" not in path:
        return path
    return _unneeded_escapes().sub(lambda escape: chr(int(escape[0][1:], 16)), path)


def match_any_spelling(regex: Pattern[str], path: str, parameters: Sequence[Parameter]) -> list[Any] | None:
    """Match a path whose literals may have unneeded escapes; return the undecoded texts of the parameters.

    Args:
        regex: the whole path, with a group for each parameter.
        path: the request's path, undecoded.
        parameters: the parameters.

    Returns:
        `None` if the path does not match. A group that takes no part is `None` in the list.
    """
    match = regex.fullmatch(path)
    if match is not None:
        return [match[part.name] for part in parameters]
    normalized = normalize_escapes(path)
    match = None if normalized == path else regex.fullmatch(normalized)
    if match is None:
        return None
    starts = _original_positions(path)
    values = []
    for part in parameters:
        start, end = match.span(part.name)
        value = None if start < 0 else path[starts[start] : starts[end]]
        # The expression has matched the normalized text, not this one.
        if value is not None and re.fullmatch(part.convertor.regex, value) is None:
            return None
        values.append(value)
    return values


def _original_positions(path: str) -> list[int]:
    """Return the position in the path of each character of the normalized path, and of its end."""
    starts: list[int] = []
    position = 0
    for escape in _unneeded_escapes().finditer(path):
        starts += range(position, escape.start() + 1)
        position = escape.end()
    return [*starts, *range(position, len(path) + 1)]


def _entry(table: dict[str, T], literal: str, make: Callable[[], T]) -> T:
    """Return a table's entry for a literal under both spellings; create it if it is missing."""
    entry = table.get(normalize_literal(literal))
    if entry is None:
        entry = make()
        table[literal] = table[normalize_literal(literal)] = entry
    return entry


def prefixes_of(path: str, max_slashes: int) -> Iterator[str]:
    """Yield the path's beginnings at its slashes, longest first.

    Args:
        path: begins with a slash.
        max_slashes: the number of slashes of the longest one; a path may have ten thousand, and each prefix is a copy.

    Examples:
        >>> list(prefixes_of("/a/b/c", 2))
        ['/a/b', '/a', '']
    """
    segments = path.split("/", max_slashes + 1)[: max_slashes + 1]
    while segments:
        yield "/".join(segments)
        segments.pop()


def _shape(segments: Segments) -> tuple[str, ...]:
    return tuple(part if isinstance(part, str) else f"<{part.label}>" for part in segments)
