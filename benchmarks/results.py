"""The table of results as a Markdown file."""

from __future__ import annotations

import datetime as dt
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.measure import Bench, Row

PATH = Path(__file__).with_name("RESULTS.md")

TAPS = ("tap-tiktok-following", "singer-sdk", "requests", "urllib3", "msgspec")
PEERS = ("dlt", "requests")

_VERDICTS = {True: "yes", False: "**no**", None: ""}

_TEXT = """\
# Results

Written by `make bench` (`python -m benchmarks`); run it again to repeat them. All figures
are of whole processes against the sandbox in a process of its own on the same machine, the
median of {rounds} runs; what counts requests, watches the rate or takes minutes is run once.
Start-up, the time to the first request, is left out where it says so; CPU seconds and memory
hold all of it.

- Date: {date}
- Machine: {machine}
- Taps, this one and the plain one: {taps}
- Other peers: {peers}
- Python {python}

{chapters}
"""

_CHAPTER = """
## {title}

| what | asked for | measured | met |
|---|---|---|---|
{rows}
"""


def text(chapters: Mapping[str, Sequence[Row]], bench: Bench) -> str:
    """The results and how they came about.

    Args:
        chapters: The rows of each chapter, by its title.
        bench: How they were measured.
    """
    return _TEXT.format(
        rounds=bench.rounds,
        date=f"{dt.datetime.now(dt.timezone.utc):%Y-%m-%d %H:%M} UTC",
        machine=f"{_processor()}, {os.cpu_count()} cores, {platform.system()}",
        taps=_versions("taps", *TAPS),
        peers=_versions("peers", *PEERS),
        python=platform.python_version(),
        chapters="".join(
            _CHAPTER.format(title=title, rows="\n".join(map(_line, rows)))
            for title, rows in chapters.items()
        ).strip(),
    )


def _line(row: Row) -> str:
    return f"| {row.what} | {row.target} | {row.value} | {_VERDICTS[row.is_met]} |"


def _versions(name: environment.Name, *packages: str) -> str:
    return ", ".join(" ".join(pair) for pair in environment.versions(name, *packages).items())


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = (line.partition(":")[2].strip() for line in lines if line[:10] == "model name")
    return next(models, platform.machine())
