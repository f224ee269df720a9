"""The alias: `import sanic` imports this package, so that an application runs without any change.

`install()` puts a finder before all others. For `sanic`, `sanic_testing` and `sanic_routing` it returns the modules of
this package themselves, not copies: `sanic.app` and `sanic_star.compat.app` are one object, so that tests can patch
either path, and classes have one identity. Modules keep their own names, also in `repr` and in pickles, so that pickles
can be read without the alias.

The import of a Sanic module that is not carried over raises an exception that says what to use instead. Modules are
found through Python's import system, not by their files, so the alias works from a zip archive and in a frozen
interpreter.

A process that multiprocessing spawns imports the user's main file before the alias could be installed. If a command,
and not that file, installs the alias, the process imports `_alias.bootstrap` instead.
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

PACKAGE = "sanic_star.compat"
# Replaced modules and their twins. The twin of any other public module of `sanic` has the same name.
TWINS = {
    "sanic": PACKAGE,
    "sanic.__main__": "sanic_star.__main__",
    "sanic.__version__": f"{PACKAGE}.__version__",
    # The test clients were here before `sanic_testing` existed.
    "sanic.testing": "sanic_star.testing.testing",
    # Modules of older releases.
    "sanic.reloader_helpers": f"{PACKAGE}._old.reloader_helpers",
    "sanic.static": f"{PACKAGE}._old.static",
    "sanic.tls": f"{PACKAGE}._old.tls",
    "sanic.websocket": f"{PACKAGE}._old.websocket",
    "sanic_routing": f"{PACKAGE}._alias.sanic_routing",
    "sanic_routing.exceptions": f"{PACKAGE}._routing.exceptions",
    "sanic_routing.route": f"{PACKAGE}._alias.sanic_routing.route",
    "sanic_routing.group": f"{PACKAGE}._routing.groups",
    "sanic_routing.patterns": f"{PACKAGE}._alias.sanic_routing.patterns",
    "sanic_routing.router": f"{PACKAGE}._alias.sanic_routing.router",
    "sanic_testing": "sanic_star.testing",
    "sanic_testing.manager": "sanic_star.testing.manager",
    "sanic_testing.reusable": "sanic_star.testing.reusable",
    "sanic_testing.testing": "sanic_star.testing.testing",
    "sanic_testing.websocket": "sanic_star.testing._sanic_testing.proxy",
}
PACKAGES = {"sanic", "sanic_routing", "sanic_testing"}
# Packages that are bound to this package if they were imported through the alias; the last one is a name of
# `sanic_ext`.
EXTENSIONS = ("sanic_ext", "sanic_star.ext")
# The versions that `importlib.metadata` returns for plugins that check them.
VERSIONS = {"sanic": __version__, "sanic-routing": "23.12.0", "sanic-testing": "24.6.0"}


class AliasError(RuntimeError):
    """The alias cannot be installed, because Sanic itself was already imported."""


def twin(name: str) -> ModuleSpec | None:
    """Return the spec of the twin of a Sanic module; `None` if it has none.

    >>> twin("sanic.response").name
    'sanic_star.compat.response'
    >>> twin("sanic.cli.app")
    """
    ours = TWINS.get(name)
    if ours is None:
        head, _, submodule = name.partition(".")
        if head != "sanic" or any(part.startswith("_") for part in submodule.split(".")):
            return None
        ours = f"{PACKAGE}.{submodule}"
    try:
        return find_spec(ours)
    except ModuleNotFoundError:
        return None


def pass_on(module: ModuleType, own_name: str) -> None:
    """Add the names that Sanic's module of this name imports from other modules, such as `sanic.app.Blueprint`.

    Args:
        module: the module.
        own_name: its name in this package.
    """
    own_getattr = module.__dict__.get("__getattr__")
    if not f"{own_name}.".startswith(f"{PACKAGE}.") or getattr(own_getattr, "passes_on", False):
        return

    def __getattr__(name: str) -> Any:
        # Imported late: few programs use such a name.
        from sanic_star.compat._alias.passed_on import home_of

        # Without the alias, the home would be a module of Sanic itself.
        home = home_of(own_name.removeprefix(f"{PACKAGE}."), name) if is_installed() else None
        if home is not None:
            return getattr(import_module(home), name)
        if own_getattr is not None:
            value = own_getattr(name)
            if isinstance(value, ModuleType):
                # A module that was imported now: `sanic.worker.manager.error_logger`.
                pass_on(value, value.__name__)
            return value
        raise AttributeError(f"module {own_name!r} has no attribute {name!r}")

    __getattr__.passes_on = True  # type: ignore[attr-defined]
    module.__dict__["__getattr__"] = __getattr__


class _Loader:
    """Loads a module of this package for a module of Sanic.

    It has no base class, like the finder, because `importlib.abc` imports the modules that read archives.
    """

    def __init__(self, own_spec: ModuleSpec) -> None:
        self.own_spec = own_spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(self.own_spec.name)
        self.own_spec = module.__spec__ or self.own_spec
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The module was executed under its own name. The import has set the alias's spec, but a reload needs its own.
        module.__spec__ = self.own_spec
        pass_on(module, self.own_spec.name)
        if self.own_spec.name == PACKAGE:
            # Programs write `sanic.app.BadRequest` after nothing but `import sanic`.
            for name in [name for name in sys.modules if name.startswith(f"{PACKAGE}.") and "._" not in name]:
                if sys.modules[name] is not None:
                    pass_on(sys.modules[name], name)

    def get_code(self, name: str) -> CodeType | None:
        """Return the code of the module, for `python -m sanic`."""
        loader: Any = self.own_spec.loader
        code: CodeType | None = loader.get_code(self.own_spec.name)
        return code


def renamed(name: str, own_spec: ModuleSpec) -> ModuleSpec:
    """Return a spec that loads a module under another name.

    Args:
        name: the other name.
        own_spec: the module's own spec.
    """
    loader: Any = _Loader(own_spec)
    package = own_spec.submodule_search_locations is not None
    return ModuleSpec(name, loader, origin=own_spec.origin, is_package=package)


class _Finder:
    """Finds the modules of Sanic's packages, and no others."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] in PACKAGES:
            own_spec = twin(fullname)
            if own_spec is None:
                sanic_routing_spec = _spec_in_sanic_routing(fullname)
                if sanic_routing_spec is not None:
                    return sanic_routing_spec
                if _is_find_spec_call():
                    return None
                raise ModuleNotFoundError(explain(fullname), name=fullname)
            return renamed(fullname, own_spec)
        # `from sanic import asgi` looks it up under the package's own name.
        sanic_name = f"sanic{fullname.removeprefix(PACKAGE)}"
        if fullname.startswith(f"{PACKAGE}.") and TWINS.get(sanic_name, "").startswith(f"{PACKAGE}._old."):
            # Programs ask `hasattr(sanic, "static")` to find out which release of Sanic this is.
            twin_spec = None if _is_find_spec_call() else twin(sanic_name)
            return None if twin_spec is None else renamed(fullname, twin_spec)
        if (
            fullname.startswith(f"{PACKAGE}.")
            and is_left_out(sanic_name)
            and not self._exists_elsewhere(fullname, path)
        ):
            raise ModuleNotFoundError(explain(sanic_name), name=sanic_name)
        return None

    def _exists_elsewhere(self, fullname: str, path: Sequence[str] | None) -> bool:
        return any(finder.find_spec(fullname, path) for finder in sys.meta_path if finder is not self)

    def find_distributions(self, context: Any = None) -> Iterator[Distribution]:
        """Return the distribution of a replaced package; a list of all installed packages does not contain it."""
        name = (getattr(context, "name", None) or "").lower().replace("_", "-")
        if name in VERSIONS:
            # Imported late: it needs the email parser.
            from sanic_star.compat._alias.distribution import StandInDistribution

            yield StandInDistribution(name, VERSIONS[name])


