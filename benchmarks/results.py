"""RESULTS.md: a table per case, and how its figures came about."""

from __future__ import annotations

import datetime as dt
import os
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from statistics import median

from benchmarks.measure import Run
from benchmarks.programs import PEERS, PLUGINS, TAP, WORKERS
from tests.e2e.targets import TOOLS

PATH = Path(__file__).with_name("RESULTS.md")

VERSIONS = {
    "tap-tiktok-following": TAP,
    "singer-sdk": TAP,
    "meltano": TOOLS,
    "target-duckdb": PLUGINS / "loaders" / "target-duckdb" / "venv",
    "meltanolabs-target-postgres": PLUGINS / "loaders" / "target-postgres" / "venv",
    "dbt-duckdb": PLUGINS / "utilities" / "dbt-duckdb" / "venv",
    "dlt": PEERS,
}
"""Packages, and the environments that they are in."""

LARGE = 100
"""Figures from here on are rounded to whole numbers, smaller ones to three digits."""

TEXT = """\
# Results

Written by `make bench`. The figures are of whole commands with all their processes. They read
up to {workers} lists at the same time from the sandbox on the same machine. Peak memory is
that of the largest process. Where there are several rounds, the commands take turns, and the
figures are medians. A ratio is the second line of a table divided by the first.

- Date: {date:%Y-%m-%d}
- Machine: {processor}, {cores} cores, {system}
- Python {python}, {versions}

{sections}"""

HEADER = """\
|  | wall time (s) | CPU time (s) | peak memory (MB) | requests | rows |
|---|---:|---:|---:|---:|---:|"""


def section(title: str, runs: Mapping[str, Sequence[Run]]) -> str:
    """Return the table of a case: a line per command, and ratios if two did the same work."""
    figures = {name: _medians(rounds) for name, rounds in runs.items()}
    lines = [_line(name, run) for name, run in figures.items()]
    first, *others = figures.values()
    if others and others[0].rows == first.rows:
        ratios = [a and b and b / a for a, b in zip(first, others[0], strict=True)]
        lines.insert(2, _line("ratio", ratios))
    count = max(map(len, runs.values()))
    heading = f"## {title}" + (f", {count} rounds" if count > 1 else "")
    return "\n".join([heading, "", HEADER, *lines, ""])


def write(sections: Sequence[str]) -> None:
    """Write RESULTS.md."""
    text = TEXT.format(
        workers=WORKERS,
        date=dt.datetime.now(dt.timezone.utc),
        processor=_processor(),
        cores=os.cpu_count(),
        system=platform.system(),
        python=platform.python_version(),
        versions=", ".join(f"{name} {_version(name)}" for name in VERSIONS),
        sections="\n".join(sections),
    )
    PATH.write_text(text, encoding="utf-8")


def _medians(rounds: Sequence[Run]) -> Run:
    columns = zip(*rounds, strict=True)
    return Run(*(median(figures) if None not in figures else None for figures in columns))


def _line(name: str, figures: Sequence[float | None]) -> str:
    return f"| {' | '.join([name, *map(_number, figures)])} |"


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
