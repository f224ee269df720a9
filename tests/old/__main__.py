"""Write the lists of idioms into `docs/port/old-releases.md`; given interpreters, record the answers of old releases.

python -m tests.old 0.8=/venvs/0.8/bin/python 18.12=/venvs/18.12/bin/python …
"""

from __future__ import annotations

import sys

from tests.old import applications, observed, page

if __name__ == "__main__":
    if sys.argv[1:]:
        pythons = dict(argument.split("=", 1) for argument in sys.argv[1:])
        observed.record(pythons)
        applications.record(pythons)
    page.PAGE.write_text(page.with_lists(page.PAGE.read_text()))
