"""Small but whole applications, as people write them."""

from tests.parity.case import case
from tests.parity.wire import get, part, post, request

case(
    "a list of todos, with a view and its own errors",
    """
    from dataclasses import asdict, dataclass
    from sanic.views import HTTPMethodView
    from sanic.exceptions import SanicException

    class TodoMissing(SanicException):
        status_code = 404
        message = "no such todo"

    @dataclass
    class Todo:
        id: int
        title: str
        done: bool = False

    app = Sanic("Todos")
    app.config.FALLBACK_ERROR_FORMAT = "json"
    api = Blueprint("api", url_prefix="/api", version=1)

    @app.before_server_start
    async def setup(app, _): app.ctx.todos = {}

    @app.on_response
    async def count(request, response): response.headers["x-todos"] = str(len(request.app.ctx.todos))

    class Todos(HTTPMethodView, attach=api, uri="/todos"):
        async def get(self, request):
            todos = [asdict(t) for t in request.app.ctx.todos.values()]
            if "done" in request.args: todos = [t for t in todos if t["done"] == (request.args.get("done") == "1")]
            return json({"todos": todos})
        async def post(self, request):
            if not request.json or not request.json.get("title"):
                raise BadRequest("title is missing", context={"field": "title"})
            todo = Todo(len(app.ctx.todos) + 1, request.json["title"])
            app.ctx.todos[todo.id] = todo
            url = app.url_for("api.OneTodo", id=todo.id)
            return json(asdict(todo), status=201, headers={"Location": url})

    class OneTodo(HTTPMethodView, attach=api, uri="/todos/<id:int>"):
        def find(self, id):
            if id not in app.ctx.todos: raise TodoMissing(context={"id": id})
            return app.ctx.todos[id]
        async def get(self, request, id): return json(asdict(self.find(id)))
        async def patch(self, request, id):
            todo = self.find(id); todo.done = bool(request.json["done"])
            return json(asdict(todo))
        async def delete(self, request, id):
            self.find(id); del app.ctx.todos[id]
            return empty()

    app.blueprint(api)
    """,
    get("/v1/api/todos"),
    post("/v1/api/todos", json={"title": "write"}),
    post("/v1/api/todos", json={"title": "read"}),
    post("/v1/api/todos", json={}),
    post("/v1/api/todos", body=b"{"),
    request("PATCH", "/v1/api/todos/1", json={"done": True}),
    request("PATCH", "/v1/api/todos/2", json={}),
    get("/v1/api/todos?done=1"),
    get("/v1/api/todos/2"),
    request("DELETE", "/v1/api/todos/2"),
    request("DELETE", "/v1/api/todos/2"),
    get("/v1/api/todos/x"),
    request("PUT", "/v1/api/todos/1", json={}),
    get("/todos"),
)
case(
    "a login with a cookie and a form",
    """
    app = Sanic("Login")
    users = {"ann": "secret"}

    @app.on_request
    async def who(request): request.ctx.user = request.cookies.get("user")

    def members(handler):
        async def wrapper(request, **kwargs):
            if not request.ctx.user: return redirect(app.url_for("login_form", next=request.path))
            return await handler(request, **kwargs)
        wrapper.__name__ = handler.__name__
        return wrapper

    @app.get("/login")
    async def login_form(request):
        return html(f"<form method=post><input name=next value={request.args.get('next', '/')}>")
    @app.post("/login")
    async def login(request):
        name = request.form.get("name", "")
        if users.get(name) != request.form.get("password"):
            return html("<p>wrong", status=403)
        response = redirect(request.form.get("next", "/"))
        response.add_cookie("user", name, httponly=True, max_age=3600)
        return response
    @app.post("/logout")
    async def logout(request):
        response = redirect("/login"); response.delete_cookie("user"); return response
    @app.get("/")
    @members
    async def home(request): return html(f"<h1>{request.ctx.user}</h1>")
    @app.get("/p/<page:slug>")
    @members
    async def page(request, page): return text(page)
    """,
    get("/"),
    get("/login?next=/p/a-b"),
    post("/login", form={"name": "ann", "password": "secret", "next": "/p/a-b"}),
    post("/login", form={"name": "ann", "password": "wrong"}),
    post("/login", {"content-type": "text/plain"}, b"x"),
    get("/", {"cookie": "user=ann"}),
    get("/p/a-b", {"cookie": "user=ann"}),
    get("/p/a_b", {"cookie": "user=ann"}),
    post("/logout", {"cookie": "user=ann"}, b""),
)
case(
    "uploads and downloads",
    """
    import csv, io
    top = folder({"keep.txt": "kept"})
    app = Sanic("Files")
    app.config.REQUEST_MAX_SIZE = 2000

    @app.post("/upload")
    async def upload(request):
        uploaded = request.files.get("file")
        if uploaded is None: return json({"error": "no file"}, status=422)
        if uploaded.type != "text/plain": return json({"error": uploaded.type}, status=415)
        (top / uploaded.name.replace("/", "_")).write_bytes(uploaded.body)
        return json({"name": uploaded.name, "size": len(uploaded.body), "note": request.form.get("note")}, status=201)
    @app.get("/files/<name:str>")
    async def download(request, name):
        path = top / name
        if not path.is_file(): raise NotFound(f"no file {name}")
        return await file(path, filename=name, validate_when_requested=False)
    @app.get("/report.csv")
    async def report(request):
        response = await request.respond(content_type="text/csv", headers={"content-disposition": "attachment"})
        for row in (["name", "size"], ["keep.txt", 4]):
            out = io.StringIO(); csv.writer(out).writerow(row)
            await response.send(out.getvalue())
        await response.eof()
    """,
    post("/upload", parts=[part("note", "n"), part("file", "hello", "a.txt", {"content-type": "text/plain"})]),
    post("/upload", parts=[part("file", "hello", "a.bin", {"content-type": "image/png"})]),
    post("/upload", parts=[part("note", "n")]),
    post("/upload", parts=[part("file", "x" * 3000, "a.txt", {"content-type": "text/plain"})]),
    get("/files/keep.txt"),
    get("/files/none.txt"),
    get("/report.csv"),
    scrub=(r"(?<=: )\\w+, \\d+ \\w+ \\d+ \\S+ GMT",),
)
case(
    "several blueprints with shared parts",
    """
    app = Sanic("Shop", strict_slashes=True)
    public = Blueprint("public", url_prefix="/")
    items = Blueprint("items", url_prefix="/items")
    orders = Blueprint("orders", url_prefix="/orders")
    admin = Blueprint.group(items, orders, url_prefix="/admin", version=1, version_prefix="/api/v")

    @admin.middleware("request")
    async def guard(request):
        if request.token != "t": raise Unauthorized("token please", scheme="Bearer")
    @items.exception(KeyError)
    async def missing(request, exception): return json({"missing": exception.args[0]}, status=404)
    @items.get("/<sku:[A-Z]{2}[0-9]+>")
    async def item(request, sku): return json({"sku": {"AB1": "bolt"}[sku]})
    @orders.post("/", strict_slashes=False)
    async def order(request):
        total = sum(line["price"] * line["count"] for line in request.json["lines"])
        return json({"total": total, "url": app.url_for("items.item", sku="AB1")})
    @public.get("/")
    async def home(request): return text("home")
    @public.get("/about")
    async def about(request): return text("about")
    app.blueprint(public)
    app.blueprint(admin)
    """,
    get("/"),
    get("/about"),
    get("/about/"),
    get("/api/v1/admin/items/AB1"),
    get("/api/v1/admin/items/AB1", {"authorization": "Bearer t"}),
    get("/api/v1/admin/items/AB2", {"authorization": "Bearer t"}),
    get("/api/v1/admin/items/ab1", {"authorization": "Bearer t"}),
    post("/api/v1/admin/orders", {"authorization": "Bearer t"}, json={"lines": [{"price": 0.1, "count": 3}]}),
    post("/api/v1/admin/orders/", {"authorization": "Bearer t"}, json={"lines": []}),
    post("/api/v1/admin/orders/", {"authorization": "Bearer t"}, json={}),
)
