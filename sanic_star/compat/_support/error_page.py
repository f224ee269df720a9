"""The HTML of error pages: one accessible document without external resources, in light and dark.

All values are escaped here, except the traceback, which tracerite renders and escapes. That library is imported with
the first traceback.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from sanic_star.compat._support.redaction import redact_variables, redacted
from sanic_star.engine.failures import encodable, format_error, is_circular, readable

_STYLE = """
:root{color-scheme:light dark;--text:#1d2327;--soft:#5b6670;--page:#fbfbfa;--line:#dcdfe2;--mark:#c2185b}
@media(prefers-color-scheme:dark){:root{--text:#e6e8ea;--soft:#a0a9b1;--page:#16191c;--line:#343a40;--mark:#ff7aa8}}
body{margin:0;background:var(--page);color:var(--text);font:1rem/1.6 system-ui,sans-serif}
main{max-width:44rem;margin:0 auto;padding:clamp(2rem,12vh,8rem) 1.25rem 3rem}
main.wide{max-width:72rem;padding-top:2.5rem}
h1{margin:0;font-size:1.75rem;line-height:1.25;font-weight:650}
h1 b{color:var(--mark);margin-right:.5rem;font-variant-numeric:tabular-nums}
section h2{margin:2.25rem 0 .5rem;font-size:1rem;color:var(--soft)}
main>p{margin:.75rem 0 0;font-size:1.125rem;white-space:pre-wrap;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:minmax(7rem,max-content) 1fr;margin:0}
section dt,section dd{margin:0;padding:.375rem 0;border-top:1px solid var(--line);overflow-wrap:anywhere}
section dt{padding-right:1.5rem;color:var(--soft)}
section dd,main>pre{font:.875rem/1.5rem ui-monospace,monospace}
main>pre{overflow-x:auto;padding:1rem;border:1px solid var(--line);border-radius:.375rem}
main>.trace{margin-top:2.25rem}
@media(max-width:32rem){dl{grid-template-columns:1fr}section dd{border:0;padding-top:0}}
""".strip().replace("\n", "")


def document(status: int, title: str, message: str, details: str = "", wide: bool = False) -> str:
    """Return a page.

    Args:
        status: the HTTP status.
        title: its reason phrase.
        message: the error message.
        details: further HTML.
        wide: whether the page is wide enough for code.

    >>> "<script>" in document(404, "Not Found", "<script>")
    False
    """
    page = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{status} — {escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main{' class=wide' if wide else ''}><h1><b>{status}</b> {escape(title)}</h1>"
        f"<p>{escape(message)}</p>{details}</main></body></html>"
    )
    return encodable(page)


def table(heading: str, pairs: Iterable[tuple[str, Any]], name: str = "") -> str:
    """Return a list of names and values with a heading; empty without pairs.

    Args:
        heading: the heading.
        pairs: names and values.
        name: the list's `id`, for programs.

    >>> table("Context", [("a", "<")], "exception-context")
    '<section><h2>Context</h2><dl id="exception-context"><dt>a</dt><dd>&lt;</dd></dl></section>'
    """
    rows = "".join(f"<dt>{escape(str(key))}</dt><dd>{escape(str(value))}</dd>" for key, value in pairs)
    kind = f' id="{name}"' if name else ""
    return f"<section><h2>{escape(heading)}</h2><dl{kind}>{rows}</dl></section>" if rows else ""


def request_table(method: str, path: str, headers: Mapping[str, Any]) -> str:
    """Return the table of a request: method, path, and headers without credentials."""
    rows = [(name, redacted(name, value)) for name, value in headers.items()]
    return table(f"{method} {path}", rows or [("headers", "none")], "request-headers")


def traceback_of(exception: BaseException) -> str:
    """Return the traceback of an exception as HTML."""
    try:
        if is_circular(exception) or readable(exception) is not exception:
            raise ValueError("tracerite would never finish with circular causes")
        from tracerite import extract_chain, html_traceback

        chain = extract_chain(exception)
        redact_variables(chain)
        shown = html_traceback(chain=chain, include_js_css=True, local_urls=False)
        # In its own element, because its style sheet removes the margin.
        return f'<div class="trace">{shown}</div>'
    except Exception:
        # It inspects variables, and their classes may raise anything.
        return f"<pre>{escape(format_error(exception))}</pre>"
