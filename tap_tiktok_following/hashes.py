"""Short hashes that tell accounts apart."""

from __future__ import annotations

import hashlib

HASH_LENGTH = 5
"""Bytes."""


def hash_account(key: str) -> bytes:
    """A short hash (40 bits) of the field that identifies an account."""
    return hashlib.blake2b(key.encode(), digest_size=HASH_LENGTH).digest()


def split_hashes(joined: bytes) -> list[bytes]:
    """Hashes that were concatenated, in the same order."""
    starts = range(0, len(joined), HASH_LENGTH)
    return [joined[start : start + HASH_LENGTH] for start in starts]
