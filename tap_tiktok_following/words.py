"""Numbers with their nouns."""

from __future__ import annotations


def many(number: int, noun: str) -> str:
    """A number and what it counts, such as `1 username` or `1,200 usernames`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
