"""The old names: the release that removed each, its replacement, and the module that implements it."""

from __future__ import annotations

_PACKAGE = "sanic_star.compat._old"
_DICT = "use request.ctx instead"
_ATTRIBUTES = "pass the attributes to response.add_cookie(…), or set cookie.max_age and the like"
_JAR = "use response.add_cookie(…), delete_cookie(…), and response.cookies.get_cookie(…) or has_cookie(…)"
_MIXED = "clear copy items keys pop popitem setdefault update values"

# By class and attribute; the last entry is whether the attribute is a value and not a method.
ATTRIBUTES: dict[str, tuple[float, str, str, bool]] = {
    "Sanic.register_blueprint": (20.12, "use app.blueprint(…)", f"{_PACKAGE}.app", False),
    "Sanic.remove_route": (20.12, "do not register the route", f"{_PACKAGE}.app", False),
    "Sanic.trigger_events": (21.3, "call the functions, or use app.dispatch(…) and a signal", f"{_PACKAGE}.app", False),
    "Sanic.is_running": (22.3, "use app.state.is_running", f"{_PACKAGE}.app", True),
    "Sanic.is_stopping": (22.3, "use app.state.is_stopping", f"{_PACKAGE}.app", True),
    "Config.from_object": (21.3, "use app.config.update_config(…)", f"{_PACKAGE}.config", False),
    "Config.from_pyfile": (21.3, "use app.config.update_config(path)", f"{_PACKAGE}.config", False),
    "Config.from_envvar": (21.3, 'use app.config.update_config("${VARIABLE}")', f"{_PACKAGE}.config", False),
    "Request.raw_args": (20.3, "use request.args", f"{_PACKAGE}.request", True),
    "Request.body_init": (21.3, "set request.body", f"{_PACKAGE}.request", False),
    "Request.body_push": (21.3, "set request.body", f"{_PACKAGE}.request", False),
    "Request.body_finish": (21.3, "set request.body", f"{_PACKAGE}.request", False),
    "Request.__setitem__": (20.3, _DICT, f"{_PACKAGE}.request", False),
    "Request.__delitem__": (20.3, _DICT, f"{_PACKAGE}.request", False),
    **{
        f"Request.{name}": (19.9, _DICT, f"{_PACKAGE}.request", False)
        for name in ("clear", "copy", "pop", "popitem", "setdefault", "update")
    },
    "BodyStream.get": (19.3, "use await request.stream.read()", f"{_PACKAGE}.request", False),
    "BaseHTTPResponse.output": (21.3, "use response.body and response.headers", f"{_PACKAGE}.response", False),
    "BaseHTTPResponse.get_headers": (21.3, "use response.headers", f"{_PACKAGE}.response", False),
    **{
        f"Cookie.{name}": (24.3, _ATTRIBUTES, f"{_PACKAGE}.cookies", False)
        for name in ("__contains__", "__delitem__", "__iter__", "__len__", "get", *_MIXED.split())
    },
    **{f"CookieJar.{name}": (24.3, _JAR, f"{_PACKAGE}.cookies", False) for name in _MIXED.split()},
    "Router.get_supported_methods": (21.3, "use request.route.methods", f"{_PACKAGE}.router", False),
    "Router.is_stream_handler": (21.3, "use request.route.extra.stream", f"{_PACKAGE}.router", False),
    "Router.remove": (20.12, "do not register the route", f"{_PACKAGE}.router", False),
    "Router.routes_names": (21.3, "use app.router.name_index", f"{_PACKAGE}.router", True),
    **{
        f"WebsocketImplProtocol.{name}": (21.9, instead, f"{_PACKAGE}.websockets", is_value)
        for name, instead, is_value in (
            ("open", "send and recv raise an exception if the connection is closed", True),
            ("closed", "send and recv raise an exception if the connection is closed", True),
            ("ensure_open", "send and recv raise an exception if the connection is closed", False),
            ("wait_closed", "use ws.wait_for_connection_lost()", False),
            ("remote_address", "use request.client", True),
            ("local_address", 'use request.scope["server"]', True),
        )
    },
}

# By module and name.
_VIEW = (21.12, "use HTTPMethodView, or a route for each method", f"{_PACKAGE}.views")
_BODY = (21.3, "use request.stream", f"{_PACKAGE}.request")
_ENTITY = (23.3, "leave it out, a response with 304 is sent without these headers", f"{_PACKAGE}.helpers")
_ROUTE_TYPES = (21.3, "use app.router.path_types", f"{_PACKAGE}.router")
_NO_ROUTE = (21.3, "leave it out, nothing raises it", f"{_PACKAGE}.router")
_SLASHES = (21.3, 'use path.count("/")', f"{_PACKAGE}.helpers")
_RENDERERS = (23.3, "use the classes of sanic.errorpages", f"{_PACKAGE}.helpers")
_RELOADER = ("kill_process_children", "kill_program_completly", "restart_with_reloader", "watchdog")
_FUTURE = "sanic_star.compat.models.futures"
MEMBERS: dict[str, dict[str, tuple[float, str, str]]] = {
    "app": {"CompositionView": _VIEW},
    "asgi": {"StreamBuffer": _BODY},
    "blueprints": {
        "CompositionView": _VIEW,
        "FutureException": (21.3, "import it from sanic.models.futures instead", _FUTURE),
        "FutureListener": (21.3, "import it from sanic.models.futures instead", _FUTURE),
        "FutureMiddleware": (21.3, "import it from sanic.models.futures instead", _FUTURE),
    },
    "config": {"strtobool": (20.9, "use sanic.helpers.str_to_bool", f"{_PACKAGE}.helpers")},
    "cookies": {"DEFAULT_MAX_AGE": (23.3, "use 0", f"{_PACKAGE}.cookies")},
    "errorpages": {"CONTENT_TYPE_BY_RENDERERS": _RENDERERS, "RENDERERS_BY_CONFIG": _RENDERERS},
    "helpers": {"remove_entity_headers": _ENTITY},
    "http": {"remove_entity_headers": _ENTITY},
    "log": {"log": (0.7, "use logger of sanic.log", f"{_PACKAGE}.helpers")},
    "request": {"StreamBuffer": _BODY, "json_loads": (23.3, "use json.loads", f"{_PACKAGE}.request")},
    "response": {"remove_entity_headers": _ENTITY},
    "router": {
        "CompositionView": _VIEW,
        "REGEX_TYPES": _ROUTE_TYPES,
        "RouteDoesNotExist": _NO_ROUTE,
        "url_hash": _SLASHES,
    },
    "server": {"StreamBuffer": _BODY},
    "views": {"CompositionView": _VIEW},
    "worker": {"GunicornWorker": (22.9, "run gunicorn -k uvicorn_worker.UvicornWorker", f"{_PACKAGE}.worker")},
    "_old.websocket": {
        "WebSocketConnection": (
            22.3,
            "annotate with sanic.Websocket",
            "sanic_star.compat.server.websockets.connection",
        ),
        "WebSocketProtocol": (
            22.3,
            "leave it out of app.run(…), and annotate with sanic.Websocket",
            "sanic_star.compat.server.protocols.websocket_protocol",
        ),
    },
    "_old.reloader_helpers": dict.fromkeys(_RELOADER, (22.3, "use app.run(auto_reload=True)", f"{_PACKAGE}.reloader")),
}
