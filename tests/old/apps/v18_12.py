"""Meters that send their readings, as people wrote it for Sanic 18.12."""
from datetime import datetime

from sanic import Sanic
from sanic.blueprints import Blueprint
from sanic.exceptions import InvalidUsage, SanicException, abort
from sanic.helpers import remove_entity_headers
from sanic.response import HTTPResponse, StreamingHTTPResponse, json, raw, text
from sanic.views import HTTPMethodView, stream as stream_decorator

app = Sanic(__name__, load_env=False)
app.config.METERS = {}
app.config.update({"UNIT": "kWh"})

api_v1 = Blueprint("readings", url_prefix="/readings", version=1)
admin = Blueprint("admin", url_prefix="/admin")
everything = Blueprint.group(api_v1, admin, url_prefix="/api")


@app.listener(event="before_server_start")
async def prepare(app, loop):
    app.config.STARTED = loop is not None


@app.middleware("request")
async def only_ada(request):
    if not request.path.startswith("/api/admin"):
        return
    if request.token != "ada":
        abort(401, "ada only")
    request["role"] = "admin"


@app.middleware("request")
async def count(request):
    request.update({"count": len(request.app.config.METERS)})


@api_v1.route("/<meter:string>", methods=["GET"])
async def read(request, meter):
    values = request.app.config.METERS.get(meter)
    if values is None:
        raise SanicException("no meter {}".format(meter), status_code=404)
    return json({"meter": meter, "values": values, "unit": app.config.UNIT, "meters": request.pop("count")})


@api_v1.route("/<meter:string>/<value:number>", methods=["POST"])
async def write(request, meter, value):
    request.app.config.METERS.setdefault(meter, []).append(value)
    return text("{} {}".format(meter, value), status=201)


class Upload(HTTPMethodView):
    @stream_decorator
    async def post(self, request):
        lines = b""
        while True:
            part = await request.stream.get()
            if part is None:
                break
            lines += part
        if not lines:
            raise InvalidUsage("nothing came")
        return text("{} lines".format(lines.count(b"\n")))


@admin.route("/role")
async def role(request):
    return text("{} {}".format(request["role"], request.get("none", "-")))


@admin.route("/session")
async def session(request):
    response = json({"ok": True})
    response.cookies["session"] = "a b"
    response.cookies["session"]["expires"] = datetime(2031, 5, 6, 7, 8, 9)
    response.cookies["session"]["path"] = "/api"
    response.headers["X-Set"] = ",".join(sorted(name for name, value in response.cookies["session"].items()))
    response.headers["X-Names"] = " ".join(response.cookies.keys())
    return response


@app.route("/export")
async def export(request):
    async def lines(response):
        for meter in sorted(app.config.METERS):
            await response.write("{}\n".format(meter))

    return StreamingHTTPResponse(lines, status=200, headers={"X-Unit": app.config.UNIT})


@app.route("/pixel")
async def pixel(request):
    return raw(b"\x00\x01", headers=remove_entity_headers({"Content-Language": "en", "X-Kept": "yes"}))


@app.route("/args")
async def args(request):
    first = request.raw_args
    return json([sorted(first.items()), request.args.get("a"), request.query_string])


@app.route("/empty", methods=["DELETE"])
async def empty(request):
    return HTTPResponse(status=204)


@app.exception(InvalidUsage)
async def invalid(request, exception):
    return json({"error": str(exception)}, status=exception.status_code)


app.add_route(Upload.as_view(), "/upload")
app.blueprint(everything)
