"""What an entry remembers of a list, and how it compares with what a scan reads.

The memory contains the newest accounts of the last scan in order, down to `since`. An account
that is not in it was followed later, was shown late, or is further down than the memory
reaches. A page that reaches below `since` may list all of these.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

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
        remembered = split_hashes(memory.hashes)
        self.ranks = {account: rank for rank, account in enumerate(remembered)}
        # The remembered accounts that the scan has read: their places among `accounts`.
        self.met = [place for place, account in enumerate(accounts) if account in self.ranks]

    @property
    def has_met_enough(self) -> bool:
        """Whether the scan has come to accounts that were listed before."""
        return len(self.met) >= min(ENOUGH_MET, len(self.ranks))

    @property
    def has_met_half(self) -> bool:
        """Whether at least half of the remembered accounts are still listed."""
        return 2 * len(self.met) >= len(self.ranks)

    def count_new(self) -> int:
        """Return the number of unknown accounts above the last remembered one.

        All unknown accounts count if fewer than half of the remembered ones are listed.
        """
        above = len(self.accounts)
        if self.has_met_half:
            above = self.met[-1] + 1 if self.met else 0
        return above - len(self.met)
