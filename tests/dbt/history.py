"""A world that remembers what happened in it, and the rows that the tap made of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from random import Random
from typing import Any

from sandbox import Clock, Sandbox, World
from tests import harness
from tests.harness import DAY, NOW, PROVIDERS

READ = ("ada", "bob")
OTHERS = ("cleo", "dan", "eli", "fay")
FOREVER = 1 << 60


@dataclass
class Stay:
    """A time for which something was so: from a second, to before another one."""

    start: int
    end: int = FOREVER


@dataclass
class History:
    """What is done to a sandbox's world through this is known ever after.

    Accounts are known by their `user_id`. In the beginning ada follows the others.

    Attributes:
        sandbox: Serves the world.
        names: By account, when it had which username.
        hidden: By account, when it was hidden.
        messages: What the tap sent, less what was lost.
    """

    sandbox: Sandbox
    names: dict[str, dict[str, Stay]] = field(default_factory=dict)
    hidden: dict[str, list[Stay]] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sandbox.clock = Clock(NOW)
        self.sandbox.world = World.of(dict.fromkeys(READ, ()))
        for name in READ:
            self.id_of(name)
        for name in OTHERS:
            self.follow("ada", name)
            self.sandbox.clock.advance(DAY)

    @property
    def now(self) -> int:
        """The sandbox's time in Unix seconds."""
        return int(self.sandbox.clock.now())

    def live(self, random: Random, steps: int) -> None:
        """Let a number of things happen, some time apart."""
        for number in range(steps):
            self.sandbox.clock.advance(random.choice((1, 3600, DAY, 3 * DAY)))
            follower = random.choice(READ)
            others = [*self.sandbox.world.accounts]
            other = random.choice([name for name in others if name != follower])
            match random.randrange(12):
                case 0 | 1 | 2:
                    self.follow(follower, other)
                case 3 | 4:
                    self.sandbox.world.unfollow(follower, other)
                case 5:
                    if other not in READ:
                        self.hide(other)
                case 6:
                    if other not in READ:
                        self.rename(other, f"new{number}")
                case 7:
                    self.sandbox.world.private ^= {follower}
                case 8 if random.randrange(4) == 0:
                    self.scan()  # so that no scan is half lost
                    self.lose_the_warehouse()
                case _:
                    provider = random.choice((*PROVIDERS, None, None))
                    budget = random.choice((None, None, 1, 2, 3))
                    self.scan(provider, whole=random.random() < 0.5, budget=budget)

    def id_of(self, username: str) -> str:
        """The account that has a username now."""
        user_id = self.sandbox.world.accounts[username].user_id
        self.names.setdefault(user_id, {username: Stay(0)})
        return user_id

    def follow(self, follower: str, username: str) -> None:
        """Follow, unless it is so."""
        self.id_of(username)
        world = self.sandbox.world
        if username not in {each.username for each in world.following(follower, self.now)}:
            world.follow(follower, username, at=self.now)

    def hide(self, username: str) -> None:
        """Leave an account out of all pages, or do so no longer."""
        stays = self.hidden.setdefault(self.id_of(username), [])
        if username in self.sandbox.world.hidden:
            stays[-1].end = self.now
            self.sandbox.world.show(username)
        else:
            stays.append(Stay(self.now))
            self.sandbox.world.hide(username)

    def rename(self, username: str, new: str) -> None:
        """Give an account a username that nobody has had."""
        names = self.names[self.id_of(username)]
        names[username].end = self.now
        names[new] = Stay(self.now)
        self.sandbox.world.rename(username, new)

    def scan(
        self, provider: str | None = None, *, whole: bool = False, budget: int | None = None
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
            **({"full_scan_after_days": 1} if whole else {}),
        )
        run = harness.run({k: v for k, v in config.items() if v is not None}, self.state)
        assert run.exit_code == 0, run.stderr
        self.state = run.state or self.state
        self.messages += [m for m in run.messages if m["type"] == "RECORD"]

    def lose_the_warehouse(self) -> None:
        """Of what was loaded, nothing is left; the state is."""
        self.messages.clear()

    def made(self, follower: str, account_id: str) -> list[int]:
        """Return when the follow was made, each time."""
        return [stay.start for stay in self._stays(follower, account_id)]

    def listed(self, provider: str, follower: str, account_id: str) -> list[Stay]:
        """Return when the account was listed; on the Research API, under one username."""
        stays, owner = self._stays(follower, account_id), self._owner(account_id)
        for hidden in self.hidden.get(owner, []):
            stays = [part for stay in stays for part in _without(stay, hidden)]
        if provider == "rapidapi":
            return stays
        names = self.names[owner]
        named = [names[account_id]] if account_id in names else names.values()
        return [part for stay in stays for name in named for part in _within(stay, name)]

    def _stays(self, follower: str, account_id: str) -> list[Stay]:
        accounts, owner = self.sandbox.world.accounts, self._owner(account_id)
        return [
            Stay(follow.at, FOREVER if follow.until is None else follow.until)
            for follow in self.sandbox.world.history(follower)
            if accounts[follow.username].user_id == owner
        ]

    def _owner(self, account_id: str) -> str:
        """Return the account that has an id, or had a username at some time."""
        owners = [user_id for user_id, names in self.names.items() if account_id in names]
        return owners[0] if owners else account_id


def _without(stay: Stay, other: Stay) -> Iterator[Stay]:
    if stay.start < other.start:
        yield Stay(stay.start, min(stay.end, other.start))
    if stay.end > other.end:
        yield Stay(max(stay.start, other.end), stay.end)


def _within(stay: Stay, other: Stay) -> Iterator[Stay]:
    start, end = max(stay.start, other.start), min(stay.end, other.end)
    if start < end:
        yield Stay(start, end)


def seconds(time: datetime | None, otherwise: int) -> int:
    """Return a time as it stands in a table (UTC), in Unix seconds."""
    return int(time.replace(tzinfo=timezone.utc).timestamp()) if time else otherwise
