"""Shards: the part of the usernames that a process reads when several share one list."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b

MOST_SHARDS = 9999

_SHARD = re.compile(r"([1-9]\d{0,3})/([1-9]\d{0,3})")


def shard_of(text: str, count: int) -> int:
    """The number of the shard, from 1 to `count`, that a username belongs to.

    It depends on nothing but the text: the first 8 bytes of its BLAKE2b hash in UTF-8, as a
    big-endian number, modulo `count`, plus 1. States are split by it, so it must never change.

    Args:
        text: A username in lower case, or a malformed entry as it is shown.
        count: Number of shards.
    """
    digest = blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % count + 1


@dataclass(frozen=True)
class Shard:
    """One of several parts of the usernames.

    Attributes:
        number: From 1 to `count`.
        count: Number of shards.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard | None:
        """The shard of a setting such as `3/8`; None if the text is malformed."""
        match = _SHARD.fullmatch(text)
        shard = cls(int(match[1]), int(match[2])) if match else None
        return shard if shard and shard.number <= shard.count else None

    def __contains__(self, text: str) -> bool:
        return shard_of(text, self.count) == self.number

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"
