"""`sanic-star TARGET`: the flags of Sanic's command, and their arguments of `app.prepare`."""

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

# Of Sanic's own server and supervisor; each says what to do in its place.
LEFT_OUT = {
    ("--daemon", "-D"): "Run it under systemd, or another supervisor, which also keeps its log.",
    ("--pidfile",): "Run it under systemd, or another supervisor, which knows its process.",
    ("--logfile",): "Run it under systemd, or another supervisor, which keeps its log.",
    ("--user",): "Let the supervisor that starts it choose the user.",
    ("--group",): "Let the supervisor that starts it choose the group.",
}
ACTIONS = {
    "status": "ask the supervisor that runs it, such as `systemctl status`",
    "restart": "send SIGHUP to the process, or ask the supervisor that runs it",
    "stop": "send SIGTERM to the process, or ask the supervisor that runs it",
}
# In the place of a target.
VERBS = {"kill": "send SIGKILL to the process"}
# Where the name of a setting in `app.prepare` is another than that of the flag.
NAMES = {"single": "single_process", "path": "reload_dir", "access_logs": "access_log"}


def show_version(context: click.Context, parameter: click.Parameter, given: bool) -> None:
    """Say the versions, and end.

    Where `sanic` means this package, a script may read the line of Sanic's command.
    """
    if given:
        if is_installed():
            click.echo(f"Sanic {VERSIONS['sanic']}; Routing {VERSIONS['sanic-routing']}")
        else:
            click.echo(f"sanic-star {__version__}; API of Sanic {sanic_star.compat.__version__}")
        context.exit()


def refuse(reason: str, context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """End with the reason why there is no such flag."""
    if value:
        raise Unusable(f"There is no {parameter.opts[0]} here. {reason}")


def flags_left_out(command: click.Command) -> click.Command:
    """Add the flags of Sanic that do not exist here: each ends with the reason, and with what to do instead."""
    for names, reason in LEFT_OUT.items():
        takes_value = names[0] in {"--pidfile", "--logfile", "--user", "--group"}
        refusal = partial(refuse, reason)
        command.params.append(
            click.Option(names, is_flag=not takes_value, hidden=True, expose_value=False, callback=refusal)
        )
    return command


def pair(name: str, text: str) -> Callable[[Any], Any]:
    """Return an option that can be switched on and off, and is `None` where nothing is said."""
    return click.option(f"--{name}/--no-{name}", default=None, help=text)


@flags_left_out
@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=(
        "Other commands: `sanic-star routes TARGET` lists the routes, "
        "`sanic-star TARGET exec NAME` runs a command of the application, "
        "`sanic-star inspect` talks to the inspector of a running application."
    ),
)
@click.argument("target")
@click.argument("action", required=False, default="serve", metavar="")
@click.option("--pid", hidden=True, expose_value=False)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=show_version, help="Show the version."
)
@click.option("--factory", is_flag=True, help="TARGET is something to call that returns the application.")
@click.option("--simple", "-s", is_flag=True, help="TARGET is a directory: serve its files.")
@click.option("--host", "-H", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", "-p", type=click.IntRange(0, 65535), help="Port; 0 takes any free one.  [default: 8000]")
@click.option("--unix", "-u", help="Unix socket to listen on, instead of host and port.")
@click.option("--http", type=click.Choice(["1", "2", "3"]), help="Highest version of HTTP; 2 and 3 take hypercorn.")
@click.option("-1", "http", flag_value="1", help="The same as --http 1.")
@click.option("-3", "http", flag_value="3", help="The same as --http 3.")
@click.option("--server", type=click.Choice(list(BACKENDS)), help="The ASGI server.")
@click.option("--cert", type=click.Path(), help="File of the certificate; needs --key.")
@click.option("--key", type=click.Path(), help="File of the certificate's key; needs --cert.")
@click.option("--tls", type=click.Path(), multiple=True, help="Directory with fullchain.pem and privkey.pem.")
@click.option("--tls-strict-host", is_flag=True, help="Refuse clients that ask for a host of no certificate.")
@click.option("--auto-tls", is_flag=True, default=None, help="Make a certificate for local development.")
@click.option("--debug", is_flag=True, default=None, help="Debug mode: error pages explain the error.")
@click.option("--dev", "-d", is_flag=True, default=None, help="--debug and --reload.")
@click.option(
    "--reload", "--auto-reload", "-r", "auto_reload", is_flag=True, default=None, help="Restart when a file changes."
)
@click.option("--reload-dir", "-R", "path", multiple=True, help="Watch this directory too; may be repeated.")
@click.option("--workers", "-w", type=click.IntRange(1), help="Number of processes that serve.  [default: 1]")
@click.option("--fast", is_flag=True, default=None, help="Start as many processes as there are processors.")
@click.option("--single-process", "single", is_flag=True, default=None, help="Serve without a main process.")
@click.option("--repl", is_flag=True, help="Show a Python prompt beside the server.")
@pair("access-logs", "Log each request.")
@pair("noisy-exceptions", "Log quiet exceptions too.")
@pair("motd", "Log at the start where the application is served.")
@pair("coffee", "Show a cup of coffee at the start.")
@click.option("--verbosity", type=click.IntRange(0), help="Log more: 1 or 2.")
@click.option("-v", "louder", count=True, help="The same, once or twice.")
@click.pass_obj
def serve(extras: dict[str, str] | None, /, target: str, action: str, louder: int, **flags: Any) -> None:
    """Serve the application TARGET.

    TARGET is server:app, or server for the variable `app` of that module, or server:create_app for a function that
    returns the application, or a directory whose files are served. An application for Sanic runs unchanged.
    """
    instead = VERBS.get(target) or ACTIONS.get(action)
    if instead:
        raise Unusable(f"sanic-star has no daemon to control: {instead}.")
    if action != "serve":
        raise click.UsageError(f"{action!r} is nothing that can be done; write exec before the name of a command.")
    flags["verbosity"] = louder if flags["verbosity"] is None else flags["verbosity"]
    # A factory that takes an argument gets the arguments of the command line, under the names that they have in Sanic.
    arguments = Namespace(target=target, action=action, **flags, **(extras or {}))
    factory, simple = flags.pop("factory"), flags.pop("simple")
    again = partial(load_or_exit, target, factory, simple, bool(flags["debug"] or flags["dev"]), arguments)
    check_processes(flags)
    repl = flags.pop("repl")
    if repl:
        check_repl(flags)
        flags["single"] = True
    app = again()
    run = settings(**flags)
    try:
        app.prepare(**run)
    except (SanicException, OSError, RuntimeError, TypeError, ValueError) as error:
        raise Unusable(str(error)) from None
    if repl:
        show_prompt(app)
    if flags["single"]:
        app.serve_single(app)
    else:
        app.serve(app, factory=again)


def check_processes(flags: Mapping[str, Any]) -> None:
    """Refuse flags that each say how many processes there are.

    Raises:
        click.UsageError: there are two of them.
    """
    names = {"fast": "--fast", "workers": "--workers", "single": "--single-process"}
    given = [option for name, option in names.items() if flags[name]]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} do not go together: each says how many processes there are.")


