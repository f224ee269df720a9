"""The alias: `import sanic` means this package, so that an application runs before a line of it is changed.

`install()` puts a finder before all others. It answers for `sanic`, `sanic_testing` and `sanic_routing` with the
modules of this package themselves, never with copies: `sanic.app` and `sanic_star.compat.app` are one object, so that
a test may patch by either path, and classes have one identity. They keep their own names, in `repr` and in pickles
too: what was pickled here can be read where no alias is.

Modules of Sanic that are not carried over say at their import what takes their place. Modules are found by Python's own
means, never by their files: the alias works from an archive and in a frozen interpreter.

Processes that multiprocessing spawns import the user's main file first, before anything could be installed. Where a
command installs the alias, and not that file, they import `_alias.bootstrap` instead of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from inspect import currentframe
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from sanic_star.compat.__version__ import __version__
from sanic_star.compat._alias.left_out import explain, is_left_out

if TYPE_CHECKING:
    from importlib.metadata import Distribution

HERE = "sanic_star.compat"
# Whose place is taken, and by what; below `sanic` a public module's twin has the same name.
TWINS = {
    "sanic": HERE,
    "sanic.__main__": "sanic_star.__main__",
    "sanic.__version__": f"{HERE}.__version__",
    # Where the test clients were before there was `sanic_testing`.
    "sanic.testing": "sanic_star.testing.testing",
    # Modules of older releases.
    "sanic.reloader_helpers": f"{HERE}._old.reloader_helpers",
    "sanic.static": f"{HERE}._old.static",
    "sanic.tls": f"{HERE}._old.tls",
    "sanic.websocket": f"{HERE}._old.websocket",
    "sanic_routing": f"{HERE}._alias.sanic_routing",
    "sanic_routing.exceptions": f"{HERE}._routing.exceptions",
    "sanic_routing.route": f"{HERE}._alias.sanic_routing.route",
    "sanic_routing.group": f"{HERE}._routing.groups",
    "sanic_routing.patterns": f"{HERE}._alias.sanic_routing.patterns",
    "sanic_routing.router": f"{HERE}._alias.sanic_routing.router",
    "sanic_testing": "sanic_star.testing",
    "sanic_testing.manager": "sanic_star.testing.manager",
    "sanic_testing.reusable": "sanic_star.testing.reusable",
    "sanic_testing.testing": "sanic_star.testing.testing",
    "sanic_testing.websocket": "sanic_star.testing._sanic_testing.proxy",
}
PACKAGES = {"sanic", "sanic_routing", "sanic_testing"}
# Bound to this package if it was imported through the alias; the last one is `sanic_ext` by another name.
EXTENSIONS = ("sanic_ext", "sanic_star.ext")
# What a plugin is told that asks for the version of an installed package.
VERSIONS = {"sanic": __version__, "sanic-routing": "23.12.0", "sanic-testing": "24.6.0"}


class AliasError(RuntimeError):
    """The alias can't be installed, because Sanic itself was imported before it."""


def twin(name: str) -> ModuleSpec | None:
    """Return the spec of the module that stands for one of Sanic's; `None` where none does.

    >>> twin("sanic.response").name
    'sanic_star.compat.response'
    >>> twin("sanic.cli.app")
    """
    ours = TWINS.get(name)
    if ours is None:
        head, _, submodule = name.partition(".")
        if head != "sanic" or any(part.startswith("_") for part in submodule.split(".")):
            return None
        ours = f"{HERE}.{submodule}"
    try:
        return find_spec(ours)
    except ModuleNotFoundError:
        return None


def pass_on(module: ModuleType, own_name: str) -> None:
    """Let a module have the names too that Sanic's module of this name imports from others, as `sanic.app.Blueprint`.

    Args:
        module: the module.
        own_name: its name in this package.
    """
    own = module.__dict__.get("__getattr__")
    if own_name == HERE or not own_name.startswith(f"{HERE}.") or getattr(own, "passes_on", False):
        return

    def __getattr__(name: str) -> Any:
        # Next to no program asks for one.
        from sanic_star.compat._alias.passed_on import home_of

        home = home_of(own_name.removeprefix(f"{HERE}."), name)
        if home is not None:
            return getattr(import_module(home), name)
        if own is not None:
            return own(name)
        raise AttributeError(f"module {own_name!r} has no attribute {name!r}")

    __getattr__.passes_on = True  # type: ignore[attr-defined]
    module.__dict__["__getattr__"] = __getattr__


