"""Where the next page is: cursors that lead nowhere, stand still, or never move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from tap_tiktok_following.times import DAY, in_utc

if TYPE_CHECKING:
    from tap_tiktok_following.crawl.finds import Finds
    from tap_tiktok_following.model import Answer, Page, Standing

LARGEST_PAGE = 100
"""Accounts: what both providers give at most."""

MOST_IDLE = 4
"""Pages in a row on which the cursor stands still and no account is new: it never moves."""

NEVER_MOVES = "the cursor for the next page never moves"


def bounds_of(answer: Answer, asked: int | None) -> tuple[int, int, str]:
    """When the accounts of a page were followed, and what is wrong with its next cursor.

    Args:
        answer: The page.
        asked: The cursor that it was asked for with; None for the newest.

    Returns:
        Unix seconds of the earliest (0 if unknown) and of the latest follow, and why the
        next page can't be asked for; "" if it can, or there is none.
    """
    page = answer.page
    # A `Date` may be a little behind the clock that the first cursor comes from.
    highest = answer.until + DAY if asked is None else asked
    problem = _cursor_problem(page, highest)
    lower = 0 if problem or not page.has_more else page.next_cursor or 0
    return lower, max(answer.until, lower) if asked is None else asked, problem


def moved(standing: Standing, finds: Finds, asked_for: int) -> Standing | None:
    """With the cursor of the next page, also where a page can't hold all of one second.

    Args:
        standing: Where the scan stood when it asked for the page.
        finds: The accounts of the page.
        asked_for: How many accounts it asked for.

    Returns:
        Where it stands now; None if the cursor never moves.
    """
    stands_still = finds.lower == standing.cursor
    is_fixed = stands_still and asked_for == LARGEST_PAGE
    idle = standing.idle + 1 if stands_still and not finds.rows else 0
    if idle >= MOST_IDLE:
        return None
    gap = standing.gap
    if is_fixed:
        moment = in_utc(finds.lower)
        gap = f"the cursor stood still at {moment}: accounts followed then may be missing"
    return replace(
        standing,
        idle=idle,
        gap=gap,
        cursor=finds.lower - 1 if is_fixed else finds.lower,
        stands_still=stands_still and not is_fixed,
    )


def _cursor_problem(page: Page, highest: int) -> str:
    if not page.has_more:
        return ""
    if not page.next_cursor or page.next_cursor < 0:
        return "there is a next page, but no cursor to ask for it with"
    if page.next_cursor > highest:
        return "the cursor for the next page moves forward in time"
    return ""
