"""The usernames and profiles of the demo."""

from __future__ import annotations

from dataclasses import replace

from sandbox.world import Account

_FIRST = (
    *("amber", "basil", "cedar", "dahlia", "ember", "fable", "ginger", "hazel"),
    *("indigo", "juniper", "koa", "luna", "mango", "nova", "olive", "pepper"),
    *("quill", "river", "sage", "tango", "umber", "violet", "willow", "zephyr"),
)
_SECOND = (
    *("bakes", "builds", "cooks", "dances", "draws", "farms", "films", "games"),
    *("hikes", "jokes", "knits", "laughs", "learns", "maps", "paints", "plays"),
    *("reads", "runs", "sews", "sings", "skates", "surfs", "teaches", "travels"),
)
_ORNAMENTS = (
    "",
    " 🦊",
    " ✨",
    " نور",
    " 東京",
    " 👩‍👩‍👧‍👦",
    " 𠮷野家",
    " שלום",
    " 🇳🇿",
    " café",
)


def cast(number: int) -> str:
    """Return one of the 40 usernames, such as `amber_bakes`."""
    return _name(number, "_")


def crowd(number: int) -> str:
    """Return the username of an account that is followed, such as `amber.bakes`."""
    return _name(number, ".")


def passing(beat: int) -> str:
    """Return the username of the account that is followed at a beat."""
    return f"{crowd(beat % 500)}.{beat % 100_000}"


def colourful(username: str) -> Account:
    """Return an account with letters of many scripts and large counts."""
    account = Account.made_up(username)
    number = int(account.user_id)
    name = account.display_name + _ORNAMENTS[number % len(_ORNAMENTS)]
    likes = 11_000_000_000 if number % 50 == 0 else account.total_likes
    return replace(account, display_name=name, total_likes=likes)


def _name(number: int, separator: str) -> str:
    first, rest = number % len(_FIRST), number // len(_FIRST)
    second = _SECOND[(rest + 7 * first) % len(_SECOND)]
    again = rest // len(_SECOND)
    return f"{_FIRST[first]}{separator}{second}{again or ''}"
