"""`sanic-star inspect`: show and control the processes of a running application."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from sanic_star.compat.cli.inspector_client import InspectorClient

HELP = """Talk to the inspector of a running application that has INSPECTOR=True.

Without an ACTION it shows the state of each process. The actions are:

\b
    reload [--zero-downtime]   restart the workers, one after the other
    scale NUMBER               change the number of workers
    shutdown                   stop the application, and all its processes
    NAME [ARGUMENT …]          call a method of the application's own inspector

Your own method gets `--name=value` as a keyword argument, `--name` and `--no-name` as true and false, and
everything else as positional arguments.
"""


def inspect(arguments: Sequence[str], program: str) -> None:
    """Run the action that follows `inspect` on the command line.

    Args:
        arguments: the arguments after `inspect`.
        program: the name of the command, which its help shows.

    Raises:
        SystemExit: with status 1 if the inspector cannot be reached or refuses the action; with status 2 if the command
            line is invalid.
    """
    try:
        _command.main(list(arguments), program, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)


@click.command(help=HELP, context_settings={"ignore_unknown_options": True, "help_option_names": ["-h", "--help"]})
@click.option("--host", "-H", default="localhost", show_default=True, help="Address of the inspector.")
@click.option(
    "--port", "-p", type=click.IntRange(1, 65535), default=6457, show_default=True, help="Port of the inspector."
)
@click.option("--secure", "-s", is_flag=True, help="Use TLS.")
@click.option("--api-key", "-k", help="The application's INSPECTOR_API_KEY.")
@click.option("--raw", is_flag=True, help="Print JSON only.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[ACTION [ARGUMENT …]]")
def _command(host: str, port: int, secure: bool, api_key: str | None, raw: bool, words: tuple[str, ...]) -> None:
    action, *arguments = words or ("info",)
    if action.startswith("-"):
        raise click.NoSuchOption(action)
    InspectorClient(host, port, secure, raw, api_key).do(action, **arguments_of(action, arguments))


def arguments_of(action: str, words: Sequence[str]) -> dict[str, Any]:
    """Return the arguments of an action.

    Args:
        action: the name of the action.
        words: the arguments after the action on the command line.

    Raises:
        click.UsageError: the action does not take these arguments.

    >>> arguments_of("greet", ["Ada", "--lang=nl", "--loud", "--no-bell"])
    {'args': ['Ada'], 'lang': 'nl', 'loud': True, 'bell': False}
    """
    if action == "reload":
        if set(words) - {"--zero-downtime"}:
            raise click.UsageError("reload takes --zero-downtime and nothing else.")
        return {"zero_downtime": bool(words)}
    if action in ("shutdown", "info"):
        if words:
            raise click.UsageError(f"{action} takes no arguments.")
        return {}
    if action == "scale":
        if len(words) != 1 or not words[0].isdecimal():
            raise click.UsageError("scale takes the number of workers, as in `scale 4`.")
        return {"replicas": int(words[0])}
    return _custom_action_arguments(words)


def _custom_action_arguments(words: Sequence[str]) -> dict[str, Any]:
    positional: list[str] = []
    named: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or not name:
            positional.append(word)
        elif equals:
            named[name.replace("-", "_")] = value
        else:
            named[name.removeprefix("no-").replace("-", "_")] = not name.startswith("no-")
    return {**({"args": positional} if positional else {}), **named}