def check_repl(flags: Mapping[str, Any]) -> None:
    """Refuse a prompt where nobody can write, or where it would be in another process than the server.

    Raises:
        Unusable: standard input is no terminal.
        click.UsageError: other flags ask for several processes.
    """
    if not sys.stdin.isatty():
        raise Unusable("--repl needs a terminal.")
    several = [name for name in ("fast", "auto_reload", "dev") if flags[name]]
    if (flags["workers"] or 1) > 1 or several:
        raise click.UsageError("--repl goes with one process: leave out --workers, --fast, --reload and --dev.")


def settings(
    http: str | None,
    cert: str | None,
    key: str | None,
    tls: tuple[str, ...],
    tls_strict_host: bool,
    verbosity: int,
    **flags: Any,
) -> dict[str, Any]:
    """Return the flags of the command line as arguments of `app.prepare`, without the flags that are missing there."""
    server = flags["server"]
    if server is not None and BACKENDS[server].only_http1 and http in {"2", "3"}:
        http_backend = default_backend(int(http)).name
        raise click.UsageError(f"{server} speaks HTTP/1.1; --http {http} goes with --server {http_backend}.")
    merged = {
        NAMES.get(name, name): list(value) if isinstance(value, tuple) else value for name, value in flags.items()
    }
    merged |= {
        "ssl": certificate(cert, key, tls, tls_strict_host),
        "version": http and int(http),
        "verbosity": verbosity or None,
    }
    return {name: value for name, value in merged.items() if value is not None and value != []}


def certificate(cert: str | None, key: str | None, directories: tuple[str, ...], strict: bool) -> Any:
    """Return what `app.prepare` takes as `ssl`; `None` where no certificate is named."""
    # With status 1, as in Sanic; other wrong command lines have 2.
    if bool(cert) != bool(key):
        raise Unusable("TLS certificates must be specified by --cert and --key together, or by --tls.")
    parts: list[Any] = [*([{"cert": cert, "key": key}] if cert else []), *directories]
    if strict:
        if not parts:
            raise Unusable("--tls-strict-host: TLS certificates must be specified, by --tls or by --cert and --key.")
        return [None, *parts]
    return parts[0] if len(parts) == 1 else parts or None
