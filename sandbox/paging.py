"""How both providers page a list: newest follow first, with an inclusive cursor."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.world import Follow


@dataclass(frozen=True)
class Page:
    """One page of a list, hidden accounts included.

    Attributes:
        follows: The accounts on it, newest follow first.
        cursor: The cursor of the next page, in Unix seconds.
        has_more: Whether there is a next page.
        total: The length of the whole list.
    """

    follows: Sequence[Follow]
    cursor: int
    has_more: bool
    total: int


def page_of(
    follows: Sequence[Follow], cursor: int, count: int, *, repeat_boundary: bool
) -> Page:
    """Return the page with the newest follows made at the cursor or before it.

    No account is lost where several were followed in one second: the next cursor is never
    older than the newest account that remains. If more accounts than fit on a page share a
    second, the cursor therefore stands still, as the real ones do.

    Args:
        follows: The list, oldest first.
        cursor: Unix seconds, inclusive.
        count: Maximum number of accounts.
        repeat_boundary: Whether the next page begins with this one's last account.
    """
    end = bisect_right(follows, cursor, key=lambda follow: follow.at)
    start = max(0, end - count)
    has_more = start > 0
    boundary = start - 1 if has_more and not repeat_boundary else start
    return Page(
        follows=follows[start:end][::-1],
        cursor=follows[boundary].at if end else cursor,
        has_more=has_more,
        total=len(follows),
    )
