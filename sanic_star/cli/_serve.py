"""`sanic-star TARGET`: the flags of Sanic's command, and their arguments for `app.prepare`."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import click

import sanic_star.compat
from sanic_star import __version__
from sanic_star.cli._console import show_prompt
from sanic_star.cli._loading import Unusable, load_or_exit
from sanic_star.compat._alias.alias import VERSIONS, is_installed
from sanic_star.compat.exceptions import SanicException
from sanic_star.servers.backends import BACKENDS, default_backend

# Flags of Sanic that do not exist here, each with the alternative.
UNSUPPORTED_FLAGS = {
    ("--daemon", "-D"): "Run it under systemd, or another supervisor, which also keeps its log.",
    ("--pidfile",): "Run it under systemd, or another supervisor, which knows its process.",
    ("--logfile",): "Run it under systemd, or another supervisor, which keeps its log.",
    ("--user",): "Let the supervisor that starts it choose the user.",
    ("--group",): "Let the supervisor that starts it choose the group.",
}
# Actions of Sanic's daemon after the target, each with the alternative.
DAEMON_ACTIONS = {
    "status": "ask the supervisor that runs it, such as `systemctl status`",
    "restart": "send SIGHUP to the process, or ask the supervisor that runs it",
    "stop": "send SIGTERM to the process, or ask the supervisor that runs it",
}
# The same for a command that stands instead of the target.
DAEMON_COMMANDS = {"kill": "send SIGKILL to the process"}
# The argument of `app.prepare`, by flag, where the names differ.
PREPARE_ARGUMENTS = {"single": "single_process", "path": "reload_dir", "access_logs": "access_log"}


def show_version(context: click.Context, parameter: click.Parameter, is_set: bool) -> None:
    """Print the versions, and end the process.

    If the alias is installed, the line is that of Sanic's command, because scripts may parse it.
    """
    if is_set:
        if is_installed():
            click.echo(f"Sanic {VERSIONS['sanic']}; Routing {VERSIONS['sanic-routing']}")
        else:
            click.echo(f"sanic-star {__version__}; API of Sanic {sanic_star.compat.__version__}")
        context.exit()


def refuse(reason: str, context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Raise `Unusable` with the reason for which the flag does not exist."""
    if value:
        raise Unusable(f"There is no {parameter.opts[0]} here. {reason}")


def add_unsupported_flags(command: click.Command) -> click.Command:
    """Add the flags of Sanic that do not exist here: each raises `Unusable`, with the alternative."""
    for names, reason in UNSUPPORTED_FLAGS.items():
        takes_value = names[0] in {"--pidfile", "--logfile", "--user", "--group"}
        refusal = partial(refuse, reason)
        command.params.append(
            click.Option(names, is_flag=not takes_value, hidden=True, expose_value=False, callback=refusal)
        )
    return command


def on_off_option(name: str, text: str) -> Callable[[Any], Any]:
    """Return a pair of flags, `--name` and `--no-name`; the value is `None` without either."""
    return click.option(f"--{name}/--no-{name}", default=None, help=text)


