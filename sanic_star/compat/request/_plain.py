"""A plain Starlette request that parses forms within the application's limits."""

from __future__ import annotations

import sys
from collections.abc import Coroutine, Generator, Mapping
from typing import TYPE_CHECKING, Any

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request as StarletteRequest
from starlette.types import Receive, Scope, Send

from sanic_star.compat.exceptions import SanicException
from sanic_star.compat.headers import parse_content_header
from sanic_star.compat.request._field_size import check_field_size
from sanic_star.compat.request._urlencoded import UrlencodedReader
from sanic_star.compat.request.parameters import URLENCODED
from sanic_star.engine.urls import OwnNames

if TYPE_CHECKING:
    from sanic_star.compat.request.form import AwaitableForm

# Starlette's limits: the size of a part or field in bytes, and the number of fields and of files.
_MAX_PART_SIZE = 1024 * 1024
_MAX_PARTS = 1000


class PlainRequest(OwnNames, StarletteRequest):
    """Starlette's request, with another parser of urlencoded forms.

    Starlette's parser takes half a second for a field of one megabyte, and a form may have a thousand.

    Args:
        scope: the connection's ASGI scope.
        receive: the ASGI callable.
        send: the ASGI callable.
        settings: the application's settings, with `FORM_MAX_FIELDS`, `FORM_MAX_FILES` and `FORM_MAX_FIELD_SIZE`.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, settings: Mapping[str, Any]) -> None:
        super().__init__(scope, receive, send)
        self._settings = settings
        self._fields: FormData | None = None

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies, as parsed by Starlette.

        Raises:
            HTTPException: 431, they are longer than `REQUEST_MAX_HEADER_SIZE`.
        """
        check_field_size("cookie", self.headers.getlist("cookie"), self._settings)
        return super().cookies

    def form(
        self,
        *,
        max_files: float | None = None,
        max_fields: float | None = None,
        max_part_size: int | None = None,
    ) -> AwaitableForm:
        """Parse the form, as in Starlette.

        Args:
            max_files: the maximum number of files.
            max_fields: the maximum number of fields.
            max_part_size: the maximum size of a field in bytes.

        By default these are the application's settings, else Starlette's limits; a lower setting takes precedence.

        Raises:
            HTTPException: 400 or 413, the form is invalid, or exceeds a limit.
        """
        files = self._limit("FORM_MAX_FILES", max_files, _MAX_PARTS)
        fields = self._limit("FORM_MAX_FIELDS", max_fields, _MAX_PARTS)
        size = int(self._limit("FORM_MAX_FIELD_SIZE", max_part_size, _MAX_PART_SIZE))
        kind, _ = parse_content_header(self.headers.get("content-type", ""))
        if kind == URLENCODED:
            return _FormOnAwait(self._read_urlencoded(fields, size))
        return super().form(max_files=files, max_fields=fields, max_part_size=size)

    def _limit(self, setting: str, argument: float | None, default: float) -> float:
        limit: float | None = self._settings.get(setting, default if argument is None else argument)
        limit = sys.maxsize if limit is None else limit
        return limit if argument is None else min(limit, argument)

    async def _read_urlencoded(self, max_fields: float, max_size: int) -> FormData:
        if self._fields is None:
            reader = UrlencodedReader(max_fields, max_size, keep_blank_values=True, charset="latin-1")
            try:
                async for chunk in self.stream():
                    reader.feed(chunk)
                self._fields = FormData([*reader.finish()])
            except SanicException as error:
                # Code written for Starlette handles Starlette's exception.
                raise HTTPException(error.status_code, str(error)) from None
        return self._fields


class _FormOnAwait:
    """A form that is parsed by `await` or `async with`.

    Args:
        coroutine: parses the form.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, FormData]) -> None:
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, FormData]:
        return self._coroutine.__await__()

    async def __aenter__(self) -> FormData:
        return await self._coroutine

    async def __aexit__(self, *exception: object) -> None:
        """Do nothing, because an urlencoded form has no files to close."""
