"""How much of Sanic's public surface exists.

`python -m tests.surface` prints the missing names. The check finds forgotten names, and says nothing about behaviour.
The names in `known_gaps.txt` may be missing; a name that exists has to leave that file.
"""

from pathlib import Path

from tests.surface.compare import Surface, compare, read

KNOWN_GAPS = Path(__file__).with_name("known_gaps.txt")


def measure(mirror: str = "sanic_star.compat") -> Surface:
    """Compare a mirror of Sanic's modules with Sanic."""
    return compare(read("sanic"), read(mirror))