def _spec_in_sanic_routing(name: str) -> ModuleSpec | None:
    """Return the spec of a module of the real `sanic_routing` without a twin here; `None` if it is not installed.

    Such a module imports the twins of other modules of its package.
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


def _is_find_spec_call() -> bool:
    # A program that checks with `importlib.util.find_spec` whether a module exists gets `None`; an import gets an
    # exception that says why. Between that function and this one there are frames of the import system. Without frames,
    # the result is `False`, and the program gets the exception.
    frame = currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith((__name__, "importlib._bootstrap")):
        frame = frame.f_back
    return frame is not None and frame.f_globals.get("__name__") == "importlib.util"


_finder = _Finder()


def install(too_late: str = "sanic_star.compat.install() comes too late") -> None:
    """Make `import sanic` import this package, from now on and in this process.

    `sanic`, its public modules, `sanic_testing` and the parts of `sanic_routing` that applications use are then modules
    of this package, whether or not the real ones are installed. A second call does nothing.

    Args:
        too_late: the beginning of the exception's message.

    Raises:
        AliasError: Sanic itself was already imported.

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
    # Set here, because the import of the module would replace the string of the same name.
    sys.modules["sanic.__version__"] = import_module(f"{PACKAGE}.__version__")


def uninstall() -> None:
    """Undo `install()`: from now on `import sanic` imports the real package, or fails.

    Modules keep what they have already imported.
    """
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
        extensions = [
            name for name in sys.modules if f"{name}.".startswith(tuple(f"{extension}." for extension in EXTENSIONS))
        ]
        for name in (*_aliases(), *extensions):
            del sys.modules[name]


def _aliases() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] in PACKAGES]


def is_installed() -> bool:
    """Return whether the alias is installed."""
    return _finder in sys.meta_path
