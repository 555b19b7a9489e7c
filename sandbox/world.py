"""The accounts, and their follows with times. No HTTP."""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass, replace
from enum import Enum
from hashlib import blake2b
from typing import TYPE_CHECKING

from sandbox.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


@dataclass(frozen=True)
class Follow:
    """One account on a list.

    Attributes:
        username: The followed account.
        at: When the follow happened, in Unix seconds.
        until: When the unfollow happens, in Unix seconds; None where none is known.
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
        """The account that a username always has unless another is given."""
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
    """Every account by username; one that nobody set is made up when it is looked at.

    Args:
        make_up: Makes the account that goes with a username.
    """

    def __init__(self, make_up: Callable[[str], Account] = Account.made_up) -> None:
        super().__init__()
        self._make_up = make_up

    def __missing__(self, username: str) -> Account:
        account = self[username] = self._make_up(username)
        return account


class Standing(Enum):
    """Whether an account has a list to give."""

    LISTED = "listed"
    PRIVATE = "private"
    HIDDEN = "hidden"
    UNAVAILABLE = "unavailable"
    NOT_FOUND = "not found"


class World:
    """The accounts and their follows.

    Lists are kept oldest follow first; follows of one second in the order they were told.
    A follow of the future is on nobody's page until its time has come. Tests change a world
    while it is served.

    Attributes:
        clock: Says what time it is; a sandbox puts its own here.
        accounts: The accounts' details; set one to replace what is made up.
        private: Usernames whose account is private.
        hidden_lists: Usernames that are public, but hide who they follow.
        unavailable: Usernames whose list the providers do not return.
        hidden: Accounts that the providers leave out of every page, after paging.
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.accounts = Accounts()
        self.private: set[str] = set()
        self.hidden_lists: set[str] = set()
        self.unavailable: set[str] = set()
        self.hidden: set[str] = set()
        self._lists: dict[str, list[Follow]] = {}
        self._ended: dict[str, list[Follow]] = {}

    @classmethod
    def of(
        cls,
        follows: Mapping[str, Iterable[Follow]],
        *,
        private: Iterable[str] = (),
        hidden_lists: Iterable[str] = (),
        unavailable: Iterable[str] = (),
    ) -> World:
        """A world with these lists, in any order. Whoever is not named does not exist."""
        world = cls()
        world._lists = {name: sorted(made, key=_at) for name, made in follows.items()}
        world.private.update(private)
        world.hidden_lists.update(hidden_lists)
        world.unavailable.update(unavailable)
        return world

    @property
    def usernames(self) -> list[str]:
        """Everyone who has a list, public or not."""
        return sorted({*self._lists, *self.private, *self.hidden_lists, *self.unavailable})

    def standing(self, username: str) -> Standing:
        """Whether this username has a list to give."""
        if username in self.private:
            return Standing.PRIVATE
        if username in self.hidden_lists:
            return Standing.HIDDEN
        if username in self.unavailable:
            return Standing.UNAVAILABLE
        return Standing.LISTED if username in self._lists else Standing.NOT_FOUND

    def following(self, username: str, now: float) -> Sequence[Follow]:
        """The whole list at a time, oldest first, hidden accounts included."""
        follows = self._list(username)
        return follows[: bisect_right(follows, now, key=_at)]

    def truth(self, username: str) -> list[Follow]:
        """What a perfect reader finds now: newest first, hidden accounts left out."""
        follows = reversed(self.following(username, self.clock.now()))
        return [follow for follow in follows if follow.username not in self.hidden]

    def history(self, username: str) -> list[Follow]:
        """Every follow made until now, oldest first, those that have ended included.

        An account that was followed again is there once for each time. Hidden accounts are
        there too, and a renamed account has its new username.
        """
        now = self.clock.now()
        made = [*self._list(username), *self._ended.get(username, [])]
        return sorted((follow for follow in made if follow.at <= now), key=_at)

    def follow(self, username: str, followed: str, *, at: int) -> None:
        """Let an account follow another since a time, in Unix seconds."""
        self._lists[username] = follows = self._list(username)
        insort(follows, Follow(followed, at), key=_at)

    def unfollow(self, username: str, followed: str) -> None:
        """Let an account follow another no longer."""
        now = int(self.clock.now())
        follows = self._list(username)
        ended = [follow for follow in follows if follow.username == followed]
        follows[:] = [follow for follow in follows if follow.username != followed]
        self._ended.setdefault(username, []).extend(
            replace(follow, until=now) for follow in ended if follow.at <= now
        )

    def rename(self, username: str, new: str) -> None:
        """Give an account another username, everywhere. Its `user_id` stays."""
        self.accounts[new] = replace(self.accounts[username], username=new)
        del self.accounts[username]
        for names in (self.private, self.hidden_lists, self.unavailable, self.hidden):
            if username in names:
                names.symmetric_difference_update({username, new})
        for follows in (*map(self._list, self._lists), *self._ended.values()):
            follows[:] = [
                replace(follow, username=new) if follow.username == username else follow
                for follow in follows
            ]
        for lists in (self._lists, self._ended):
            if username in lists:
                lists[new] = lists.pop(username)

    def hide(self, username: str) -> None:
        """Leave an account out of every page, as banned and private ones are."""
        self.hidden.add(username)

    def show(self, username: str) -> None:
        """Hide an account no longer."""
        self.hidden.discard(username)

    def hide_list(self, username: str) -> None:
        """Let an account hide who it follows; it stays on other lists."""
        self.hidden_lists.add(username)

    def show_list(self, username: str) -> None:
        """Let an account show again who it follows."""
        self.hidden_lists.discard(username)

    def _list(self, username: str) -> list[Follow]:
        return self._lists.get(username, [])


def _at(follow: Follow) -> int:
    return follow.at
