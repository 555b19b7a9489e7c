"""`python -m benchmarks`: run every case, and write RESULTS.md."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import analysis, programs, results
from benchmarks.measure import Run
from benchmarks.programs import AT_ONCE, KILLS, SHARDS, Work
from sandbox import Follow, Sandbox, Scenario, World

NEWEST, BETWEEN = 1_760_000_000, 3600
"""Unix seconds of the newest follow of each list, and seconds between two of its follows."""


class Case(NamedTuple):
    """Work that several programs do, one after the other.

    Attributes:
        title: What the work is, in the words of RESULTS.md.
        lists: Number of lists.
        length: Number of accounts on a list, on average.
        programs: What does it, by its name in RESULTS.md.
        latency: Seconds that a page takes.
        rounds: How often it is done; the median counts.
    """

    title: str
    lists: int
    length: int
    programs: Mapping[str, Callable[[Work], Run]]
    latency: float = 0
    rounds: int = 1


INTO_DUCKDB = {
    "`meltano run tap-tiktok-following target-duckdb`": programs.pipeline,
    "dlt": programs.dlt,
}

CASES = {
    "pipeline": Case(
        "{:,} lists of 150 to 450 accounts, 50 ms per page, into DuckDB",
        2000,
        300,
        INTO_DUCKDB,
        latency=0.05,
        rounds=3,
    ),
    "record": Case(
        "{:,} lists of 500 to 1,500 accounts, no latency, without a target",
        100,
        1000,
        {"this tap": programs.tap, "plain SDK tap": programs.plain_tap},
        rounds=3,
    ),
    "usernames": Case(
        "{:,} lists of 15 to 45 accounts, no latency, into DuckDB",
        10_000,
        30,
        {**INTO_DUCKDB, "this tap, without a target": programs.tap},
    ),
    "shards": Case(
        f"{{:,}} lists of 5 to 15 accounts in {SHARDS} shards, no latency, into PostgreSQL",
        100_000,
        10,
        {f"one Meltano pipeline per shard, {AT_ONCE} at the same time": programs.shards},
    ),
    "kills": Case(
        f"{{:,}} lists of 2,500 to 7,500 accounts, 100 ms per page, killed {KILLS} times",
        40,
        5000,
        {
            "as in meltano.yml, with `responses_path`": programs.kill,
            "without `responses_path`": partial(programs.kill, responses_path=""),
        },
        latency=0.1,
    ),
    "analysis": Case(
        "{:,} usernames, each with two scans of 300 accounts, in DuckDB",
        10_000,
        1,
        {
            "`meltano run dbt-duckdb:build`": analysis.dbt_build,
            "`meltano run report:page`": analysis.write_page,
            "the page opens in Chromium": analysis.open_page,
        },
    ),
}


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "cases", nargs="*", metavar="case", help=f"print these only: {', '.join(CASES)}"
    )
    parser.add_argument(
        "--divide", type=int, default=1, metavar="N", help="one round with 1/N of the lists"
    )
    options = parser.parse_args()
    sections = []
    for name in options.cases or CASES:
        case = CASES[name]
        if options.divide > 1:
            case = case._replace(lists=max(1, case.lists // options.divide), rounds=1)
        sections.append(results.section(case.title.format(case.lists), measure(case)))
        print(sections[-1], flush=True)  # noqa: T201
    if not options.cases and options.divide == 1:
        results.write(sections)


def measure(case: Case) -> dict[str, list[Run]]:
    """Run the programs of a case in turn, and return the runs of each."""
    runs: dict[str, list[Run]] = {name: [] for name in case.programs}
    # From half of the average to one and a half: the last pages are as full as real ones.
    lengths = [case.length // 2 + case.length * n // case.lists for n in range(case.lists)]
    follows = [Follow(f"account_{n:06}", NEWEST - n * BETWEEN) for n in range(max(lengths))]
    world = World.of({f"reader_{n:06}": follows[:length] for n, length in enumerate(lengths)})
    scenario = Scenario(latency=case.latency, boundary="skip")
    with Sandbox(world, scenario=scenario) as sandbox:
        for _ in range(case.rounds):
            with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
                work = Work(Path(folder), sandbox, lengths)
                work.usernames.write_text("\n".join(world.usernames), encoding="utf-8")
                for name, program in case.programs.items():
                    runs[name].append(program(work))
    return runs


if __name__ == "__main__":
    main()
