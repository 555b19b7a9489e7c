"""A provider that blinks: it responds with HTTP 200, and with a wrong list."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from tap_tiktok_following.model import Accounts
from tap_tiktok_following.text import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from typing import Any

    from tap_tiktok_following.model import Page
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


def on_page(change: Change, *pages: int, requests: Collection[int] | None = None) -> Blink:
    """Change some pages of the list, at each request or at some requests of a run only."""

    def blink(request: int, number: int, page: Page) -> Page:
        is_hit = number in pages and (requests is None or request in requests)
        return change(page) if is_hit else page

    return blink


def once(change: Change, number: int) -> Blink:
    """Change a page at the first request for it."""
    waiting = [number]

    def blink(_request: int, number: int, page: Page) -> Page:
        if number not in waiting:
            return page
        waiting.remove(number)
        return change(page)

    return blink


class Absence(NamedTuple):
    """An account that a whole list lacks though an earlier scan sent it.

    Attributes:
        account: Its username.
        scanned_at: The scan of that whole list.
    """

    account: str
    scanned_at: str


def absences(life: Life) -> Iterator[Absence]:
    """Yield the breaks that the dbt package derives from whole lists (`follow_spells`).

    A whole list breaks a stay if it lies between two observations of the account, or after
    the last one, and was read down to where the account was followed.
    """
    lists = list(_whole_lists(life))
    observed: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in sorted(life.records, key=lambda record: record["scanned_at"]):
        observed[record["username"]].append(record)
    for account, records in observed.items():
        made_after = ""
        for place, record in enumerate(records):
            made_after = max(made_after, record["followed_at_earliest"] or "")
            later = [r["scanned_at"] for r in records[place + 1 :]]
            next_seen = later[0] if later else None
            for scanned_at, read_down_to in lists:
                is_after = record["scanned_at"] < scanned_at
                is_before = next_seen is None or scanned_at < next_seen
                reaches = read_down_to is None or (made_after and read_down_to <= made_after)
                if is_after and is_before and reaches:
                    yield Absence(account, scanned_at)
                    break


def false_absences(life: Life) -> list[Absence]:
    """Return the absences of accounts that were on the list all the time it was read."""
    rows = {row["scanned_at"]: row for row in life.rows}
    return [
        absence
        for absence in absences(life)
        if all(absence.account in names for names in _listings(life, rows[absence.scanned_at]))
    ]


def false_news(life: Life, old: Collection[str]) -> set[str]:
    """Return the accounts of a list that the dbt package calls new (`follow_events`).

    An account appeared if an earlier whole list lacks it, or if its window starts after the
    scan before.

    Args:
        life: The list.
        old: Accounts that were followed before the first scan.
    """
    lists = list(_whole_lists(life))
    first: dict[str, dict[str, Any]] = {}
    for record in sorted(life.records, key=lambda record: record["scanned_at"]):
        first.setdefault(record["username"], record)
    news = set()
    for account in set(old).intersection(first):
        record = first[account]
        earliest, previous = record["followed_at_earliest"], record["previous_scanned_at"]
        is_after = earliest is not None and previous is not None and earliest >= previous
        is_lacking = any(
            scanned_at < record["scanned_at"]
            and (lowest is None or (earliest is not None and lowest <= earliest))
            for scanned_at, lowest in lists
        )
        if is_after or is_lacking:
            news.add(account)
    return news


def _whole_lists(life: Life) -> Iterator[tuple[str, str | None]]:
    for row in life.rows:
        if not row["whole_list"]:
            continue
        lowest = row["read_down_to"]
        if lowest is not None:
            scan = [r for r in life.records if r["scanned_at"] == row["scanned_at"]]
            deepest = [r["followed_at_earliest"] for r in scan if r["followed_at_earliest"]]
            lowest = min([lowest, *deepest])
        yield row["scanned_at"], lowest


def _listings(life: Life, row: dict[str, Any]) -> list[set[str]]:
    """Return who was on the list in each run that read it for a scan."""
    first, last = (parse_time(row[name]) or 0 for name in ("scanned_at", "read_until"))
    return [names for now, names in life.listings.items() if first <= now <= last]
