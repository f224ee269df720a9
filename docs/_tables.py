"""Mark the tables of text, so that the style sheet can show a row as a block on a narrow screen."""

import html
import re
from typing import Any

TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
CELL = re.compile(r"<(t[hd])>(.*?)</\1>", re.DOTALL)


def on_page_content(content: str, **build: Any) -> str:
    """Return the page with its tables marked; MkDocs calls this for each page."""
    return TABLE.sub(lambda table: _stacked(table[0]), content)


def _stacked(table: str) -> str:
    """Mark a table, and give its cells after the first the names of their columns.

    The mark is an attribute, because the theme styles only tables without a class. A table of numbers stays as it is:
    its cells are compared by column. In a table of two columns, the second needs no name.
    """
    if "text-align: right" in table:
        return table
    head, body = table.split("</thead>", 1)
    columns = [html.escape(re.sub("<[^>]*>", "", html.unescape(name))) for _, name in CELL.findall(head)]
    rows = [_with_names(row, columns) if len(columns) > 2 else row for row in body.split("<tr>")]
    return head.replace("<table>", "<table data-stacked>") + "</thead>" + "<tr>".join(rows)


def _with_names(row: str, columns: list[str]) -> str:
    names = iter(["", *columns[1:]])

    def named(cell: re.Match[str]) -> str:
        name = next(names)
        return f'<td data-column="{name}">{cell[2]}</td>' if name and cell[2] else cell[0]

    return CELL.sub(named, row)
