"""Short hashes of accounts: what the state keeps of who was on a list."""

from __future__ import annotations

import hashlib

HASH_LENGTH = 5


def hash_account(key: str) -> bytes:
    """A short hash (40 bits) of what tells an account apart."""
    return hashlib.blake2b(key.encode(), digest_size=HASH_LENGTH).digest()


def split_hashes(joined: bytes) -> list[bytes]:
    """Hashes that were written one behind the other, in that order."""
    starts = range(0, len(joined), HASH_LENGTH)
    return [joined[start : start + HASH_LENGTH] for start in starts]
