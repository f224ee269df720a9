"""Parts of Sanic that are left out, and what to use instead.

A name also covers its submodules and attributes. Each text is the end of a sentence: "sanic_star has no sanic.cli: …".
"""

SERVER = "use an ASGI server: `app.run(server=…)`, or any server of your choice"
PROCESSES = "worker processes are those of `app.run(workers=…)`, or the ASGI server's own"

_CLI = ("app", "arguments", "base", "console", "daemon", "executor", "inspector")
# Modules that cannot be imported.
LEFT_OUT = {
    **{f"sanic.cli.{name}": "the command is `sanic-star`, in `sanic_star.cli`" for name in _CLI},
    "sanic.touchup.schemes": "nothing is rewritten at the start, so nothing replaces it",
    "sanic_routing": "routes are Starlette's: `app.router.routes`, and the classes of `sanic.router`",
    "sanic_testing": "take what you need from `sanic_testing` itself",
}

# Names that can be imported, but not used: see `sanic_star.compat._support.stand_ins`.
STAND_INS = {
    "sanic.application.spinner": "`sanic.application.motd` logs what is known at the start",
    "sanic.asgi": "the application is an ASGI application itself",
    "sanic.compat.ctrlc_workaround_for_windows": "the ASGI server handles Ctrl+C, on Windows, too",
    "sanic.http": "HTTP is the ASGI server's; TLS is `app.run(ssl=…)`",
    "sanic.http.tls": "`app.run(ssl=…)` and `app.run(dev=True)` choose and make certificates",
    "sanic.mixins.static": "`sanic.app.Sanic` serves files",
    "sanic.pages": "error pages are made in `sanic.errorpages`, directories listed by `sanic.handlers.directory`",
    "sanic.server.protocols": SERVER,
    "sanic.server.websockets": "take `Websocket` from `sanic`",
    "sanic.startup": "`sanic-star` explains errors at the start",
    "sanic.worker": PROCESSES,
    "sanic.worker.daemon": "run it under systemd or another supervisor",
    "sanic.worker.reloader": "`app.run(auto_reload=True)`, `sanic-star --reload` and `uvicorn --reload` take its place",
}


def explain(name: str) -> str:
    """Return the message for a part of Sanic that is left out.

    >>> explain("sanic.cli.app")
    'sanic_star has no sanic.cli.app: the command is `sanic-star`, in `sanic_star.cli`'
    """
    ancestor = name
    while ancestor and ancestor not in LEFT_OUT and ancestor not in STAND_INS:
        ancestor = ancestor.rpartition(".")[0]
    texts = {**LEFT_OUT, **STAND_INS}
    text = texts.get(ancestor, "`import sanic` means sanic_star, which has no module of that name")
    return f"sanic_star has no {name}: {text}"


def is_left_out(name: str) -> bool:
    """Return whether a module of Sanic cannot be imported here."""
    return any(name == module or name.startswith(f"{module}.") for module in LEFT_OUT)
