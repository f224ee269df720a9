"""Static files. A page's stylesheet of 1 kB under wrk, and one large file, during which the memory is watched.

Against Starlette's `StaticFiles` on the same uvicorn, and Sanic on its own server. The large file is sparse: it costs
no disk, and nothing but the server itself can slow its way to the client.
"""

import http.client
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.cases import Case
from benchmarks.contenders import OURS, REFERENCE
from benchmarks.settings import Settings, print_progress
from benchmarks.socket_load import CaseRun
from benchmarks.wrk import LoadError, Server, need_wrk, serve

CONTENDERS = (OURS, REFERENCE, "sanic_server")
SMALL = Case("static", "/files/page.css", "a { color: teal } /*" + "-" * 1002 + "*/")
# A time long ago: sanic_star does not keep a file in memory that was just changed.
CHANGED = 1_700_000_000
_MIB = 1024 * 1024


def measure(settings: Settings) -> dict[str, Any]:
    """Return `{"small": {contender: row}, "large": {contender: {"mib": …, "growth_mib": …}}}`.

    The rows of `small` are like the socket part's; their `share` is of Starlette's rate. `growth_mib` is the growth of
    the server's peak memory while it sends the large file.
    """
    need_wrk("static")
    size = 64 * _MIB if settings.quick else 1024 * _MIB
    result: dict[str, Any] = {"small": {}, "large": {}}
    with tempfile.TemporaryDirectory(prefix="static-") as folder, ExitStack() as stack:
        _fill(Path(folder), size)
        servers: dict[str, Server] = {}
        for name in CONTENDERS:
            try:
                servers[name] = stack.enter_context(serve(name, settings, ("static", folder), SMALL))
            except LoadError as error:
                print_progress(f"  {name}: {error}")
                result["small"][name] = result["large"][name] = {"error": str(error)}
        result["small"] |= CaseRun(SMALL, servers, settings, REFERENCE).rows()
        for name, server in servers.items():
            result["large"][name] = _download(server, size)
    return result


def _fill(folder: Path, size: int) -> None:
    small = folder / "page.css"
    small.write_text(str(SMALL.expected))
    os.utime(small, (CHANGED, CHANGED))
    with open(folder / "large.bin", "wb") as large:
        large.truncate(size)


def _download(server: Server, size: int) -> dict[str, Any]:
    """Download the large file and return by how much the server's memory grew."""
    before = _peak(server.pid)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    received = 0
    try:
        connection.request("GET", "/files/large.bin")
        response = connection.getresponse()
        while piece := response.read(_MIB):
            received += len(piece)
    except (OSError, http.client.HTTPException) as error:
        return {"error": f"{error!r} after {received:,} of {size:,} bytes"}
    finally:
        connection.close()
    if response.status != 200 or received != size:
        return {"error": f"{response.status} with {received:,} of {size:,} bytes"}
    after = _peak(server.pid)
    if before is None or after is None:
        return {"error": "the memory of other processes is told by Linux only"}
    return {"mib": size // _MIB, "growth_mib": after - before}


def _peak(pid: int) -> float | None:
    """Return the greatest memory that a process has had so far, in MiB."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), None)
