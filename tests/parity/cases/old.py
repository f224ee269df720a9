"""Idioms of older releases, which Sanic 25.12 answers with 500 or refuses; `tests/old` has what they did there."""

from tests.parity.case import case
from tests.parity.wire import get

HANDLERS = {
    "the query as a dictionary": "return json(request.raw_args)",
    "an item of the request": 'request["user"] = "ada"; return text(request["user"])',
    "a body by another keyword": 'return HTTPResponse(body_bytes=b"x", content_type="text/plain")',
    "the response as bytes": "return text(str(len(text('x').output())))",
    "attributes of a cookie": 'r = text("x"); r.cookies["a"] = "1"; return json(sorted(r.cookies["a"].keys()))',
}
for name, body in HANDLERS.items():
    case(
        f"an old idiom: {name}",
        f"""
        @app.get("/")
        async def handler(request): {body}
        """,
        get("/?a=1&a=2"),
        differs="old-names",
    )
case(
    "names that no release had",
    """
    @app.get("/<what>")
    async def handler(request, what):
        said = []
        things = {"app": app, "request": request, "config": app.config, "response": text("x"), "router": app.router}
        for name in ("raw_arg", "register_blueprints", "outputs", "from_objects", "never"):
            said.append(hasattr(things[what], name))
        try:
            HTTPResponse(body_byte=b"x")
        except TypeError:
            said.append("refused")
        return json(said)
    """,
    *(get(f"/{path}") for path in ("app", "request", "config", "response", "router")),
)
for keyword in ("load_environment", "registered"):
    case(f"a keyword that no release had: {keyword}", f'other = Sanic("Other", {keyword}=True)', fails=True)
