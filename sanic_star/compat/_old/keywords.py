"""Old keywords and positional arguments."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Mapping, Sequence
from typing import Any

from sanic_star.compat._support.deprecation import deprecation

# The arguments of `run` up to 19.12 after host and port. `create_server` had all but two of them.
_RUN = (
    *("debug", "ssl", "sock", "workers", "protocol", "backlog"),
    *("stop_event", "register_sys_signals", "access_log"),
)
_CREATE_SERVER = tuple(name for name in _RUN if name not in ("workers", "register_sys_signals"))
_LOAD_ENV = "{}(load_env=…) was removed in Sanic 21.12: use env_prefix={!r} instead."


def of_application(old_options: Mapping[str, Any], env_prefix: str | None) -> tuple[str | None, bool]:
    """Handle keywords that were removed from `Sanic(…)`.

    Args:
        old_options: the keywords.
        env_prefix: the argument of that name.

    Returns:
        The prefix of environment variables, and whether the application is registered.

    Raises:
        TypeError: there never was a keyword of that name.
    """
    leftover = dict(old_options)
    if "load_env" in leftover:
        env_prefix = _prefix("Sanic", leftover.pop("load_env"), env_prefix)
    is_registered = True
    if "register" in leftover:
        is_registered = leftover.pop("register") is not False
        deprecation("Sanic(register=…) was removed in Sanic 22.3: call Sanic.unregister_app(app) instead.", 22.3)
    _refuse("Sanic", leftover)
    return env_prefix, is_registered


def of_config(old_options: Mapping[str, Any], env_prefix: str | None) -> str | None:
    """Handle keywords that were removed from `Config(…)`; return the prefix of environment variables.

    Args:
        old_options: the keywords.
        env_prefix: the argument of that name.

    Raises:
        TypeError: there never was a keyword of that name.
    """
    leftover = dict(old_options)
    if "load_env" in leftover:
        env_prefix = _prefix("Config", leftover.pop("load_env"), env_prefix)
    _refuse("Config", leftover)
    return env_prefix


def of_run(old_options: Sequence[Any], options: dict[str, Any]) -> AbstractEventLoop | None:
    """Handle arguments that were removed from `app.run`.

    Args:
        old_options: positional arguments after host and port.
        options: the keywords; old ones are removed, and positional arguments are added.

    Returns:
        The event loop to serve on, `None` for a new one.

    Raises:
        TypeError: there are too many arguments, or one is given twice.
    """
    _name("app.run", _RUN, old_options, options)
    _drop_stop_event("app.run", options)
    if "legacy" in options:
        del options["legacy"]
        deprecation("app.run(legacy=…) was removed in Sanic 23.3 and has no effect: leave it out.", 23.3)
    loop = options.get("loop")
    if not isinstance(loop, AbstractEventLoop):
        # `prepare` raises for anything but an event loop.
        return None
    del options["loop"]
    deprecation("app.run(loop=…) was removed in Sanic 18.12: await app.create_server(…) in that loop.", 18.12)
    if options.get("workers", 1) != 1 or options.get("auto_reload") or options.get("fast") or options.get("dev"):
        # As in these releases, workers have their own loops.
        return None
    return loop


def of_create_server(old_options: Sequence[Any], dropped: Mapping[str, Any]) -> dict[str, Any]:
    """Convert arguments that were removed from `app.create_server` to current keywords.

    Args:
        old_options: positional arguments after host and port.
        dropped: keywords that the current `create_server` does not have.

    Raises:
        TypeError: there are too many arguments, or a keyword never existed.
    """
    options = dict(dropped)
    _name("app.create_server", _CREATE_SERVER, old_options, options)
    _drop_stop_event("app.create_server", options)
    _refuse("create_server", {name: value for name, value in dropped.items() if name in options})
    return options


def _name(function: str, names: Sequence[str], old_options: Sequence[Any], options: dict[str, Any]) -> None:
    if not old_options:
        return
    if len(old_options) > len(names):
        raise TypeError(
            f"{function}() takes at most {len(names) + 2} arguments by position, got {len(old_options) + 2}"
        )
    for name, value in zip(names, old_options, strict=False):
        if name in options:
            raise TypeError(f"{function}() got multiple values for argument {name!r}")
        options[name] = value
    deprecation(
        f"{function}(…) takes only host and port by position since Sanic 20.6: pass {names[0]}=… as a keyword.", 20.6
    )


def _drop_stop_event(function: str, options: dict[str, Any]) -> None:
    if "stop_event" in options:
        del options["stop_event"]
        deprecation(f"{function}(stop_event=…) was removed in Sanic 20.12 and has no effect: leave it out.", 20.12)


def _prefix(owner: str, load_env: Any, env_prefix: str | None) -> str | None:
    prefix = load_env if isinstance(load_env, str) else env_prefix if load_env else None
    deprecation(_LOAD_ENV.format(owner, prefix or None), 21.12)
    return prefix or None


def _refuse(owner: str, leftover: Mapping[str, Any]) -> None:
    if leftover:
        function = owner if owner.islower() else f"{owner}.__init__"
        raise TypeError(f"{function}() got an unexpected keyword argument {next(iter(leftover))!r}")
