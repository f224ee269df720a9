"""What was said, in a file, so that workers share it and a restart loses nothing."""

import asyncio
import sqlite3
import threading
import time
from typing import Any

_KEPT = 500  # messages of each room


class History:
    """The messages of all rooms.

    Args:
        path: of the file; `:memory:` keeps nothing, and shares nothing with other workers.
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

    async def add(self, room: str, name: str, text: str) -> dict[str, Any]:
        """Store a message, and return it as clients get it."""
        return await asyncio.to_thread(self._add, room, name, text)

    def _add(self, room: str, name: str, text: str) -> dict[str, Any]:
        at = time.time()
        with self._lock:
            row = (room, name, text, at)
            number = self._database.execute(
                "INSERT INTO messages (room, name, text, at) VALUES (?, ?, ?, ?)", row
            ).lastrowid
            oldest = "SELECT id FROM messages WHERE room = ? ORDER BY id DESC LIMIT 1 OFFSET ?"
            self._database.execute(f"DELETE FROM messages WHERE room = ? AND id <= ({oldest})", (room, room, _KEPT))
        return {"kind": "message", "id": number, "name": name, "text": text, "at": at}

    async def after(self, room: str, number: int) -> list[dict[str, Any]]:
        """Return the messages of a room that came after the one with this number, the oldest first."""
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
