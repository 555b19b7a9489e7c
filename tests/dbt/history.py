"""A world that remembers what happened in it, and the rows that the tap made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timezone
from typing import TYPE_CHECKING, Any

from sandbox import World
from tests import harness

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sandbox import Sandbox

FOREVER = 1 << 60


@dataclass
class Stay:
    """A time for which something was so: from a second, to before another one."""

    start: int
    end: int = FOREVER


@dataclass
class History:
    """What is done to a sandbox's world through this is known ever after.

    Accounts are known by their `user_id`.

    Attributes:
        sandbox: Serves the world.
        usernames: Whose lists are read.
        follows: By follower and account, when it was followed.
        names: By account, when it had which username.
        hidden: By account, when it was hidden.
        messages: What the tap sent, less what was lost.
    """

    sandbox: Sandbox
    usernames: Sequence[str]
    follows: dict[tuple[str, str], list[Stay]] = field(default_factory=dict)
    names: dict[str, dict[str, Stay]] = field(default_factory=dict)
    hidden: dict[str, list[Stay]] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sandbox.world = World.of(dict.fromkeys(self.usernames, ()))
        for name in self.usernames:
            self.id_of(name)

    @property
    def now(self) -> int:
        """The sandbox's time in Unix seconds."""
        return int(self.sandbox.clock.now())

    def id_of(self, username: str) -> str:
        """The account that has a username now."""
        user_id = self.sandbox.world.accounts[username].user_id
        self.names.setdefault(user_id, {username: Stay(0)})
        return user_id

    def follow(self, follower: str, username: str) -> None:
        """Follow, unless it is so."""
        stays = self.follows.setdefault((follower, self.id_of(username)), [])
        if not stays or stays[-1].end != FOREVER:
            stays.append(Stay(self.now))
            self.sandbox.world.follow(follower, username, at=self.now)

    def unfollow(self, follower: str, username: str) -> None:
        """Follow no longer, if it is so."""
        stays = self.follows.get((follower, self.id_of(username)), [])
        if stays and stays[-1].end == FOREVER:
            stays[-1].end = self.now
            self.sandbox.world.unfollow(follower, username)

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
            self.usernames,
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
        """When the follow was made, each time."""
        return [stay.start for stay in self.follows.get((follower, self._id(account_id)), [])]

    def listed(self, provider: str, follower: str, account_id: str) -> list[Stay]:
        """When the account stood on the list; on the Research API, under one username."""
        stays = self.follows.get((follower, self._id(account_id)), [])
        for hidden in self.hidden.get(self._id(account_id), []):
            stays = [part for stay in stays for part in _without(stay, hidden)]
        if provider == "rapidapi":
            return stays
        names = self.names[self._id(account_id)]
        named = [names[account_id]] if account_id in names else names.values()
        return [part for stay in stays for name in named for part in _within(stay, name)]

    def _id(self, account_id: str) -> str:
        """The account that an id, or a username that it had at some time, stands for."""
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
