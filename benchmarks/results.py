"""RESULTS.md: a table per case, and how its figures came about."""

from __future__ import annotations

import datetime as dt
import os
import platform
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.measure import ROOT
from benchmarks.programs import MELTANO, PEERS, PLUGINS, TAP, WORKERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.measure import Run

PATH = ROOT / "benchmarks" / "RESULTS.md"

VERSIONS = {
    "tap-tiktok-following": TAP,
    "singer-sdk": TAP,
    "meltano": MELTANO.parents[1],
    "target-duckdb": PLUGINS / "loaders" / "target-duckdb" / "venv",
    "meltanolabs-target-postgres": PLUGINS / "loaders" / "target-postgres" / "venv",
    "dbt-duckdb": PLUGINS / "utilities" / "dbt-duckdb" / "venv",
    "dlt": PEERS,
}
"""Packages, and the environments that they are in."""

LARGE = 100
"""Figures from here on are rounded to whole numbers, smaller ones to three digits."""

PAIR = 2

TEXT = """\
# Results

Written by `make bench`. The figures are of whole commands with all their processes. They read
up to {workers} lists at the same time from the sandbox on the same machine. Peak memory is
that of the largest process. Where there are several rounds, the commands take turns, and the
figures are medians. A ratio is the second line of a table divided by the first.

- Date: {date:%Y-%m-%d}
- Machine: {processor}, {cores} cores, {system}
- Python {python}, {versions}

{sections}
"""

HEADER = """\
|  | wall time (s) | CPU time (s) | peak memory (MB) | requests | rows |
|---|---:|---:|---:|---:|---:|"""


def section(title: str, runs: Mapping[str, Sequence[Run]], *, has_peer: bool) -> str:
    """Return the table of a case: a line per command, and ratios if the second is a peer."""
    lines: dict[str, list[float | None]] = {}
    for name, rounds in runs.items():
        wall, cpu, memory, requests, rows = (
            median(figures) if None not in figures else None
            for figures in zip(*rounds, strict=True)
        )
        lines[name] = [wall, cpu, memory and memory / 1_000_000, requests, rows]
        if has_peer and len(lines) == PAIR:
            pairs = zip(*lines.values(), strict=True)
            lines["ratio"] = [a and b and b / a for a, b in pairs]
    count = len(rounds)
    heading = f"## {title}" + (f", {count} rounds" if count > 1 else "")
    return "\n".join([heading, "", HEADER, *(_line(*line) for line in lines.items()), ""])


def write(sections: Iterable[str]) -> None:
    """Write RESULTS.md."""
    text = TEXT.format(
        workers=WORKERS,
        date=dt.datetime.now(dt.timezone.utc),
        processor=_processor(),
        cores=os.cpu_count(),
        system=platform.system(),
        python=platform.python_version(),
        versions=", ".join(f"{name} {_version(name)}" for name in VERSIONS),
        sections="\n".join(sections).strip(),
    )
    PATH.write_text(text, encoding="utf-8")


def _line(name: str, figures: Sequence[float | None]) -> str:
    return " | ".join(["", name, *map(_number, figures), ""]).strip()


def _number(figure: float | None) -> str:
    if figure is None:
        return ""
    return f"{figure:,.0f}" if figure >= LARGE else f"{figure:.3g}"


def _version(package: str) -> str:
    path = [str(folder) for folder in VERSIONS[package].glob("lib/*/site-packages")]
    return next(iter(metadata.distributions(name=package, path=path))).version


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line[:10] == "model name")
    return next(models, platform.machine())
