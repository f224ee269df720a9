"""When Sanic Extensions extend an application, and how their import goes; with a package in their place.

Each script runs in a process of its own, because the alias is installed for a whole process. What the real package
does here is shown in `tests/ecosystem`.
"""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.project import ROOT

# A stand-in for `sanic_ext`, with the parts that an application uses.
STANDING = """
import sanic
from sanic import Sanic, text

class Extend:
    def __init__(self, app, **options):
        assert type(app).__module__ == "sanic_star.compat.app"
        assert isinstance(app, Sanic)
        app._ext = self
        self.options = options
        app.ctx.extended = getattr(app.ctx, "extended", 0) + 1
        app.get("/ext", name="ext")(lambda request: text("extended"))

    def _display(self):
        print("displayed")

Config = CountedRequest = Extension = cors = openapi = render = serializer = validate = object()
__version__ = "25.12.0"
"""
BROKEN = "import no_such_dependency"
HEAD = """
    import sys
    from sanic_star import Sanic, text
    from sanic_star.testing import TestClient

    def answer(app, path="/ext"):
        with TestClient(app) as client:
            return client.get(path).status_code
"""


def run(folder: Path, source: str, package: str | None = STANDING, **env: str) -> str:
    """Run a script with a package in the place of Sanic Extensions; return what it prints, its log included."""
    if package is None:
        # Simulates an environment without the package, which is installed in this one.
        source = f"import sys; sys.modules['sanic_ext'] = None\n{textwrap.dedent(source)}"
    else:
        (folder / "sanic_ext").mkdir(exist_ok=True)
        (folder / "sanic_ext" / "__init__.py").write_text(package)
        (folder / "sanic_ext" / "part.py").write_text("class Part: ...")
    script = folder / "script.py"
    script.write_text(textwrap.dedent(source))
    done = subprocess.run(
        (sys.executable, str(script)),
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "SANIC_AUTO_EXTEND"}
        | {"PYTHONPATH": os.pathsep.join((str(folder), str(ROOT)))}
        | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def test_an_application_is_extended_at_its_start_and_once(tmp_path: Path) -> None:
    source = """
        app = Sanic("Shop")
        assert not hasattr(app, "_ext")
        print(answer(app), answer(app), app.ctx.extended, type(app.ext).__name__)
    """
    assert run(tmp_path, textwrap.dedent(HEAD) + textwrap.dedent(source)).splitlines() == [
        "displayed",
        "displayed",
        "200 200 1 Extend",
    ]


def test_the_listener_of_the_main_process_finds_it_extended(tmp_path: Path) -> None:
    source = """
        app = Sanic("Shop")
        @app.main_process_start
        def start(app):
            print("main", hasattr(app, "_ext"))
        @app.before_server_start
        async def before(app):
            print("server", hasattr(app, "_ext"))
            app.stop()
        if __name__ == "__main__":
            app.run(port=0, motd=False)
    """
    lines = run(tmp_path, textwrap.dedent(HEAD) + textwrap.dedent(source)).splitlines()
    assert [line for line in lines if line.startswith(("main", "server", "disp"))] == [
        "main True",
        "displayed",
        "server True",
    ]


@pytest.mark.parametrize("setting", ["config", "environment", "argument"])
def test_auto_extend_may_be_off(tmp_path: Path, setting: str) -> None:
    source = """
        import os
        from sanic_star import Config
        if os.environ["WAY"] == "argument":
            app = Sanic("Shop", config=Config({"AUTO_EXTEND": False}))
        else:
            app = Sanic("Shop")
        if os.environ["WAY"] == "config":
            app.config.AUTO_EXTEND = False
        print(answer(app), hasattr(app, "_ext"), "sanic_ext" in sys.modules, "sanic" in sys.modules)
        for attempt in (lambda: app.ext, lambda: app.extend()):
            try:
                attempt()
            except RuntimeError as error:
                print(error)
    """
    env = {"WAY": setting} | ({"SANIC_AUTO_EXTEND": "false"} if setting == "environment" else {})
    assert run(tmp_path, textwrap.dedent(HEAD) + textwrap.dedent(source), **env).splitlines() == [
        "404 False False False",
        *["Sanic Extensions are switched off by the setting AUTO_EXTEND"] * 2,
    ]


