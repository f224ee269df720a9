"""Random route tables behind a server: both answer the same requests over a socket, Sanic on its own server.

`tables` compares the routers alone, a hundred times faster. This module also tests the code around them: the path
between wire and router, 404 and 405 with their headers, HEAD, and the route attributes of a request. Each table is an
application in its own process, because Sanic does not start twice in one.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.fuzz.paths import ROUTES, SECRET, paths
from tests.fuzz.tables import Difference, Row, Tables, is_swallowed, random_table, requests, startable_rows
from tests.parity.case import Case
from tests.parity.wire import HOST, Answer, request

Play = Callable[[Case], list[list[Answer]]]

_PROGRAM = """
def even(value):
    number = int(value)
    if number % 2:
        raise ValueError(value)
    return number

def handler(number):
    async def answer(request, **params):
        values = request.method, request.endpoint, request.match_info == params
        return text(f"{number} {dict(sorted(params.items()))!r} {values}")
    return answer

app.router.register_pattern("even", even, r"\\d+")
for number, (uri, options) in enumerate(ROWS):
    app.add_route(handler(number), uri, name=f"r{number}", **options)
"""

_PATHS = """
root = folder({"served/a.txt": "a", "served/sub/b.txt": "b", "secret.txt": SECRET})
(root / "served" / "link.txt").symlink_to(root / "secret.txt")

async def answer(request, **given):
    return text(ascii(sorted(given.items())))

for number, (uri, options) in enumerate(ROUTES):
    app.add_route(answer, uri, name=f"r{number}", **options)
app.static("/static", root / "served", name="files")
app.static("/s", root / "served", name="more", use_content_range=True, stream_large_files=True)
"""


def compare_dispatch(seed: int, count: int, tables: Tables, both: tuple[Play, Play]) -> tuple[int, list[Difference]]:
    """Serve a random table, send requests to both; return the number of requests and the differences.

    Args:
        seed: of the table and of its requests.
        count: how many requests.
        tables: creates the two routers, to find the routes that can be registered.
        both: play a case on Sanic and on sanic_star.
    """
    random = Random(seed)
    rows, differences = startable_rows(random_table(random), tables)
    if differences or not rows:
        return 0, differences
    router_requests = list(requests(random, rows, count))
    row_arguments = [(row.uri, row.options()) for row in rows]
    steps = tuple(
        request(router_request.method, router_request.path, {"host": router_request.host or HOST})
        for router_request in router_requests
    )
    case = Case(f"table {seed}", "fuzz", f"ROWS = {row_arguments!r}\n{_PROGRAM}", steps)
    sanics, ours = (play(case) for play in both)
    for router_request, (first,), (second,) in zip(router_requests, sanics, ours, strict=False):
        left, right = _compared_part(first, rows), _compared_part(second, rows)
        error = left[4:] if left.startswith("200 ") else {"404": "NotFound"}.get(left, "something else")
        if not _is_documented(left, right) and not is_swallowed(rows, router_request, error):
            differences.append(Difference(rows, router_request, left, right))
    return len(router_requests), differences


def compare_served_paths(seed: int, count: int, both: tuple[Play, Play]) -> list[str]:
    """Send odd paths over a socket to both, each through its own server's parser; return the differences.

    Paths that one of the parsers refuses (Sanic: 413 for a long head) are skipped, and those that Sanic answers with
    500.
    """
    tried_paths = list(paths(Random(seed), count))
    source = f"ROUTES = {ROUTES!r}\nSECRET = {SECRET!r}\n{_PATHS}"
    case = Case(f"paths {seed}", "fuzz", source, tuple(request("GET", path) for path in tried_paths))
    sanics, ours = (play(case) for play in both)
    differences, compared = [], 0
    for path, (first,), (second,) in zip(tried_paths, sanics, ours, strict=False):
        if second.status >= 500 or SECRET.encode() in second.body:
            differences.append(f"{path[:200]!r}: {second}")
        if {first.status, second.status} & {0, 400, 413, 414, 431, 500}:
            continue
        compared += 1
        left, right = ((answer.status, answer.status == 200 and answer.body) for answer in (first, second))
        if left != right:
            differences.append(f"{path[:200]!r} over a socket: Sanic {left}, here {right}")
    if compared < count / 3:
        differences.append(f"only {compared} of {count} paths could be compared over a socket")
    return differences


def _compared_part(answer: Answer, rows: list[Row]) -> str:
    """Return the compared part of an answer, with its status first."""
    if answer.note:
        return f"0 {answer.note}"
    if answer.status == 200 and answer.body:
        text = answer.body.decode()
        number = text.partition(" ")[0]
        return f"200 {number} mixed" if rows[int(number)].mixed else f"200 {text}"
    # In Sanic the methods are a set, so their order varies.
    allowed = sorted((answer.get("allow") or "").split(", "))
    return f"{answer.status} {', '.join(allowed)}".strip()


def _is_documented(sanic: str, ours: str) -> bool:
    """Return whether both are the same, or differ as documented in `docs/compatibility.md`."""
    if sanic == ours:
        return True
    if sanic.startswith("500"):  # over `//` for example; here it must be an answer
        return ours[0] in "24"
    if sanic == "405":  # forgets `Allow`, where a path with parameters has several routes
        return ours.startswith("405 ")
    # A leftover value of a route that was tried before.
    return "('" in sanic and sanic.startswith("200") and sanic.split()[:2] == ours.split()[:2]
