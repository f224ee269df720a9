"""The environment of a run: versions and machine, so that figures can be understood a year later."""

import os
import platform
import subprocess
from datetime import date
from importlib import import_module, metadata
from pathlib import Path

from benchmarks import postgres
from benchmarks.contenders import CONTENDERS, OURS

_BESIDE = ("uvicorn", "uvloop", "httptools", "msgspec", "jinja2", "aiosqlite", "asyncpg")


def describe() -> dict[str, str]:
    """Return `{what: version or description}`."""
    result = {
        "date": date.today().isoformat(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        OURS: _our_version(),
    }
    others = dict.fromkeys(
        contender.distribution
        for contender in CONTENDERS.values()
        if contender.distribution not in (None, "sanic-star")
    )
    for name in [*(name for name in others if name), *_BESIDE]:
        try:
            result[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            result[name] = "not installed"
    try:
        first = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout.split("[")[0]
        result["wrk"] = first.replace("wrk", "").strip()
    except OSError:
        result["wrk"] = "not installed"
    result["PostgreSQL"] = postgres.version()
    return result


def _our_version() -> str:
    # From the package, not from metadata: a checkout is measured without being installed.
    try:
        return str(import_module(OURS).__version__)
    except ImportError:  # the parts report it; the peers can still be measured
        return "not importable"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"
