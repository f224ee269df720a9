"""The modules of Sanic that have no twin here, and what to use instead.

A name stands for the modules below it, too. Each text is the end of a sentence: "sanic_star has no sanic.asgi; …".
"""

SERVER = "an ASGI server takes its place: `app.run(server=…)`, or any server of your choice"
PROCESSES = "worker processes are those of `app.run(workers=…)`, or the ASGI server's own"

LEFT_OUT = {
    "sanic.application.logo": "what is said at the start is in `sanic.application.motd`",
    "sanic.application.spinner": "what is said at the start is in `sanic.application.motd`",
    "sanic.asgi": "the application is an ASGI application itself",
    "sanic.base": "`sanic.app.Sanic` and `sanic.blueprints.Blueprint` are plain classes",
    "sanic.cli": "the command is `sanic-star`, in `sanic_star.cli`",
    "sanic.http": "HTTP is the ASGI server's; TLS is `app.run(ssl=…)`",
    "sanic.logging.loggers": "take the loggers from `sanic.log`",
    "sanic.mixins": "what they hold are methods of `sanic.app.Sanic` and `sanic.blueprints.Blueprint`",
    "sanic.models.asgi": "the types of ASGI are in `starlette.types`",
    "sanic.models.ctx_types": "take `REPLContext`'s values from `app.ctx`",
    "sanic.pages": "error pages are made in `sanic.errorpages`",
    "sanic.server.events": "listeners are called by the application: `app.listener(…)`",
    "sanic.server.goodbye": SERVER,
    "sanic.server.loop": "the event loop is the ASGI server's choice: `uvicorn --loop`",
    "sanic.server.protocols": SERVER,
    "sanic.server.runners": SERVER,
    "sanic.server.socket": SERVER,
    "sanic.server.websockets.connection": "take `Websocket` from `sanic`",
    "sanic.server.websockets.frame": "take `Websocket` from `sanic`",
    "sanic.startup": "errors at the start are told by `sanic-star`",
    "sanic.touchup": "nothing is rewritten at the start, so nothing replaces it",
    "sanic.websocket": "take `Websocket` from `sanic`",
    "sanic.worker.constants": PROCESSES,
    "sanic.worker.daemon": "run it under systemd or another supervisor",
    "sanic.worker.manager": PROCESSES,
    "sanic.worker.process": PROCESSES,
    "sanic.worker.reloader": "`app.run(auto_reload=True)`, `sanic-star --reload` and `uvicorn --reload` take its place",
    "sanic.worker.restarter": PROCESSES,
    "sanic.worker.serve": SERVER,
    "sanic.worker.state": "the state of the application is `app.state`",
    "sanic_routing": "routes are Starlette's: `app.router.routes`, and the classes of `sanic.router`",
    "sanic_testing": "take what you need from `sanic_testing` itself",
}


def explain(name: str) -> str:
    """Return why a module of Sanic is not there, and what is there instead.

    >>> explain("sanic.asgi.lifespan")
    'sanic_star has no sanic.asgi.lifespan: the application is an ASGI application itself'
    """
    known = name
    while known and known not in LEFT_OUT:
        known = known.rpartition(".")[0]
    told = LEFT_OUT.get(known, "`import sanic` means sanic_star, which has no module of that name")
    return f"sanic_star has no {name}: {told}"


def is_left_out(name: str) -> bool:
    """Tell whether Sanic has a module and there is a word about what replaces it."""
    return any(name == known or name.startswith(f"{known}.") for known in LEFT_OUT)