def test_extend_takes_what_sanics_takes(tmp_path: Path) -> None:
    source = """
        app = Sanic("Shop")
        print(app.extend(built_in_extensions=False, config={"oas": False}, cors=False) is app.ext, app.ext.options)
        for attempt in (lambda: app.extend(), lambda: app.extend(1)):
            try:
                attempt()
            except (RuntimeError, TypeError) as error:
                print(type(error).__name__)
        from sanic_star.compat.application.ext import setup_ext
        print(setup_ext(app))
    """
    options = {"extensions": None, "built_in_extensions": False, "config": {"oas": False}, "cors": False}
    assert run(tmp_path, textwrap.dedent(HEAD) + textwrap.dedent(source)).splitlines() == [
        f"True {options}",
        "RuntimeError",
        "TypeError",
        "None",
    ]


def test_a_package_that_is_not_installed(tmp_path: Path) -> None:
    source = """
        app = Sanic("Shop")
        print(answer(app), "sanic" in sys.modules)
        for attempt in (lambda: app.ext, lambda: app.extend(), lambda: __import__("sanic_star.ext")):
            try:
                attempt()
            except (RuntimeError, ModuleNotFoundError) as error:
                print(type(error).__name__, error)
    """
    lines = run(tmp_path, textwrap.dedent(HEAD) + textwrap.dedent(source), None).splitlines()
    assert lines[0] == "404 False"
    assert [line.partition(" ")[0] for line in lines[1:]] == ["CannotExtend"] * 2 + ["ModuleNotFoundError"]
    assert all("pip install sanic-ext" in line for line in lines[1:])


@pytest.mark.parametrize(
    "broken", [BROKEN, "from sanic import no_such_name as x", "import sanic.no_such_module", "from . import no_such"]
)
def test_an_import_error_inside_the_package_is_distinguished(tmp_path: Path, broken: str) -> None:
    source = """
        app = Sanic("Shop")
        for attempt in (lambda: app.ext, lambda: answer(app), lambda: __import__("sanic_star.ext")):
            try:
                attempt()
            except (RuntimeError, ImportError) as error:
                print("RuntimeError" if isinstance(error, RuntimeError) else "", str(error).splitlines()[0])
    """
    lines = run(tmp_path, textwrap.dedent(HEAD) + textwrap.dedent(source), broken).splitlines()
    for line in lines[:2]:
        assert line.startswith("RuntimeError Sanic Extensions are installed, but their import fails: ")
        assert "no_such" in line
        assert "AUTO_EXTEND=False" in line
    assert "no_such" in lines[2]
    assert "RuntimeError" not in lines[2]


def test_an_import_that_fails_ends_the_run_with_one_line(tmp_path: Path) -> None:
    source = """
        app = Sanic("Shop")
        if __name__ == "__main__":
            try:
                app.run(port=0, motd=False)
            except SystemExit as end:
                print("status", end.code)
    """
    lines = run(tmp_path, textwrap.dedent(HEAD) + textwrap.dedent(source), BROKEN).splitlines()
    assert lines[-1] == "status 1"
    assert sum("import fails: No module named 'no_such_dependency'" in line for line in lines) == 1
    assert not any(line.startswith("Traceback") for line in lines)


def test_next_to_sanic_the_log_warns_and_the_application_runs(tmp_path: Path) -> None:
    source = """
        import sanic
        app = Sanic("Shop")
        print(answer(app), hasattr(app, "_ext"))
        for attempt in (lambda: app.ext, lambda: app.extend(), lambda: __import__("sanic_star.ext")):
            try:
                attempt()
            except RuntimeError as error:
                print(type(error).__name__, error)
    """
    lines = run(tmp_path, textwrap.dedent(HEAD) + textwrap.dedent(source)).splitlines()
    assert sum("The application is served without Sanic Extensions" in line for line in lines) == 1
    assert "was imported before, from" in "".join(lines)
    assert "404 False" in lines
    errors = [line for line in lines if line.startswith("AliasError")]
    assert len(errors) == 3
    assert "sanic_star.ext needs `import sanic` to mean sanic_star, and comes too late: sanic" in errors[2]


def test_the_package_by_the_name_of_this_one(tmp_path: Path) -> None:
    source = """
        from sanic_star.ext import Extend, validate
        from sanic_star.ext.part import Part
        import sanic_star.ext, sanic_ext, sanic_ext.part, sanic
        print(sanic_star.ext.Extend is sanic_ext.Extend, Part is sanic_ext.part.Part, sanic.Sanic is Sanic)
        print(sanic_star.ext.STANDING if hasattr(sanic_star.ext, "STANDING") else sanic_star.ext.sanic is sanic)
        app = Sanic("Shop")
        print(answer(app), sanic_star.ext.__version__)
        for name in ("nosuch", "part.nosuch"):
            try:
                __import__(f"sanic_star.ext.{name}")
            except ModuleNotFoundError as error:
                print(error.name)
    """
    assert run(tmp_path, textwrap.dedent(HEAD) + textwrap.dedent(source)).splitlines() == [
        "True True True",
        "True",
        "displayed",
        "200 25.12.0",
        "sanic_star.ext.nosuch",
        "sanic_star.ext.part.nosuch",
    ]


