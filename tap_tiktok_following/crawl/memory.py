"""What an earlier scan saw of a list, and which accounts are news to it.

The memory holds the newest accounts of the list in their order, down to `since`. An account
that is not among them was followed later, or shown late, or it stands below the memory: a
page that reaches below `since` holds both kinds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_tiktok_following.model import HASH_LENGTH, Memory, split_hashes

if TYPE_CHECKING:
    from tap_tiktok_following.crawl.finds import Finds

MOST_REMEMBERED = 1000
"""Accounts whose hashes one username's state entry holds, about 7 characters each."""

ENOUGH_IN_ORDER = 3
"""Known accounts in their old order, one behind the other: they were not followed again."""


class Known:
    """The accounts that an earlier scan saw, as this one meets them again.

    Args:
        memory: What the earlier scan saw.
        bookmark: T of that scan in Unix seconds.
        met: Accounts that this scan met so far, newest follow first.
    """

    def __init__(self, memory: Memory, bookmark: int, met: bytes = b"") -> None:
        self.memory = memory
        self._bookmark = bookmark
        self._ranks = {
            account: rank for rank, account in enumerate(split_hashes(memory.hashes))
        }
        self._met = [
            self._ranks[account] for account in split_hashes(met) if account in self._ranks
        ]

    def covers(self, lower: int) -> bool:
        """Whether nothing below a cursor is new: all of it was listed in the earlier scan.

        So say both its clock and the end of what is remembered. One is enough, and the
        second holds where the local clock is wrong.
        """
        return lower < self._bookmark or lower <= self.memory.since

    def news(self, finds: Finds, *, is_first: bool) -> list[bool]:
        """Which of the accounts of a page are to be sent: one too many does no harm.

        All unknown ones are, unless the page reaches below the memory. There, unknown
        accounts below the last known one are old ones, which slid up when others left the
        list. That can't be told where the known ones may have been followed again.

        Args:
            finds: The accounts of the page.
            is_first: Whether it is the first page with accounts.
        """
        self._met += [self._ranks[a] for a in finds.hashes if a in self._ranks]
        unknown = [account not in self._ranks for account in finds.hashes]
        since = self.memory.since
        if finds.lower >= since:
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

    def _stand_where_they_stood(self, lower: int) -> bool:
        """Whether the known accounts met so far were not followed again since."""
        tail = self._met[-ENOUGH_IN_ORDER:]
        return (
            lower < self._bookmark
            and len(tail) == ENOUGH_IN_ORDER
            and tail == sorted(tail)
            and 2 * len(self._met) >= len(self._ranks)
        )


def remembered(memory: Memory, finds: Finds, lower: int) -> Memory:
    """A memory with the accounts of a further page.

    Args:
        memory: The accounts of the pages above.
        finds: The accounts of the page.
        lower: Unix seconds: where the page ends.
    """
    return Memory(memory.hashes + b"".join(finds.hashes), lower)


def is_enough(memory: Memory, since: int) -> bool:
    """Whether a memory needs no further page.

    Args:
        memory: The accounts so far.
        since: Unix seconds: accounts followed then or later are to be known.
    """
    most = MOST_REMEMBERED * HASH_LENGTH
    return bool(memory.hashes) and (memory.since < since or len(memory.hashes) >= most)
