"""What `sanic_testing` gives as the response of a test client: a response with a few more names."""

import json
from typing import Any

__all__ = ["TestingResponse"]


class TestingResponse:
    """A response as tests for Sanic read it; every other attribute is that of the response inside.

    Args:
        response: what the client's library has made, `requests` or `httpx2`.

    Attributes:
        response: the response inside.
    """

    __test__ = False

    def __init__(self, response: Any) -> None:
        self.response = response

    @property
    def status(self) -> int:
        """The status code."""
        status: int = self.response.status_code
        return status

    @property
    def body(self) -> bytes:
        """The whole body."""
        body: bytes = self.response.content
        return body

    @property
    def text(self) -> str:
        """The body, decoded by the charset of its content type, otherwise as UTF-8."""
        # requests guesses when no charset is named; Sanic's tests expect UTF-8.
        if "charset" not in (self.content_type or ""):
            return self.body.decode("utf-8", "replace")
        text: str = self.response.text
        return text

    @property
    def content_type(self) -> str | None:
        """The content type's header."""
        content_type: str | None = self.response.headers.get("content-type")
        return content_type

    @property
    def json(self) -> Any:
        """The body read as JSON, whatever its content type says; None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def reason_phrase(self) -> str:
        """The words after the status code."""
        inner = self.response
        phrase: str = inner.reason if hasattr(inner, "reason") else inner.reason_phrase
        return phrase

    @property
    def http_version(self) -> str:
        """The version of HTTP."""
        return "HTTP/1.1"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.response, name)

    def __repr__(self) -> str:
        return f"<Response [{self.status} {self.reason_phrase}]>"
