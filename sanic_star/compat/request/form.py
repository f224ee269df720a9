"""Forms: their fields and files, from urlencoded and multipart bodies.

A file may be large, so its content stays in the spool of the request until its `body` is read.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Generator, Iterable, Iterator
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any, Protocol, Self

from sanic_star.compat.request.parameters import MAX_FIELD_SIZE, MAX_FIELDS, RequestParameters, _read_pairs

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from sanic_star.compat.request._multipart import FormLimits, Part

# In bytes. A longer field is parsed by `UrlencodedReader`, which needs less memory.
_MAX_FIELD_SIZE_HERE = 16 * 1024


if TYPE_CHECKING:

    class AwaitableForm(Protocol):
        """The result of `request.form()`: `await` and `async with` return the form, `async with` closes its files."""

        def __await__(self) -> Generator[Any, Any, FormData]: ...

        async def __aenter__(self) -> FormData: ...

        async def __aexit__(self, *exception: Any) -> bool | None: ...


class File:
    """A file of a form; like Sanic's, it can be unpacked into type, body and name.

    Args:
        type: the media type that the client sent.
        body: the content, or a binary file with the content.
        name: the name that the client sent; it must not be used as a path.

    Examples:
        >>> kind, body, name = File("text/plain", b"Hello", "hello.txt")
        >>> body
        b'Hello'
    """

    __match_args__ = ("type", "body", "name")
    _fields = __match_args__
    __slots__ = ("_body", "_file", "_part", "name", "type")

    def __init__(self, type: str, body: bytes | IO[bytes], name: str) -> None:
        self.type = type
        self.name = name
        self._part: Part | None = None
        self._body = body if isinstance(body, bytes) else None
        self._file = None if isinstance(body, bytes) else body

    @classmethod
    def of(cls, part: Part) -> Self:
        """Return the file of a part of a form; its content is not read yet.

        Args:
            part: the part.
        """
        file = cls(part.type, b"", part.filename or "")
        file._part, file._body = part, None
        return file

    @property
    def file(self) -> IO[bytes]:
        """The content as a binary file, from which you can read a large content in chunks."""
        if self._file is None:
            self._file = BytesIO(self._body or b"") if self._part is None else self._part.open()
        return self._file

    @property
    def body(self) -> bytes:
        """The content, which is read on first access and then cached."""
        if self._body is None:
            if self._part is not None:
                self._body = self._part.spool.read_at(self._part.start, self._part.length)
            else:
                self.file.seek(0)
                self._body = self.file.read()
                self.file.seek(0)
        return self._body

    def close(self) -> None:
        """Close `file`; a body that was already read stays available."""
        self.file.close()

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))

    def _replace(self, **fields: Any) -> Self:
        # A real named tuple raises the right exception for a wrong name: Python 3.13 raises another one than older
        # versions.
        plain = namedtuple("plain", ("type", "body", "name"))
        return type(self)(*plain(*self)._replace(**fields))

    def __iter__(self) -> Iterator[Any]:
        return iter((self.type, self.body, self.name))

    def __len__(self) -> int:
        return len(self._fields)

    def __getitem__(self, index: Any) -> Any:
        return tuple(self)[index]

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, File | tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        body = "…" if self._body is None else repr(self._body)
        return f"File(type={self.type!r}, body={body}, name={self.name!r})"


def form_parameters(parts: Iterable[Part]) -> tuple[RequestParameters, RequestParameters]:
    """Return the fields and the files of a form; as in Sanic, parts with an empty name are skipped.

    Args:
        parts: the parts of the form.

    Raises:
        BadRequest: a field is not in the charset that the client has declared.
    """
    fields, files = RequestParameters(), RequestParameters()
    for part in parts:
        if not part.name:
            continue
        if part.filename is None:
            fields.setdefault(part.name, []).append(part.text())
        else:
            files.setdefault(part.name, []).append(File.of(part))
    return fields, files


def parse_multipart_form(
    body: bytes, boundary: bytes | str, limits: FormLimits | None = None
) -> tuple[RequestParameters, RequestParameters]:
    """Parse a complete multipart body.

    Args:
        body: the body; empty for an empty form.
        boundary: the boundary of its parts, from the `Content-Type` header.
        limits: the limits of the form.

    Returns:
        The fields, whose values are text, and the files, whose values are `File` objects.

    Raises:
        BadRequest: the body is not a multipart form, is incomplete, or has too many parts.
        PayloadTooLarge: a part is too large.

    Examples:
        >>> body = b'--B\\r\\nContent-Disposition: form-data; name="a"\\r\\n\\r\\n1\\r\\n--B--'
        >>> parse_multipart_form(body, "B")
        ({'a': ['1']}, {})
    """
    # PERF: imported late, which saves 0.4 ms of `import sanic_star`. Safe because a repeated import only reads
    # `sys.modules`.
    from sanic_star.compat.request._multipart import MultipartReader
    from sanic_star.compat.request._spool import Spool

    reader = MultipartReader(boundary, Spool(content=body), limits)
    reader.read(body)
    reader.finish()
    return form_parameters(reader.parts)


def parse_urlencoded_form(
    body: bytes,
    *,
    keep_blank_values: bool = False,
    max_fields: int = MAX_FIELDS,
    max_field_size: int | None = MAX_FIELD_SIZE,
    errors: str = "replace",
) -> RequestParameters:
    """Parse an urlencoded body.

    Args:
        body: the body.
        keep_blank_values: whether to keep fields with an empty value.
        max_fields: the maximum number of fields.
        max_field_size: the maximum size of a field's name, and of its value, in bytes of the encoded body; `None` for
            no limit.
        errors: the handling of percent-escapes that are not UTF-8, as for `bytes.decode`.

    Raises:
        BadRequest: it is not UTF-8, or has too many fields.
        PayloadTooLarge: a field is too large.

    Examples:
        >>> parse_urlencoded_form(b"a=1&b=x+y&a=2")
        {'a': ['1', '2'], 'b': ['x y']}
    """
    # PERF: parses most forms in a third of the time («forms», «large»). Safe because none of these fields exceeds a
    # limit, and because the time is linear in their size.
    if (
        errors == "replace"
        and (max_field_size is None or max_field_size >= min(len(body), _MAX_FIELD_SIZE_HERE))
        and body.isascii()
        and body.count(b"&") < max_fields
    ):
        pairs = body.replace(b"+", b" ").decode("ascii").split("&")
        if len(body) <= _MAX_FIELD_SIZE_HERE or max(map(len, pairs)) <= _MAX_FIELD_SIZE_HERE:
            return _read_pairs(pairs, b"%" in body, keep_blank_values)
        del pairs
    # Imported late: large fields, non-ASCII text and other values of `errors` are rare.
    from sanic_star.compat.request._urlencoded import UrlencodedReader

    reader = UrlencodedReader(max_fields, max_field_size, keep_blank_values=keep_blank_values, errors=errors)
    reader.feed(body)
    fields = RequestParameters()
    for name, value in reader.finish():
        fields.setdefault(name, []).append(value)
    return fields
