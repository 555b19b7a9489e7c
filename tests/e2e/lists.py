"""Lists with what often breaks, and the rows that a perfect pipeline makes of them."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from sandbox import Account, Fault, Scenario, World
from sandbox.world import Accounts
from tests.harness import DAY, follows_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox import Sandbox
    from tests.warehouse import Row

LENGTHS = {"empty": 0, "one": 1, "many": 334, "torn": 3, "nul": 3, "nameless": 3}
"""In three of them, names have half a surrogate pair, have U+0000, or are missing."""

FAULTS = [
    Fault("surrogate", username="torn"),
    Fault("nul", username="nul"),
    Fault("missing_field", username="nameless", value="display_name"),
]
NEWS = {"empty": 1, "one": 3, "many": 150}
"""How many follows are made between two runs."""

OF_A_SCAN = {
    *("scanned_at", "previous_scanned_at", "followed_at_earliest", "followed_at_latest"),
    "position",
}


def fill(sandbox: Sandbox) -> None:
    """Put the lists into a sandbox."""
    follows = {name: follows_of(name, length, every=600) for name, length in LENGTHS.items()}
    sandbox.world = World.of(follows)
    sandbox.world.accounts = Accounts(_account)
    sandbox.scenario = Scenario(boundary="skip", faults=FAULTS)


def _account(username: str) -> Account:
    """Return an account with emoji, quotes, lines and large counts."""
    account = Account.made_up(username)
    return replace(
        account,
        display_name=f"{account.display_name} 🦄 Zoë 👩‍🚀",
        bio=account.bio and f'{account.bio},\n"quoted"; back\\slash\ttab 🏳️‍🌈',
        followers=11_000_000_000,
    )


def make_news(sandbox: Sandbox) -> None:
    """Advance the clock by a day in which some accounts follow others."""
    noon = int(sandbox.clock.now()) + DAY // 2
    for username, number in NEWS.items():
        for place in range(number):
            sandbox.world.follow(username, f"{username}.new.{place}", at=noon + 60 * place)
    sandbox.clock.advance(DAY)


def is_news(row: Row) -> bool:
    """Return whether `make_news` made this follow."""
    return ".new." in row["username"]


def expected(sandbox: Sandbox, provider: str) -> list[Row]:
    """Return the rows of all follows that can be read now, `without_times`."""
    rows = []
    for username in LENGTHS:
        for follow in sandbox.world.truth(username):
            row = asdict(sandbox.world.accounts[follow.username])
            if provider == "research":
                row = {name: row[name] for name in ("username", "display_name")}
            if username in {"torn", "nul"}:
                row["display_name"] += "\N{REPLACEMENT CHARACTER}"
            if username == "nameless":
                row["display_name"] = None
            rows.append(row | {"follower_username": username})
    return in_order(rows)


def without_times(rows: Iterable[Row]) -> list[Row]:
    """Return rows without what depends on the scan, in order."""
    return in_order({k: row[k] for k in row.keys() - OF_A_SCAN} for row in rows)


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Return rows in an order that depends on their values only."""
    return sorted(rows, key=lambda row: sorted((k, repr(v)) for k, v in row.items()))
