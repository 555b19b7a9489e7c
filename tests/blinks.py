"""A provider that blinks: it responds with HTTP 200, and with a wrong list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

from tap_tiktok_following.model import Accounts, Page
from tap_tiktok_following.text import parse_time
from tests.lives import Blink, Life

Change = Callable[[Page], Page]


def empty(page: Page) -> Page:
    """No account, but more to come if there was more to come."""
    return replace(page, accounts=Accounts([]))


def null(page: Page) -> Page:
    """No list at all, which reads as an empty one without a next page or a total."""
    return replace(page, accounts=Accounts([]), has_more=False, next_cursor=None, total=None)


def early_end(page: Page) -> Page:
    """All its accounts, but no next page."""
    return replace(page, has_more=False, next_cursor=None)


def on_page(change: Change, *pages: int) -> Blink:
    """Change some pages of the list at each request."""
    return lambda number, page: change(page) if number in pages else page


def once(change: Change, page: int) -> Blink:
    """Change a page at the first request for it."""
    waiting = [page]

    def blink(number: int, page: Page) -> Page:
        if number not in waiting:
            return page
        waiting.remove(number)
        return change(page)

    return blink


class Absence(NamedTuple):
    """An account that a whole list lacks though an earlier scan sent it."""

    account: str
    scanned_at: str  # of the scan of that whole list


def absences(life: Life) -> Iterator[Absence]:
    """Yield what the dbt package calls unfollows, for lists that were read to their end."""
    rows = {row["scanned_at"]: row for row in life.rows}
    present: set[str] = set()
    for scanned_at in sorted({*rows, *(record["scanned_at"] for record in life.records)}):
        sent = {r["username"] for r in life.records if r["scanned_at"] == scanned_at}
        row = rows.get(scanned_at)
        if row and row["whole_list"] and row["read_down_to"] is None:
            yield from (Absence(account, scanned_at) for account in sorted(present - sent))
            present.clear()
        present |= sent


def false_absences(life: Life) -> list[Absence]:
    """Return the absences of accounts that were on the list all the time it was read."""
    rows = {row["scanned_at"]: row for row in life.rows}
    return [a for a in absences(life) if a.account in _listed_during(life, rows[a.scanned_at])]


def _listed_during(life: Life, row: dict[str, str]) -> set[str]:
    first, last = (parse_time(row[name]) or 0 for name in ("scanned_at", "read_until"))
    listings = [names for now, names in life.listings.items() if first <= now <= last]
    stays = [(f.username, f.at, f.until or last) for f in life.world.history("ann")]
    stayed = {account for account, at, until in stays if at <= first and until >= last}
    return stayed.intersection(*listings)
