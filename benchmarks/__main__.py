"""`python -m benchmarks`: measure everything and write RESULTS.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import deaths, environment, figures, keeping, models, results, whole
from benchmarks.figures import Bench
from benchmarks.process import Failed

if TYPE_CHECKING:
    from benchmarks.figures import Row

QUICK = 10

FIGURES = {
    **whole.FIGURES,
    **models.FIGURES,
    "paid-twice": deaths.paid_twice,
    **figures.FIGURES,
    "kept-answers": keeping.kept_answers,
}
"""Those that a user decides by come first."""


def main() -> int:
    """Do what the command line asks for.

    Returns:
        0, whether or not the figures are met; 1 if one could not be measured.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=FIGURES, help="one figure, which is not written")
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"one round with a {QUICK}th of the lists, not written: to develop with",
    )
    options = parser.parse_args()
    names = [options.only] if options.only else list(FIGURES)
    environment.make()
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        bench = Bench(Path(folder))
        if options.quick:
            bench = Bench(Path(folder), rounds=1, scale=QUICK)
        try:
            rows = [row for name in names for row in _measure(name, bench)]
        except Failed as failed:
            print(failed, file=sys.stderr)  # noqa: T201
            return 1
        if not options.only and not options.quick:
            results.PATH.write_text(results.text(rows, bench), encoding="utf-8")
    return 0


def _measure(name: str, bench: Bench) -> list[Row]:
    rows = []
    for row in FIGURES[name](bench):
        met = {True: "met", False: "NOT MET", None: ""}[row.is_met]
        print(f"{row.what}: {row.value} ({row.target or '-'}) {met}", flush=True)  # noqa: T201
        rows.append(row)
    return rows


if __name__ == "__main__":
    sys.exit(main())
