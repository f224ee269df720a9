"""Cases that are tables of expressions: the value or exception of each, for one request or several."""

from collections.abc import Iterable
from typing import Any

from tests.parity.case import Case, caller_module, case
from tests.parity.wire import Step, get

_SOURCE = """
{before}
def outcome(call, request):
    try:
        return repr(call(request))
    except Exception as error:
        return f"{{type(error).__name__}}: {{error}}"

CALLS = [
    {calls}
]

@app.route("/<path:path>", methods=["GET", "POST", "PUT", "DELETE"])
async def show(request, path=""):
    return json([outcome(call, request) for call in CALLS])
"""


def expressions(name: str, values: Iterable[str], *steps: Step, before: str = "", **options: Any) -> Case:
    """Add a case that compares the values of expressions.

    Args:
        name: the subject in a few words.
        values: the expressions; `request` is the current request.
        steps: the requests to send, by default one.
        before: the code before them: imports, settings, an application.
        options: those of `case`.
    """
    calls = "\n    ".join(f"lambda request: ({value})," for value in values)
    source = _SOURCE.format(before=before.strip(), calls=calls)
    return case(name, source, *(steps or (get("/"),)), group=caller_module(2), **options)
