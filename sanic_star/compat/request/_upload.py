"""The body of a request that is a multipart form: read while it arrives, kept in a spool until the request is over.

A mistake in the form is no reason to refuse the body: the handler may want `request.body` only. So the exception is
raised when the handler asks for the form, as for a body that arrived in one piece.
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
# Clients write one that has to be quoted without quotes as well.
_BOUNDARY = pattern(r';\s*boundary=(?:"([^"]*)"|([^;\s]*))', re.I)


def form_limits(config: Mapping[str, Any]) -> FormLimits:
    """Return what a form may have, by the settings of an application."""
    return FormLimits(
        config.get("FORM_MAX_FIELDS", MAX_FIELDS),
        config.get("FORM_MAX_FILES", MAX_FILES),
        config.get("FORM_MAX_FIELD_SIZE", MAX_FIELD_SIZE),
        config.get("FORM_MAX_FILE_SIZE"),
    )


def boundary(content_type: str) -> str:
    """Return what separates the parts of a form, empty where its type does not say.

    >>> boundary("multipart/form-data; boundary=a'(b); charset=utf-8")
    "a'(b)"
    """
    found = _BOUNDARY.search(content_type)
    return (found[1] or found[2]) if found else ""


class Upload:
    """A multipart body.

    Args:
        reader: finds its parts, and keeps it.
    """

    def __init__(self, reader: MultipartReader) -> None:
        self._reader: MultipartReader | None = reader
        # Not the exception itself, whose traceback would hold this upload.
        self._error: tuple[type[SanicException], str] | None = None

    @classmethod
    def of(cls, content_type: str, config: Mapping[str, Any]) -> Upload | None:
        """Return one for a body of this type, `None` where it is no multipart form.

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
            # Without a boundary it is only a body; what is wrong is told when it is read as a form.
            return None

    @property
    def reader(self) -> MultipartReader:
        """What finds the parts.

        Raises:
            ServerError: the request is over.
        """
        if self._reader is None:
            raise ServerError("The request is over, and its upload is gone: keep the files that are needed longer.")
        return self._reader

    @property
    def spool(self) -> Spool:
        """Where the body is."""
        return self.reader.spool

    @property
    def on_disk(self) -> bool:
        """Whether there is a temporary file."""
        return self._reader is not None and self._reader.spool.on_disk

    def let_go(self) -> None:
        """Hold the body no longer; it is gone, unless somebody holds one of its files."""
        self._reader = None

    async def add(self, data: bytes) -> None:
        """Take the next piece."""
        self.spool.append(data)
        if self._error is None:
            try:
                self.reader.read(data)
            except SanicException as error:
                self._error = type(error), str(error)
        if self.spool.full:
            await self.spool.flush_in_thread()

    def finish(self) -> None:
        """Say that this was all."""
        try:
            self.reader.finish()
        except SanicException as error:
            self._error = self._error or (type(error), str(error))

    def body(self) -> bytes:
        """Return the whole body.

        Raises:
            ServerError: the request is over.
        """
        return self.spool.read_at(0, self.spool.size)

    def form(self) -> tuple[RequestParameters, RequestParameters]:
        """Return the fields and files.

        Raises:
            BadRequest, PayloadTooLarge: it is no form, or one beyond the limits.
            ServerError: the request is over.
        """
        reader = self.reader
        if self._error is not None:
            kind, message = self._error
            raise kind(message)
        return form_parameters(reader.parts)
