"""What an earlier scan knew about a list, and which accounts are new to it.

The memory contains the newest accounts of the list in order, down to `since`. An account that
is not in it was followed later, was shown late, or is further down than the memory reaches. A
page that reaches below `since` may contain all of these.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from tap_tiktok_following.hashes import HASH_LENGTH, split_hashes
from tap_tiktok_following.model import Memory

if TYPE_CHECKING:
    from tap_tiktok_following.crawl.finds import Finds

MOST_REMEMBERED = 1000
"""Maximum number of hashes per state entry, of about 7 characters each."""

ENOUGH_IN_ORDER = 3
"""Consecutive known accounts in their old order that prove that they were not refollowed."""


class Known:
    """The accounts that an earlier scan read, compared with those of this scan.

    Args:
        memory: The accounts of the earlier scan.
        bookmark: T of that scan in Unix seconds.
        met: Concatenated hashes of the accounts of this scan so far, newest follow first.
        is_all: Whether these are all accounts of this scan so far.
        down_to: Where the earlier scan ended in Unix seconds, if it left a part unread.
    """

    def __init__(
        self,
        memory: Memory,
        bookmark: int,
        met: bytes = b"",
        *,
        is_all: bool = True,
        down_to: int = 0,
    ) -> None:
        self.memory = memory
        self._bookmark = bookmark
        self._down_to = down_to
        self._accounts = split_hashes(memory.hashes)
        self._ranks = {account: rank for rank, account in enumerate(self._accounts)}
        self._met = [self._ranks[a] for a in split_hashes(met) if a in self._ranks]
        self._has_all_met = is_all

    def covers(self, lower: int) -> bool:
        """Whether everything below a cursor was listed in the earlier scan.

        Either its clock or the end of the memory shows that. The second is right even if the
        local clock is wrong.
        """
        return lower < self._bookmark or lower <= self.memory.since

    def meet(self, finds: Finds) -> None:
        """Take note of the accounts of a page."""
        self._met += [self._ranks[a] for a in finds.hashes if a in self._ranks]

    def news(self, finds: Finds, *, is_first: bool) -> list[bool]:
        """Which accounts of a page to send; sending one too many does no harm.

        All unknown ones are sent, unless the page reaches below the memory. There, unknown
        accounts below the last known one are old ones, which moved up when others left the
        list. This conclusion is not possible if the known ones may have been refollowed, or
        if the page reaches below the part of the list that was read.

        Args:
            finds: The accounts of the page, after `meet`.
            is_first: Whether it is the first page with accounts.
        """
        unknown = [account not in self._ranks for account in finds.hashes]
        since = self.memory.since
        if finds.lower >= since or finds.lower < self._down_to:
            return unknown
        may_hold_follows_since = finds.upper >= self._bookmark
        if may_hold_follows_since and not self._stand_where_they_stood(finds.lower):
            return unknown
        last = max((n for n, a in enumerate(finds.listed) if a in self._ranks), default=None)
        if last is not None:
            return [
                is_unknown and place < last
                for is_unknown, place in zip(unknown, finds.places, strict=True)
            ]
        return unknown if is_first or finds.upper > since else [False] * len(unknown)

    def new_on_top(self, finds: Finds) -> tuple[int, bool]:
        """Number of new accounts above the first known one, and whether none is known."""
        above = list(takewhile(lambda account: account not in self._ranks, finds.hashes))
        if len(above) < len(finds.hashes):
            return len(above), False
        is_above = finds.lower >= self.memory.since
        return (len(above) if is_above else 0), is_above

    def missing(self, lower: int) -> list[int] | None:
        """Which accounts have left the list, by their positions in the memory.

        Args:
            lower: Where the pages read so far end, in Unix seconds.

        Returns:
            All accounts that are missing on the pages, if these reach below the memory;
            otherwise those above the last known account. None if it cannot be known.
        """
        if not self._has_all_met:
            return None
        end = len(self._accounts)
        if lower >= self.memory.since and lower:
            if not self._stand_where_they_stood(lower):
                return None
            end = self._met[-1]
        return sorted(set(range(end)).difference(self._met))

    def told(self, missing: list[int]) -> int:
        """How many of the missing accounts were confirmed by the last scan."""
        confirmed = self.memory.confirmed
        return sum(confirmed is None or rank < confirmed for rank in missing)

    def carried_on(self, pages: Memory, missing: list[int]) -> Memory:
        """The memory after a scan that ended above the end of this one.

        Args:
            pages: The accounts on the pages that were read.
            missing: The accounts that have left the list, from `missing`.
        """
        if pages.since < self.memory.since or not pages.since:
            return pages
        read = split_hashes(pages.hashes)
        gone = {self._accounts[rank] for rank in missing}
        below = [a for a in self._accounts if a not in gone.union(read)]
        confirmed = len(read) if below else None
        return Memory(b"".join([*read, *below]), self.memory.since, confirmed)

    def _stand_where_they_stood(self, lower: int) -> bool:
        """Whether the known accounts read so far were not refollowed since."""
        tail = self._met[-ENOUGH_IN_ORDER:]
        if len(tail) < ENOUGH_IN_ORDER or tail != sorted(tail) or lower >= self._bookmark:
            return False
        reached = len(self._accounts) if lower < self.memory.since else tail[-1] + 1
        return 2 * len(self._met) >= reached


def remembered(memory: Memory, finds: Finds, lower: int) -> Memory:
    """A memory extended by the accounts of the next page.

    Args:
        memory: The accounts of the pages above.
        finds: The accounts of the page.
        lower: Where the page ends, in Unix seconds.
    """
    return Memory(memory.hashes + b"".join(finds.hashes), lower)


def is_enough(memory: Memory, since: int) -> bool:
    """Whether a memory is complete without the next page.

    Args:
        memory: The accounts so far.
        since: Unix seconds; accounts followed at this time or later must be in it.
    """
    most = MOST_REMEMBERED * HASH_LENGTH
    return bool(memory.hashes) and (memory.since < since or len(memory.hashes) >= most)
