"""How figures are measured: in rounds, each a row of the table."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.contestants import plain_tap, tap
from benchmarks.process import Failed
from benchmarks.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.contestants import Run

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: What was measured.
        target: What it has to come to, for a person.
        value: What it came to, for a person.
        is_met: Whether it did; None if nothing is asked of it.
    """

    what: str
    target: str
    value: str
    is_met: bool | None = None


@dataclass(frozen=True)
class Bench:
    """How everything is measured.

    Attributes:
        folder: Where to write.
        rounds: How often each is measured.
        scale: Divisor for the number of lists; 1 except during development.
    """

    folder: Path
    rounds: int = 3
    scale: int = 1

    def lists(self, count: int, length: int) -> list[int]:
        """Return lengths of lists of equal length."""
        return [length] * max(1, count // self.scale)


def records_per_cpu_second(bench: Bench) -> Iterator[Row]:
    """Compare the cost of a record with the plain SDK tap: 300,000 without latency."""
    with Server(bench.lists(300, 1000)) as server:
        rounds = [
            (tap(server, bench.folder), plain_tap(server, bench.folder))
            for _ in range(bench.rounds)
        ]
    if len({(run.records, len(run.requests)) for pair in rounds for run in pair}) > 1:
        message = "the two taps did not do the same work"
        raise Failed(message)
    ours, plain = (median(map(_records_per_cpu, runs)) for runs in zip(*rounds, strict=True))
    what = f"{rounds[0][0].records:,} records without latency: records per CPU second"
    yield Row(what, "", f"{ours:,.0f}; the plain SDK tap {plain:,.0f}: {ours / plain:.1f} x")


FIGURES: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "records-per-cpu-second": records_per_cpu_second
}


def _records_per_cpu(run: Run) -> float:
    return run.records / run.usage.cpu