@add_unsupported_flags
@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=(
        "Other commands: `sanic-star routes TARGET` lists the routes, "
        "`sanic-star TARGET exec NAME` runs a command of the application, "
        "`sanic-star inspect` controls a running application through its inspector."
    ),
)
@click.argument("target")
@click.argument("action", required=False, default="serve", metavar="")
@click.option("--pid", hidden=True, expose_value=False)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=show_version, help="Show the version."
)
@click.option("--factory", is_flag=True, help="TARGET is a callable that returns the application.")
@click.option("--simple", "-s", is_flag=True, help="TARGET is a directory: serve its files.")
@click.option("--host", "-H", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", "-p", type=click.IntRange(0, 65535), help="Port; 0 for any free port.  [default: 8000]")
@click.option("--unix", "-u", help="Unix socket to listen on, instead of host and port.")
@click.option("--http", type=click.Choice(["1", "2", "3"]), help="Highest version of HTTP; 2 and 3 use hypercorn.")
@click.option("-1", "http", flag_value="1", help="The same as --http 1.")
@click.option("-3", "http", flag_value="3", help="The same as --http 3.")
@click.option("--server", type=click.Choice(list(BACKENDS)), help="The ASGI server.")
@click.option("--cert", type=click.Path(), help="File of the certificate; requires --key.")
@click.option("--key", type=click.Path(), help="File of the certificate's key; requires --cert.")
@click.option("--tls", type=click.Path(), multiple=True, help="Directory with fullchain.pem and privkey.pem.")
@click.option("--tls-strict-host", is_flag=True, help="Refuse clients that request a host without a certificate.")
@click.option("--auto-tls", is_flag=True, default=None, help="Create a certificate for local development.")
@click.option("--debug", is_flag=True, default=None, help="Debug mode: error pages explain the error.")
@click.option("--dev", "-d", is_flag=True, default=None, help="--debug and --reload.")
@click.option(
    "--reload", "--auto-reload", "-r", "auto_reload", is_flag=True, default=None, help="Restart when a file changes."
)
@click.option("--reload-dir", "-R", "path", multiple=True, help="Watch this directory too; may be repeated.")
@click.option("--workers", "-w", type=click.IntRange(1), help="Number of processes that serve.  [default: 1]")
@click.option("--fast", is_flag=True, default=None, help="Start as many workers as there are processors.")
@click.option("--single-process", "single", is_flag=True, default=None, help="Serve without a main process.")
@click.option("--repl", is_flag=True, help="Show a Python prompt beside the server.")
@on_off_option("access-logs", "Log each request.")
@on_off_option("noisy-exceptions", "Log quiet exceptions too.")
@on_off_option("motd", "Log the address and other facts at the start.")
@on_off_option("coffee", "Show a cup of coffee at the start.")
@click.option("--verbosity", type=click.IntRange(0), help="Log more: 1 or 2.")
@click.option("-v", "louder", count=True, help="Log more: -v or -vv.")
@click.pass_obj
def serve(extras: dict[str, str] | None, /, target: str, action: str, louder: int, **flags: Any) -> None:
    """Serve the application TARGET.

    TARGET is server:app, or server for the variable `app` of that module, or server:create_app for a function that
    returns the application, or a directory whose files are served. An application for Sanic runs unchanged.
    """
    alternative = DAEMON_COMMANDS.get(target) or DAEMON_ACTIONS.get(action)
    if alternative:
        raise Unusable(f"sanic-star has no daemon to control: {alternative}.")
    if action != "serve":
        raise click.UsageError(f"Unknown action {action!r}. To run a command of the application, use exec.")
    flags["verbosity"] = louder if flags["verbosity"] is None else flags["verbosity"]
    # The argument for a factory that takes one: the command line, with the names that Sanic gives its parts.
    arguments = Namespace(target=target, action=action, **flags, **(extras or {}))
    factory, simple = flags.pop("factory"), flags.pop("simple")
    load_app = partial(load_or_exit, target, factory, simple, bool(flags["debug"] or flags["dev"]), arguments)
    check_processes(flags)
    repl = flags.pop("repl")
    if repl:
        check_repl(flags)
        flags["single"] = True
    app = load_app()
    arguments_of_prepare = prepare_arguments(**flags)
    try:
        app.prepare(**arguments_of_prepare)
    except (SanicException, OSError, RuntimeError, TypeError, ValueError) as error:
        raise Unusable(str(error)) from None
    if repl:
        show_prompt(app)
    if flags["single"]:
        app.serve_single(app)
    else:
        app.serve(app, factory=load_app)


def check_processes(flags: Mapping[str, Any]) -> None:
    """Refuse more than one flag that sets the number of processes.

    Raises:
        click.UsageError: there are several such flags.
    """
    names = {"fast": "--fast", "workers": "--workers", "single": "--single-process"}
    used_options = [option for name, option in names.items() if flags[name]]
    if len(used_options) > 1:
        raise click.UsageError(f"{' and '.join(used_options)} cannot be combined: each sets the number of processes.")


def check_repl(flags: Mapping[str, Any]) -> None:
    """Refuse a prompt without a terminal, or in another process than the server.

    Raises:
        Unusable: standard input is not a terminal.
        click.UsageError: other flags require several processes.
    """
    if not sys.stdin.isatty():
        raise Unusable("--repl requires a terminal.")
    multi_process_flags = [name for name in ("fast", "auto_reload", "dev") if flags[name]]
    if (flags["workers"] or 1) > 1 or multi_process_flags:
        raise click.UsageError("--repl requires a single process: leave out --workers, --fast, --reload and --dev.")


def prepare_arguments(
    http: str | None,
    cert: str | None,
    key: str | None,
    tls: tuple[str, ...],
    tls_strict_host: bool,
    verbosity: int,
    **flags: Any,
) -> dict[str, Any]:
    """Return the arguments of `app.prepare` for the given flags, without those that keep their defaults."""
    server = flags["server"]
    if server is not None and BACKENDS[server].only_http1 and http in {"2", "3"}:
        http_backend = default_backend(int(http)).name
        raise click.UsageError(f"{server} speaks only HTTP/1.1; for --http {http} use --server {http_backend}.")
    merged = {
        PREPARE_ARGUMENTS.get(name, name): list(value) if isinstance(value, tuple) else value
        for name, value in flags.items()
    }
    merged |= {
        "ssl": ssl_argument(cert, key, tls, tls_strict_host),
        "version": http and int(http),
        "verbosity": verbosity or None,
    }
    return {name: value for name, value in merged.items() if value is not None and value != []}


def ssl_argument(cert: str | None, key: str | None, directories: tuple[str, ...], strict: bool) -> Any:
    """Return the argument `ssl` of `app.prepare`; `None` without a certificate."""
    # The exit status is 1, as in Sanic; for other invalid command lines it is 2.
    if bool(cert) != bool(key):
        raise Unusable("TLS certificates must be specified by --cert and --key together, or by --tls.")
    parts: list[Any] = [*([{"cert": cert, "key": key}] if cert else []), *directories]
    if strict:
        if not parts:
            raise Unusable("--tls-strict-host: TLS certificates must be specified, by --tls or by --cert and --key.")
        return [None, *parts]
    return parts[0] if len(parts) == 1 else parts or None
