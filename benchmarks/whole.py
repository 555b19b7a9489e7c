"""The figures of whole pipelines: from the command that is typed to rows in a database."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks import pipelines
from benchmarks.contestants import tap
from benchmarks.measure import MEGABYTE, Row
from benchmarks.pipelines import Project
from benchmarks.process import Failed
from benchmarks.server import Server
from tests.e2e import postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.contestants import Run
    from benchmarks.measure import Bench
    from benchmarks.pipelines import PipelineRun

SHARDS = 8

LENGTH = 30
"""Accounts on each list, where many usernames are the point."""

SHORT = 10
"""The same for 200,000 usernames: PostgreSQL takes most of the time, a row at a time."""


def beside_dlt(bench: Bench) -> Iterator[Row]:
    """2,000 lists of 300 follows, 50 ms latency, into DuckDB."""
    lengths = bench.lists(2000, 300)
    ours, theirs = [], []
    with Server(lengths, latency=0.05) as server:
        for number in range(bench.rounds):
            ours.append(_into_duckdb(bench.folder / f"meltano-{number}", server))
            theirs.append(_dlt_into_duckdb(bench.folder / f"dlt-{number}", server))
    what = f"{len(lengths):,} lists of 300, 50 ms a page, into DuckDB, first read"
    for name, unit, figure in (
        ("wall", "s", _wall),
        ("CPU", "s", _cpu),
        ("memory", "MB", _mb),
    ):
        tap_, dlt_ = (median(map(figure, runs)) for runs in (ours, theirs))
        value = f"{tap_:.1f} {unit}; dlt {dlt_:.1f} {unit}: {dlt_ / tap_:.1f} x"
        yield Row(f"{what}: {name} of the whole pipeline", "", value)


def many_usernames(bench: Bench) -> Iterator[Row]:
    """10,000 and 50,000 usernames in one pipeline into DuckDB, first read, beside dlt."""
    for count in (10_000, 50_000):
        with Server(bench.lists(count, LENGTH)) as server:
            alone = tap(server, bench.folder)
            whole = _into_duckdb(bench.folder / f"many-{count}", server)
            theirs = _dlt_into_duckdb(bench.folder / f"many-dlt-{count}", server)
        what = f"{len(server.usernames):,} lists of {LENGTH}"
        yield from _alone(what, alone)
        yield _pipeline(f"{what}, one pipeline into DuckDB", whole)
        yield _pipeline(f"{what}, dlt into DuckDB", theirs)


def shards(bench: Bench) -> Iterator[Row]:
    """200,000 usernames in 8 shards into PostgreSQL, two shards at a time."""
    with postgres.serve() as database, Server(bench.lists(200_000, SHORT)) as server:
        if database is None:
            message = "there is no PostgreSQL server to load into"
            raise Failed(message)
        settings = {"sqlalchemy_url": database.url, "default_target_schema": "tiktok"}
        limits = {"research_max_requests": len(server.usernames), "on_quota_exhausted": "stop"}
        target = "target-postgres", settings
        alone = tap(server, bench.folder, shard=f"1/{SHARDS}")
        project = Project(bench.folder / "shards", server, target, SHARDS, **limits)
        project.try_out(research_max_requests=1)
        whole = project.run()
        loaded = database.execute("SELECT count(*) FROM tiktok.research_following")
        _expect(int(loaded), sum(server.lengths), "PostgreSQL")
        count = len(server.usernames)
    yield from _alone(f"one of {SHARDS} shards of {count:,} lists of {SHORT}", alone)
    what = f"{count:,} lists of {SHORT}, {SHARDS} shards into PostgreSQL"
    yield _pipeline(f"{what}, {pipelines.AT_ONCE} at a time", whole)
    yield Row(
        f"{what}: requests",
        f"exactly {count:,}",
        f"{whole.requests:,}",
        whole.requests == count,
    )


FIGURES: dict[str, Callable[[Bench], Iterator[Row]]] = {
    figure.__name__.replace("_", "-"): figure
    for figure in (beside_dlt, many_usernames, shards)
}


def _alone(what: str, run: Run) -> Iterator[Row]:
    """What the tap needs for many usernames, whatever it loads into."""
    states = [len(line) for line in run.states()]
    yield Row(f"{what}: time to the first request", "", f"{run.start_up:.2f} s")
    yield Row(f"{what}: most memory of the tap", "", _megabytes(run.usage.memory))
    yield Row(f"{what}: largest state", "", _megabytes(max(states)))
    yield Row(f"{what}: all states together", "", _megabytes(sum(states)))


def _into_duckdb(folder: Path, server: Server) -> PipelineRun:
    database = folder / "warehouse.duckdb"
    target = "target-duckdb", {"path": str(database), "default_target_schema": "tiktok"}
    run = Project(folder, server, target, shards=0).run()
    _check_rows(database, "tiktok.research_following", sum(server.lengths))
    return run


def _dlt_into_duckdb(folder: Path, server: Server) -> PipelineRun:
    run = pipelines.dlt(folder, server)
    _check_rows(folder / "dlt.duckdb", "tiktok.following", sum(server.lengths))
    return run


def _check_rows(database: Path, table: str, expected: int) -> None:
    _expect(pipelines.count_rows(database, table), expected, f"{database}, {table}")


def _expect(loaded: int, expected: int, where: str) -> None:
    if loaded != expected:
        message = f"{where} holds {loaded:,} rows, not {expected:,}"
        raise Failed(message)


def _pipeline(what: str, run: PipelineRun) -> Row:
    value = f"{run.wall:.0f} s, {run.cpu:.0f} CPU seconds"
    return Row(f"{what}: the whole pipeline", "", value)


def _wall(run: PipelineRun) -> float:
    return run.wall


def _cpu(run: PipelineRun) -> float:
    return run.cpu


def _mb(run: PipelineRun) -> float:
    return run.memory / MEGABYTE


def _megabytes(count: int) -> str:
    return f"{count / MEGABYTE:,.1f} MB"
