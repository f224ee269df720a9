"""A PostgreSQL for the benchmark: a cluster in a temporary folder, reachable only by a socket in that folder.

PostgreSQL refuses to run as root, so root starts it as an unprivileged user.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_PROGRAMS = ("initdb", "postgres", "pg_isready")
# The folders of Debian, Fedora and Homebrew, which are not on the PATH.
_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
# Not written to disk: the disk is not measured, and the data is deleted afterwards.
_OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=", "max_connections=250")


def programs() -> Path | None:
    """Return the folder of the newest programs, or None if they are not installed."""
    on_path = [Path(program).resolve().parent for program in map(shutil.which, _PROGRAMS) if program]
    installed = [folder for place in _PLACES for folder in Path("/").glob(place[1:])]
    complete = [folder for folder in (*on_path, *installed) if all((folder / name).exists() for name in _PROGRAMS)]
    return max(complete, key=lambda folder: [int(part) for part in folder.parts if part.isdigit()], default=None)


def version() -> str:
    """Return the version of the server that would be started."""
    if not (folder := programs()):
        return "not installed"
    words = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, text=True, check=False
    ).stdout.split()
    return words[2] if len(words) > 2 else "unknown"


@contextmanager
def cluster(folder: Path, core: int | None = None) -> Iterator[str]:
    """Run a server whose programs are in `folder`, on `core`; yield the address of its database `postgres`.

    Raises RuntimeError with the program's message if the server does not start.
    """
    user = _unprivileged() if os.geteuid() == 0 else None
    as_user: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": ()} if user else {}
    with tempfile.TemporaryDirectory(prefix="pg-") as home:
        if user:
            os.chown(home, user.pw_uid, user.pw_gid)
        data = str(Path(home, "data"))
        made = subprocess.run(
            [folder / "initdb", "-D", data, "-U", "bench", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"],
            capture_output=True,
            text=True,
            check=False,
            cwd=home,
            **as_user,
        )
        if made.returncode:
            raise RuntimeError(f"initdb: {made.stderr.strip()}")
        pin = [] if core is None else ["taskset", "-c", str(core)]
        options = [part for option in (*_OPTIONS, f"unix_socket_directories={home}") for part in ("-c", option)]
        with (
            open(Path(home, "log"), "w+b") as log,
            subprocess.Popen(
                [*pin, folder / "postgres", "-D", data, *options], stdout=log, stderr=log, cwd=home, **as_user
            ) as server,
        ):
            try:
                _await_ready(folder, home, server)
                yield f"postgresql://bench@/postgres?host={home}"
            finally:
                server.send_signal(signal.SIGINT)  # a fast stop: SIGTERM waits for the clients
                try:
                    server.wait(10)
                except subprocess.TimeoutExpired:
                    server.kill()


def _unprivileged() -> Any:
    import pwd  # Windows has no `pwd`, but runs the other parts

    users = {user.pw_name: user for user in pwd.getpwall()}
    return users.get("postgres") or users["nobody"]


def _await_ready(folder: Path, home: str, server: "subprocess.Popen[bytes]", seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while subprocess.run([folder / "pg_isready", "-q", "-h", home], check=False).returncode:
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"postgres: {Path(home, 'log').read_text(errors='replace').strip()}")
        time.sleep(0.1)
