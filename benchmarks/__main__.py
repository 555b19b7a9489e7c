"""`python -m benchmarks`: measure everything and write RESULTS.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import deaths, environment, measure, models, page, results, whole
from benchmarks.measure import Bench, Row
from benchmarks.process import Failed

if TYPE_CHECKING:
    from collections.abc import Iterator

QUICK = 10

NOT_MEASURED = "could not be measured"

CHAPTERS = {
    "The whole pipeline": {
        **whole.FIGURES,
        "paid-twice": deaths.paid_twice,
        **models.FIGURES,
        **page.FIGURES,
    },
    "Its parts": measure.FIGURES,
}
"""Those that a user decides by come first."""

FIGURES = {name: figure for chapter in CHAPTERS.values() for name, figure in chapter.items()}


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
    environment.make()
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        bench = Bench(Path(folder))
        if options.quick:
            bench = Bench(Path(folder), rounds=1, scale=QUICK)
        chapters = {
            title: [
                row
                for name in chapter
                if options.only in {None, name}
                for row in _measure(name, bench)
            ]
            for title, chapter in CHAPTERS.items()
        }
    if not options.only and not options.quick:
        results.PATH.write_text(results.text(chapters, bench), encoding="utf-8")
    rows = [row for chapter in chapters.values() for row in chapter]
    return int(any(row.value == NOT_MEASURED for row in rows))


def _measure(name: str, bench: Bench) -> Iterator[Row]:
    """Yield the rows of a figure as they are measured, and print them."""
    try:
        for row in FIGURES[name](bench):
            met = {True: "met", False: "NOT MET", None: ""}[row.is_met]
            print(f"{row.what}: {row.value} ({row.target or '-'}) {met}", flush=True)  # noqa: T201
            yield row
    except Failed as failed:
        print(failed, file=sys.stderr)  # noqa: T201
        yield Row(name, "", NOT_MEASURED)


if __name__ == "__main__":
    sys.exit(main())
