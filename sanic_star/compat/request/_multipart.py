"""Parse a multipart form while it arrives.

python-multipart is the parser. The body is written to a spool. A part has only its headers and its position in the
spool: a field is decoded on access, a file is a section of the spool. Invalid forms raise `BadRequest` with the reason,
or `PayloadTooLarge`.
"""

from __future__ import annotations

import re
from io import BufferedReader
from typing import Any
from urllib.parse import unquote

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from sanic_star.compat.exceptions import BadRequest, PayloadTooLarge
from sanic_star.compat.headers import parse_content_header
from sanic_star.compat.request._spool import Section, Spool
from sanic_star.compat.request.parameters import FAILED, MAX_FIELD_SIZE, MAX_FIELDS
from sanic_star.engine.charsets import find_codec

MAX_FILES = 1000  # Starlette's
# In bytes; exceeds python-multipart's maximum for a part's headers.
HEADERS_SIZE = 65536
# The bytes that may follow a delimiter: the line break before a part, or the dashes of the last one.
_AFTER_DELIMITER = (b"\r\n", b"--")
# Blanks after a delimiter (RFC 2046, section 5.1.1, `transport-padding`); more of them are content.
_PADDING = re.compile(rb"[ \t]{0,1000}")


class FormLimits:
    """The limits of a form.

    Args:
        fields: the maximum number of fields.
        files: the maximum number of files.
        field_size: the maximum size of a field in bytes; `None` for no limit but the body's.
        file_size: the maximum size of a file in bytes; `None` for no limit but the body's.
    """

    def __init__(
        self,
        fields: int = MAX_FIELDS,
        files: int = MAX_FILES,
        field_size: int | None = MAX_FIELD_SIZE,
        file_size: int | None = None,
    ) -> None:
        self.fields = fields
        self.files = files
        self.field_size = field_size
        self.file_size = file_size


class Part:
    """A part of a form: the values of its headers, and its position in the spool.

    Args:
        spool: contains the body of the request.
        name: the name of the field or file.
        type: the media type.
        codec: the codec of a field's text.
        filename: the name of a file; `None` for a field.
        start: the offset of the content in the spool, in bytes.
    """

    def __init__(self, spool: Spool, name: str, type: str, codec: str, filename: str | None, start: int) -> None:
        self.spool = spool
        self.name = name
        self.type = type
        self.codec = codec
        self.filename = filename
        self.start = start
        self.length = 0

    def open(self) -> BufferedReader:
        """Return its content as a binary file."""
        return BufferedReader(Section(self.spool, self.start, self.length))

    def text(self) -> str:
        """Return its content as text.

        Raises:
            BadRequest: it is not in the charset that the client has declared.
        """
        try:
            return self.spool.read_at(self.start, self.length).decode(self.codec)
        except UnicodeDecodeError:
            raise BadRequest(f"{FAILED}the field {self.name!r} is not in {self.codec.replace('_', '-')}") from None


