"""Reading a multipart form while it arrives.

The grammar is python-multipart's. Fields are kept as text, files go to spools: in memory up to a size, then on disk.
Every mistake of the client is a `BadRequest` that says what is wrong, raised by `feed` or `finish`, after which the
reader holds nothing any more.
"""

from __future__ import annotations

import unicodedata
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO, Any
from urllib.parse import unquote

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from sanic_star.compat.exceptions import BadRequest
from sanic_star.compat.headers import parse_content_header

# Starlette's limits, and Django's for fields: a thousand parts of nothing cost more to read than one of a megabyte.
MAX_FIELDS = 1000
MAX_FILES = 1000
SPOOL_SIZE = 1024 * 1024


class MultipartReader:
    """Takes a body in pieces of any size, and gives its fields and files.

    Args:
        boundary: what separates the parts, from the Content-Type header.
        max_fields: how many fields there may be.
        max_files: how many files there may be.
        spool_size: up to how many bytes a file is kept in memory; 0: always.

    Raises:
        BadRequest: there is no such boundary.

    >>> reader = MultipartReader("B")
    >>> for byte in b'--B\\r\\nContent-Disposition: form-data; name="a"\\r\\n\\r\\n1\\r\\n--B--':
    ...     reader.feed(bytes([byte]))
    >>> reader.finish()
    >>> reader.fields
    [('a', '1')]
    """

    def __init__(
        self,
        boundary: bytes | str,
        *,
        max_fields: int = MAX_FIELDS,
        max_files: int = MAX_FILES,
        spool_size: int = SPOOL_SIZE,
    ) -> None:
        self.fields: list[tuple[str, str]] = []
        self.files: list[tuple[str, str, IO[bytes], str]] = []
        self._max_fields, self._max_files, self._spool_size = max_fields, max_files, spool_size
        self._empty, self._complete = True, False
        self._name, self._value = b"", b""
        self._headers: dict[str, bytes] = {}
        self._field, self._charset, self._data = "", "", bytearray()
        self._spool: IO[bytes] | None = None
        if not boundary:
            raise BadRequest("Failed when parsing form: the Content-Type header names no boundary")
        callbacks: Any = {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }
        try:
            self._parser = MultipartParser(boundary, callbacks)
        except (FormParserError, UnicodeEncodeError):
            raise BadRequest("Failed when parsing form: the boundary is too long or not in Latin letters") from None

    @property
    def on_disk(self) -> bool:
        """Whether the file that is arriving is on disk, so that the next piece of it is better written in a thread."""
        return not isinstance(self._spool, BytesIO | None)

    def feed(self, data: bytes) -> None:
        """Read the next piece.

        Raises:
            BadRequest: it does not belong into a form, or there are too many parts.
        """
        self._empty = self._empty and not data
        try:
            self._parser.write(data)
        except FormParserError as error:
            self.close()
            raise BadRequest(f"Failed when parsing form: {error}") from None
        except BadRequest:
            self.close()
            raise

    def finish(self) -> None:
        """Say that this was all.

        Raises:
            BadRequest: the last boundary is missing.
        """
        if not (self._complete or self._empty):
            self.close()
            raise BadRequest("Failed when parsing form: it ends before its last boundary")

    def close(self) -> None:
        """Let go of all fields and files."""
        for _, _, spool, _ in self.files:
            spool.close()
        self.fields, self.files, self._spool = [], [], None

    def _begin(self) -> None:
        self._headers = {}

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.decode("ascii", "replace").lower()] = self._value
        self._name, self._value = b"", b""

    def _headers_finished(self) -> None:
        _, told = self._read("content-disposition")
        kind, options = self._read("content-type")
        if "name" not in told:
            raise BadRequest("Failed when parsing form: a part has no name")
        self._field, self._charset, self._data = told["name"], options.get("charset", "utf-8"), bytearray()
        filename = told["filename"] if "filename" in told else _extended(told.get("filename*"))
        if filename is None:
            if len(self.fields) == self._max_fields:
                raise BadRequest(f"Failed when parsing form: it has more than {self._max_fields} fields")
            self._spool = None
            return
        if len(self.files) == self._max_files:
            raise BadRequest(f"Failed when parsing form: it has more than {self._max_files} files")
        self._spool = BytesIO()
        self.files.append((self._field, kind or "text/plain", self._spool, filename))

    def _read(self, header: str) -> tuple[str, dict[str, str]]:
        value, options = parse_content_header(self._headers.get(header, b"").decode("utf-8", "replace"))
        return value, {name: str(option) for name, option in options.items()}

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._spool is None:
            self._data += data[start:end]
            return
        if isinstance(self._spool, BytesIO) and 0 < self._spool_size < self._spool.tell() + end - start:
            self._move_to_disk(self._spool.getvalue())
        self._spool.write(data[start:end])

    def _move_to_disk(self, content: bytes) -> None:
        # Not tempfile's SpooledTemporaryFile: that one insists on being closed even if it never left memory.
        self._spool = TemporaryFile()  # noqa: SIM115 - it outlives this reader, and `close` closes it
        self._spool.write(content)
        name, kind, _, filename = self.files[-1]
        self.files[-1] = (name, kind, self._spool, filename)

    def _part_end(self) -> None:
        if self._spool is not None:
            self._spool.seek(0)
            self._spool = None
            return
        try:
            text = self._data.decode(self._charset)
        except (UnicodeDecodeError, LookupError):
            message = f"Failed when parsing form: the field {self._field!r} is not in {self._charset}"
            raise BadRequest(message) from None
        self.fields.append((self._field, text))

    def _end(self) -> None:
        self._complete = True


def _extended(value: str | None) -> str | None:
    # RFC 5987: charset'language'text, which browsers do not write in forms, but others do.
    if value is None:
        return None
    charset, _, rest = value.partition("'")
    try:
        name = unquote(rest.partition("'")[2], encoding=charset or "utf-8")
    except LookupError:
        raise BadRequest(f"Failed when parsing form: a file's name is in the unknown charset {charset!r}") from None
    return unicodedata.normalize("NFC", name)
