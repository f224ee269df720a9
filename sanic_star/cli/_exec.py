"""`sanic-star TARGET exec NAME`: run a command that the application defines with `@app.command`.

As in Sanic, each parameter of the function is an option, whose value is text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from inspect import Parameter, getdoc, signature
from typing import Any

import click

from sanic_star.cli._loading import load_or_exit

NAMED_PARAMETER_KINDS = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
HELP = {"help_option_names": ["-h", "--help"]}


def execute(arguments: Sequence[str], program: str) -> None:
    """Run the command whose name follows `exec`, and end the process."""
    exec_position = arguments.index("exec", 1)
    before, after = list(arguments[:exec_position]), list(arguments[exec_position + 1 :])
    commands = click.Group("exec", callback=None, context_settings=HELP, help="Run a command of the application.")

    @click.command(context_settings={**HELP})
    @click.argument("target")
    @click.option("--factory", is_flag=True, help="TARGET is a callable that returns the application.")
    def choose(target: str, factory: bool) -> None:
        """Run a command of the application TARGET: sanic-star TARGET exec NAME."""
        app: Any = load_or_exit(target, factory)
        for command in getattr(app, "_future_commands", ()):
            commands.add_command(as_command(command.name, command.func))
        commands.main(after or ["--help"], f"{program} {target} exec")

    choose.main(before, program)


def as_command(name: str, function: Callable[..., Any]) -> click.Command:
    """Return a click command that runs a function."""
    parameters = [
        parameter for parameter in signature(function).parameters.values() if parameter.kind in NAMED_PARAMETER_KINDS
    ]
    options: list[click.Parameter] = [_option(parameter) for parameter in parameters]
    return click.Command(
        name,
        context_settings=HELP,
        params=options,
        callback=partial(_call, function, parameters),
        help=getdoc(function) or f"Execute {name}",
    )


def _option(parameter: Parameter) -> click.Option:
    flags = {f"--{parameter.name}", f"--{parameter.name.replace('_', '-')}"}
    annotation = "" if parameter.annotation is Parameter.empty else parameter.annotation
    return click.Option([*sorted(flags), parameter.name], help=getattr(annotation, "__name__", str(annotation)))


def _call(function: Callable[..., Coroutine[Any, Any, Any]], parameters: Sequence[Parameter], **options: Any) -> None:
    arguments = {}
    for parameter in parameters:
        default = None if parameter.default is Parameter.empty else parameter.default
        arguments[parameter.name] = default if options[parameter.name] is None else options[parameter.name]
    asyncio.run(function(**arguments))
