"""The tasks and their attachments: one SQLite file, and a folder for uploaded files next to it.

This module does not depend on the web. It calls `on_change` after each change, made by REST or GraphQL, so the live
feeds miss none. The connection is in autocommit mode and each change is one statement, so no request sees half a
change.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, get_args

import aiosqlite
import msgspec

Column = Literal["todo", "doing", "done"]
COLUMNS: dict[str, str] = dict(zip(get_args(Column), ("To do", "In progress", "Done"), strict=True))

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, place TEXT NOT NULL, author TEXT NOT NULL,
    rank INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS attachments (
    id TEXT PRIMARY KEY, task_id INTEGER NOT NULL REFERENCES tasks ON DELETE CASCADE,
    name TEXT NOT NULL, size INTEGER NOT NULL
);
"""
_NEXT_RANK = "(SELECT coalesce(max(rank), 0) + 1 FROM tasks)"
_FIRST_TASKS = (
    ("Read the README", "done"),
    ("Open this page in a second window and move a card", "doing"),
    ("Attach a file to a card", "todo"),
    ("Ask GraphQL for the titles", "todo"),
)


class Attachment(msgspec.Struct, frozen=True):
    """A file that belongs to a task; its `size` is in bytes."""

    id: str
    task_id: int
    name: str
    size: int


class Task(msgspec.Struct, frozen=True):
    """A card on the board."""

    id: int
    title: str
    column: str
    author: str
    attachments: tuple[Attachment, ...] = ()


class Store:
    """Store tasks in the SQLite file `path`, created on first use; call `on_change(event, task)` after each change."""

    def __init__(self, path: Path, on_change: Callable[[str, Task], None]) -> None:
        self.path = path
        self.uploads = path.parent / f"{path.stem}-uploads"
        self._on_change = on_change
        self._database: aiosqlite.Connection | None = None

    async def open(self) -> None:
        """Open the file; create the tables and a few example tasks if the file is new."""
        self.uploads.mkdir(parents=True, exist_ok=True)
        self._database = await aiosqlite.connect(self.path, isolation_level=None)
        # Write-ahead logging lets several workers share the file without waiting for each other's reads.
        await self._database.executescript("PRAGMA journal_mode=WAL; PRAGMA foreign_keys=ON;" + _SCHEMA)
        if not await self._rows("SELECT 1 FROM sqlite_sequence WHERE name = 'tasks'"):
            for title, column in _FIRST_TASKS:
                await self.add(title, column, "the board")

    async def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._database is not None:
            await self._database.close()
            self._database = None

    async def tasks(self, column: str | None = None) -> list[Task]:
        """Return all tasks, or those of one column, in the order of the board."""
        files: dict[int, list[Attachment]] = {}
        for row in await self._rows("SELECT id, task_id, name, size FROM attachments ORDER BY name"):
            files.setdefault(row[1], []).append(Attachment(*row))
        rows = await self._rows(
            "SELECT id, title, place, author FROM tasks WHERE place = coalesce(?, place) ORDER BY rank", column
        )
        return [_task(row, files.get(row[0], ())) for row in rows]

    async def task(self, task_id: int) -> Task | None:
        """Return one task, or None if no task has that number."""
        rows = await self._rows("SELECT id, title, place, author FROM tasks WHERE id = ?", task_id)
        return _task(rows[0], await self._attachments(task_id)) if rows else None

    async def add(self, title: str, column: str, author: str) -> Task:
        """Add a task to the end of a column."""
        rows = await self._rows(
            f"INSERT INTO tasks (title, place, author, rank) VALUES (?, ?, ?, {_NEXT_RANK}) RETURNING id",
            title, column, author,
        )  # fmt: skip
        task = Task(rows[0][0], title, column, author)
        self._on_change("added", task)
        return task

    async def change(self, task_id: int, title: str | None = None, column: str | None = None) -> Task | None:
        """Rename a task or move it to the end of a column; return None if no task has that number."""
        rows = await self._rows(
            "UPDATE tasks SET title = coalesce(?, title), place = coalesce(?, place), "
            f"rank = CASE WHEN ? IS NULL THEN rank ELSE {_NEXT_RANK} END "
            "WHERE id = ? RETURNING id, title, place, author",
            title, column, column, task_id,
        )  # fmt: skip
        if not rows:
            return None
        task = _task(rows[0], await self._attachments(task_id))
        self._on_change("moved" if column else "renamed", task)
        return task

    async def remove(self, task_id: int) -> bool:
        """Delete a task and its attachments; return False if no task has that number."""
        task = await self.task(task_id)
        if task is None or not await self._rows("DELETE FROM tasks WHERE id = ? RETURNING id", task_id):
            return False
        for file in task.attachments:
            self.path_of(file).unlink(missing_ok=True)
        self._on_change("deleted", task)
        return True

    async def attach(self, task: Task, name: str, content: bytes) -> Attachment:
        """Store a file for a task."""
        attachment = Attachment(uuid.uuid4().hex, task.id, name, len(content))
        await asyncio.to_thread(self.path_of(attachment).write_bytes, content)
        await self._rows("INSERT INTO attachments VALUES (?, ?, ?, ?)", *msgspec.structs.astuple(attachment))
        self._on_change("attached", task)
        return attachment

    async def attachment(self, attachment_id: str) -> Attachment | None:
        """Return the metadata of an uploaded file, or None."""
        rows = await self._rows("SELECT id, task_id, name, size FROM attachments WHERE id = ?", attachment_id)
        return Attachment(*rows[0]) if rows else None

    def path_of(self, attachment: Attachment) -> Path:
        """Return the path of an attachment: its id, so no client chooses a path."""
        return self.uploads / attachment.id

    async def _attachments(self, task_id: int) -> tuple[Attachment, ...]:
        rows = await self._rows(
            "SELECT id, task_id, name, size FROM attachments WHERE task_id = ? ORDER BY name", task_id
        )
        return tuple(Attachment(*row) for row in rows)

    async def _rows(self, statement: str, *values: Any) -> list[Any]:
        if self._database is None:
            raise RuntimeError("the store is not open: did the before_server_start listeners run?")
        return list(await self._database.execute_fetchall(statement, values))


def _task(row: tuple[int, str, str, str], attachments: Iterable[Attachment]) -> Task:
    number, title, column, author = row
    return Task(number, title, column, author, tuple(attachments))