def test_the_alias_works_with_the_package(tmp_path: Path) -> None:
    source = """
        from sanic_star.ext import Extend
        import sanic_star.ext.part
        from sanic_star.compat import install, uninstall
        uninstall()
        print(sorted(name for name in sys.modules if name.startswith(("sanic_ext", "sanic_star.ext", "sanic."))))
        install()
        import sanic_ext, sanic_star.ext
        print(sanic_ext.Extend is not Extend, sanic_star.ext.Extend is sanic_ext.Extend)
    """
    assert run(tmp_path, textwrap.dedent(HEAD) + textwrap.dedent(source)).splitlines() == ["[]", "True True"]


def test_the_alias_is_not_a_setting(tmp_path: Path) -> None:
    source = """
        from sanic import Sanic
        from sanic.config import DEFAULT_CONFIG
        print({*Sanic("Shop").config} - {*DEFAULT_CONFIG})
    """
    script = tmp_path / "main.py"
    script.write_text(textwrap.dedent(source))
    done = subprocess.run(
        (sys.executable, "-m", "sanic_star.compat", str(script)),
        env={name: value for name, value in os.environ.items() if not name.startswith("SANIC_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "set()\n", done.stderr


def test_something_in_its_place_in_a_test(tmp_path: Path) -> None:
    source = """
        from types import ModuleType
        fake = sys.modules["sanic_ext"] = ModuleType("sanic_ext")
        del fake.__spec__
        fake.Extend = lambda app, **options: setattr(app, "_ext", "fake") or "fake"
        print(Sanic("Shop").ext)
    """
    assert run(tmp_path, textwrap.dedent(HEAD) + textwrap.dedent(source)) == "fake\n"


# The real package's work on routes: at the start it adds a route for HEAD to each route for GET.
WITH_ROUTES = (
    STANDING.replace(
        """        self.options = options
""",
        """        self.options = options

        @app.before_server_start(priority=-1000)
        def add_head(app):
            print("routes", sorted(route.name for route in app.router.routes if route.ctx and route.handler))
            app.router.reset()
            for route in [route for group in app.router.groups.values() for route in group]:
                head = partial(self.head, get_handler=route.handler)
                app.add_route(head, group_uri(route), methods=["HEAD"], name=f"{route.name}_head")
            app.finalize()
""",
    ).replace(
        "import sanic\n",
        """import sanic
from functools import partial

def group_uri(route):
    return route.uri
""",
    )
    + """
async def head(self, request, get_handler, *args, **kwargs):
    return get_handler(request, *args, **kwargs)

Extend.head = head
"""
)


@pytest.mark.parametrize("call", ["app.extend()", "sanic_ext.Extend(app)", "None"])
def test_the_environment_of_listeners_does_not_depend_on_the_call(tmp_path: Path, call: str) -> None:
    source = f"""
        import sanic_star.ext, sanic_ext
        from starlette.responses import PlainTextResponse
        from starlette.routing import Mount, Route

        async def theirs(request): return PlainTextResponse("theirs")

        app = Sanic("Shop")
        {call}

        @app.before_server_start
        def add(app):
            app.router.routes.extend([Route("/theirs", theirs), Mount("/mount", routes=[])])

        @app.websocket("/live/<room>")
        async def live(request, ws, room): ...

        with TestClient(app) as client:
            for method, path in (("HEAD", "/live/a"), ("GET", "/live/a"), ("HEAD", "/ext"), ("HEAD", "/theirs")):
                print(method, path, client.request(method, path).status_code)
    """
    lines = run(tmp_path, textwrap.dedent(HEAD) + textwrap.dedent(source), WITH_ROUTES).splitlines()
    shown = [line for line in lines if line != "displayed"]
    assert shown[0] == "routes ['', 'Shop.ext', 'Shop.live', 'theirs']"
    assert shown[1:5] == ["HEAD /live/a 426", "GET /live/a 426", "HEAD /ext 200", "HEAD /theirs 200"]


def test_a_list_that_cannot_be_shown_does_not_end_the_start(tmp_path: Path) -> None:
    broken = STANDING.replace('print("displayed")', 'raise LookupError("no label")')
    lines = run(tmp_path, textwrap.dedent(HEAD) + "print(answer(Sanic('Shop')))", broken).splitlines()
    assert lines[-1] == "200"
    assert sum("their list cannot be shown: no label" in line for line in lines) == 1
