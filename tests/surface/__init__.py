"""How much of Sanic's public surface exists.

`python -m tests.surface` prints what is missing. That it is there says nothing about what it does: a check for what was
forgotten. `known_gaps.txt` is the floor: what stands there may be missing, and what is no longer missing has to leave.
"""

from pathlib import Path

from tests.surface.compare import Surface, compare, read

KNOWN_GAPS = Path(__file__).with_name("known_gaps.txt")


def measure(mirror: str = "sanic_star.compat") -> Surface:
    """Compare a mirror of Sanic's modules with Sanic."""
    return compare(read("sanic"), read(mirror))
