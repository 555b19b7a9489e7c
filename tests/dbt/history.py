"""A world that remembers what happened in it, and the rows that the tap made of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from random import Random
from typing import Any

from sandbox import Clock, Sandbox, World
from tap_tiktok_following.text import in_utc
from tests import harness
from tests.harness import DAY, NOW, PROVIDERS

READ = ("ada", "bob")
OTHERS = ("cleo", "dan", "eli", "fay")
FOREVER = 1 << 60

Listed = tuple[str, str, str]
"""A follower, and username and ID of an account on its list."""


@dataclass(frozen=True)
class Stay:
    """The time for which an account was listed: from a second, to before another one."""

    start: int
    end: int


class History:
    """What happens in the world of a sandbox, after ada has followed the others.

    Attributes:
        messages: What the tap sent, less what was lost.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.messages: list[dict[str, Any]] = []
        self._state: dict[str, Any] = {}
        self._lists: list[tuple[int, set[Listed]]] = []
        sandbox.clock = Clock(NOW)
        sandbox.world = World.of(dict.fromkeys(READ, ()))
        for name in READ:
            sandbox.world.accounts[name]  # is made up when it is looked up
        for name in OTHERS:
            self.follow("ada", name)
            sandbox.clock.advance(DAY)

    def live(self, random: Random, steps: int) -> None:
        """Let a number of things happen, some time apart."""
        world = self.sandbox.world
        for number in range(steps):
            self.sandbox.clock.advance(random.choice((1, 3600, DAY, 3 * DAY)))
            follower = random.choice(READ)
            other = random.choice([name for name in world.accounts if name != follower])
            match random.randrange(12):
                case 0 | 1 | 2:
                    self.follow(follower, other)
                case 3 | 4:
                    self.unfollow(follower, other)
                case 5:
                    world.hidden ^= {other} - {*READ}
                case 6:
                    if other not in READ:
                        world.rename(other, f"new{number}")
                case 7:
                    world.private ^= {follower}
                case 8 if random.randrange(4) == 0:
                    self.scan()  # so that no scan is half lost
                    self.lose_the_warehouse()
                case _:
                    provider = random.choice((*PROVIDERS, None, None))
                    budget = random.choice((None, None, 1, 2, 3))
                    start = random.choice((None, None, in_utc(int(self.sandbox.clock.now()))))
                    whole = random.random() < 0.5
                    self.scan(provider, whole=whole, budget=budget, start_date=start)
            self._remember()

    def follow(self, follower: str, username: str) -> None:
        """Follow, unless it is so."""
        world, now = self.sandbox.world, int(self.sandbox.clock.now())
        if username not in {follow.username for follow in world.following(follower, now)}:
            world.follow(follower, username, at=now)
        self._remember()

    def unfollow(self, follower: str, username: str) -> None:
        """Unfollow, if it is followed."""
        self.sandbox.world.unfollow(follower, username)
        self._remember()

    def scan(
        self,
        provider: str | None = None,
        *,
        whole: bool = False,
        budget: int | None = None,
        start_date: str | None = None,
    ) -> None:
        """Run the tap for one provider or for both."""
        config = harness.settings(
            self.sandbox,
            READ,
            provider,
            page_size=2,
            on_username_failure="continue",
            research_max_requests=budget,
            rapidapi_max_requests=budget,
            start_date=start_date,
            **({"full_scan_after_days": 1} if whole else {}),
        )
        run = harness.run({k: v for k, v in config.items() if v is not None}, self._state)
        assert run.exit_code == 0, run.stderr
        self._state = run.state or self._state
        self.messages += [m for m in run.messages if m["type"] == "RECORD"]

    def lose_the_warehouse(self) -> None:
        """Of what was loaded, nothing is left; the state is."""
        self.messages.clear()

    def made(self, follower: str, account_id: str) -> list[int]:
        """Return when the follow was made, each time."""
        world = self.sandbox.world
        user_ids = {user_id for _, _, user_id in self._known(follower, account_id)}
        return [
            follow.at
            for follow in world.history(follower)
            if world.accounts[follow.username].user_id in user_ids
        ]

    def listed(self, provider: str, follower: str, account_id: str) -> list[Stay]:
        """Return when the account was listed; on the Research API, under one username."""
        known = self._known(follower, account_id)
        key = 1 if provider == "research" else 2
        return [
            stay
            for value in {each[key] for each in known}
            for stay in self._stays({each for each in known if each[key] == value})
        ]

    def _remember(self) -> None:
        """Note follower, username and ID of all that is listed now."""
        world = self.sandbox.world
        listed = {
            (follower, follow.username, world.accounts[follow.username].user_id)
            for follower in READ
            for follow in world.truth(follower)
        }
        self._lists.append((int(self.sandbox.clock.now()), listed))

    def _known(self, follower: str, account_id: str) -> set[Listed]:
        """Return all that was listed of an account, by its ID or a username that it had."""
        ever = set().union(*(listed for _, listed in self._lists))
        return {each for each in ever if each[0] == follower and account_id in each[1:]}

    def _stays(self, group: set[Listed]) -> Iterator[Stay]:
        """Yield the times for which one of a group was listed."""
        start = None
        for time, listed in [*self._lists, (FOREVER, set[Listed]())]:
            if start is None and listed & group:
                start = time
            elif start is not None and not listed & group:
                yield Stay(start, time)
                start = None


def seconds(time: datetime | None, otherwise: int) -> int:
    """Return a time as it stands in a table (UTC), in Unix seconds."""
    return int(time.replace(tzinfo=timezone.utc).timestamp()) if time else otherwise
