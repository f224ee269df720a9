"""Synchronous handlers, middleware and exception handlers: in the event loop, and the same in threads."""

from tests.parity.case import case
from tests.parity.wire import get, post

case(
    "kinds of handlers",
    """
    from functools import partial, wraps
    def named(name, request): return text(name)
    class Callable:
        def __call__(self, request): return text("object")
        def method(self, request): return text("method")
    def later(request):
        async def inside(): return text("returned coroutine")
        return inside()
    @wraps(later)
    def decorated(request): return later(request)
    app.add_route(partial(named, "partial"), "/partial", name="partial")
    app.add_route(Callable(), "/object", name="object")
    app.add_route(Callable().method, "/method")
    app.add_route(lambda request: text("lambda"), "/lambda", name="lambda")
    app.add_route(later, "/later")
    app.add_route(decorated, "/decorated", name="decorated")
    """,
    *(get(f"/{path}") for path in ("partial", "object", "method", "lambda", "later", "decorated", "none")),
)
case(
    "parameters and bodies",
    """
    @app.post("/<n:int>/<word>")
    def handler(request, n, word):
        return json([n, word, request.json, request.args.get("q")])
    @app.post("/form")
    def form(request): return json([request.form.get("a"), len(request.body)])
    """,
    post("/3/x?q=1", body=b'{"a": 1}', headers={"content-type": "application/json"}),
    post("/3/x", body=b"{", headers={"content-type": "application/json"}),
    post("/x/x", body=b"{}"),
    post("/form", body=b"a=1&a=2", headers={"content-type": "application/x-www-form-urlencoded"}),
    post("/form", body=b"a=%zz", headers={"content-type": "application/x-www-form-urlencoded"}),
    get("/form"),
)
case(
    "views",
    """
    from sanic.views import HTTPMethodView
    class View(HTTPMethodView):
        def get(self, request, n): return text(f"get {n}")
        async def post(self, request, n): return text(f"post {n}")
        def delete(self, request, n): raise ValueError(n)
    app.add_route(View.as_view(), "/<n:int>")
    """,
    get("/1"),
    post("/2", body=b""),
    get("/x"),
)
case(
    "middleware around",
    """
    seen = []
    @app.on_request
    def first(request):
        request.ctx.n = [1]
        if request.args.get("early"): return text("early")
    @app.on_request
    async def second(request): request.ctx.n.append(2)
    @app.on_response
    def after(request, response): response.headers["x-after"] = str(getattr(request.ctx, "n", None))
    @app.on_response
    def failing(request, response):
        if request.args.get("fail"): raise KeyError("response middleware")
    @app.get("/")
    def handler(request): return json(request.ctx.n)
    @app.get("/raise")
    def raising(request): raise ValueError("handler")
    """,
    get("/"),
    get("/?early=1"),
    get("/?fail=1"),
    get("/raise"),
    get("/none"),
)
case(
    "exception handlers",
    """
    from sanic.exceptions import SanicException
    @app.exception(KeyError)
    def answer(request, error): return text(f"answered {error!r}", status=418)
    @app.exception(ValueError)
    def nothing(request, error): return None
    @app.exception(LookupError)
    def failing(request, error): raise SanicException("worse", 418)
    @app.exception(TypeError)
    def later(request, error):
        async def inside(): return text("later")
        return inside()
    @app.get("/<name>")
    def fail(request, name): raise {"k": KeyError, "v": ValueError, "l": IndexError, "t": TypeError}[name]("x")
    """,
    *(get(f"/{name}") for name in "kvltx"),
)
case(
    "results that are no response",
    """
    def generator(request): yield "never"
    async def asynchronous_generator(request): yield "never"
    app.add_route(generator, "/generator")
    app.add_route(asynchronous_generator, "/async-generator")
    app.add_route(lambda request: None, "/none", name="none")
    app.add_route(lambda request: 5, "/number", name="number")
    app.add_route(lambda request: "text", "/text", name="text")
    """,
    *(get(f"/{path}") for path in ("generator", "async-generator", "none", "number", "text")),
    scrub=("0x[0-9a-f]+",),
)
case(
    "stop iteration",
    """
    @app.get("/")
    def stop(request): raise StopIteration(1)
    """,
    get("/"),
    log_differs="stop-iteration",
)
case(
    "exceptions of their own kinds",
    """
    @app.get("/stop-async")
    def stop_async(request): raise StopAsyncIteration(1)
    @app.get("/timeout")
    def timeout(request): raise TimeoutError
    @app.get("/group")
    def group(request): raise ExceptionGroup("group", [KeyError()])
    """,
    *(get(f"/{path}") for path in ("stop-async", "timeout", "group")),
)
