"""Configuration: where it comes from, how text becomes values, what is refused."""

from tests.parity.case import case
from tests.parity.wire import Exchange, get

SHOW = """
@app.get("/")
async def show(request):
    return json({name: repr(app.config.get(name, "none")) for name in request.args.getlist("name")})
"""


def show(*names: str) -> Exchange:
    return get("/?" + "&".join(f"name={name}" for name in names))


DEFAULTS = [
    "ACCESS_LOG",
    "AUTO_EXTEND",
    "AUTO_RELOAD",
    "DEPRECATION_FILTER",
    "EVENT_AUTOREGISTER",
    "FALLBACK_ERROR_FORMAT",
    "FORWARDED_FOR_HEADER",
    "FORWARDED_SECRET",
    "GRACEFUL_SHUTDOWN_TIMEOUT",
    "GRACEFUL_TCP_CLOSE_TIMEOUT",
    "INSPECTOR",
    "INSPECTOR_API_KEY",
    "INSPECTOR_HOST",
    "INSPECTOR_PORT",
    "KEEP_ALIVE",
    "KEEP_ALIVE_TIMEOUT",
    "LOCALHOST",
    "MOTD_DISPLAY",
    "NO_COLOR",
    "NOISY_EXCEPTIONS",
    "PROXIES_COUNT",
    "REAL_IP_HEADER",
    "REQUEST_BUFFER_SIZE",
    "REQUEST_ID_HEADER",
    "REQUEST_MAX_HEADER_SIZE",
    "REQUEST_MAX_SIZE",
    "REQUEST_TIMEOUT",
    "RESPONSE_TIMEOUT",
    "SERVER_NAME",
    "TLS_CERT_PASSWORD",
    "WEBSOCKET_MAX_SIZE",
    "WEBSOCKET_PING_INTERVAL",
    "WEBSOCKET_PING_TIMEOUT",
]

case("defaults", SHOW, show(*DEFAULTS))
case(
    "values from environment variables",
    SHOW,
    show("A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M"),
    env={
        **{"SANIC_A": "1", "SANIC_B": "1.5", "SANIC_C": "true", "SANIC_D": "text", "SANIC_E": "", "SANIC_F": "0x10"},
        **{
            "SANIC_G": "1_000",
            "SANIC_H": "off",
            "SANIC_I": "None",
            "SANIC_J": "nan",
            "SANIC_K": "[1]",
            "SANIC_L": " 7 ",
        },
        **{"SANIC_M": "ENABLED"},
    },
)
case(
    "every word for a truth value",
    SHOW,
    show(*(f"W{number}" for number in range(22))),
    env={
        f"SANIC_W{number}": word
        for number, word in enumerate(
            [
                "y",
                "yes",
                "yep",
                "yup",
                "t",
                "true",
                "on",
                "enable",
                "enabled",
                "1",
                "n",
                "no",
                "nope",
                "f",
                "false",
                "off",
                "disable",
                "disabled",
                "0",
                "Y",
                "TRUE",
                "yess",
            ]
        )
    },
)
case(
    "names of environment variables",
    SHOW,
    show("x", "MiXed", "UNDER_SCORE", "_LEADING", "", "SANIC_TWICE"),
    env={"SANIC_x": "1", "SANIC_MiXed": "2", "SANIC_UNDER_SCORE": "3", "SANIC__LEADING": "4", "SANIC_SANIC_TWICE": "5"},
)
case(
    "another prefix",
    'app = Sanic("Parity", env_prefix="SHOP_")\n' + SHOW,
    show("ONE", "TWO"),
    env={"SHOP_ONE": "1", "SANIC_TWO": "2"},
)
case(
    "no prefix",
    'app = Sanic("Parity", env_prefix="")\n' + SHOW,
    show("TWO", "SANIC_TWO"),
    env={"SANIC_TWO": "2"},
)
case(
    "environment variables loaded by hand",
    'app = Sanic("Parity", env_prefix="")\napp.config.load_environment_vars("SHOP_")\n' + SHOW,
    show("ONE"),
    env={"SHOP_ONE": "1"},
)
case(
    "an environment variable for a setting of Sanic",
    SHOW,
    show("REQUEST_TIMEOUT", "ACCESS_LOG", "FALLBACK_ERROR_FORMAT", "REAL_IP_HEADER", "FORWARDED_SECRET"),
    get("/missing"),
    env={
        **{"SANIC_REQUEST_TIMEOUT": "5", "SANIC_ACCESS_LOG": "no", "SANIC_FALLBACK_ERROR_FORMAT": "json"},
        **{"SANIC_REAL_IP_HEADER": "x", "SANIC_FORWARDED_SECRET": "abc"},
    },
)
case(
    "an impossible value in an environment variable",
    SHOW,
    get("/"),
    env={"SANIC_FALLBACK_ERROR_FORMAT": "yaml"},
    fails=True,
    differs="settings",
)
case(
    "converters of one's own",
    """
    from decimal import Decimal
    from sanic.config import Config, DetailedConverter
    def money(text):
        if not text.endswith("€"): raise ValueError
        return Decimal(text[:-1])
    class Detailed(DetailedConverter):
        def __call__(self, full_key, config_key, value, defaults):
            if not config_key.startswith("D_"): raise ValueError
            return [full_key, config_key, value, defaults["REQUEST_TIMEOUT"]]
    app = Sanic("Parity", config=Config(converters=[money, Detailed()]))
    """
    + SHOW.replace("\n", "\n    "),
    show("PRICE", "D_ONE", "PLAIN"),
    env={"SANIC_PRICE": "1.50€", "SANIC_D_ONE": "1", "SANIC_PLAIN": "3"},
)
case(
    "a converter that is no function",
    """
    from sanic.config import Config
    config = Config()
    try: config.register_type(7)
    except Exception as error: told = type(error).__name__
    else: told = "taken"
    @app.get("/")
    async def show(request): return text(told)
    """,
    get("/"),
)
case(
    "a converter that is registered twice",
    """
    from sanic.config import Config
    def convert(text): raise ValueError
    config = Config()
    config.register_type(convert); config.register_type(convert)
    @app.get("/")
    async def show(request): return text("ok")
    """,
    get("/"),
)
case(
    "update in all its forms",
    """
    app.config.update({"A": 1}); app.config.update(B=2); app.config.update([("C", 3)]); app.config.update({"D": 4}, E=5)
    app.config |= {"F": 6}
    app.config.setdefault("G", 7); app.config.setdefault("A", 8)
    app.config.H = 9
    """
    + SHOW.replace("\n", "\n    "),
    show(*"ABCDEFGH"),
)
case(
    "update_config takes many things",
    """
    class Settings: ONE = 1; two = 2; _THREE = 3
    class Instance:
        FOUR = 4
        def __init__(self): self.FIVE = 5
        @property
        def SIX(self): return 6
    top = folder({"conf.py": "SEVEN = 7\\nlower = 8\\n"})
    app.update_config(Settings); app.update_config(Instance()); app.update_config(str(top / "conf.py"))
    app.update_config({"EIGHT": 8, "nine": 9})
    """
    + SHOW.replace("\n", "\n    "),
    show("ONE", "two", "_THREE", "FOUR", "FIVE", "SIX", "SEVEN", "lower", "EIGHT", "nine"),
)
for number, given in enumerate(("'/no/such/file.py'", "'no.such.module'", "'${NO_SUCH_VARIABLE}/x.py'", "'import'")):
    case(
        f"update_config refuses what it can't load {number}",
        f"""
        try: app.update_config({given})
        except Exception as error: told = type(error).__name__
        else: told = "taken"
        @app.get("/")
        async def show(request): return text(told)
        """,
        get("/"),
    )
