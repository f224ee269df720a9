"""The spellings of Sanic's command line that click does not know.

- `-p=8000`: a short option with its value behind `=`.
- `--access-log`: an option's name, cut short where it stays unambiguous.
- `--factory --name=value` or `--name value`: an option of one's own, which the factory finds in its argument.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import click

SHORT_WITH_VALUE = re.compile(r"-[A-Za-z]=", re.ASCII)
LONG = re.compile(r"--[A-Za-z][\w-]*", re.ASCII)


def normalise(arguments: Sequence[str], command: click.Command) -> tuple[list[str], dict[str, str]]:
    """Return the arguments in click's spelling, and the options for the factory.

    Args:
        arguments: what follows the name of the command. Nothing is changed behind `exec` or `--`.
        command: knows its options.

    Raises:
        click.UsageError: an option for the factory has no value.

    >>> options = [click.Option(["--port", "-p"]), click.Option(["--factory"], is_flag=True)]
    >>> normalise(["app:make", "--po", "1", "--factory", "--name=shop"], click.Command("serve", params=options))
    (['app:make', '--port', '1', '--factory'], {'name': 'shop'})
    """
    names = [
        name for option in command.params for name in (*option.opts, *option.secondary_opts) if name.startswith("--")
    ]
    expanded = [*_expanded(arguments, [*names, "--help"])]
    if "--factory" not in expanded:
        return expanded, {}
    return _without_extras(expanded, {*names, "--help"})


def _expanded(arguments: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    """Split short options from their values, and complete the names of long ones."""
    for position, argument in enumerate(arguments):
        if argument in ("exec", "--"):
            yield from arguments[position:]
            return
        name, equals, value = argument.partition("=")
        if SHORT_WITH_VALUE.match(argument):
            yield from (name, value)
        elif LONG.fullmatch(name) and name not in names:
            complete = [option for option in names if option.startswith(name)]
            yield (complete[0] if len(complete) == 1 else name) + equals + value
        else:
            yield argument


def _without_extras(arguments: list[str], names: set[str]) -> tuple[list[str], dict[str, str]]:
    """Take the options out that the command does not have."""
    kept: list[str] = []
    extras: dict[str, str] = {}
    waiting = iter(arguments)
    for argument in waiting:
        name, equals, value = argument.partition("=")
        if argument in ("exec", "--"):
            return [*kept, argument, *waiting], extras
        if not LONG.fullmatch(name) or name in names:
            kept.append(argument)
            continue
        if not equals:
            value = next(waiting, "--")
            if value.startswith("-"):
                raise click.UsageError(f"{name} goes to the factory, and needs a value: {name}=VALUE.")
        extras[name.removeprefix("--").replace("-", "_")] = value
    return kept, extras
