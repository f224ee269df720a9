"""Why a name of Sanic is missing: by its full name, by its class or module, or by all classes of one (`module.*`)."""

SERVER = "the ASGI server does that"
ROUTING = "the index of the router does that; `app.router.resolve` and `app.router.routes` are there"
SUPERVISOR = "the supervisor of `app.run` starts, watches and ends processes; `app.manager` and `app.m` give it orders"
SIGNALS = "a signal is no route here; see `path`, `parts`, `handler` and `requirements`"
START = "Sanic's own start does that; here the server's does"
MEMBER = "it belongs to the application: `app`"
NO_TUPLE = "the class here is no tuple; it can be unpacked"

REASONS: dict[str, str] = {
    "sanic.app.ConnectionClosed": "take it from `websockets.exceptions`",
    "sanic.asgi.Lifespan": "call the object; the application runs its own phases",
    "sanic.base.root.BaseSanic": MEMBER,
    "sanic.blueprints.lazy": "a decorator of Sanic's own code: blueprints keep what was registered",
    "sanic.compat": START,
    "sanic.config.DescriptorMeta": "settings are found without a metaclass",
    "sanic.cookies.request": "a constant of Sanic's own parser",
    "sanic.headers.format_http1_response": SERVER,
    "sanic.mixins.middleware.MiddlewareMixin": MEMBER,
    "sanic.mixins.signals.SignalMixin": MEMBER,
    "sanic.models.asgi.MockProtocol": SERVER,
    "sanic.models.asgi.MockTransport": SERVER,
    "sanic.models.futures.*": NO_TUPLE,
    "sanic.request.form.File": NO_TUPLE,
    "sanic.router.Router": ROUTING,
    "sanic.server.async_server.AsyncioServer": "`create_server` has bound the address when it returns",
    "sanic.server.websockets.impl.WebsocketImplProtocol": SERVER,
    "sanic.signals.Signal": SIGNALS,
    "sanic.signals.SignalGroup": SIGNALS,
    "sanic.signals.SignalRouter": SIGNALS,
    "sanic.worker.manager": SUPERVISOR,
    "sanic.worker.manager.WorkerManager": SUPERVISOR,
    "sanic.worker.process": SUPERVISOR,
    "sanic.worker.process.Worker": SUPERVISOR,
    "sanic.worker.process.WorkerProcess": SUPERVISOR,
}
