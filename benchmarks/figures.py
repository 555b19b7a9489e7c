"""The figures, a function each: what is measured, and what it has to come to.

A function yields rows of the table. Ratios are of medians over the rounds; in a round all
contestants run one after the other against the same server.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Protocol

from benchmarks.contestants import WORKERS, dlt, plain_tap, researchtikpy, tap
from benchmarks.memory import size_in_memory
from benchmarks.process import Failed
from benchmarks.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from benchmarks.contestants import Run

LATENCY = 0.1
"""Seconds that a page takes, where it takes any time."""

PAGE = 100
"""Accounts."""

MEGABYTE = 1_000_000

RATE = 10
"""Requests a second."""


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


class Contestant(Protocol):
    """Runs one of those that are compared."""

    def __call__(self, server: Server, folder: Path, /) -> Run: ...  # noqa: D102


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
        """Lengths of lists of equal length."""
        return [length] * max(1, count // self.scale)

    def race(self, server: Server, *contestants: Contestant) -> list[list[Run]]:
        """Runs of each contestant, in rounds."""
        rounds = [
            [contestant(server, self.folder) for contestant in contestants]
            for _ in range(self.rounds)
        ]
        return [list(runs) for runs in zip(*rounds, strict=True)]

    def tap(self, server: Server, *options: str, **settings: Any) -> list[Run]:  # noqa: ANN401
        """Runs of the tap alone."""
        return [tap(server, self.folder, *options, **settings) for _ in range(self.rounds)]


def many_lists(bench: Bench) -> Iterator[Row]:
    """200 lists of 330 follows, 100 ms latency, concurrency 16."""
    what = f"200 lists of 330 follows, 100 ms latency, {WORKERS} at once"
    with Server(bench.lists(200, 330), LATENCY) as server:
        ours, plain, rtp, dlts = bench.race(server, tap, plain_tap, researchtikpy, dlt)
    ideal = len(ours[0].requests) / WORKERS * LATENCY
    wall = _median(ours, _wall)
    yield _at_most(
        f"{what}: wall less start-up / the ideal ({ideal:.1f} s)", wall / ideal, 1.2
    )
    for name, runs, least in (
        ("the plain SDK tap", plain, 10.0),
        ("researchtikpy", rtp, 10.0),
        (f"dlt, {WORKERS} workers", dlts, 2.0),
    ):
        _check_same_work(ours, runs)
        yield _at_least(
            f"{what}: wall less start-up, times faster than {name}",
            _median(runs, _wall) / wall,
            least,
        )


def one_long_list(bench: Bench) -> Iterator[Row]:
    """100 lists, one of 10,000 follows, which takes 100 pages one after the other."""
    lengths = bench.lists(100, 330)
    middle = len(lengths) // 2
    lengths[middle] = 10_000 // bench.scale
    with Server(lengths, LATENCY) as server:
        runs = bench.tap(server)
    own_time = lengths[middle] / PAGE * LATENCY
    what = f"100 lists, one of {lengths[middle]:,}: wall less start-up / that list's own"
    yield _at_most(f"{what} ({own_time:.1f} s)", _median(runs, _wall) / own_time, 1.2)


def records_per_cpu_second(bench: Bench) -> Iterator[Row]:
    """300,000 records without latency."""
    with Server(bench.lists(300, 1000)) as server:
        ours, plain = bench.race(server, tap, plain_tap)
    _check_same_work(ours, plain)
    ratio = _median(ours, _records_per_cpu) / _median(plain, _records_per_cpu)
    what = f"{ours[0].records:,} records without latency: records per CPU second"
    yield Row(what, "", f"{_median(ours, _records_per_cpu):,.0f}")
    yield _at_least(f"{what} / the plain SDK tap's", ratio, 3)


def many_short_lists(bench: Bench) -> Iterator[Row]:
    """5,000 usernames of 10 accounts against 50 of 1,000."""
    shapes = bench.lists(5000, 10), bench.lists(50, 1000)
    for page_size, target in ((PAGE, 1.3), (10, None)):
        cpu = []
        for lengths in shapes:
            with Server(lengths) as server:
                cpu.append(_median(bench.tap(server, page_size=page_size), _cpu_per_record))
        what = f"5,000 lists of 10 / 50 of 1,000: CPU per record, pages of {page_size}"
        yield _at_most(what, cpu[0] / cpu[1], target)


def memory(bench: Bench) -> Iterator[Row]:
    """1,000 usernames against 10,000, the state aside."""
    rests = []
    for count in (1000, 10_000):
        with Server(bench.lists(count, 100)) as server:
            runs = bench.tap(server)
        peak = _median(runs, _memory)
        rests.append(peak - size_in_memory(max(runs[0].states(), key=len)))
        what = f"{len(server.usernames):,} usernames: most memory"
        yield _at_most(what, peak / MEGABYTE, 150, "MB")
    yield _at_most("memory at ten times the usernames, state aside", rests[1] / rests[0], 1.2)


def nothing_new(bench: Bench) -> Iterator[Row]:
    """A second run over 1,000 usernames."""
    with Server(bench.lists(1000, 100)) as server:
        first = tap(server, bench.folder)
        state = bench.folder / "state.json"
        state.write_bytes(_last_state(first))
        second = tap(server, bench.folder, "--state", str(state))
    count = len(server.usernames)
    yield _exactly(f"re-run, nothing new, {count:,} usernames: requests", second, count)
    records = second.records
    yield Row("the same: records", "exactly 0", f"{records:,}", records == 0)


def rate(bench: Bench) -> Iterator[Row]:
    """300 requests at 10 a second."""
    with Server(bench.lists(300, 100), LATENCY) as server:
        run = tap(server, bench.folder, research_requests_per_second=RATE)
    times = [request.at for request in run.requests]
    used = (len(times) - 1) / (times[-1] - times[0]) / RATE
    what = f"rate limit {RATE}/s"
    yield _at_most(
        f"{what}: most in any second / the limit", _most_in_a_second(times) / RATE, 1.05
    )
    yield _at_least(f"{what}: used", used, 0.95)


def start_up(bench: Bench) -> Iterator[Row]:
    """One username."""
    with Server([10]) as server:
        runs = bench.tap(server)
    start = _median(runs, lambda run: run.start_up)
    yield _at_most("start-up to first request", start, 1.5, "s")


FIGURES: dict[str, Callable[[Bench], Iterator[Row]]] = {
    figure.__name__.replace("_", "-"): figure
    for figure in (
        many_lists,
        one_long_list,
        records_per_cpu_second,
        many_short_lists,
        memory,
        nothing_new,
        rate,
        start_up,
    )
}


def _median(runs: Sequence[Run], figure: Callable[[Run], float]) -> float:
    return median(map(figure, runs))


def _wall(run: Run) -> float:
    return run.wall


def _memory(run: Run) -> float:
    return run.usage.memory


def _records_per_cpu(run: Run) -> float:
    return run.records / run.usage.cpu


def _cpu_per_record(run: Run) -> float:
    return run.usage.cpu / run.records


def _check_same_work(ours: Sequence[Run], theirs: Sequence[Run]) -> None:
    work = {(run.records, len(run.requests)) for run in (*ours, *theirs)}
    if len(work) > 1:
        message = f"not everyone did the same work (records, requests): {work}"
        raise Failed(message)


def _most_in_a_second(times: Sequence[float]) -> int:
    most = 0
    window: deque[float] = deque()
    for moment in times:
        window.append(moment)
        while moment - window[0] >= 1:
            window.popleft()
        most = max(most, len(window))
    return most


def _last_state(run: Run) -> bytes:
    *_, last = run.states()
    return json.dumps(json.loads(last)["value"]).encode()


def _at_most(what: str, value: float, most: float | None, unit: str = "x") -> Row:
    if most is None:
        return Row(what, "", f"{value:.2f} {unit}")
    return Row(what, f"at most {most:g} {unit}", f"{value:.2f} {unit}", value <= most)


def _at_least(what: str, value: float, least: float, unit: str = "x") -> Row:
    return Row(what, f"at least {least:g} {unit}", f"{value:.2f} {unit}", value >= least)


def _exactly(what: str, run: Run, count: int) -> Row:
    requests = len(run.requests)
    return Row(what, f"exactly {count:,}", f"{requests:,}", requests == count)
