"""Mark the tables of text and those of numbers, because the style sheet shows them differently on a narrow screen."""

import html
import re
from typing import Any

TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
CELL = re.compile(r"<(t[hd])>(.*?)</\1>", re.DOTALL)


def on_page_content(content: str, **build: Any) -> str:
    """Return the page with its tables marked; MkDocs calls this for each page."""
    return TABLE.sub(lambda table: _marked(table[0]), content)


def _marked(table: str) -> str:
    """Mark a table. In a table of text, give the cells after the first the names of their columns.

    The mark is an attribute, because the theme styles only tables without a class. Numbers are aligned to the right and
    are compared by column, so a table of numbers keeps its columns. Rows of text are shown as blocks. In a table of two
    columns, the second needs no name.
    """
    if "text-align: right" in table:
        return table.replace("<table>", "<table data-numbers>")
    head, body = table.split("</thead>", 1)
    columns = [
        html.escape(re.sub("<[^>]*>", "", html.unescape(name)))
        for _, name in CELL.findall(head)
    ]
    rows = [
        _with_names(row, columns) if len(columns) > 2 else row
        for row in body.split("<tr>")
    ]
    return (
        head.replace("<table>", "<table data-stacked>")
        + "</thead>"
        + "<tr>".join(rows)
    )


def _with_names(row: str, columns: list[str]) -> str:
    names = iter(["", *columns[1:]])

    def named(cell: re.Match[str]) -> str:
        name = next(names)
        return (
            f'<td data-column="{name}">{cell[2]}</td>'
            if name and cell[2]
            else cell[0]
        )

    return CELL.sub(named, row)