class _Loader:
    """Gives a module of ours for one of Sanic's.

    Of no base class, as the finder: `importlib.abc` would load what opens archives.
    """

    def __init__(self, own: ModuleSpec) -> None:
        self.own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(self.own.name)
        self.own = module.__spec__ or self.own
        return module

    def exec_module(self, module: ModuleType) -> None:
        # It has run under its own name. The import has just given it the alias's spec, and a reload needs its own.
        module.__spec__ = self.own
        pass_on(module, self.own.name)

    def get_code(self, name: str) -> CodeType | None:
        """Return the code of the module, for `python -m sanic`."""
        loader: Any = self.own.loader
        code: CodeType | None = loader.get_code(self.own.name)
        return code


def renamed(name: str, own: ModuleSpec) -> ModuleSpec:
    """Return the spec under which a module is found by another name.

    Args:
        name: the other name.
        own: the module's own spec.
    """
    loader: Any = _Loader(own)
    package = own.submodule_search_locations is not None
    return ModuleSpec(name, loader, origin=own.origin, is_package=package)


class _Finder:
    """Answers for Sanic's packages, and nothing else."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] in PACKAGES:
            own = twin(fullname)
            if own is None:
                real = _of_sanic_routing(fullname)
                if real is not None:
                    return real
                if _only_asked():
                    return None
                raise ModuleNotFoundError(explain(fullname), name=fullname)
            return renamed(fullname, own)
        # `from sanic import asgi` asks for it by the package's own name.
        asked = f"sanic{fullname.removeprefix(HERE)}"
        if fullname.startswith(f"{HERE}.") and TWINS.get(asked, "").startswith(f"{HERE}._old."):
            old = twin(asked)
            return None if old is None else renamed(fullname, old)
        if fullname.startswith(f"{HERE}.") and is_left_out(asked) and not self._others_find(fullname, path):
            raise ModuleNotFoundError(explain(asked), name=asked)
        return None

    def _others_find(self, fullname: str, path: Sequence[str] | None) -> bool:
        return any(finder.find_spec(fullname, path) for finder in sys.meta_path if finder is not self)

    def find_distributions(self, context: Any = None) -> Iterator[Distribution]:
        """Answer for the version of Sanic; a list of all that is installed is left as it is."""
        name = (getattr(context, "name", None) or "").lower().replace("_", "-")
        if name in VERSIONS:
            # Loads the parser of mails, which nothing else here needs.
            from sanic_star.compat._alias.distribution import Standing

            yield Standing(name, VERSIONS[name])


def _of_sanic_routing(name: str) -> ModuleSpec | None:
    """Return the spec of a module of the real `sanic_routing` that has no twin here; `None` where it is not installed.

    What such a module imports of its own package are the twins, where there are some.
    """
    package, _, submodule = name.partition(".")
    if package != "sanic_routing" or not submodule:
        return None
    installed = PathFinder.find_spec(package)
    if installed is None or installed.submodule_search_locations is None:
        return None
    if "." in submodule:
        return None
    return PathFinder.find_spec(name, list(installed.submodule_search_locations))


def _only_asked() -> bool:
    # `importlib.util.find_spec` is how a program asks whether a module exists: it gets None, where an import gets an
    # exception that says why. Between that function and this one there are frames of the import system. An interpreter
    # without frames answers False, and the program gets the exception.
    frame = currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith((__name__, "importlib._bootstrap")):
        frame = frame.f_back
    return frame is not None and frame.f_globals.get("__name__") == "importlib.util"


_finder = _Finder()


def install(too_late: str = "sanic_star.compat.install() comes too late") -> None:
    """Let `import sanic` mean this package, from here on and in this process.

    `sanic`, its public modules, `sanic_testing` and what applications use of `sanic_routing` are then modules of this
    package, whether or not the real ones are installed. A second call changes nothing.

    Args:
        too_late: what the exception says first.

    Raises:
        AliasError: Sanic itself was imported before.

    Examples:
        The first line of the file that the server imports:

            from sanic_star.compat import install; install()
    """
    if _finder in sys.meta_path:
        return
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in PACKAGES and module is not None:
            raise AliasError(
                f"{too_late}: {name} was imported before, from {getattr(module, '__file__', None)}. "
                "Install the alias before the first import of sanic."
            )
    for name in _aliases():
        del sys.modules[name]
    sys.meta_path.insert(0, _finder)
    # Imported as a module it would replace the text of the same name.
    sys.modules["sanic.__version__"] = import_module(f"{HERE}.__version__")


def uninstall() -> None:
    """Undo `install()`: an `import sanic` from here on is the real one's, or fails.

    Modules that have imported something already keep it.
    """
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
        extensions = [name for name in sys.modules if f"{name}.".startswith(tuple(f"{own}." for own in EXTENSIONS))]
        for name in (*_aliases(), *extensions):
            del sys.modules[name]


def _aliases() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] in PACKAGES]


def is_installed() -> bool:
    """Tell whether `import sanic` means this package."""
    return _finder in sys.meta_path
