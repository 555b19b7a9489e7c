"""The lists that are read: who is asked about, and how many accounts each follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox import Follow, World

if TYPE_CHECKING:
    from collections.abc import Sequence

NEWEST = 1_760_000_000
"""Unix seconds of every list's newest follow."""

BETWEEN = 3600
"""Seconds between two follows of a list: no two share a second."""


def usernames(lengths: Sequence[int]) -> list[str]:
    """The usernames to read, one per list."""
    return [f"reader_{number:06}" for number in range(len(lengths))]


def world(lengths: Sequence[int]) -> World:
    """A world with lists of these lengths; all of them begin with the same accounts."""
    newest_first = [
        Follow(f"account_{place:06}", NEWEST - place * BETWEEN)
        for place in range(max(lengths))
    ]
    return World.of(
        {
            name: newest_first[:length]
            for name, length in zip(usernames(lengths), lengths, strict=True)
        }
    )
