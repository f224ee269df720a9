"""The `sanic-star` command.

    sanic-star server:app --dev             serve an application
    sanic-star ./public --simple            serve a directory
    sanic-star routes server:app            show its routes
    sanic-star server:app exec name --x=1   run a command that the application defines
    sanic-star inspect scale 4              send a command to the inspector of a running application

An application written for Sanic runs unchanged: the alias is installed before the application is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from sanic_star.cli._arguments import normalise
from sanic_star.cli._exec import execute
from sanic_star.cli._inspect import inspect
from sanic_star.cli._loading import Unusable, load
from sanic_star.cli._routes import routes
from sanic_star.cli._serve import serve
from sanic_star.compat._alias.bootstrap import replace_main

__all__ = ["Unusable", "load", "main"]

PROGRAM = "sanic-star"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, and end the process.

    Args:
        arguments: the arguments of the command line, without the program; by default those of this process.

    Raises:
        SystemExit: with status 0 after each command except `inspect`; 1 if the command failed; 2 if the command line is
            invalid.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if arguments[:1] == ["help"]:
        arguments = ["--help"]
    if arguments == ["-v"]:
        arguments = ["--version"]
    if arguments[:1] == ["routes"]:
        routes.main(arguments[1:], f"{PROGRAM} routes")
    if arguments[:1] == ["inspect"]:
        inspect(arguments[1:], f"{PROGRAM} inspect")
        return
    if "exec" in arguments[1:]:
        execute(arguments, PROGRAM)
    # Processes that the application spawns also find the main module under the alias.
    replace_main(sys.modules.get("__main__"))
    try:
        arguments, extras = normalise(arguments, serve)
    except click.UsageError as error:
        error.show()
        sys.exit(error.exit_code)
    serve.main(arguments, PROGRAM, obj=extras)
