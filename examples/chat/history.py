"""The messages, in an SQLite file, so that workers share them and a restart loses none."""

import asyncio
import sqlite3
import threading
import time
from typing import Any

_MESSAGES_PER_ROOM = 500


class History:
    """The messages of all rooms.

    Args:
        path: the SQLite file. `:memory:` loses the messages at a restart, and workers do not share it.
    """

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS messages"
            " (id INTEGER PRIMARY KEY AUTOINCREMENT, room TEXT, name TEXT, text TEXT, at REAL)"
        )
        self._database.execute("CREATE INDEX IF NOT EXISTS by_room ON messages (room, id)")

    async def add(self, room: str, name: str, text: str) -> tuple[dict[str, Any], int]:
        """Store a message; return it in the form that clients receive, and the id of the room's previous message.

        The previous id is 0 for the first message. SQLite assigns ids inside its write lock: when other processes see
        an id, they also see the messages with lower ids.
        """
        return await asyncio.to_thread(self._add, room, name, text)

    def _add(self, room: str, name: str, text: str) -> tuple[dict[str, Any], int]:
        at = time.time()
        with self._lock:
            row = (room, name, text, at)
            number = self._database.execute(
                "INSERT INTO messages (room, name, text, at) VALUES (?, ?, ?, ?)", row
            ).lastrowid
            last = "SELECT coalesce(max(id), 0) FROM messages WHERE room = ? AND id < ?"
            (previous,) = self._database.execute(last, (room, number)).fetchone()
            oldest = "SELECT id FROM messages WHERE room = ? ORDER BY id DESC LIMIT 1 OFFSET ?"
            self._database.execute(
                f"DELETE FROM messages WHERE room = ? AND id <= ({oldest})", (room, room, _MESSAGES_PER_ROOM)
            )
        return {"kind": "message", "id": number, "name": name, "text": text, "at": at}, previous

    async def after(self, room: str, number: int) -> list[dict[str, Any]]:
        """Return the messages of a room with a higher number than this one, oldest first."""
        return await asyncio.to_thread(self._after, room, number)

    def _after(self, room: str, number: int) -> list[dict[str, Any]]:
        query = "SELECT id, name, text, at FROM messages WHERE room = ? AND id > ? ORDER BY id"
        with self._lock:
            rows = self._database.execute(query, (room, number)).fetchall()
        return [{"kind": "message", "id": id, "name": name, "text": text, "at": at} for id, name, text, at in rows]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()
