"""Mark the options of commands in inline code, so that the style sheet can keep `--reload` in one line."""

import re
from typing import Any

# Blocks of code scroll, and are left alone.
BLOCK_OR_CODE = re.compile(r"<pre\b.*?</pre>|<code>([^<]*)</code>", re.DOTALL)
OPTION = re.compile(r"(?<![\w-])--?[a-zA-Z][\w-]*")


def on_page_content(content: str, **build: Any) -> str:
    """Return the page with options marked; MkDocs calls this for each page."""
    return BLOCK_OR_CODE.sub(_marked, content)


def _marked(code: re.Match[str]) -> str:
    if code[1] is None:
        return code[0]
    text = OPTION.sub(r"<span data-option>\g<0></span>", code[1])
    return f"<code>{text}</code>"
