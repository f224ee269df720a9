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

# Restarts and custom actions may take their time, in seconds.
TIMEOUT = 60.0


class InspectorClient:
    """Asks an inspector, and writes its answers to standard output.

    Args:
        host: where the inspector listens.
        port: its port.
        secure: whether it speaks TLS.
        raw: whether to write JSON only, in one line.
        api_key: `INSPECTOR_API_KEY` of the application, if it has one.

    Examples:
        Have four workers::

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
        """Call an action, and write what it returns.

        Args:
            action: its name; `info` asks for what is known of the processes.
            kwargs: its arguments; those in `args` are positional.

        Raises:
            SystemExit: with status 1, the inspector can't be reached, or refuses.
        """
        if action == "info":
            self.info()
            return
        result = self.request(action, **kwargs)
        if result is not None:
            _write(result if isinstance(result, str) else _as_json(result))

    def info(self) -> None:
        """Write what is known of the application and of its processes.

        Raises:
            SystemExit: with status 1, the inspector can't be reached, or refuses.
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
        """Send a request to the inspector, and return the result in its answer.

        Args:
            action: the path.
            method: the HTTP method.
            kwargs: the arguments of the action.

        Raises:
            SystemExit: with status 1, the inspector can't be reached, or refuses.
        """
        # As JSON, an inspector answers errors in that form, too.
        headers = {"accept": "application/json", "content-type": "application/json"}
        if self.api_key:
            headers["authorization"] = f"Bearer {self.api_key}"
        body = json.dumps(kwargs).encode() if kwargs else None
        try:
            request = Request(f"{self.base_url}/{quote(action, safe='')}", body, headers, method=method)
            with urlopen(request, timeout=TIMEOUT) as response:
                answer = json.loads(response.read())
        except HTTPError as error:
            self._fail(f"The inspector at {self.base_url} answered {error.code}: {_reason(error)}")
        except URLError as error:
            # Spoken of by its reason: "<urlopen error …>" says nothing more.
            self._fail(
                f"Could not connect to inspector at: {self.base_url}: {error.reason}. Is the application running, with "
                "INSPECTOR=True, and on this address?"
            )
        except (HTTPException, OSError, ValueError) as error:
            self._fail(f"What listens at {self.base_url} is no inspector: {error}")
        else:
            if isinstance(answer, Mapping) and "result" in answer:
                return answer["result"]
            self._fail(f"What listens at {self.base_url} is no inspector: its answer has no result")
        return None

    def _fail(self, message: str) -> None:
        sys.stderr.write(f"{message}\n")
        sys.exit(1)


def _reason(error: HTTPError) -> str:
    """Return what an error response says, at the most its first line."""
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
