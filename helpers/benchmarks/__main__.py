"""Print the benchmark tables: ``python -m helpers.benchmarks [ch01 ...]``."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path

from helpers.tests.plugin import NOTEBOOK_ENVIRONMENT


def main() -> int:
    """Measure the chapters named, or all; return 1 if a target is missed."""
    chapters = sorted(p.stem for p in Path(__file__).parent.glob("ch*.py"))
    parser = argparse.ArgumentParser(prog="helpers.benchmarks", description=__doc__)
    parser.add_argument("chapters", nargs="*", metavar="chNN", help="default: all")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    unknown = set(options.chapters) - set(chapters)
    if unknown:
        parser.error(
            f"no benchmarks for {', '.join(sorted(unknown))}; "
            f"there are {', '.join(chapters)}"
        )
    # Before NumPy is imported: one thread on both sides, as in the notebooks.
    os.environ.update(NOTEBOOK_ENVIRONMENT)
    from helpers import benchmarks

    missed = 0
    for chapter in options.chapters or chapters:
        module = importlib.import_module(f"helpers.benchmarks.{chapter}")
        rows = benchmarks.measure(module.pairs(), options.repeats)
        print(f"{chapter}\n{benchmarks.table(rows).to_string(index=False)}")
        print(f"written to {benchmarks.save(chapter, rows, options.repeats)}\n")
        missed += sum(not row.met for row in rows)
    if missed:
        print(f"{missed} targets were missed", file=sys.stderr)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
