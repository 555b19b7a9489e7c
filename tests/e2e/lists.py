"""Lists with what often breaks on the way into a table."""

from __future__ import annotations

from dataclasses import replace

from sandbox import Account, Fault, Sandbox, Scenario, World
from sandbox.world import Accounts
from tests.harness import DAY, follows_of

LENGTHS = {"empty": 0, "one": 1, "many": 334, "torn": 3, "nul": 3, "nameless": 3}
"""In three of them, names have half a surrogate pair, have U+0000, or are missing."""

FAULTS = [
    Fault("surrogate", username="torn"),
    Fault("nul", username="nul"),
    Fault("missing_field", username="nameless"),
]
NEWS = {"empty": 1, "one": 3, "many": 150}
"""How many follows are made between two runs."""


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
