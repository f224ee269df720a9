"""The tables `world` and `fortune`, on SQLite (aiosqlite) or PostgreSQL (asyncpg), and a function that fills them.

Each row of `world` is read by its own query, even if a request wants twenty: the tests require it.
"""

import asyncio
import random
from pathlib import Path
from typing import Any, Protocol

WORLDS = 10_000
TEMPLATES = Path(__file__).with_name("templates")

MESSAGES = (
    "A good plan today is better than a perfect one tomorrow.",
    "Who asks is a fool for a moment.",
    "<script>alert('a fortune is text, not markup');</script>",
    "フレームワークの幸運",
    "Every cable that is too short was long enough once.",
    "The last bug is the one before the next.",
    "Measure twice & cut once.",
    "A cache is a promise that somebody else has to keep.",
    "Zero, one, many: there is no fourth number.",
    "Time zones were made by people who never travelled.",
    "Backups are easy; it is restoring that has to be learned.",
    '"Nothing has changed" is where the search begins.',
)
# Each request adds this fortune, so that an application can't cache the answer.
ADDED = (0, "Additional fortune added at request time.")

World = dict[str, int]
Fortune = tuple[int, str]


class Store(Protocol):
    """The interface of a database to the applications."""

    async def worlds(self, ids: list[int]) -> list[World]:
        """Return the rows with these ids; each is read by its own query."""

    async def update(self, worlds: list[World]) -> None:
        """Write the random numbers of these rows to the database."""

    async def fortunes(self) -> list[Fortune]:
        """Return all fortunes, unsorted."""

    async def close(self) -> None:
        """Close the connections."""


class SQLite:
    """A store with one connection, whose thread runs one query after the other."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def worlds(self, ids: list[int]) -> list[World]:
        worlds = []
        for id in ids:
            ((number,),) = await self._connection.execute_fetchall("SELECT randomnumber FROM world WHERE id = ?", (id,))
            worlds.append({"id": id, "randomNumber": number})
        return worlds

    async def update(self, worlds: list[World]) -> None:
        # Otherwise a cancelled request would leave its transaction open, which locks the file for all servers.
        await asyncio.shield(self._write(worlds))

    async def _write(self, worlds: list[World]) -> None:
        statement = "UPDATE world SET randomnumber = :randomNumber WHERE id = :id"
        # Close the cursor in the connection's thread: the garbage collector would close it in another, at any moment.
        async with self._connection.executemany(statement, worlds):
            pass
        # Two simultaneous requests may share a transaction; the first commit writes for both.
        await self._connection.commit()

    async def fortunes(self) -> list[Fortune]:
        rows: list[Fortune] = await self._connection.execute_fetchall("SELECT id, message FROM fortune")
        return list(rows)

    async def close(self) -> None:
        await self._connection.close()


class PostgreSQL:
    """A pool of connections; asyncpg prepares each statement once for each connection."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def worlds(self, ids: list[int]) -> list[World]:
        async with self._pool.acquire() as connection:
            fetch = connection.fetchval
            return [
                {"id": id, "randomNumber": await fetch("SELECT randomnumber FROM world WHERE id = $1", id)}
                for id in ids
            ]

    async def update(self, worlds: list[World]) -> None:
        # Sorted by id: otherwise two simultaneous requests could wait for each other's rows.
        rows = sorted((world["id"], world["randomNumber"]) for world in worlds)
        await self._pool.execute(
            "UPDATE world SET randomnumber = new.number FROM unnest($1::int[], $2::int[]) AS new (id, number) "
            "WHERE world.id = new.id",
            *zip(*rows, strict=True),
        )

    async def fortunes(self) -> list[Fortune]:
        return [tuple(row) for row in await self._pool.fetch("SELECT id, message FROM fortune")]

    async def close(self) -> None:
        await self._pool.close()


async def connect(url: str) -> Store:
    """Return the store at `sqlite:///path` or `postgresql:///database?host=…`."""
    if url.startswith("sqlite:///"):
        import aiosqlite

        connection = await aiosqlite.connect(url.removeprefix("sqlite:///"))
        await connection.execute("PRAGMA synchronous = OFF")  # the disk is not measured
        return SQLite(connection)
    import asyncpg

    return PostgreSQL(await asyncpg.create_pool(url, min_size=16, max_size=16))


async def fill(url: str) -> None:
    """Make both tables, and fill them."""
    store: Any = await connect(url)
    tables = (
        "CREATE TABLE world (id INTEGER PRIMARY KEY, randomnumber INTEGER NOT NULL)",
        "CREATE TABLE fortune (id INTEGER PRIMARY KEY, message TEXT NOT NULL)",
    )
    worlds = [(id, random.randint(1, WORLDS)) for id in range(1, WORLDS + 1)]
    fortunes = list(enumerate(MESSAGES, 1))
    if isinstance(store, SQLite):
        connection = store._connection
        await connection.execute("PRAGMA journal_mode = WAL")
        for table in tables:
            await connection.execute(table)
        await connection.executemany("INSERT INTO world VALUES (?, ?)", worlds)
        await connection.executemany("INSERT INTO fortune VALUES (?, ?)", fortunes)
        await connection.commit()
    else:
        pool = store._pool
        for table in tables:
            await pool.execute(table)
        await pool.executemany("INSERT INTO world VALUES ($1, $2)", worlds)
        await pool.executemany("INSERT INTO fortune VALUES ($1, $2)", fortunes)
        await pool.execute("ANALYZE")
    await store.close()


def random_ids(queries: str | None) -> list[int]:
    """Return `queries` different random ids: 1 to 500 of them, and 1 if `queries` is not a number."""
    count = int(queries) if queries and queries.isdecimal() else 1
    return random.sample(range(1, WORLDS + 1), min(max(count, 1), 500))


def with_new_numbers(worlds: list[World]) -> list[World]:
    """Return the rows, each with a new random number."""
    return [{"id": world["id"], "randomNumber": random.randint(1, WORLDS)} for world in worlds]


def sorted_fortunes(fortunes: list[Fortune]) -> list[Fortune]:
    """Return the fortunes and the one that each request adds, sorted by message."""
    return sorted([*fortunes, ADDED], key=lambda fortune: fortune[1])
