"""Responses to requests for a directory: an index file, or a listing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import formatdate
from html import escape
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import anyio

from sanic_star.compat.exceptions import NotFound
from sanic_star.compat.response import HTTPResponse, guess_content_type, html, redirect, validate_file
from sanic_star.compat.response.convenience import TEXT

if TYPE_CHECKING:
    from pathlib import Path

    from sanic_star.compat.request.types import Request

_UNITS = ("kB", "MB", "GB", "TB")


class DirectoryHandler:
    """Answers a request for a directory.

    Args:
        uri: the path that the directory is served at.
        directory: the directory.
        directory_view: whether to answer with a listing.
        index: the index file or files, tried in order.
        root_path: the directory that links must not leave; by default the directory itself.
        follow_external_symlink_files: whether links to files outside are shown and followed.
        follow_external_symlink_dirs: whether links to directories outside are shown and followed.
    """

    def __init__(
        self,
        uri: str,
        directory: Path,
        directory_view: bool = False,
        index: str | Iterable[str] | None = None,
        root_path: Path | None = None,
        follow_external_symlink_files: bool = False,
        follow_external_symlink_dirs: bool = False,
    ) -> None:
        self.base = uri.strip("/")
        self.directory = directory
        self.directory_view = directory_view
        self.index: tuple[str, ...] = (index,) if isinstance(index, str) else tuple(index or ())
        self.root_path = root_path or directory
        self.follow_external_symlink_files = follow_external_symlink_files
        self.follow_external_symlink_dirs = follow_external_symlink_dirs
        root = os.path.realpath(self.root_path)
        # Imported late: most applications serve no directory.
        from sanic_star.compat._files.root import Root

        self._root = Root(root, follow_external_symlink_files, follow_external_symlink_dirs)

    async def handle(self, request: Request, path: str) -> HTTPResponse:
        """Return the response: an index file, or a listing of the directory.

        Args:
            request: the request.
            path: the directory's path, decoded, with or without the prefix `uri`.

        Raises:
            NotFound: there is neither.
        """
        below = path.strip("/")
        if below == self.base or below.startswith(self.base + "/"):
            below = below[len(self.base) :].strip("/")
        directory = os.path.join(self.directory, below)
        index = await anyio.to_thread.run_sync(self._read_index, directory) if self.index else None
        if index is not None:
            path, changed, content = index
            headers = {"last-modified": formatdate(int(changed), usegmt=True), "cache-control": "no-cache"}
            not_modified = await validate_file(request._parsed_fields, changed)  # type: ignore[arg-type]
            return not_modified or HTTPResponse(content, 200, headers, guess_content_type(path, fallback=TEXT))
        if not self.directory_view:
            raise NotFound("File not found")
        if not request.path.endswith("/"):
            # A leading double slash would lead to another host.
            return redirect("/" + request._public_path.lstrip("/") + "/")
        rows = await anyio.to_thread.run_sync(self._rows, directory)
        if rows is None:
            raise NotFound("File not found")
        return html(_page(unquote(request.path), rows, is_top=not below))

    def _read_index(self, directory: str) -> tuple[str, float, bytes] | None:
        """Return the index file's real path, modification time and content; `None` if there is none."""
        for name in self.index:
            real_path = self._root.real_path(os.path.join(directory, name))
            if real_path is None or not os.path.isfile(real_path):
                continue
            try:
                descriptor, stat, _ = self._root.open_file(real_path)
                with open(descriptor, "rb") as opened:
                    return real_path, stat.st_mtime, opened.read()
            except OSError:
                continue
        return None

    def _rows(self, directory: str) -> list[tuple[bool, str, os.stat_result]] | None:
        """List a directory: whether an entry is a file, its name, its `stat`; only entries that requests can access.

        Returns:
            `None` if the directory is now outside the root, or cannot be read.
        """
        real_path = self._root.real_path(directory)
        if real_path is None:
            return None
        rows = []
        try:
            with self._root.scan(real_path) as entries:
                for entry in entries:
                    if entry.is_symlink() and self._root.real_path(os.path.join(real_path, entry.name)) is None:
                        continue
                    try:
                        stat = entry.stat()
                    except OSError:
                        continue  # a broken link, or removed since the directory was read
                    if S_ISDIR(stat.st_mode) or S_ISREG(stat.st_mode):
                        rows.append((not S_ISDIR(stat.st_mode), entry.name, stat))
        except OSError:
            return None
        return sorted(rows, key=lambda row: row[:2])


def _size(count: int) -> str:
    """Return a size as text, such as `1.2 MB`."""
    if count < 1000:
        return f"{count} B"
    # Use the next unit if one digit after the point would round up to a thousand.
    power = next((power for power in range(1, len(_UNITS)) if count < 999.95 * 1000**power), len(_UNITS))
    return f"{count / 1000**power:.1f} {_UNITS[power - 1]}"


def _page(title: str, rows: Iterable[tuple[bool, str, os.stat_result]], is_top: bool) -> str:
    lines = [] if is_top else ['<tr><td><a href="../">../</a><td><td>']
    for is_file, name, stat in rows:
        mark, size = ("", _size(stat.st_size)) if is_file else ("/", "")
        link = quote(os.fsencode(name)) + mark
        shown_name = escape(os.fsencode(name).decode(errors="replace"))
        changed_at = datetime.fromtimestamp(stat.st_mtime, UTC)
        lines.append(
            f'<tr><td><a href="{link}">{shown_name}{mark}</a><td>{size}'
            f'<td><time datetime="{changed_at:%Y-%m-%dT%H:%M:%SZ}">{changed_at:%Y-%m-%d %H:%M}</time>'
        )
    if not lines:
        lines.append('<tr><td colspan="3" class="none">nothing is here')
    return _PAGE.format(title=escape(title), rows="\n".join(lines))


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.4rem; overflow-wrap: anywhere; }}
table {{ border-collapse: collapse; width: 100%; }}
th {{ text-align: left; font-weight: 600; }}
th, td {{ padding: .35rem .5rem; border-bottom: 1px solid #8884; }}
td:first-child {{ overflow-wrap: anywhere; }}
tr > :nth-child(2) {{ text-align: right; }}
td:nth-child(2), td:nth-child(3) {{ white-space: nowrap; font-variant-numeric: tabular-nums; opacity: .8; }}
tbody tr:hover {{ background: #8882; }}
.none {{ opacity: .7; }}
</style></head>
<body><h1>{title}</h1>
<table><thead><tr><th>Name<th>Size<th>Changed (UTC)</thead><tbody>
{rows}
</tbody></table></body></html>
"""
