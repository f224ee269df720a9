"""The route index: which route answers a path, at a cost that does not grow with the number of routes.

Paths are cut at their slashes and kept in four shapes, tried by the router in this order:

1. `exact`: a path without parameters is one dictionary look-up;
2. a tree over segments (`walk`): a literal segment is a look-up in its node, a parameter an edge, the more specific
   convertor first, with a step back where a branch ends in nothing;
3. `prefixes`: mounts and routes that end in a `path` parameter, by their longest literal prefix;
4. `patterns`: what no tree expresses (a regular expression over several segments), one after the other, before an
   empty prefix.

Each shape leads to a `Leaf`, a small dictionary from method to routes. Which of a leaf's routes fits a request
(method, host) is the caller's to say: `choose(leaf, request)` gives the route, or `None` to search on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from re import Pattern
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from starlette.convertors import Convertor


class Parameter:
    """A path parameter, as one segment of a route's path; not to be changed once it is made.

    Args:
        name: the name under which the handler gets the value; empty when the convertor returns a mapping of names.
        convertor: turns the segment into a value and back; `convert` raises `ValueError` for what it refuses.
        label: the type's name, as in `{name:label}`.
        priority: of two parameters in one place the higher is tried first.
        spans: whether the value may hold slashes.
        bare: whether the prefix alone, without a slash after it, matches too (as a mount's does).
    """

    __slots__ = ("bare", "convertor", "label", "name", "priority", "spans")

    def __init__(
        self,
        name: str,
        convertor: Convertor[Any],
        label: str = "str",
        priority: int = 0,
        spans: bool = False,
        bare: bool = False,
    ) -> None:
        self.name = name
        self.convertor = convertor
        self.label = label
        self.priority = priority
        self.spans = spans
        self.bare = bare


Segments: TypeAlias = tuple[str | Parameter, ...]


class Indexed(Protocol):
    """What the index must know of a route: its path between the slashes."""

    segments: Segments


R = TypeVar("R", bound=Indexed)

_NO_EDGES: Sequence[Any] = ()

Leaf: TypeAlias = dict[str, list[R]]
Choose: TypeAlias = Callable[[Leaf[R], Any], R | None]


class Edge(Generic[R]):
    """A way from a node to the next, through a parameter."""

    __slots__ = ("convert", "name", "node", "parameter")

    def __init__(self, parameter: Parameter) -> None:
        self.parameter = parameter
        self.name = parameter.name
        # PERF: held here, bound once; a convertor may set `convert` to a builtin such as `int`, which saves a frame.
        self.convert: Callable[[str], Any] = parameter.convertor.convert
        self.node: Node[R] = Node()


class Node(Generic[R]):
    """A place in the tree: all routes whose segments so far are alike."""

    __slots__ = ("edges", "leaf", "literals", "sure")

    def __init__(self) -> None:
        self.literals: dict[str, Node[R]] = {}
        self.edges: list[Edge[R]] = []
        self.leaf: Leaf[R] = {}
        # PERF: what `choose` would take for a method whatever the request, see `Index.settle`.
        self.sure: dict[str, R] = {}

    def follow(self, parameter: Parameter) -> Node[R]:
        """Return the node behind `parameter`, made where it is missing."""
        for edge in self.edges:
            known = edge.parameter
            if known.name == parameter.name and known.label == parameter.label:
                return edge.node
        edge = Edge[R](parameter)
        self.edges.append(edge)
        self.edges.sort(key=lambda each: -each.parameter.priority)
        return edge.node


class Expression(Generic[R]):
    """A route that only a regular expression over the whole path expresses."""

    def __init__(self, regex: Pattern[str], segments: Segments) -> None:
        self.regex = regex
        self.segments = segments
        self.leaf: Leaf[R] = {}

    def convert(self, values: dict[str, str | None]) -> dict[str, Any]:
        """Turn the named groups of a match into parameters; raise `ValueError` where one is refused."""
        # Groups that the user's own expression names are handed on as text.
        params: dict[str, Any] = {name: value for name, value in values.items() if value}
        for place, part in enumerate(self.segments):
            if isinstance(part, Parameter):
                group = part.name or f"_{place}"
                value = part.convertor.convert(values[group] or "")
                params.pop(group, None)
                params.update({part.name: value} if part.name else value)
        return params


class Index(Generic[R]):
    """All routes of one router, arranged for look-up; rebuilt as a whole when a route is taken away."""

    def __init__(self) -> None:
        self.exact: dict[str, Leaf[R]] = {}
        self.tree: Node[R] = Node()
        # Nodes with a single edge that are reached by literals alone, past none that offers a choice.
        self.shortcuts: dict[str, Node[R]] = {}
        self.prefixes: dict[str, Leaf[R]] = {}
        # The number of slashes in the longest of them.
        self.longest_prefix = 0
        self.patterns: list[Expression[R]] = []

    def clear(self) -> None:
        """Forget all routes."""
        self.exact.clear()
        self.tree = Node()
        self.shortcuts.clear()
        self.prefixes.clear()
        self.longest_prefix = 0
        self.patterns.clear()

    def add(self, route: R, regex: Callable[[], Pattern[str]], methods: Iterable[str]) -> None:
        """Put a route under its segments.

        Args:
            route: what a search shall give.
            regex: gives the whole path's regular expression; called only for a path that the tree can't express.
            methods: the HTTP methods, upper case.
        """
        leaf = self._leaf(route.segments, regex)
        for method in methods:
            leaf.setdefault(method, []).append(route)

    def _leaf(self, segments: Segments, regex: Callable[[], Pattern[str]]) -> Leaf[R]:
        literal = [part for part in segments if isinstance(part, str)]
        if len(literal) == len(segments):
            return self.exact.setdefault("/" + "/".join(literal), {})
        if any(isinstance(part, Parameter) and part.spans for part in segments):
            last = segments[-1]
            if (
                isinstance(last, Parameter)
                and last.spans
                and len(literal) == len(segments) - 1
                and last.label == "path"
            ):
                self.longest_prefix = max(self.longest_prefix, len(literal))
                return self.prefixes.setdefault("/".join(["", *literal]), {})
            return self._pattern(segments, regex()).leaf
        node = self.tree
        for part in segments:
            node = node.literals.setdefault(part, Node()) if isinstance(part, str) else node.follow(part)
        return node.leaf

    def _pattern(self, segments: Segments, regex: Pattern[str]) -> Expression[R]:
        for known in self.patterns:
            if known.regex == regex:
                return known
        self.patterns.append(Expression(regex, segments))
        self.patterns.sort(key=lambda each: -len(each.segments))
        return next(each for each in self.patterns if each.regex == regex)

    def settle(self, sure: Callable[[Leaf[R]], dict[str, R]]) -> None:
        """Note in each leaf of the tree the routes that need no choice.

        Args:
            sure: gives them, by method.
        """
        nodes = [self.tree]
        while nodes:
            node = nodes.pop()
            node.sure = sure(node.leaf)
            nodes += node.literals.values()
            nodes += (edge.node for edge in node.edges)
        self._find_shortcuts("", self.tree)

    def _find_shortcuts(self, prefix: str, node: Node[R]) -> None:
        reached = [(prefix, node)]
        while reached:
            prefix, node = reached.pop()
            if len(node.edges) == 1:
                self.shortcuts[prefix] = node
            if not node.edges:
                # Behind a node that has edges as well as literals a step back may lead elsewhere.
                reached += ((f"{prefix}/{literal}", child) for literal, child in node.literals.items())

    def walk(self, path: str, method: str, choose: Choose[R], request: Any) -> tuple[R, dict[str, Any]] | None:
        """Find a route in the tree.

        Args:
            path: the request's path, undecoded, with its leading slash.
            method: the request's method.
            choose: picks the route of a leaf that fits the request, or `None`.
            request: what `choose` needs to know; handed through.
        """
        # PERF: most dynamic paths are literal up to one parameter at their end. Where the walk over the literals would
        # arrive at a node with one way on, it begins there: half the time of the steps it saves, and the same answer.
        head, _, last = path.rpartition("/")
        start = self.shortcuts.get(head)
        if start is not None and last not in start.literals:
            edge = start.edges[0]
            try:
                value = edge.convert(last)
            except ValueError:
                return None
            if method in edge.node.sure:
                return edge.node.sure[method], {edge.name: value} if edge.name else value
        segments = path.split("/")
        end = len(segments)
        depth = 1
        node = self.tree
        params: dict[str, Any] = {}
        # Where a step back leads: the depth, the parameters so far, the edges not tried there. None as long as each
        # node on the way offers one way only.
        untried: list[tuple[int, dict[str, Any], Sequence[Edge[R]]]] | None = None
        edges: Sequence[Edge[R]]
        while True:
            if depth < end:
                child = node.literals.get(segments[depth])
                edges = node.edges
                if child is not None:
                    if edges:
                        untried = untried or []
                        untried.append((depth, dict(params), edges))
                    node = child
                    depth += 1
                    continue
            else:
                if method in node.sure:
                    return node.sure[method], params
                if node.leaf and (route := choose(node.leaf, request)) is not None:
                    return route, params
                edges = _NO_EDGES
            while True:
                for edge in edges:
                    try:
                        value = edge.convert(segments[depth])
                    except ValueError:
                        continue
                    if edge is not edges[-1]:
                        untried = untried or []
                        untried.append((depth, dict(params), edges[edges.index(edge) + 1 :]))
                    if edge.name:
                        params[edge.name] = value
                    else:
                        params.update(value)
                    break
                else:
                    if not untried:
                        return None
                    depth, params, edges = untried.pop()
                    continue
                node = edge.node
                depth += 1
                break

    def by_prefix(self, path: str, choose: Choose[R], request: Any) -> Iterator[tuple[str, R, dict[str, Any]]]:
        """Yield prefix, route and parameters of the routes that end in a `path` parameter, longest prefix first."""
        if not self.prefixes:
            return
        # Cut off where no prefix reaches, or a path of ten thousand slashes would be copied as many times.
        segments = path.split("/", self.longest_prefix + 1)[: self.longest_prefix + 1]
        while segments:
            prefix = "/".join(segments)
            segments.pop()
            leaf = self.prefixes.get(prefix)
            route = choose(leaf, request) if leaf else None
            if route is not None:
                last: Any = route.segments[-1]
                if len(prefix) < len(path) or last.bare:
                    yield prefix, route, {last.name: last.convertor.convert(path[len(prefix) + 1 :])}

    def by_pattern(self, path: str, choose: Choose[R], request: Any) -> tuple[R, dict[str, Any]] | None:
        """Find a route among the regular expressions."""
        for pattern in self.patterns:
            match = pattern.regex.fullmatch(path)
            if match is None or (route := choose(pattern.leaf, request)) is None:
                continue
            try:
                return route, pattern.convert(match.groupdict())
            except ValueError:
                continue
        return None
