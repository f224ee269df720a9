"""The requests of the scene `database`, and how their answers are checked.

Rows are random, so an answer is compared with the rules of its test: how many rows, which numbers, and for updates
whether the database has what the answer says.
"""

import asyncio
import html
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from benchmarks.apps.database.store import ADDED, MESSAGES, World, connect
from benchmarks.cases import Case, Headers

QUERIES = 20
# These need no database.
WITHOUT_DATABASE = ("db_json", "db_plaintext")


@dataclass(frozen=True)
class DatabaseCase(Case):
    """A test whose answer has `count` random rows; `url` is the URL of the database."""

    rows: int = 0
    url: str = ""

    def fault(self, number: int, status: int, headers: Headers, body: bytes) -> str | None:
        """Return the fault of an answer, or None."""
        if status != 200 or not self.rows:
            return super().fault(number, status, headers, body)
        if self.path == "/fortunes":
            return None if _fortunes(body.decode()) == _EXPECTED else f"body {body[:500]!r}"
        answer = json.loads(body)
        rows: list[World] = [answer] if self.path == "/db" else answer
        if not all(isinstance(row, dict) and row.keys() == {"id", "randomNumber"} for row in rows):
            return f"rows {rows[:2]!r}"
        ids = {row["id"] for row in rows}
        if len(rows) != self.rows or len(ids) != self.rows:
            return f"{len(rows)} rows with {len(ids)} ids"
        stored = {row["id"]: row["randomNumber"] for row in _stored(self.url, sorted(ids))}
        wrong = [row for row in rows if stored[row["id"]] != row["randomNumber"]]
        return f"rows that the database does not have: {wrong[:2]!r}" if wrong else None


def _stored(url: str, ids: list[int]) -> list[World]:
    async def read() -> list[World]:
        store = await connect(url)
        try:
            return await store.worlds(ids)
        finally:
            await store.close()

    # In another thread, because an event loop may run in this one.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, read()).result()


def _fortunes(page: str) -> list[tuple[int, str]]:
    cells = re.findall(r"<tr><td>(\d+)</td><td>([^<]*)</td></tr>", page)
    return [(int(id), html.unescape(message)) for id, message in cells]


_EXPECTED = sorted([*enumerate(MESSAGES, 1), ADDED], key=lambda fortune: fortune[1])


def cases(url: str) -> list[DatabaseCase]:
    """Return the six tests, for the database at `url`."""
    several: dict[str, Any] = {"query": f"queries={QUERIES}", "rows": QUERIES, "url": url}
    return [
        DatabaseCase("db_json", "/json", {"message": "Hello, World!"}),
        DatabaseCase("db_plaintext", "/plaintext", "Hello, World!"),
        DatabaseCase("db_single", "/db", None, rows=1, url=url),
        DatabaseCase("db_queries", "/queries", None, **several),
        DatabaseCase("db_fortunes", "/fortunes", None, rows=len(_EXPECTED), url=url),
        DatabaseCase("db_updates", "/updates", None, **several),
    ]
