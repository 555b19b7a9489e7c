"""`python -m benchmarks.unfollows`: how soon each way to find unfollows does, and its price.

Some days of lists that each follow one account a day and of which some lose one, anywhere on
the list. Every way reads the same days from a sandbox, with a run a day.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import logging
import random
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from sandbox import Clock, Follow, Sandbox, World
from tap_tiktok_following.tap import TapTikTokFollowing

if TYPE_CHECKING:
    from collections.abc import Iterator

START = 1_700_000_000
DAY = 24 * 60 * 60
LENGTH = 500

HEAD = """\
| provider | lists losing one a day | way | lost | found at once | later | requests |
|---|---|---|---|---|---|---|"""

WAYS: dict[str, dict[str, Any]] = {
    "full_scan_after_days 1": {"full_scan_after_days": 1},
    "full_scan_after_days 30": {"full_scan_after_days": 30},
    "full_scan_on_loss": {"full_scan_on_loss": True},
    "both, 30 days": {"full_scan_on_loss": True, "full_scan_after_days": 30},
}


@dataclass
class Count:
    """What one way found, and what it paid.

    Attributes:
        lost: How many accounts left a list.
        at_once: How many of them the first run after that found.
        later: How many a later run found.
        told: How many `accounts_lost` told.
        requests: Requests of all days after the first read.
    """

    lost: int = 0
    at_once: int = 0
    later: int = 0
    told: int = 0
    requests: int = 0


@dataclass
class Trial:
    """One way to find unfollows, over the days of one world.

    Attributes:
        sandbox: Serves the lists.
        provider: From which provider they are read.
        settings: The way.
        share: The share of lists that lose an account each day.
    """

    sandbox: Sandbox
    provider: str
    settings: dict[str, Any]
    share: float
    count: Count = field(default_factory=Count)
    _state: dict[str, Any] = field(default_factory=dict)
    _gone: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def run(self, names: list[str], days: int) -> Count:
        """Read the lists once, then every day.

        Args:
            names: The lists.
            days: How many days.
        """
        chance = random.Random(1)  # noqa: S311 - the same days for every way
        self._read(names, set())
        self.count.requests = 0
        for day in range(days):
            self.sandbox.clock.advance(DAY)
            lost = set(self._live(names, day, chance))
            self.count.lost += len(lost)
            self._read(names, lost)
        return self.count

    def _live(
        self, names: list[str], day: int, chance: random.Random
    ) -> Iterator[tuple[str, str]]:
        world, now = self.sandbox.world, int(self.sandbox.clock.now())
        for name in chance.sample(names, round(self.share * len(names))):
            lost = chance.choice(world.truth(name)).username
            world.unfollow(name, lost)
            yield name, lost
        for name in names:
            world.follow(name, f"{name}.day.{day}", at=now - chance.randrange(DAY))

    def _read(self, names: list[str], lost: set[tuple[str, str]]) -> None:
        for name, account in lost:
            self._gone[name].add(account)
        kept = {"usernames": names, "page_size": 100, **self.settings}
        others = "research" if self.provider == "rapidapi" else "rapidapi"
        config = {k: v for k, v in self.sandbox.config.items() if not k.startswith(others)}
        rates = {f"{self.provider}_requests_per_second": 1000}
        tap = TapTikTokFollowing(config={**config, **kept, **rates}, state=self._state)
        streams = cast("dict[str, Any]", tap.streams)
        with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
            for _ in streams[f"{self.provider}_following"].get_records(None):
                pass
            rows = list(streams[f"{self.provider}_scans"].get_records(None))
        self._state = copy.deepcopy(cast("dict[str, Any]", tap.state))
        for row in rows:
            self._note(row, lost)

    def _note(self, row: dict[str, Any], lost: set[tuple[str, str]]) -> None:
        name = row["follower_username"]
        self.count.requests += row["requests"]
        self.count.told += row["accounts_lost"] or 0
        if row["whole_list"]:
            found = self._gone.pop(name, set())
            at_once = {account for account in found if (name, account) in lost}
            self.count.at_once += len(at_once)
            self.count.later += len(found) - len(at_once)


def main() -> None:
    """Print a table for each provider and each share of lists."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unfollows")
    parser.add_argument("--lists", type=int, default=200)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--share", type=float, nargs="*", default=[0.01, 0.05, 0.2])
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    names = [f"list.{number:03}" for number in range(options.lists)]
    print(HEAD)  # noqa: T201
    for provider in ("research", "rapidapi"):
        for share in options.share:
            for way, settings in WAYS.items():
                lists = {name: _list_of(name) for name in names}
                with Sandbox(World.of(lists), clock=Clock(START)) as sandbox:
                    found = Trial(sandbox, provider, settings, share).run(names, options.days)
                print(  # noqa: T201
                    f"| {provider} | {share:.0%} | {way} | {found.lost} | "
                    f"{found.at_once} | {found.later} | {found.requests:,} |",
                    flush=True,
                )


def _list_of(name: str) -> list[Follow]:
    return [
        Follow(f"{name}.{place}", START - 60 - place * 6 * 3600) for place in range(LENGTH)
    ]


if __name__ == "__main__":
    main()
