"""What the file of answers costs: processor time for each answer, and its size."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import asdict
from multiprocessing import get_context
from typing import TYPE_CHECKING

import msgspec

from benchmarks.figures import MEGABYTE, PAGE, Row
from sandbox.world import Account
from tap_tiktok_following.model import Place
from tap_tiktok_following.providers import PROVIDERS
from tap_tiktok_following.state.answers import Answers, Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.figures import Bench

A_DAY = 20_000
"""Requests."""

NOW = int(time.time())
MOST = 0.6
"""Milliseconds of processor time for keeping an answer and reading it again."""


def kept_answers(bench: Bench) -> Iterator[Row]:
    """A day of 20,000 full pages of each provider.

    In a process of its own: in one that had measured all else it was several times slower.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        for provider_class in PROVIDERS:
            yield from process.submit(_rows, bench, provider_class.name).result()


def _rows(bench: Bench, provider: str) -> list[Row]:
    return list(_kept_answers(bench, provider))


def _kept_answers(bench: Bench, provider: str) -> Iterator[Row]:
    count, path = A_DAY // bench.scale, bench.folder / f"{provider}.responses"
    bodies = [_BODIES[provider](number) for number in range(200)]
    what = f"{provider}, {count:,} answers of {len(bodies[0]):,} bytes"
    kept, read = (
        seconds / count * 1000 for seconds in (_keep(path, bodies, count), _read(path, count))
    )
    measured = f"{kept + read:.2f} ms ({kept:.2f} + {read:.2f})"
    is_met = kept + read <= MOST
    yield Row(f"{what}: CPU to keep and read one", f"at most {MOST} ms", measured, is_met)
    yield Row(f"{what}: size of the file", "", f"{path.stat().st_size / MEGABYTE:.0f} MB")
    yield Row(f"{what}: CPU to drop all", "", f"{_drop(path):.1f} s")


def _keep(path: Path, bodies: list[bytes], count: int) -> float:
    def keep() -> None:
        for number in range(count):
            answers.keep("source", _kept(number, bodies[number % len(bodies)]))

    with closing(Answers(path)) as answers:
        return _cpu_of(keep)


def _read(path: Path, count: int) -> float:
    def read() -> None:
        for number in range(count):
            kept = _kept(number)
            answers.get("source", kept.username, Place(kept.scanned_at, kept.page))

    with closing(Answers(path)) as answers:
        return _cpu_of(read)


def _drop(path: Path) -> float:
    def drop() -> None:
        with closing(Answers(path)) as answers:
            names = answers.usernames("source")
            answers.drop("source", [(name, Place(NOW, A_DAY)) for name in names])

    return _cpu_of(drop)


def _cpu_of(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _kept(number: int, body: bytes = b"") -> Kept:
    username, page = divmod(number, 5)
    return Kept(
        f"reader_{username:06}",
        NOW,
        page + 1,
        started=NOW,
        cursor=NOW - page,
        count=PAGE,
        tries=1,
        as_of=NOW,
        until=NOW,
        came_at=NOW,
        status=200,
        body=body,
    )


def _research(number: int) -> bytes:
    rows = [
        {"username": account.username, "display_name": account.display_name}
        for account in _accounts(number)
    ]
    data = {"user_following": rows, "cursor": NOW, "has_more": True}
    return msgspec.json.encode({"data": data, "error": {"code": "ok", "message": ""}})


def _rapidapi(number: int) -> bytes:
    page = {
        "meta": {"request_id": str(number), "cached": False},
        "data": [asdict(account) for account in _accounts(number)],
        "pagination": {"has_more": True, "next_max_time": NOW, "total": 1000},
        "error": None,
    }
    return msgspec.json.encode(page)


def _accounts(number: int) -> list[Account]:
    return [
        Account.made_up(f"user{(number * 7919 + n * 104_729) % 1_000_003}.{n}")
        for n in range(PAGE)
    ]


_BODIES = {"research": _research, "rapidapi": _rapidapi}
"""By provider: a body in the bytes that the sandbox sends, without spaces."""
