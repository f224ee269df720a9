"""Exceptions, their handlers, and the answers that Sanic makes when there is no handler."""

from tests.parity.case import case
from tests.parity.wire import get, head, post

RAISERS = """
from sanic import exceptions

@app.get("/raise/<name>")
async def one(request, name):
    kwargs = {key: request.args.get(key) for key in request.args if key != "m"}
    args = [request.args.get("m")] if "m" in request.args else []
    raise getattr(exceptions, name)(*args, **kwargs)
"""
FAMILY = (
    "NotFound BadRequest InvalidUsage BadURL HTTPException ServerError InternalServerError ServiceUnavailable "
    "RequestTimeout PayloadTooLarge Forbidden ExpectationFailed URLBuildError NoMethod WebsocketClosed"
).split()

case("status and message of the family", RAISERS, *(get(f"/raise/{name}") for name in FAMILY))
case("a message of one's own", RAISERS, *(get(f"/raise/{name}?m=Hm.") for name in FAMILY))
for accept in ("application/json", "text/html", "text/plain"):
    case(
        f"the family, asked for {accept}",
        RAISERS,
        *(get(f"/raise/{name}?m=<b>", {"accept": accept}) for name in FAMILY[:6]),
        get("/raise/NoSuch", {"accept": accept}),
        get("/none/<b>?x=1", {"accept": accept}),
        post("/raise/x", {"accept": accept}, body=b"x"),
        head("/none", {"accept": accept}),
    )
