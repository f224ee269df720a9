"""The client of the inspector, which `sanic-star inspect` uses."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from http.client import HTTPException
from textwrap import indent
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from sanic_star.compat.application.logo import get_logo
from sanic_star.compat.application.motd import MOTDTTY

# How long an action may take, in seconds: a restart or a custom action may take a while.
TIMEOUT_S = 60.0


class InspectorClient:
    """Sends requests to an inspector, and writes the results to standard output.

    Args:
        host: the host on which the inspector listens.
        port: its port.
        secure: whether it uses TLS.
        raw: whether to write JSON in one line, instead of a table.
        api_key: the application's setting `INSPECTOR_API_KEY`, if it is set.

    Examples:
        Set the number of workers to four::

            InspectorClient("localhost", 6457, False, False, None).do("scale", replicas=4)
    """

    def __init__(self, host: str, port: int, secure: bool, raw: bool, api_key: str | None) -> None:
        self.scheme = "https" if secure else "http"
        self.host = host
        self.port = port
        self.raw = raw
        self.api_key = api_key

    @property
    def base_url(self) -> str:
        """The URL of the inspector."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def do(self, action: str, **kwargs: Any) -> None:
        """Call an action, and write its result.

        Args:
            action: its name; `info` shows the application and its processes.
            kwargs: its arguments; `args` is a list of positional ones.

        Raises:
            SystemExit: with status 1: the inspector cannot be reached, or it answers with an error.
        """
        if action == "info":
            self.info()
            return
        result = self.request(action, **kwargs)
        if result is not None:
            _write(result if isinstance(result, str) else _as_json(result))

    def info(self) -> None:
        """Write the facts about the application and its processes.

        Raises:
            SystemExit: with status 1: the inspector cannot be reached, or it answers with an error.
        """
        result = self.request("", "GET")
        if result is None:
            return
        if self.raw:
            _write(_as_json(result))
            return
        facts = dict(result.get("info", {}))
        extra = facts.pop("extra", None) or {}
        facts["packages"] = ", ".join(facts.get("packages") or ())
        logo = get_logo() if sys.stdout.isatty() else None
        box = MOTDTTY(logo, self.base_url, {name: str(value) for name, value in facts.items()}, extra)
        box.display(version=False, action="Inspecting", out=_write)
        for name, state in result.get("workers", {}).items():
            _write(indent("\n".join([name, *(f"    {key}: {value}" for key, value in state.items()), ""]), "  "))

    def request(self, action: str, method: str = "POST", **kwargs: Any) -> Any:
        """Send a request to the inspector, and return the `result` of its response.

        Args:
            action: the name of the action, or an empty string for the facts.
            method: the HTTP method.
            kwargs: the arguments of the action.

        Raises:
            SystemExit: with status 1: the inspector cannot be reached, or it answers with an error.
        """
        # With these fields the inspector's error pages are JSON, too.
        headers = {"accept": "application/json", "content-type": "application/json"}
        if self.api_key:
            headers["authorization"] = f"Bearer {self.api_key}"
        body = json.dumps(kwargs).encode() if kwargs else None
        try:
            request = Request(f"{self.base_url}/{quote(action, safe='')}", body, headers, method=method)
            with urlopen(request, timeout=TIMEOUT_S) as response:
                answer = json.loads(response.read())
        except HTTPError as error:
            self._fail(f"The inspector at {self.base_url} answered {error.code}: {_reason(error)}")
        except URLError as error:
            # The text of the exception is only "<urlopen error …>" around the reason.
            self._fail(
                f"Could not connect to inspector at: {self.base_url}: {error.reason}. Is the application running with "
                "INSPECTOR=True, and is this the inspector's address?"
            )
        except (HTTPException, OSError, ValueError) as error:
            self._fail(f"The server at {self.base_url} is not an inspector: {error}")
        else:
            if isinstance(answer, Mapping) and "result" in answer:
                return answer["result"]
            self._fail(f"The server at {self.base_url} is not an inspector: its response has no result")
        return None

    def _fail(self, message: str) -> None:
        sys.stderr.write(f"{message}\n")
        sys.exit(1)


def _reason(error: HTTPError) -> str:
    """Return the message of an error response, or the first line of its body."""
    text = error.read(4096).decode(errors="replace")
    try:
        return str(json.loads(text)["message"])
    except (ValueError, TypeError, KeyError):
        return text.strip().partition("\n")[0] or error.reason


def _as_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)


def _write(text: str) -> None:
    sys.stdout.write(f"{text}\n")


__all__ = ["InspectorClient"]
