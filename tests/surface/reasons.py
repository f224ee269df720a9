"""Why a name of Sanic is missing: by its full name, by its class or module, or by all classes of one (`module.*`)."""

SERVER = "the ASGI server does that"
ROUTING = "the route index finds routes: use `app.router.resolve` and `app.router.routes`"
SUPERVISOR = "the supervisor of `app.run` starts and stops processes; control it through `app.manager` and `app.m`"
SIGNALS = "a signal is not a route here: use `path`, `parts`, `handler` and `requirements`"
START = "an internal helper of Sanic, which is not needed here"
MEMBER = "only the application has it: use `app`"
NO_TUPLE = "the class is not a tuple here"

REASONS: dict[str, str] = {
    "sanic.app.ConnectionClosed": "import it from `websockets.exceptions`",
    "sanic.asgi.Lifespan": "call the object; the application runs its phases itself",
    "sanic.base.root.BaseSanic": MEMBER,
    "sanic.blueprints.lazy": "a decorator inside Sanic; blueprints here store registrations without it",
    "sanic.compat": START,
    "sanic.config.DescriptorMeta": "the configuration needs no metaclass here",
    "sanic.headers.format_http1_response": SERVER,
    "sanic.mixins.middleware.MiddlewareMixin": MEMBER,
    "sanic.mixins.signals.SignalMixin": MEMBER,
    "sanic.models.asgi.MockProtocol": SERVER,
    "sanic.models.asgi.MockTransport": SERVER,
    "sanic.models.futures.*": NO_TUPLE,
    "sanic.request.form.File": NO_TUPLE,
    "sanic.router.Router": ROUTING,
    "sanic.server.async_server.AsyncioServer": "not needed: `create_server` has bound the address when it returns",
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
