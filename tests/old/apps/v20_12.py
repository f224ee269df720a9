"""A place to leave files, as people wrote it for Sanic 20.12."""
import hashlib

from sanic import Blueprint, Sanic
from sanic.exceptions import InvalidUsage, MethodNotSupported, PayloadTooLarge, ServerError, abort
from sanic.request import StreamBuffer, json_loads, parse_multipart_form
from sanic.response import HTTPResponse, empty, file, json, stream, text
from sanic.static import register as serve
from sanic.views import CompositionView, HTTPMethodView

app = Sanic("drop", load_env="DROP_", register=False)
app.config.from_object({"not": "an object with settings"}.__class__)
app.config.LIMIT = 1000
drops = {}
box = Blueprint("box.main", url_prefix="/box")
archive = Blueprint("box.archive", url_prefix="/archive")

with open("terms.txt", "w") as opened:
    opened.write("Leave nothing that you need.\n")


def digest(data):
    return hashlib.sha256(data).hexdigest()[:8]


@app.listener(event="after_server_start")
async def ready(app, loop):
    async def remember(app):
        drops[digest(b"welcome")] = ("welcome.txt", b"welcome")

    await app.trigger_events([remember], app)


@app.middleware("response")
async def sizes(request, response):
    if response.status == 200 and request.path.endswith("/part/0.5"):
        response.headers["X-Length"] = str(len(response.body))


@box.route("/", methods=["POST"])
async def leave(request):
    upload = request.files.get("file")
    if upload is None:
        raise InvalidUsage("no file")
    if len(upload.body) > app.config.LIMIT:
        raise PayloadTooLarge("too large")
    key = digest(upload.body)
    drops[key] = (upload.name, upload.body)
    return json({"key": key, "url": app.url_for("box.main.take", key=key)}, status=201)


@box.route("/<key:string>")
async def take(request, key):
    if key not in drops:
        abort(404, "nothing there")
    name, body = drops[key]
    return HTTPResponse(body, headers={"X-Name": name}, content_type="application/octet-stream")


@box.route("/<key:string>/part/<share:number>")
async def part(request, key, share):
    name, body = drops[key]
    return text(body[: int(len(body) * share)].decode())


@archive.route("/raw", methods=["POST"])
async def read_form(request):
    fields, files = parse_multipart_form(request.body, b"limit")
    return json({"fields": fields.get("a"), "files": sorted(files)})


@archive.route("/stream", methods=["POST"], stream=True)
async def read_stream(request):
    size = 0
    while True:
        body = await request.stream.read()
        if body is None:
            break
        size += len(body)
    return text("{} {}".format(size, isinstance(StreamBuffer, type)))


@app.route("/stream")
async def write_stream(request):
    async def write(response):
        for word in ("one", "two", "three"):
            await response.write(word + " ")

    return stream(write, headers={"X-Words": "3"})


class Terms(HTTPMethodView):
    async def get(self, request):
        return await file("terms.txt", headers={"X-Terms": "yes"})

    async def delete(self, request):
        return empty()


async def parse(request):
    return json({"sum": sum(json_loads(request.body))})


methods = CompositionView()
methods.add(["POST"], parse)
app.add_route(methods, "/sum")
app.add_route(Terms.as_view(), "/terms")


@app.exception(MethodNotSupported)
async def wrong_method(request, exception):
    return text("not that way", status=405)


@app.exception(ServerError)
async def failed(request, exception):
    return text("failed: {}".format(exception), status=500)


@app.route("/methods")
async def which(request):
    return json(sorted(app.router.get_supported_methods("/terms")))


serve(app, "/terms.txt", "terms.txt", None, True, True, False)
for blueprint in (box, archive):
    app.blueprint(blueprint)
