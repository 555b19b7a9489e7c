"""Where the next page is, and cursors that are unusable, stand still or never move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from tap_tiktok_following.times import DAY, in_utc

if TYPE_CHECKING:
    from tap_tiktok_following.crawl.finds import Finds
    from tap_tiktok_following.model import Page, Response, Standing

LARGEST_PAGE = 100
"""Maximum number of accounts per page with both providers."""

MOST_IDLE = 4
"""Consecutive pages with the same cursor and no new account until the scan fails."""

NEVER_MOVES = "the cursor for the next page never moves"


def bounds_of(answer: Response, asked: int | None) -> tuple[int, int, str]:
    """The time bounds of the follows on a page, and what is wrong with its next cursor.

    Args:
        answer: The page.
        asked: The cursor of the request; None for the newest page.

    Returns:
        The lower bound (0 if unknown) and the upper bound in Unix seconds, and why the next
        page cannot be requested; "" if it can, or if there is none.
    """
    page = answer.page
    # The `Date` header may lag a little behind the clock that cursors come from.
    highest = answer.until + DAY if asked is None else asked
    problem = _cursor_problem(page, highest)
    lower = 0 if problem or not page.has_more else page.next_cursor or 0
    return lower, max(answer.until, lower) if asked is None else asked, problem


def moved(standing: Standing, finds: Finds, asked_for: int) -> Standing | None:
    """The standing for the next page, even if one second has more follows than a page.

    Args:
        standing: The standing before the page.
        finds: The accounts of the page.
        asked_for: Number of accounts requested.

    Returns:
        The new standing; None if the cursor never moves.
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
