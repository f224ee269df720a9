"""Running: what `prepare` takes and refuses, what is known of an application before it is served, how one is found."""

from tests.parity.case import case
from tests.parity.wire import get

TELL = """
seen = []
def tell(call):
    try: result = call()
    except BaseException as error: seen.append(f"! {type(error).__name__}")
    else: seen.append(result if isinstance(result, (int, str, list, dict, type(None))) else type(result).__name__)
other = Sanic("Other")
@app.get("/")
async def show(request): return json(seen)
"""


def told(name: str, source: str, env: dict[str, str] | None = None, differs: str | None = None) -> None:
    """Add a case: what `tell` has been told by a source."""
    case(name, f"{TELL}\n{source.strip()}\n", get("/"), env=env or {}, differs=differs)


def prepared(name: str, arguments: str, *shown: str) -> None:
    """Add a case: what an application that was prepared with these arguments says of itself."""
    lines = [f"tell(lambda: other.prepare({arguments}))", *(f"tell(lambda: {expression})" for expression in shown)]
    # Or Sanic would serve it beside the case's own, on an address that somebody else may have.
    told(name, "\n".join([*lines, "Sanic.unregister_app(other)"]))


for label, arguments in {
    "a host and a port": "'127.0.0.1', 9999, motd=False",
    "nothing": "motd=False",
    "a unix socket": "unix='/tmp/nowhere.sock', motd=False",
    "workers and fast": "port=9999, workers=2, fast=True, motd=False",
    "workers in a single process": "port=9999, workers=2, single_process=True, motd=False",
    "fast in a single process": "port=9999, fast=True, single_process=True, motd=False",
    "reloading in a single process": "port=9999, auto_reload=True, single_process=True, motd=False",
    "an argument that it has not": "port=9999, colour='red'",
    "a certificate that is not there": "port=9999, ssl='/no/such/directory', motd=False",
    "a number for a certificate": "port=9999, ssl=5, motd=False",
    "a version that is not there": "port=9999, version=4, motd=False",
    "a version below the first": "port=9999, version=0, motd=False",
}.items():
    prepared(f"prepare with {label}", arguments)

for label, arguments, shown in (
    (
        "debug",
        "port=9999, debug=True, motd=False",
        ("other.debug", "str(other.state.mode.value)", "other.config.ACCESS_LOG"),
    ),
    ("dev", "port=9999, dev=True, motd=False", ("other.debug", "other.auto_reload", "other.state.auto_reload")),
    (
        "workers",
        "port=9999, workers=1, motd=False",
        ("other.state.workers", "other.state.fast", "other.state.is_debug"),
    ),
    ("a host", "'localhost', 9999, motd=False", ("other.state.host", "other.state.port", "other.state.unix")),
    ("verbosity", "port=9999, verbosity=2, motd=False", ("other.state.verbosity", "other.state.primary")),
    ("no access log", "port=9999, access_log=False, motd=False", ("other.config.ACCESS_LOG",)),
    ("noisy exceptions", "port=9999, noisy_exceptions=True, motd=False", ("other.config.NOISY_EXCEPTIONS",)),
    (
        "directories to watch",
        "port=9999, reload_dir='/tmp', motd=False",
        ("sorted(map(str, other.state.reload_dirs))",),
    ),
    (
        "a directory that is not there",
        "port=9999, reload_dir='/no/such', motd=False",
        ("len(other.state.reload_dirs)",),
    ),
):
    prepared(f"what is known after prepare with {label}", arguments, *shown)

told(
    "the state of an application that was never run",
    """
names = ("host", "port", "unix", "workers", "fast", "verbosity", "auto_reload", "primary", "is_debug", "is_started",
         "is_stopping", "is_running", "coffee", "name", "motd")
for each in names:
    tell(lambda: [each, getattr(other.state, each)])
tell(lambda: other.state.mode.value)
tell(lambda: str(other.state.stage))
tell(lambda: len(other.state.server_info))
""",
)
told(
    "applications that are found by name",
    """
tell(lambda: Sanic.get_app("Other") is other)
tell(lambda: Sanic.get_app("Nobody"))
tell(lambda: Sanic.get_app())
tell(lambda: Sanic.get_app("Made", force_create=True).name)
tell(lambda: Sanic.get_app("Made").name)
tell(lambda: Sanic.get_app(5))
tell(lambda: sorted(Sanic._app_registry))
""",
)
told(
    "applications that are registered and taken out",
    """
tell(lambda: Sanic.register_app("no application"))
tell(lambda: Sanic.unregister_app("no application"))
tell(lambda: Sanic.unregister_app(other))
tell(lambda: Sanic.get_app("Other"))
tell(lambda: Sanic.register_app(other))
tell(lambda: Sanic.get_app("Other") is other)
""",
)
told(
    "an application that is not to be registered",
    """
tell(lambda: Sanic("Hidden", register=False))
tell(lambda: Sanic("Hidden", register=True))
""",
    differs="old-names",
)
told(
    "serving what was never prepared",
    """
tell(lambda: Sanic.serve(other))
tell(lambda: Sanic.serve("no application"))
""",
)
told(
    "names of applications",
    """
for name in ("with space", "1st", "a..b", "a-b", "ü", "", "x" * 200, None, "under_score"):
    tell(lambda: [str(name), Sanic(name).name])
""",
)
told(
    "settings that react",
    """
for name, value in (("FALLBACK_ERROR_FORMAT", "yaml"), ("FALLBACK_ERROR_FORMAT", "json"), ("ACCESS_LOG", "off"),
                    ("LOCAL_CERT_CREATOR", "mkcert"),
                    ("DEPRECATION_FILTER", "ignore"), ("FORWARDED_SECRET", 5), ("MY_OWN", [1])):
    tell(lambda: setattr(other.config, name, value))
    tell(lambda: [name, str(getattr(other.config, name))])
""",
)
for label, env in {
    "words and numbers": {"SANIC_A": "5", "SANIC_B": "5.5", "SANIC_C": "yes", "SANIC_D": "0x10", "SANIC_E": " 5 "},
    "odd values": {"SANIC_A": "", "SANIC_B": "nan", "SANIC_C": "1_000", "SANIC_D": "n", "SANIC_E": "None"},
    "odd names": {"SANIC_a": "1", "SANIC__B": "1", "sanic_C": "1", "SANIC_D_e": "1", "SANIC_E1": "1"},
}.items():
    told(
        f"settings from the environment: {label}",
        "tell(lambda: {k: str(v) for k, v in other.config.items() if k.strip('_') in 'aABCDE' or k in ('D_e', 'E1')})",
        env,
    )
case(
    "the older name of run",
    """
class Own(Sanic):
    def run(self, *args, **kwargs): return [self.name, [*args], sorted(kwargs)]
own = Own("own")
def refused():
    try: app.go_fast(nonsense=1)
    except TypeError as error: return str(error).split(" ", 1)[1]
@app.get("/")
async def show(request):
    called = [own.go_fast("127.0.0.1", port=1), own.go_fast()]
    return json([refused(), app.go_fast == app.run, app.go_fast.__name__, called])
""",
    get("/"),
)
