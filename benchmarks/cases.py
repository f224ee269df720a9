"""What is asked of every contender: four requests with the answers they must give.

An answer is checked before anything is timed, so that no contender wins by answering something else.
"""

import json
from dataclasses import dataclass, field
from typing import Any

ECHO = json.dumps({"name": "Ada", "age": 36, "admin": False, "tags": ["maths", "engines"]}, separators=(",", ":"))


@dataclass(frozen=True)
class Case:
    """One request: its name in the tables, method, path, body, and the value that must come back.

    `expected` is compared with the decoded JSON body where it is no string, else with the text.
    """

    name: str
    path: str
    expected: Any = field(hash=False)
    method: str = "GET"
    body: bytes = b""

    def matches(self, status: int, body: bytes) -> bool:
        """Tell whether `status` and `body` are the answer that was asked for."""
        if status != 200:
            return False
        return bool((body.decode() if isinstance(self.expected, str) else json.loads(body)) == self.expected)


CASES = {
    case.name: case
    for case in (
        Case("text", "/", "Hello, world!"),
        Case("json", "/json", {"message": "Hello, world!"}),
        Case("user", "/user/42", {"id": 42}),
        Case("echo", "/echo", json.loads(ECHO), "POST", ECHO.encode()),
    )
}

TITLES = {"text": "text", "json": "json", "user": "`/user/<id:int>`", "echo": "POST json echo"}
