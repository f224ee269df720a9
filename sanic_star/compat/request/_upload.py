"""The multipart body of a request: parsed while it arrives, stored in a spool until the end of the request.

A request with an invalid form is accepted, because the handler may use only `request.body`. So the exception is raised
when the handler reads the form, as for a body that arrived in one message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sanic_star.compat._support.lazy import pattern
from sanic_star.compat.exceptions import BadRequest, SanicException, ServerError
from sanic_star.compat.headers import parse_content_header
from sanic_star.compat.request._multipart import MAX_FILES, FormLimits, MultipartReader
from sanic_star.compat.request._spool import SPOOL_SIZE, Spool
from sanic_star.compat.request.form import form_parameters
from sanic_star.compat.request.parameters import MAX_FIELD_SIZE, MAX_FIELDS

if TYPE_CHECKING:
    from sanic_star.compat.request.parameters import RequestParameters

MULTIPART = "multipart/form-data"
# Some clients omit the quotes of a boundary that has to be quoted.
_BOUNDARY = pattern(r';\s*boundary=(?:"([^"]*)"|([^;\s]*))', re.I)


def form_limits(config: Mapping[str, Any]) -> FormLimits:
    """Return the limits of forms.

    Args:
        config: the settings of the application.
    """
    return FormLimits(
        config.get("FORM_MAX_FIELDS", MAX_FIELDS),
        config.get("FORM_MAX_FILES", MAX_FILES),
        config.get("FORM_MAX_FIELD_SIZE", MAX_FIELD_SIZE),
        config.get("FORM_MAX_FILE_SIZE"),
    )


def boundary(content_type: str) -> str:
    """Return the boundary of a form's parts; an empty string if the content type has none.

    Args:
        content_type: the value of the header.

    >>> boundary("multipart/form-data; boundary=a'(b); charset=utf-8")
    "a'(b)"
    """
    match = _BOUNDARY.search(content_type)
    return (match[1] or match[2]) if match else ""


class Upload:
    """A multipart body.

    Args:
        reader: finds its parts, and stores it.
    """

    def __init__(self, reader: MultipartReader) -> None:
        self._reader: MultipartReader | None = reader
        # Not the exception itself, whose traceback would refer to this upload.
        self._error: tuple[type[SanicException], str] | None = None

    @classmethod
    def of(cls, content_type: str, config: Mapping[str, Any]) -> Upload | None:
        """Return an upload for a body of this type; `None` if it is not a multipart form.

        Args:
            content_type: the value of the header.
            config: the settings of the application.
        """
        kind, _ = parse_content_header(content_type)
        if kind != MULTIPART:
            return None
        spool = Spool(config.get("FORM_SPOOL_SIZE", SPOOL_SIZE))
        try:
            return cls(MultipartReader(boundary(content_type), spool, form_limits(config)))
        except BadRequest:
            # Without a boundary it is an ordinary body; reading it as a form raises.
            return None

    @property
    def reader(self) -> MultipartReader:
        """The reader that finds the parts.

        Raises:
            ServerError: the request has ended.
        """
        if self._reader is None:
            raise ServerError(
                "The request has ended, and its upload was removed: keep a reference to files that you need longer."
            )
        return self._reader

    @property
    def spool(self) -> Spool:
        """The spool with the body."""
        return self.reader.spool

    @property
    def is_on_disk(self) -> bool:
        """Whether the body is in a temporary file."""
        return self._reader is not None and self._reader.spool.is_on_disk

    def release(self) -> None:
        """Release the body; it is removed, unless one of its files is still referenced."""
        self._reader = None

    async def add(self, data: bytes) -> None:
        """Store and parse the next chunk; an exception of the parser is raised later, by `form`."""
        self.spool.append(data)
        if self._error is None:
            try:
                self.reader.read(data)
            except SanicException as error:
                self._error = type(error), str(error)
        if self.spool.is_full:
            await self.spool.flush_in_thread()

    def finish(self) -> None:
        """End the body; exceptions as in `add`."""
        try:
            self.reader.finish()
        except SanicException as error:
            self._error = self._error or (type(error), str(error))

    def body(self) -> bytes:
        """Return the whole body.

        Raises:
            ServerError: the request has ended.
        """
        return self.spool.read_at(0, self.spool.size)

    def form(self) -> tuple[RequestParameters, RequestParameters]:
        """Return the fields and files.

        Raises:
            BadRequest, PayloadTooLarge: the form is invalid, or exceeds a limit.
            ServerError: the request has ended.
        """
        reader = self.reader
        if self._error is not None:
            kind, message = self._error
            raise kind(message)
        return form_parameters(reader.parts)
