"""What other systems lack is not needed where the package is imported, nor where one process serves.

Modules and names that only POSIX has are hidden; that shows the imports, and no more.
"""

import subprocess
import sys

from tests.project import ROOT

SCRIPT = """
import asyncio, importlib, os, pkgutil, signal, socket, sys, threading

for name in ("fcntl", "grp", "pwd", "pty", "resource", "spwd", "syslog", "termios", "tty", "uvloop"):
    sys.modules[name] = None
AF_UNIX = socket.AF_UNIX
for module, names in (
    (signal, ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGKILL", "SIGQUIT", "SIGCHLD", "SIGALRM", "pthread_sigmask")),
    (socket, ("AF_UNIX", "SO_REUSEPORT")),
    (os, ("fork", "forkpty", "getuid", "geteuid", "killpg", "getpgid", "setsid", "sched_getaffinity", "chown")),
):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)

import sanic_star
for found in pkgutil.walk_packages(sanic_star.__path__, "sanic_star."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)

socket.AF_UNIX = AF_UNIX  # this system's own event loop talks to itself through it

import requests
from sanic_star import Sanic, text

app = Sanic("Elsewhere")

@app.get("/")
async def hello(request):
    return text("hello")

@app.after_server_start
async def visit(app):
    def get():
        print(requests.get(f"http://127.0.0.1:{port}/", timeout=60).text)
        app.stop()
    threading.Thread(target=get).start()

bound = socket.socket()
bound.bind(("127.0.0.1", 0))
port = bound.getsockname()[1]
app.run(sock=bound, motd=False)
"""


def test_without_what_only_posix_has() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "hello\n" in done.stdout
