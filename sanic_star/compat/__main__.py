"""`python -m sanic_star.compat script.py …`: run an unchanged Sanic program.

Arguments are those of `python` itself: a file or directory, `-m module` or `-c command`, then the arguments of the
program.
"""

from __future__ import annotations

import io
import os
import sys
from importlib.util import find_spec
from types import CodeType, ModuleType
from typing import Any, NoReturn

from sanic_star.compat._alias.alias import AliasError, install
from sanic_star.compat._alias.bootstrap import replace_main

USAGE = "usage: python -m sanic_star.compat {script.py | directory | -m module | -c command} [argument …]"


def fail(message: str) -> NoReturn:
    """Exit with a message and the status of a wrong command line."""
    print(message, file=sys.stderr)
    raise SystemExit(2)


def code_of_file(path: str) -> CodeType:
    """Return the code of a file."""
    try:
        with io.open_code(path) as file:
            return compile(file.read(), path, "exec", dont_inherit=True)
    except OSError as error:
        fail(f"Can't open {path!r}: {error.strerror}. {USAGE}")


def code_of_module(name: str) -> tuple[CodeType, Any]:
    """Return the code and spec of a module, or of a package's `__main__`."""
    try:
        spec = find_spec(name)
        if spec and spec.submodule_search_locations is not None:
            spec = find_spec(f"{name}.__main__")
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise
        spec = None
    loader: Any = spec and spec.loader
    code = loader and loader.get_code(spec and spec.name)
    if code is None:
        fail(f"There is no module {name!r} that can be run from here. {USAGE}")
    return code, spec


def run(code: CodeType, arguments: list[str], target_module: str, **attributes: Any) -> None:
    """Run a program's code as the main module of this process; spawned processes run `target_module`."""
    main = ModuleType("__main__")
    vars(main).update(__builtins__=__builtins__, **attributes)
    sys.modules["__main__"] = main
    sys.argv[:] = arguments
    replace_main(main, target_module)
    exec(code, vars(main))


def look_in(directory: str) -> None:
    """Put the program's directory on the module search path, as `python` does without `-P`."""
    if not sys.flags.safe_path:
        sys.path[0] = directory


def main(arguments: list[str]) -> None:
    """Run the program of the command line."""
    if arguments in (["-h"], ["--help"]):
        print(USAGE)
        return
    try:
        install()
    except AliasError as error:
        fail(str(error))
    match arguments:
        case []:
            fail(USAGE)
        case ["-m", name, *rest]:
            code, spec = code_of_module(name)
            # As with `python` itself, spawned processes don't import a `__main__` module, which would run the program
            # again.
            target_module = "" if spec.name.endswith("__main__") else f"module:{spec.name}"
            run(code, [spec.origin, *rest], target_module, __package__=spec.parent, __file__=spec.origin)
        case ["-c", command, *rest]:
            look_in("")
            run(compile(command, "<string>", "exec", dont_inherit=True), ["-c", *rest], "")
        case ["-m" | "-c" as option]:
            fail(f"{option} needs an argument. {USAGE}")
        case _ if arguments[0].startswith("-"):
            fail(f"There is no option {arguments[0]}. {USAGE}")
        case _:
            path = os.path.abspath(arguments[0])
            file = os.path.join(path, "__main__.py") if os.path.isdir(path) else path
            code = code_of_file(file)
            look_in(os.path.dirname(file))
            run(code, arguments, "" if file != path else f"path:{file}", __file__=file, __package__=None)


if __name__ == "__main__":
    main(sys.argv[1:])
