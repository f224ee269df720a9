"""Spellings of Sanic's command line that click does not support.

- `-p=8000`: a short option with its value after `=`.
- `--access-log`: an abbreviated long option, if the abbreviation is unambiguous.
- `--factory --name=value` or `--factory --name value`: an option that the application defines; its factory gets it.
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
        arguments: the arguments of the command line. Arguments after `exec` or `--` stay unchanged.
        command: the click command, whose options are known.

    Raises:
        click.UsageError: an option for the factory has no value.

    >>> options = [click.Option(["--port", "-p"]), click.Option(["--factory"], is_flag=True)]
    >>> normalise(["app:make", "--po", "1", "--factory", "--name=shop"], click.Command("serve", params=options))
    (['app:make', '--port', '1', '--factory'], {'name': 'shop'})
    """
    names = [
        name for option in command.params for name in (*option.opts, *option.secondary_opts) if name.startswith("--")
    ]
    expanded = [*_expand(arguments, [*names, "--help"])]
    if "--factory" not in expanded:
        return expanded, {}
    return _split_extras(expanded, {*names, "--help"})


def _expand(arguments: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    """Separate short options from their values, and complete abbreviated long options."""
    for position, argument in enumerate(arguments):
        if argument in ("exec", "--"):
            yield from arguments[position:]
            return
        name, equals, value = argument.partition("=")
        if SHORT_WITH_VALUE.match(argument):
            yield from (name, value)
        elif LONG.fullmatch(name) and name not in names:
            matches = [option for option in names if option.startswith(name)]
            yield (matches[0] if len(matches) == 1 else name) + equals + value
        else:
            yield argument


def _split_extras(arguments: list[str], names: set[str]) -> tuple[list[str], dict[str, str]]:
    """Separate the options that the command does not have from the other arguments."""
    kept: list[str] = []
    extras: dict[str, str] = {}
    remaining = iter(arguments)
    for argument in remaining:
        name, equals, value = argument.partition("=")
        if argument in ("exec", "--"):
            return [*kept, argument, *remaining], extras
        if not LONG.fullmatch(name) or name in names:
            kept.append(argument)
            continue
        if not equals:
            value = next(remaining, "--")
            if value.startswith("-"):
                raise click.UsageError(f"{name} is an option for the factory and needs a value: {name}=VALUE.")
        extras[name.removeprefix("--").replace("-", "_")] = value
    return kept, extras
