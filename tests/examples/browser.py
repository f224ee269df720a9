"""A headless Chromium, driven by the DevTools protocol; ended by its process id."""

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.sync.client import ClientConnection, connect

from .serving import TIMEOUT_S


class Page:
    """One page of a browser.

    Args:
        connection: to the page, by the DevTools protocol.
    """

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol, and return its result."""
        self._number += 1
        self._connection.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._connection.recv(TIMEOUT_S))
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return dict(answer["result"])

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return result["result"].get("value")

    def until(self, expression: str) -> Any:
        """Wait until an expression is true; raise with the text of the page if it is not true in time."""
        deadline = time.monotonic() + TIMEOUT_S
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < deadline, (expression, self.evaluate("document.body?.innerText"))
            time.sleep(0.05)
        return value


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """Run a browser with one empty page; skip the test if no browser is installed."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("Chromium is not installed")
    process = subprocess.Popen(
        [
            program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        port_file = folder / "DevToolsActivePort"
        deadline = time.monotonic() + TIMEOUT_S
        while not port_file.exists() or not port_file.read_text().strip():
            assert process.poll() is None, "Chromium has ended"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        pages = requests.get(f"http://127.0.0.1:{port_file.read_text().split()[0]}/json", timeout=TIMEOUT_S).json()
        url = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
        with connect(url, open_timeout=TIMEOUT_S, max_size=None) as connection:
            yield Page(connection)
    finally:
        process.terminate()
        process.wait(TIMEOUT_S)
