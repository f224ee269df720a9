"""What is logged, by whom and in which order: accesses, errors, the application's own records."""

from tests.parity.case import case
from tests.parity.wire import get, head, post, request

ACCESS = """
import logging, re

class Told(logging.Handler):
    def emit(self, record):
        url = re.sub(r"127[.]0[.]0[.]1:[0-9]+", "server", record.request)
        measured = re.fullmatch(r" *[0-9]+[.][0-9]ms", record.duration) is not None
        client = re.fullmatch(r"127[.]0[.]0[.]1:[0-9]+", record.host) is not None
        event(record.levelname, repr(record.getMessage()), url, record.status, record.byte, client, measured)

logging.getLogger("sanic.access").addHandler(Told())
app.config.ACCESS_LOG = True
"""

case(
    "an access is logged with the fields of Sanic",
    ACCESS
    + """
@app.get("/")
async def a(request): return text("hello")
@app.get("/none")
async def b(request): return empty()
@app.get("/chunks")
async def c(request):
    response = await request.respond(content_type="text/plain")
    await response.send("a"); await response.eof()
@app.post("/")
async def d(request): return json(request.json)
""",
    get("/"),
    get("/?a=b&c=%C3%BC"),
    get("/none"),
    get("/chunks"),
    head("/"),
    post("/", json=[1]),
    stops=True,
)
case(
    "an access that went wrong is logged",
    ACCESS
    + """
@app.get("/error")
async def a(request): raise ValueError("no")
@app.get("/refused")
async def b(request): raise Forbidden("no")
@app.post("/json")
async def c(request): return json(request.json)
""",
    get("/error", {"accept": "application/json"}),
    get("/refused", {"accept": "application/json"}),
    get("/missing", {"accept": "application/json"}),
    request("PUT", "/json", {"accept": "application/json"}),
    post("/json", {"accept": "application/json"}, b"{"),
    stops=True,
)
case(
    "no access is logged by default",
    ACCESS.replace("app.config.ACCESS_LOG = True", "")
    + """
@app.get("/")
async def a(request): return text("hello")
""",
    get("/"),
    get("/missing"),
    stops=True,
)
case(
    "accesses and middleware in their order",
    ACCESS
    + """
@app.on_request
async def before(request): event("request")
@app.on_response
async def after(request, response): event("response", response.status)
@app.get("/")
async def a(request):
    logging.getLogger("sanic.root").info("handled %s", request.path)
    return text("hello")
""",
    get("/"),
    get("/missing"),
    stops=True,
)
case(
    "records of the application",
    """
    from sanic.log import logger, error_logger
    @app.get("/")
    async def a(request):
        logger.debug("not shown"); logger.info("info %d", 1); logger.warning("two"); error_logger.error("three")
        try: 1 / 0
        except ZeroDivisionError: error_logger.exception("four")
        return text("")
    """,
    get("/"),
)
case(
    "the verbosity of a record",
    """
    from sanic.log import logger
    @app.get("/")
    async def a(request):
        for verbosity in range(3): logger.info("at %d", verbosity, extra={"verbosity": verbosity})
        return text("")
    """,
    get("/"),
)
case(
    "what is quiet is not logged, and what is noisy is",
    """
    from sanic.exceptions import NotFound, SanicException
    class Quiet(SanicException): status_code = 500; quiet = True
    class Loud(SanicException): status_code = 404; quiet = False
    @app.get("/<name>")
    async def a(request, name):
        kinds = {"quiet": Quiet, "loud": Loud, "missing": NotFound, "plain": SanicException, "value": ValueError}
        raise kinds[name]("x")
    """,
    *(get(f"/{name}", {"accept": "application/json"}) for name in ("quiet", "loud", "missing", "plain", "value")),
)
case(
    "NOISY_EXCEPTIONS",
    """
    app.config.NOISY_EXCEPTIONS = True
    @app.get("/")
    async def a(request): raise Forbidden("no")
    """,
    get("/", {"accept": "application/json"}),
    get("/missing", {"accept": "application/json"}),
)
case(
    "a configuration of the application's own",
    """
    import logging
    from sanic.log import LOGGING_CONFIG_DEFAULTS
    loggers = {"sanic.root": {"level": "DEBUG"}, "sanic.error": {"level": "CRITICAL"}}
    app = Sanic("Parity", log_config={**LOGGING_CONFIG_DEFAULTS, "loggers": loggers})
    @app.get("/")
    async def a(request):
        logging.getLogger("sanic.root").debug("shown")
        raise ValueError("not shown")
    """,
    get("/", {"accept": "application/json"}),
)
case(
    "a configuration of logging that is none",
    """
    app = Sanic("Parity", log_config={"version": 2})
    """,
    fails=True,
)
case(
    "loggers and their levels",
    """
    import logging
    @app.get("/")
    async def a(request):
        names = ["root", "error", "access", "server", "websockets"]
        found = [logging.getLogger("sanic." + name) for name in names]
        return json([[each.name, each.level, each.propagate, len(each.handlers) > 0] for each in found])
    """,
    get("/"),
)
