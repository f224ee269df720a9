"""Print the missing names of Sanic's public surface, and the counts; `--write` records the gaps as known."""

import sys

from tests.surface import KNOWN_GAPS, measure

surface = measure()
print(*surface.gaps, *surface.shares(), sep="\n")
if "--write" in sys.argv:
    KNOWN_GAPS.write_text("".join(f"{gap}\n" for gap in sorted(surface.gaps)))
