"""The start and the processes of an application: certificates, `app.m`, `shared_ctx`, the message of the day."""

from tests.parity.case import case
from tests.parity.wire import get

FAILING = """
def told(call):
    try:
        result = call()
    except Exception as error:
        words = ("PRODUCTION mode", "no workers", "Invalid ssl argument", "folder expected", "No certificates",
                 "not found", "attempting to use mkcert", "attempting to use trustme", "could not find package",
                 "Ambiguous",
                 "Can only access the inspector", "Single process", "both fast=True")
        kind = "ValueError" if isinstance(error, ValueError) else type(error).__name__
        return [kind, [word for word in words if word in str(error)]]
    return type(result).__name__ if not isinstance(result, (str, int, list, dict, type(None))) else result
"""
case(
    "arguments of prepare that make no sense",
    FAILING
    + """
import os
Sanic.test_mode = True

@app.get("/")
async def a(request):
    other = Sanic("Other")
    other.config.MOTD = False
    file = os.path.abspath(os.__file__)
    wrong = [{"ssl": [file]}, {"ssl": "/nosuch"}, {"ssl": ["/nosuch"]},
             {"ssl": [{"cert": "a", "key": None}]},
             {"fast": True, "workers": 2}, {"single_process": True, "workers": 2}]
    from sanic.http.tls.context import process_to_context
    answers = [told(lambda: other.prepare(port=1, **given)) for given in wrong if "ssl" not in given]
    answers += [told(lambda: process_to_context(given["ssl"])) for given in wrong if "ssl" in given]
    for given in (False, 5, [None], {"cert": None, "key": None}, None):
        answers.append(told(lambda: process_to_context(given)))
    return json(answers)
""",
    get("/"),
)
case(
    "the classes that make a certificate",
    FAILING
    + """
@app.get("/")
async def a(request):
    import pathlib
    from sanic.constants import LocalCertCreator
    from sanic.helpers import _default
    from sanic.http.tls import creators
    from sanic.http.tls.context import SanicSSLContext

    trustme = creators.TrustmeCreator(app, _default, _default)
    context = trustme.generate_cert("localhost")
    answers = [isinstance(trustme.tmpdir, pathlib.Path), trustme.check_supported(),
               isinstance(context, SanicSSLContext),
               [context.sanic[name] for name in ("creator", "localhost")],
               [pathlib.Path(context.sanic[name]).name for name in ("cert", "key")],
               [issubclass(kind, creators.CertCreator) for kind in (creators.MkcertCreator, creators.TrustmeCreator)],
               told(lambda: creators.CertCreator(app, _default, _default))]
    for wanted in LocalCertCreator:
        answers.append(told(lambda: creators.CertCreator.select(app, wanted, _default, _default)))
    creators.TRUSTME_INSTALLED = False
    for wanted in LocalCertCreator:
        answers.append(told(lambda: creators.CertCreator.select(app, wanted, _default, _default)))
    creators.TRUSTME_INSTALLED = True
    return json(answers)
""",
    get("/"),
    env={"PATH": "/nosuch"},
)
case(
    "a certificate of development for an application",
    FAILING
    + """
@app.get("/")
async def a(request):
    from sanic.application.constants import Mode
    from sanic.http.tls import get_ssl_context
    from sanic.worker.loader import CertLoader

    other = Sanic("Other")
    answers = [told(lambda: get_ssl_context(other, None)), get_ssl_context(other, "mine")]
    other.state.mode = Mode.DEBUG
    other.config.LOCALHOST = "dev.localhost"
    made = get_ssl_context(other, None)
    answers += [made.sanic["localhost"], made.sanic["creator"]]
    data = {"creator": "trustme", "localhost": "here", "key": made.sanic["key"], "cert": made.sanic["cert"]}
    answers += [sorted(CertLoader._creators), told(lambda: CertLoader(None).load(other)),
                told(lambda: CertLoader("/nosuch").load(other)), told(lambda: CertLoader(5).load(other))]
    return json(answers)
""",
    get("/"),
    env={"PATH": "/nosuch"},
)
case(
    "a multiplexer that a test makes",
    FAILING
    + """
import os
from sanic.worker.multiplexer import WorkerMultiplexer
from sanic.worker.state import WorkerState

class Orders(list):
    send = list.append

@app.get("/")
async def a(request):
    orders, state = Orders(), {"Mine": {"pid": 5}, "Other": {}}
    os.environ["SANIC_WORKER_NAME"] = "Mine"
    m = WorkerMultiplexer(orders, state)
    answers = [m.name, m.pid == os.getpid(), m.workers == state, m.state == {"pid": 5},
               isinstance(m.state, WorkerState), m.reload == m.restart]
    for given in ({}, {"name": "Other"}, {"all_workers": True}, {"zero_downtime": True}, {"name": "a,b"},
                  {"all_workers": True, "zero_downtime": True}, {"name": "x", "all_workers": True}):
        answers.append(told(lambda: m.restart(**given)))
    m.scale(3)
    m.terminate()
    m.terminate(early=True)
    m.manage("New", print, {"end": ""}, auto_start=False)
    m.ack()
    m.set_serving(True)
    m.state["jobs"] = 2
    answers.append(told(lambda: m.state.update({"pid": 7})))
    answers.append(told(lambda: m.state.__setitem__("state", "x")))
    del os.environ["SANIC_WORKER_NAME"]
    return json([answers, [order if isinstance(order, str) else list(map(str, order)) for order in orders], state])
""",
    get("/"),
)
case(
    "a multiplexer in the place of that of a worker",
    """
    from unittest.mock import Mock

    @app.get("/")
    async def a(request):
        answers = []
        for given in ({}, {"terminate": True}, {"unregister": True}):
            other = Sanic("Other")
            other.multiplexer = Mock()
            other.stop(**given)
            answers.append([other.multiplexer.terminate.call_count, "Other" in Sanic._app_registry])
            Sanic._app_registry.pop("Other", None)
        return json(answers)
    """,
    get("/"),
)
case(
    "objects in shared_ctx",
    """
    import ctypes, logging, multiprocessing, os
    from sanic.types.shared_ctx import SharedContext

    @app.get("/")
    async def a(request):
        lock = multiprocessing.Lock()
        objects = [1, "text", None, {}, [lock], object(), (1, lock), (), lock, multiprocessing.Pipe(),
                   ctypes.c_int32(1), multiprocessing.Value("i", 0), multiprocessing.Queue()]
        records = []
        handler = logging.Handler()
        handler.emit = lambda record: records.append([record.levelname, "Unsafe object" in record.getMessage()])
        logger = logging.getLogger("sanic.error")
        logger.addHandler(handler)
        context, counts = SharedContext(), []
        for name in (None, "Sanic-Server-0-0"):
            if name:
                os.environ["SANIC_WORKER_NAME"] = name
            for value in objects:
                context.thing = value
                counts.append(records[:])
                records.clear()
        del os.environ["SANIC_WORKER_NAME"]
        logger.removeHandler(handler)
        return json(counts)
    """,
    get("/"),
)
case(
    "the inspector and the manager outside of the main process",
    FAILING
    + """
@app.get("/")
async def a(request):
    import os
    answers = [told(lambda: getattr(Sanic("Other"), name)) for name in ("inspector", "manager")]
    Sanic.unregister_app(Sanic.get_app("Other"))
    answers += [Sanic(f"Given{number}", inspector=given).config.INSPECTOR for number, given in enumerate((True, False))]
    given = Sanic.get_app("Given0")
    again = given.refresh({"config": {"TOUCHUP": 5}, "_inspector": "mine"})
    return json([answers, again.config.TOUCHUP, again is given])
""",
    get("/"),
)
case(
    "the message of the day as classes",
    """
    import logging
    from sanic.application.motd import MOTD, MOTDBasic, MOTDTTY

    @app.get("/")
    async def a(request):
        records = []
        handler = logging.Handler()
        handler.emit = lambda record: records.append([record.levelname, record.getMessage()])
        logger = logging.getLogger("sanic.root")
        logger.addHandler(handler)
        level = logger.level
        logger.setLevel(logging.DEBUG)
        MOTD.output("logo", "http://here:1", {"app": "Shop"}, {"mood": "fine"})
        MOTDBasic(None, "", {}, {}).display()
        boxes = []
        MOTDTTY(None, "http://here:1", {"app": "Shop"}, {"mood": "fine"}).display(
            version=False, action="Looking", out=boxes.append)
        logger.setLevel(level)
        logger.removeHandler(handler)
        try:
            MOTD(None, "", {}, {})
        except TypeError:
            records.append("abstract")
        lines = [record for record in records if " v" not in record[1]]
        words = [word in "".join(boxes) for word in ("Looking @ http://here:1", "Shop", "mood", "Goin' Fast")]
        return json([lines, words, issubclass(MOTDTTY, MOTD)])
    """,
    get("/"),
)
case(
    "facts for the message of the day",
    """
    Sanic.test_mode = True

    @app.get("/")
    async def a(request):
        other = Sanic("Other")
        other.config.MOTD = False
        other.prepare(port=1, auto_reload=True, reload_dir="/tmp", workers=3, motd_display={"mood": "fine"})
        data, extra = other.get_motd_data()
        other.config.MOTD_DISPLAY.clear()
        fast = Sanic("Fast")
        fast.config.MOTD = False
        fast.prepare(port=1, fast=True, debug=True)
        names = [name for name in data if name != "packages"]
        return json([names, data["app"], data["mode"], data["auto-reload"], extra, fast.get_motd_data()[0]["mode"],
                     [str(folder) for folder in other.state.reload_dirs]])
    """,
    get("/"),
)