case(
    "a configuration file with an error",
    """
    top = folder({"conf.py": "A = 1\\nB = = 2\\n", "raises.py": "1 / 0"})
    told = []
    for name in ("conf.py", "raises.py"):
        try: app.update_config(top / name)
        except Exception as error: told.append(type(error).__name__)
    @app.get("/")
    async def show(request): return json(told)
    """,
    get("/"),
)
case(
    "attributes and items",
    """
    app.config.A = 1
    app.config["b"] = 2
    @app.get("/")
    async def show(request):
        config = app.config
        told = [config.A, config["A"], config.b, "A" in config, hasattr(config, "NOT"), config.get("NOT")]
        for ask in (lambda: config.NOT, lambda: config["NOT"]):
            try: ask()
            except Exception as error: told.append(type(error).__name__)
        return json(told)
    """,
    get("/"),
)
case(
    "a setting of the wrong kind",
    """
    told = []
    wrong = {"FALLBACK_ERROR_FORMAT": "yaml", "DEPRECATION_FILTER": "never", "LOCAL_CERT_CREATOR": "nobody"}
    for name, value in wrong.items():
        try: app.config[name] = value
        except Exception as error: told.append(name)
    @app.get("/")
    async def show(request): return json(told)
    """,
    get("/"),
)
case(
    "the configuration of a class",
    """
    from sanic.config import Config
    class Mine(Config):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.MINE = "mine"
        @property
        def DOUBLE(self): return self.MINE * 2
    app = Sanic("Parity", config=Mine())
    @app.get("/")
    async def show(request): return json([app.config.MINE, app.config.DOUBLE, type(app.config).__name__])
    """,
    get("/"),
)
case(
    "configuration and a prefix at once",
    """
    from sanic.config import Config
    try: Sanic("Other", config=Config(), env_prefix="X_")
    except Exception as error: told = type(error).__name__
    else: told = "taken"
    @app.get("/")
    async def show(request): return text(told)
    """,
    get("/"),
)
