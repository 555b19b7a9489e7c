"""The simulated accounts, who they follow since when, and the clock they live by. No HTTP."""

from __future__ import annotations

import time
from bisect import insort
from dataclasses import dataclass, replace
from enum import Enum
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

DAY = 24 * 60 * 60
"""Seconds."""


class Clock:
    """A clock that follows the real one, or stands still until it is advanced.

    Args:
        start: Unix seconds to stand at; None follows the real clock.
    """

    def __init__(self, start: float | None = None) -> None:
        self._start = start
        self._advanced = 0.0

    def now(self) -> float:
        """Return the time in Unix seconds."""
        return (time.time() if self._start is None else self._start) + self._advanced

    def advance(self, seconds: float) -> None:
        """Move forward by some seconds, or back by a negative number of them."""
        self._advanced += seconds


@dataclass(frozen=True)
class Follow:
    """One account on a following list.

    Attributes:
        username: The followed account.
        at: Unix seconds of the follow.
        until: Unix seconds of the unfollow; None if there is none.
    """

    username: str
    at: int
    until: int | None = None


@dataclass(frozen=True)
class Account:
    """An account as the providers describe it, under the names of the RapidAPI fields."""

    user_id: str
    username: str
    display_name: str
    website_url: str
    followers: int
    following: int
    total_likes: int
    total_videos: int
    verified: bool
    is_private: bool
    bio: str
    avatar_url: str
    avatar_thumb_url: str

    @classmethod
    def made_up(cls, username: str) -> Account:
        """Return an account that depends on the username only."""
        digest = blake2b(username.encode(), digest_size=16).digest()
        number = int.from_bytes(digest[:8], "big")
        picture = f"https://p16-sign.tiktokcdn-us.com/{digest.hex()}"
        return cls(
            user_id=str(number % 7_000_000_000_000_000_000),
            username=username,
            display_name=username.replace(".", " ").replace("_", " ").title(),
            website_url=f"https://{username}.example" if number % 3 == 0 else "",
            followers=number % 1_000_003,
            following=number % 1_009,
            total_likes=number % 10_000_019,
            total_videos=number % 503,
            verified=number % 20 == 0,
            is_private=False,
            bio=f"All about {username}" if number % 2 == 0 else "",
            avatar_url=f"{picture}.jpeg",
            avatar_thumb_url=f"{picture}-thumb.jpeg",
        )


class Accounts(dict[str, Account]):
    """All accounts by username; a missing one is made up when it is looked up.

    Args:
        make_up: Makes the account of a username.
    """

    def __init__(self, make_up: Callable[[str], Account] = Account.made_up) -> None:
        super().__init__()
        self._make_up = make_up

    def __missing__(self, username: str) -> Account:
        account = self[username] = self._make_up(username)
        return account


class Status(Enum):
    """Whether the list of a username can be read, and why not."""

    LISTED = "listed"
    PRIVATE = "private"
    HIDDEN = "hidden"
    UNAVAILABLE = "unavailable"
    NOT_FOUND = "not found"


class World:
    """Accounts and their following lists, which may be changed at any time.

    Attributes:
        clock: The time of the world; the sandbox's clock in a sandbox.
        accounts: All accounts by username.
        private: Usernames of private accounts.
        hidden_lists: Usernames whose list is hidden. They appear on other lists.
        unavailable: Usernames that cannot be returned.
        hidden: Usernames that are left out of every page, as banned and private accounts are.
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.accounts = Accounts()
        self.private: set[str] = set()
        self.hidden_lists: set[str] = set()
        self.unavailable: set[str] = set()
        self.hidden: set[str] = set()
        self._follows: dict[str, list[Follow]] = {}

    @classmethod
    def of(
        cls,
        follows: Mapping[str, Iterable[Follow]],
        *,
        private: Iterable[str] = (),
        hidden_lists: Iterable[str] = (),
        unavailable: Iterable[str] = (),
    ) -> World:
        """Return a world with these lists, in any order. Any other username is not found."""
        world = cls()
        world._follows = {name: sorted(made, key=_at) for name, made in follows.items()}
        world.private.update(private)
        world.hidden_lists.update(hidden_lists)
        world.unavailable.update(unavailable)
        return world

    @property
    def usernames(self) -> list[str]:
        """All usernames that exist, in alphabetical order."""
        return sorted({*self._follows, *self.private, *self.hidden_lists, *self.unavailable})

    def status(self, username: str) -> Status:
        """Return whether the list of a username can be read."""
        if username in self.private:
            return Status.PRIVATE
        if username in self.hidden_lists:
            return Status.HIDDEN
        if username in self.unavailable:
            return Status.UNAVAILABLE
        return Status.LISTED if username in self._follows else Status.NOT_FOUND

    def following(self, username: str, now: float) -> list[Follow]:
        """Return the list at a time, oldest follow first, hidden accounts included."""
        return [
            follow
            for follow in self._list(username)
            if follow.at <= now and (follow.until is None or now < follow.until)
        ]

    def truth(self, username: str) -> list[Follow]:
        """Return the list that a perfect reader finds now: newest first, none hidden."""
        follows = reversed(self.following(username, self.clock.now()))
        return [follow for follow in follows if follow.username not in self.hidden]

    def history(self, username: str) -> list[Follow]:
        """Return every follow made until now, oldest first, ended ones included.

        An account that was followed again is listed once per follow. Hidden accounts are
        included, and a renamed account has its new username.
        """
        now = self.clock.now()
        return [follow for follow in self._list(username) if follow.at <= now]

    def follow(self, username: str, followed: str, *, at: int) -> None:
        """Add an account to a list, from a time in Unix seconds on."""
        self._follows[username] = follows = self._list(username)
        insort(follows, Follow(followed, at), key=_at)

    def unfollow(self, username: str, followed: str) -> None:
        """Remove an account from a list."""
        now = int(self.clock.now())
        follows = self._list(username)
        follows[:] = [
            replace(follow, until=now)
            if follow.username == followed and follow.until is None
            else follow
            for follow in follows
        ]

    def rename(self, username: str, new: str) -> None:
        """Give an account another username, everywhere. Its `user_id` stays."""
        self.accounts[new] = replace(self.accounts[username], username=new)
        del self.accounts[username]
        for names in (self.private, self.hidden_lists, self.unavailable, self.hidden):
            if username in names:
                names.symmetric_difference_update({username, new})
        if username in self._follows:
            self._follows[new] = self._follows.pop(username)
        for follows in map(self._list, self._follows):
            follows[:] = [
                replace(follow, username=new) if follow.username == username else follow
                for follow in follows
            ]

    def hide(self, username: str) -> None:
        """Leave an account out of every page."""
        self.hidden.add(username)

    def show(self, username: str) -> None:
        """Include an account in pages again."""
        self.hidden.discard(username)

    def _list(self, username: str) -> list[Follow]:
        return self._follows.get(username, [])


def _at(follow: Follow) -> int:
    return follow.at
