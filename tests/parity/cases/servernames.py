"""Names of Sanic's own server, where they have a meaning without it."""

from tests.parity.case import case
from tests.parity.wire import get

case(
    "addresses and locations",
    """
    @app.get("/")
    async def a(request):
        addresses = [Sanic.get_address(*arguments) for arguments in (
            (None, None), ("h", None), (None, 5), ("h", 5, 1), (None, None, 3), (None, None, 1, True), ("", 0))]
        locations = [Sanic.get_server_location(settings) for settings in (
            None, {}, {"host": "a", "port": 1}, {"host": "a", "port": 1, "ssl": 5}, {"host": "::1", "port": 80},
            {"host": "a", "port": 0}, {"host": None, "port": None, "unix": "/x.sock"},
            {"host": None, "port": None, "unix": "/x.sock", "ssl": 5})]
        try:
            Sanic.get_address()
        except TypeError:
            addresses.append("TypeError")
        return json([addresses, locations])
    """,
    get("/"),
)
case(
    "the names on the application",
    """
    async def task(app): event("ran", app.name)

    @app.get("/")
    async def a(request):
        app.enable_websocket()
        await Sanic.run_delayed_task(app, app.loop, task)
        await Sanic.dispatch_delayed_tasks(app)
        app.repl_ctx.add(5, "five", "a number")
        try:
            app.inspector
        except Exception as error:
            failed = type(error).__name__
        return json([app.websocket_enabled, len(app.websocket_tasks), app.refresh() is app, app.should_auto_reload(),
                     app.certloader_class.__name__, app.inspector_class.__name__, failed, repr(app.start_method),
                     [list(local)[1:] for local in app.repl_ctx][-1:], app.ack()])
    """,
    get("/"),
)
case(
    "an application that is not registered any more",
    """
    @app.get("/")
    async def a(request):
        other = Sanic("Other")
        Sanic.unregister_app(other)
        try:
            other.refresh()
        except Exception as error:
            return json([type(error).__name__, str(error).partition("\\n")[0]])
    """,
    get("/"),
)
case(
    "routes as they were written",
    """
    @app.get("/")
    @app.get("/a/<x:int>/<y:path>", name="b")
    async def a(request, **_): return json([route.raw_path for route in sorted(app.router.routes, key=lambda r: r.uri)])
    """,
    get("/"),
)
case(
    "json_dumps writes text",
    """
    from sanic.response import json_dumps

    @app.get("/")
    async def a(request):
        try:
            json_dumps({"a": object()})
        except Exception as error:
            failed = type(error).__name__
        return json([json_dumps({"a": [1, None, "/", 1.5]}), json_dumps([]), type(json_dumps("x")).__name__, failed])
    """,
    get("/"),
)
case(
    "a connection by its transport",
    """
    from sanic.models.server_types import ConnInfo
    from types import SimpleNamespace

    class Transport:
        def __init__(self, **facts): self.facts = facts
        def get_extra_info(self, name, default=None): return self.facts.get(name, default)

    tls = SimpleNamespace(context=SimpleNamespace(sanic={"subject": "x"}), sanic_server_name="example.org")

    @app.get("/")
    async def a(request):
        answers = []
        for facts in ({"peername": ("1.2.3.4", 5), "sockname": ("2.3.4.5", 80)}, {},
                      {"peername": ("::1", 5, 0, 0), "sockname": ("::1", 8000, 0, 0)},
                      {"peername": "", "sockname": "/tmp/s"},
                      {"peername": ("1.2.3.4", 5), "sockname": ("2.3.4.5", 443), "ssl_object": tls}):
            i = ConnInfo(Transport(**facts))
            answers.append([i.client, i.client_ip, i.client_port, i.server, i.server_port, i.ssl, i.server_name, i.cert,
                            i.peername, i.lost])
        try:
            ConnInfo(None)
        except AttributeError:
            answers.append("AttributeError")
        return json(answers)
    """,
    get("/"),
)
case(
    "functions that are called as listeners",
    """
    import asyncio
    from sanic.server.events import trigger_events

    @app.get("/")
    async def a(request):
        calls = []
        async def later(app, loop): calls.append(["later", app])
        def run():
            loop = asyncio.new_event_loop()
            trigger_events(None, loop)
            trigger_events([lambda: calls.append("nothing"), lambda loop: calls.append("loop")], loop)
            trigger_events([later, lambda app: calls.append(app)], loop, "app")
            trigger_events([lambda app, x: calls.append([app, x])], loop, "app", x=1)
            try:
                trigger_events([lambda: None], loop, "app")
            except TypeError:
                calls.append("TypeError")
            loop.close()
        await asyncio.to_thread(run)
        return json(calls)
    """,
    get("/"),
)
case(
    "sockets to listen on",
    """
    import os, stat, tempfile
    from sanic.server.socket import bind_socket, bind_unix_socket, remove_unix_socket, configure_socket

    @app.get("/")
    async def a(request):
        answers = []
        with bind_socket("127.0.0.1", 0) as bound:
            answers += [bound.getsockname()[0], bound.getblocking()]
            try:
                bind_socket("127.0.0.1", bound.getsockname()[1])
            except OSError:
                answers.append("OSError")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "s")
            with bind_unix_socket(path, mode=0o600):
                answers.append(oct(os.stat(path).st_mode))
            remove_unix_socket(path)
            remove_unix_socket(path)
            answers.append(os.path.exists(path))
            open(path, "w").close()
            try:
                bind_unix_socket(path)
            except OSError:
                answers.append("OSError")
        settings = {"host": "127.0.0.1", "port": 0, "unix": None, "sock": None, "backlog": 10}
        with configure_socket(settings) as bound:
            answers.append([settings["sock"] is bound, settings["host"], settings["port"], settings["backlog"]])
        return json(answers)
    """,
    get("/"),
)
case(
    "what the protocol of a request tells",
    """
    @app.get("/")
    async def a(request):
        from sanic.server import HttpProtocol
        from sanic.server.protocols.base_protocol import SanicProtocol
        from sanic.server.protocols.http_protocol import Http3Protocol
        from sanic.server.protocols.websocket_protocol import WebSocketProtocol

        kinds = (HttpProtocol, SanicProtocol, Http3Protocol, WebSocketProtocol)
        return json([sorted(request.protocol.state), [isinstance(request.protocol, kind) for kind in kinds],
                     isinstance(5, HttpProtocol)])
    """,
    get("/"),
)
