"""One application that is extended in different ways: the variable VARIANT selects one.

It is written for Sanic and Sanic Extensions; nothing in it knows of sanic_star.
"""

import os
import re
from datetime import timedelta
from pathlib import Path

from sanic import Blueprint, Request, Sanic, json, text
from sanic.views import HTTPMethodView
from sanic_ext import Config, Extend, Extension, cors

HERE = Path(__file__).parent
VARIANT = os.environ["VARIANT"]


class Unlabelled(Extension):
    name = "unlabelled"

    def startup(self, bootstrap):
        self.app.on_response(self.mark)

    async def mark(self, request, response):
        response.headers["x-marked"] = self.config.CORS_METHODS or "any"

    def label(self):
        raise LookupError("no label")


SETUPS = {
    "origins by pattern": {
        "cors_origins": re.compile(r"https?://(\w+\.)?r\.example"),
        "cors_supports_credentials": True,
        "cors_max_age": timedelta(minutes=10),
        "cors_methods": "GET,PATCH",
    },
    "origins in a list": {"cors_origins": ["https://a.example", re.compile("https://b[.]example$")]},
    "any origin": {"cors_origins": "*", "cors_send_wildcard": True, "cors_always_send": False},
    "no CORS": {"cors": False, "http_auto_options": False, "http_auto_head": False},
    "no automatic OPTIONS": {"http_auto_options": False, "cors_automatic_options": False, "http_all_methods": False},
    "TRACE": {"http_auto_trace": True, "trace_excluded_headers": "origin,x-secret"},
    "no pages": {"oas_ui_default": None, "oas_ui_redoc": False, "oas_ignore_head": False, "oas_autodoc": False},
    "no documents": {"oas": False},
}

app = Sanic("Variants")
if VARIANT in SETUPS:
    app.extend(config=Config(**SETUPS[VARIANT]))
elif VARIANT == "Extend(app)":
    Extend(app)
elif VARIANT == "a label that fails":
    app.extend(extensions=[Unlabelled], config={"cors_methods": "get"})
elif VARIANT == "nothing built in":
    app.extend(built_in_extensions=False, extensions=[])


@app.get("/number/<number:int>", strict_slashes=True)
async def number(request, number):
    """Show a number."""
    return text(str(number))


@app.post("/number/<number:int>", name="add")
async def add(request, number):
    return text(f"added {number}")


@app.get("/name/<name>/")
@cors(origin="https://a.example,https://c.example", allow_headers="x-name", expose_headers=["x-e"], max_age=9)
async def name(request, name):
    return text(name)


class View(HTTPMethodView):
    @cors(origin="https://view.example")
    async def get(self, request):
        return text("view")

    async def options(self, request):
        return text("options of a view")


app.add_route(View.as_view(), "/view")
api = Blueprint("api", url_prefix="/api", strict_slashes=True, version="1.5")


@api.route("/both", methods=["GET", "POST"])
async def both(request):
    return text(request.method)


@api.get("/file/<name:path>")
@cors(origin="*")
async def file(request: Request, name: str):
    return text(name)


@api.on_request
async def stop(request):
    if request.args.get("stop"):
        return text("stopped", 401)


app.blueprint(api)


@app.websocket("/live")
async def live(request, ws):
    await ws.send("live")


@app.get("/greeting")
async def groups(request):
    return json(
        sorted(
            [[*key], group.path, group.raw_path, sorted(group.methods), [route.name for route in group]]
            for key, group in app.router.groups.items()
        )
    )


@app.get("/fails")
async def fails(request):
    raise RuntimeError("fails")


app.static("/files", HERE / "templates", name="files")

if __name__ == "__main__":
    app.run(port=int(os.environ["SHOP_PORT"]), access_log=False)
