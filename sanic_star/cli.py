"""The `sanic-star` command: serve an application by its import string."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from typing import Any

import click

from sanic_star._version import __version__
from sanic_star.applications import Application


class Unusable(click.ClickException):
    """What was asked for can't be served; the message says why and how to mend it."""

    exit_code = 1


def load(target: str, factory: bool = False, debug: bool = False) -> Application:
    """Return the application that an import string names.

    Args:
        target: `module:name`, or `module` for an application called `app` in it.
        factory: whether the name is a function that makes the application.
        debug: whether to switch debug mode on.

    Raises:
        Unusable: there is no such module or name, or it is no application.
    """
    if "" not in sys.path:
        sys.path.insert(0, "")
    module_name, _, name = target.partition(":")
    try:
        found: Any = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise
        raise Unusable(f"There is no module {error.name!r} here; write module:app, as in server:app.") from None
    for part in (name or "app").split("."):
        if not hasattr(found, part):
            raise Unusable(f"{module_name!r} has no {part!r}; write module:app, with the name of your application.")
        found = getattr(found, part)
    if factory:
        found = found()
    if not isinstance(found, Application):
        hint = " If it makes one, add --factory." if callable(found) else ""
        raise Unusable(f"{target!r} is a {type(found).__name__}, no application of sanic_star.{hint}")
    if debug:
        found.debug = True
    return found


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", "-v", prog_name="sanic-star")
@click.argument("target")
@click.option("--host", "-H", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", "-p", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 for any.")
@click.option("--unix", "-u", default=None, help="Path of a socket to listen on, in place of host and port.")
@click.option("--workers", "-w", default=1, show_default=True, type=click.IntRange(1), help="Number of processes.")
@click.option("--fast", is_flag=True, help="As many processes as there are processors.")
@click.option("--dev", is_flag=True, help="Debug mode, and reload on changes.")
@click.option("--debug", is_flag=True, help="Explain errors to the client.")
@click.option("--reload", "-r", "auto_reload", is_flag=True, help="Restart when a source file changes.")
@click.option("--reload-dir", "-R", multiple=True, help="Watch this directory too; may be given several times.")
@click.option("--factory", is_flag=True, help="The name is a function that makes the application.")
@click.option("--access-logs/--no-access-logs", default=None, help="Log requests.")
@click.option("--single-process", is_flag=True, help="One process, whatever else is said.")
def main(target: str, factory: bool, dev: bool, debug: bool, auto_reload: bool, **options: Any) -> None:
    """Serve the application TARGET, such as server:app."""
    app: Any = load(target, factory, debug or dev)
    app.run(
        options["host"],
        options["port"],
        dev=dev,
        debug=debug,
        auto_reload=auto_reload or dev,
        workers=options["workers"],
        fast=options["fast"],
        unix=options["unix"],
        access_log=options["access_logs"],
        single_process=options["single_process"],
        reload_dir=list(options["reload_dir"]) or None,
        load=partial(load, target, factory, debug or dev),
    )


if __name__ == "__main__":
    main()
