"""Install the alias in each Python process that a test starts: this folder is in its PYTHONPATH."""

import os
import sys

if os.environ.get("ACCEPTANCE_ALIAS"):
    try:
        import alias_plugin  # noqa: F401
    except Exception as error:
        # Python would print a traceback and go on without the alias; the pytest process reports the error in full.
        print(f"acceptance: no alias in this process: {error!r}", file=sys.stderr)