class MultipartReader:
    """Stores a body that arrives in chunks of any size, and finds its parts.

    Args:
        boundary: the boundary of the parts, from the `Content-Type` header.
        spool: stores the body; for a spool that already contains the body, call `read`.
        limits: the limits of the form.

    Raises:
        BadRequest: the boundary is missing or invalid.

    >>> reader = MultipartReader("B")
    >>> for byte in b'--B\\r\\nContent-Disposition: form-data; name="a"\\r\\n\\r\\n1\\r\\n--B--':
    ...     reader.feed(bytes([byte]))
    >>> reader.finish()
    >>> [(part.name, part.text()) for part in reader.parts]
    [('a', '1')]
    """

    def __init__(self, boundary: bytes | str, spool: Spool | None = None, limits: FormLimits | None = None) -> None:
        self.parts: list[Part] = []
        self.spool = spool or Spool()
        self._limits = limits or FormLimits()
        self._read, self._complete = 0, False
        self._counts = {False: 0, True: 0}
        self._name, self._value = b"", b""
        self._headers_end, self._empty_value = 0, True
        self._headers: dict[str, bytes] = {}
        if not boundary:
            raise BadRequest(f"{FAILED}the Content-Type header names no boundary")
        callbacks: Any = {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_end": self._end,
        }
        try:
            self._boundary = boundary if isinstance(boundary, bytes) else boundary.encode("utf-8", "surrogateescape")
            self._parser = MultipartParser(self._boundary, callbacks)
        except (FormParserError, UnicodeEncodeError):
            raise BadRequest(f"{FAILED}the boundary is too long or not UTF-8") from None
        self._callbacks = callbacks
        self._delimiter = b"--" + self._boundary
        # The preamble before the first boundary is ignored (RFC 2046, section 5.1.1), and removed for python-multipart.
        self._preamble: bytes | None = b""
        self._form_start = 0
        # Whether blanks after the first boundary are being skipped.
        self._skips_padding = False
        # The last bytes of a chunk, if they may end an empty part.
        self._held = b""

    def feed(self, data: bytes) -> None:
        """Store and parse the next chunk.

        Raises:
            BadRequest: it is not valid, or there are too many parts.
            PayloadTooLarge: a part is too large.
        """
        self.spool.append(data)
        self.read(data)

    def read(self, data: bytes) -> None:
        """Parse the next chunk, which the spool already contains; raises the exceptions of `feed`.

        Args:
            data: the chunk.
        """
        if self._preamble is not None:
            data = self._preamble + data
            if not self._read:
                if len(data) < len(self._delimiter):
                    self._preamble = data
                    return
                self._accept_short_delimiter(data)
            start = data.find(self._delimiter)
            # A boundary may begin at the end of the chunk.
            skipped = start if start >= 0 else max(0, len(data) - len(self._delimiter) + 1)
            self._read += skipped
            data = data[skipped:]
            self._preamble = data if start < 0 else None
            if start < 0:
                return
            self._form_start = self._read
            self._parse(self._delimiter)
            self._skips_padding, data = True, data[len(self._delimiter) :]
        if self._skips_padding:
            data = self._after_padding(data)
        try:
            self._write(data)
        except FormParserError as error:
            raise BadRequest(f"{FAILED}{error}") from None

    def _after_padding(self, data: bytes) -> bytes:
        """Return the data after the blanks after a boundary (RFC 2046, section 5.1.1, `transport-padding`).

        python-multipart accepts them after all boundaries but the first.

        Raises:
            BadRequest: they are before the dashes of the last boundary.
        """
        remaining = data.lstrip(b" \t")
        self._read += len(data) - len(remaining)
        if remaining:
            self._skips_padding = False
            end = self._form_start + len(self._delimiter)
            if self._read > end and remaining.startswith(b"-"):
                raise BadRequest(f"{FAILED}its last boundary contains blanks")
        return remaining

    def _accept_short_delimiter(self, start: bytes) -> None:
        """Use the boundary itself as the delimiter, if the body starts with it.

        Some clients include the two dashes that precede a boundary in the body (RFC 2046, section 5.1.1) in the header.

        Args:
            start: the body's first bytes, with the length of the delimiter.
        """
        is_short = self._boundary.startswith(b"--") and start.startswith(self._boundary)
        if is_short and len(self._boundary) > 2 and not start.startswith(self._delimiter):
            self._delimiter, self._boundary = self._boundary, self._boundary[2:]
            self._parser = MultipartParser(self._boundary, self._callbacks)

    def _write(self, data: bytes) -> None:
        """Pass the next chunk to the parser.

        A part without content needs no line break of its own: that of the delimiter is also the empty line after its
        headers (RFC 2046, section 5.1.1, `body-part`). The parser does not support that, so it gets another line break.
        """
        data = self._held + data
        blank_and_delimiter = b"\r\n\r\n" + self._delimiter
        size = len(blank_and_delimiter)
        # PERF: `rfind` takes half as long as `find`, and most chunks of a file have no delimiter: 4 % of an upload of
        # 1 MB («forms»). Safe because what one of them does not find, the other does not find either.
        match_start = data.find(blank_and_delimiter) if data.rfind(blank_and_delimiter) >= 0 else -1
        position, end = 0, len(data)
        while match_start >= 0:
            padding_end = _PADDING.match(data, match_start + size).end()  # type: ignore[union-attr]
            next_bytes = data[padding_end : padding_end + 2]
            if padding_end > match_start + size and next_bytes.startswith(b"-"):
                pass
            elif next_bytes in _AFTER_DELIMITER:
                self._parse(data[position : match_start + 4])
                position = match_start + 4
                if self.parts and self.parts[-1].start == self._read:
                    self._parser.write(b"\r\n")
            elif next_bytes in (b"", b"\r", b"-"):
                end = match_start
                break
            match_start = data.find(blank_and_delimiter, match_start + 4)
        else:
            # It may begin at the end of the chunk.
            if data.rfind(b"\r", max(position, end - size)) >= 0:
                sizes = range(min(end - position, size - 1), 0, -1)
                end -= next((size for size in sizes if data.endswith(blank_and_delimiter[:size])), 0)
        self._held = data[end:]
        self._parse(data[position:end])

    def _parse(self, data: bytes) -> None:
        self._parser.write(data)
        self._read += len(data)

    def finish(self) -> None:
        """End the body.

        The last boundary may lack its two dashes, which some clients forget, because every part is complete.

        Raises:
            BadRequest: there is no boundary, or the last one is missing.
        """
        try:
            if self.spool.size and not self._complete and self._preamble is None:
                self._complete_last_delimiter()
        except FormParserError as error:
            raise BadRequest(f"{FAILED}{error}") from None
        finally:
            # Breaks the reference cycle of the parser and its callbacks.
            self._callbacks = {}
            self._parser.callbacks = {}
        if not self.spool.size or self._complete:
            return
        if self._preamble is not None:
            raise BadRequest(f"{FAILED}it does not contain its boundary")
        raise BadRequest(f"{FAILED}it ends before its last boundary")

    def _complete_last_delimiter(self) -> None:
        size = len(self._delimiter) + 4
        start = self.spool.size - size
        # Not the first delimiter, which no part precedes.
        if start < self._form_start:
            return
        end = self.spool.read_at(start, size)
        if end.endswith(b"\r\n" + self._delimiter):
            self._write(b"--")
        elif end == b"\r\n" + self._delimiter + b"\r\n":
            self._complete = True

    def _begin(self) -> None:
        self._headers = {}

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]
        self._headers_end, self._empty_value = self._read + end, True

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._headers_end, self._empty_value = self._read + end, False

    def _header_end(self) -> None:
        self._headers[self._name.decode("ascii", "replace").lower()] = self._value
        self._name, self._value = b"", b""

    def _headers_finished(self) -> None:
        _, disposition = self._header("content-disposition")
        kind, options = self._header("content-type")
        if "name" not in disposition:
            raise BadRequest(f"{FAILED}a part has no name")
        filename = disposition["filename"] if "filename" in disposition else _extended(disposition.get("filename*"))
        is_file = filename is not None
        limit_of_kind, kind_name = (self._limits.files, "files") if is_file else (self._limits.fields, "fields")
        if self._counts[is_file] == limit_of_kind:
            raise BadRequest(f"{FAILED}it has more than {limit_of_kind} {kind_name}")
        self._counts[is_file] += 1
        if "content-type" not in self._headers:
            kind = "text/plain"
        # A file's charset is ignored, because its content is not decoded.
        codec = "utf-8" if is_file else _codec(options.get("charset", "utf-8"))
        self.parts.append(Part(self.spool, disposition["name"], kind, codec, filename, self._content_start()))

    def _header(self, name: str) -> tuple[str, dict[str, str]]:
        value, options = parse_content_header(self._headers.get(name, b"").decode("utf-8", "replace"))
        return value, {name: str(option) for name, option in options.items()}

    def _content_start(self) -> int:
        # The parser reports the content in chunks, which may be copies, but not its position. The content begins after
        # the empty line that follows the last reported header.
        blank_line_start = 0
        if self._empty_value:
            # Nothing is reported for an empty value, nor for the colon and the spaces before it.
            blank_line_start = self.spool.read_at(self._headers_end, HEADERS_SIZE).find(b"\r\n\r\n")
            if blank_line_start < 0:
                raise BadRequest(f"{FAILED}a header is too long")
        return self._headers_end + blank_line_start + 4

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        part = self.parts[-1]
        part.length += end - start
        limit = self._limits.field_size if part.filename is None else self._limits.file_size
        if limit is not None and part.length > limit:
            kind_name = "field" if part.filename is None else "file"
            raise PayloadTooLarge(f"{FAILED}the {kind_name} {part.name!r} has more than {limit} bytes")

    def _end(self) -> None:
        self._complete = True


def _codec(charset: str) -> str:
    codec = find_codec(charset)
    if codec is None:
        raise BadRequest(f"{FAILED}the charset {charset!r} is not supported")
    return codec


def _extended(value: str | None) -> str | None:
    """Return the file name of a parameter `filename*` (RFC 5987: charset'language'text); `None` if it is missing.

    Browsers don't use it in forms (RFC 7578, section 4.2), but other clients do. Some omit the charset: then the whole
    value is the name, in UTF-8, as in Sanic 25.12.
    """
    if not value:
        return None
    charset, *language_and_name = value.split("'", 2)
    if len(language_and_name) < 2:
        name = unquote(value)
    else:
        name = unquote(language_and_name[1], encoding=_codec(charset or "utf-8"))
    # Imported late: few forms need this large table.
    from unicodedata import normalize

    return normalize("NFC", name)
