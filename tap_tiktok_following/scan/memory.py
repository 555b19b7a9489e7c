"""What an entry remembers of a list: which accounts are new, and which have left it.

The memory contains the newest accounts of the last scan in order, down to `since`. An account
that is not in it was followed later, was shown late, or is further down than the memory
reaches. A page that reaches below `since` may list all of these.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from itertools import takewhile

from tap_tiktok_following.model import HASH_LENGTH, Memory

MOST_REMEMBERED = 1000  # number of accounts from which a memory grows no further
ENOUGH_MET = 3  # number of remembered accounts that show where a list continues as it was

_HASHES = struct.Struct(f"{HASH_LENGTH}s")


def hash_account(key: str) -> bytes:
    """Return a short hash (40 bits) of the field that identifies an account."""
    return hashlib.blake2b(key.encode(), digest_size=HASH_LENGTH).digest()


def split_hashes(joined: bytes) -> list[bytes]:
    """Return hashes that were concatenated, in the same order."""
    return [account for (account,) in _HASHES.iter_unpack(joined)]


class Comparison:
    """The accounts that a scan has read, compared with the memory of the scan before."""

    def __init__(self, memory: Memory, accounts: Sequence[bytes]) -> None:
        self.accounts = accounts  # hashes, newest follow first
        self._since = memory.since
        remembered = split_hashes(memory.hashes)
        self.ranks = {account: rank for rank, account in enumerate(remembered)}
        self.size = len(self.ranks)  # number of remembered accounts
        # Positions in the memory of those that the scan has read, in the order of reading.
        self.met = [self.ranks[a] for a in accounts if a in self.ranks]

    @property
    def has_met_enough(self) -> bool:
        """Whether the scan has come to accounts that were listed before."""
        return len(self.met) >= min(ENOUGH_MET, self.size)

    @property
    def has_met_half(self) -> bool:
        """Whether at least half of the remembered accounts are still listed."""
        return 2 * len(self.met) >= self.size

    def count_new_on_top(self, earliest: int) -> int:
        """Return the number of new accounts above the first remembered one.

        If none of these was met, that is known only where pages were read down to `earliest`
        (Unix seconds), above the end of the memory.
        """
        if not self.met and earliest < self._since:
            return 0
        return sum(1 for _ in takewhile(lambda a: a not in self.ranks, self.accounts))

    def count_new(self) -> int:
        """Return the number of unknown accounts above the last remembered one.

        All unknown accounts count if fewer than half of the remembered ones are listed.
        """
        unknown = len(self.accounts) - len(self.met)
        if self.has_met_half:
            below = takewhile(lambda a: a not in self.ranks, reversed(self.accounts))
            return unknown - sum(1 for _ in below)
        return unknown

    def count_missing(self, earliest: int, bookmark: int) -> int | None:
        """Return the minimum number of remembered accounts that left the list, if known.

        Pages were read down to `earliest` (0 for the end of the list), and the scan before
        was at `bookmark`, both in Unix seconds.
        """
        if not self._since and not earliest:
            return self.size - len(self.met)
        # More accounts of the second in which a page ends may be on the next page.
        is_covered = earliest < self._since
        is_met = bool(self.met) and self.has_met_enough
        if earliest >= bookmark or not (is_covered or is_met):
            return None
        reached = self.size if is_covered else self.met[-1] + 1
        if 2 * len(self.met) < reached:
            return None
        return reached - sum(rank < reached for rank in self.met)
