"""`app.router.groups`: the routes of one path together, as plugins read them."""

from tests.parity.case import case
from tests.parity.wire import get

SHOW = """
@app.get("/show")
async def show(request):
    return json({
        "/".join(key): {
            "path": group.path, "uri": group.uri, "strict": group.strict, "unquote": group.unquote,
            "methods": sorted(group.methods), "requirements": sorted(map(str, group.requirements)),
            "segments": group.segments, "parts": group.parts, "labels": sorted(group.labels),
            "params": [[place, param.name] for place, param in group.params.items()], "depth": group.depth,
            "regex": group.regex, "raw": group.raw_path, "raws": [route.raw_path for route in group],
            "pattern": group.pattern, "dynamic_path": group.dynamic_path, "text": str(group),
            "routes": [route.name for route in group], "first": group[0].name, "count": len(group.routes),
            "by method": {name: route.name for name, route in sorted(group.methods_index.items())},
        }
        for key, group in app.router.groups.items()
    })
"""

case(
    "groups of paths in all their shapes",
    """
async def handler(request, **params): ...

for name, uri, methods, more in (
    ("a", "/a", ["GET"], {}), ("b", "/a", ["POST", "PUT"], {}), ("c", "/u/<id:int>", ["GET"], {}),
    ("d", "/u/<name:int>", ["POST"], {}), ("e", "/u/<name:str>", ["POST"], {"strict_slashes": True}),
    ("f", "/r/<name:[a-z]{3}>/x", ["POST"], {}), ("g", "/p/<name:path>", ["POST"], {}), ("j", "/", ["GET"], {}),
    ("k", "/a%20b/c", ["GET"], {"unquote": True}), ("m", "/strict/", ["GET"], {"strict_slashes": True}),
    ("n", "/v", ["GET"], {"version": 2}), ("o", "/file/<name:ext>", ["GET"], {}),
    ("s", "/many/<a:uuid>/<b:[a-z]+>/<c:slug>/<d>/<e:int>", ["GET"], {}),
    ("t", "/some/<a:uuid>/<c:alpha>/<d>/<e:int>/<f:path>", ["GET"], {}), ("u", "/few/<a:int>/<b:int>/<c>", ["GET"], {}),
    ("q", "/file/<name:ext=jpg|png>", ["GET"], {}), ("r", "/day/<day:ymd>", ["GET"], {}),
):
    app.add_route(handler, uri, methods=methods, name=name, **more)
@app.websocket("/ws")
async def ws(request, ws): ...
app.static("/files", folder({"a.txt": "a"}), name="files")
"""
    + SHOW,
    get("/show"),
)

case(
    "a group of routes for several hosts",
    """
async def handler(request, **parameters): ...
app.add_route(handler, "/h", host="a.example", name="one")
app.add_route(handler, "/h", host="b.example", methods=["GET", "POST"], name="two")
app.add_route(handler, "/plain", name="plain")
app.add_route(handler, "/h/<id:int>", name="three")
"""
    + SHOW,
    get("/show"),
)

case(
    "groups follow what is registered and taken out",
    """
async def handler(request): ...
@app.get("/change")
async def change(request):
    kept = app.router.groups
    with app.amend():
        app.add_route(handler, "/change", methods=["PUT"], name="put")
        app.add_route(handler, "/more", name="more")
    now = app.router.groups
    return json([("more",) in kept, ("more",) in now, sorted(kept["change",].methods), sorted(now["change",].methods)])
"""
    + SHOW,
    get("/change"),
    get("/show"),
)

case(
    "a group has no other attributes, and no more routes",
    """
@app.get("/wrong")
async def wrong(request):
    group = app.router.groups[request.route.segments]
    errors = []
    for attempt in (lambda: group.nosuch, lambda: group[1], lambda: app.router.groups["nosuch",], lambda: group["GET"]):
        try:
            attempt()
        except Exception as error:
            errors.append(type(error).__name__)
    return json([errors, app.router.groups.get(("nosuch",)), [route.handler is wrong for route in group]])
""",
    get("/wrong"),
)
