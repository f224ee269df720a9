"""`python -m benchmarks`: the command."""

import argparse
import sys

from benchmarks import inprocess
from benchmarks.contenders import CONTENDERS
from benchmarks.settings import Settings


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--only", choices=["inprocess"])
    parser.add_argument("--contenders")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    names = options.contenders.split(",") if options.contenders else list(CONTENDERS)
    result = inprocess.measure(Settings(names, quick=options.quick))
    for case, rows in result.items():
        print(case)
        for name, row in rows.items():
            if "error" in row:
                print(f"  {name:12} {row['error']}")
            else:
                print(f"  {name:12} {row['us']:8.2f} µs  {row.get('share', 0):6.3f} × Starlette  ±{row['spread']:.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
