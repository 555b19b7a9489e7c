"""Lists of every awkward length, and the rows that a perfect pipeline makes of them."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from sandbox import Account, World
from sandbox.world import Accounts
from tests.harness import DAY, NOW, follows_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox import Sandbox

Row = dict[str, Any]

LENGTHS = {
    "empty": 0,
    "one": 1,
    "ninety_nine": 99,
    "hundred": 100,
    "hundred_and_one": 101,
    "many": 1234,
    "gaps": 600,
}

GIVEN = [
    "@Empty",
    "https://www.tiktok.com/@one?lang=en",
    "NINETY_NINE",
    "hundred",
    "tiktok.com/@hundred_and_one/",
    "@many",
    "gaps",
    "one",
]
"""The same usernames as a person may write them, one of them twice."""

NEWS = {"empty": 1, "one": 3, "hundred_and_one": 150}
"""How many follows are made between two loads."""

TEN_MINUTES = 600


def make_world(lengths: dict[str, int]) -> World:
    """Return a world with lists of these lengths; `gaps` has nearly empty pages in it."""
    world = World.of(
        {name: follows_of(name, length, every=TEN_MINUTES) for name, length in lengths.items()}
    )
    world.accounts = Accounts(make_account)
    for place in range(150, 450):
        if place % 50:
            world.hide(f"gaps.{place}")
    return world


def make_account(username: str) -> Account:
    """Return an account with what often breaks: emoji, quotes, lines, large counts."""
    account = Account.made_up(username)
    return replace(
        account,
        display_name=f"{account.display_name} 🦄 Zoë 👩‍🚀",
        bio=account.bio and f'{account.bio},\n"quoted"; back\\slash\ttab 🏳️‍🌈',
        followers=11_000_000_000,
    )


def make_news(sandbox: Sandbox) -> None:
    """Advance the clock by a day in which some accounts follow others."""
    for username, number in NEWS.items():
        for place in range(number):
            at = NOW + DAY // 2 + 60 * place
            sandbox.world.follow(username, f"{username}.new.{place}", at=at)
    sandbox.clock.advance(DAY)


def is_news(row: Row) -> bool:
    """Return whether `make_news` made this follow."""
    return ".new." in row["username"]


def follows(sandbox: Sandbox, provider: str, usernames: Iterable[str]) -> list[Row]:
    """Return the rows of all follows that can be read now, without the times of a scan."""
    return [
        {"follower_username": username, "position": position, **fields}
        for username in usernames
        for position, follow in enumerate(sandbox.world.truth(username), 1)
        for fields in [_fields(sandbox.world.accounts[follow.username], provider)]
    ]


def _fields(account: Account, provider: str) -> Row:
    names = ("username", "display_name")
    everything = asdict(account)
    return everything if provider == "rapidapi" else {name: everything[name] for name in names}


def without_times(rows: Iterable[Row]) -> list[Row]:
    """Return rows without what differs from scan to scan."""
    times = {
        *("scanned_at", "previous_scanned_at", "read_until"),
        *("followed_at_earliest", "followed_at_latest"),
    }
    return [{name: row[name] for name in row.keys() - times} for row in rows]


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Return rows in an order that depends on their values only."""
    return sorted(rows, key=lambda row: sorted((k, repr(v)) for k, v in row.items()))
