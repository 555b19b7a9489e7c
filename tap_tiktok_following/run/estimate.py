"""What a run will cost, before its first request."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from tap_tiktok_following.scan.step import is_full

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_tiktok_following.model import Entry, Policy

LONGEST = 5000
"""Number of accounts: providers return no more of a list."""


class Cost(NamedTuple):
    """The fewest and the most that a run can take.

    Attributes:
        least: Number of requests.
        most: Number of requests.
        least_seconds: The same in seconds, if nothing but the rate limit slows the run down.
        most_seconds: The same.
    """

    least: int = 0
    most: int = 0
    least_seconds: float = 0
    most_seconds: float = 0

    def limited_to(self, max_requests: int | None, per_second: int) -> Cost:
        """Return the cost of a run that sends no more requests than allowed."""
        least, most = self.least, self.most
        if max_requests is not None:
            least, most = min(least, max_requests), min(most, max_requests)
        return Cost(least, most, least / per_second, most / per_second)

    def plus(self, other: Cost) -> Cost:
        """Return the cost of two runs, one after the other."""
        return Cost(
            self.least + other.least,
            self.most + other.most,
            self.least_seconds + other.least_seconds,
            self.most_seconds + other.most_seconds,
        )


def estimate_cost(entries: Iterable[Entry], policy: Policy, now: float) -> Cost:
    """Return between how many requests the scans of lists will take.

    Args:
        entries: What is known of each list.
        policy: How lists are read.
        now: Unix seconds by the local clock.
    """
    least = most = 0
    for entry in entries:
        low, high = _count_requests(entry, policy, now)
        least, most = least + low, most + high
    return Cost(least, most)


def _count_requests(entry: Entry, policy: Policy, now: float) -> tuple[int, int]:
    longest = math.ceil(LONGEST / policy.page_size)
    if entry.progress is not None:
        return 1, max(1, longest - entry.progress.pages)
    if not is_full(entry, int(now), policy):
        return 1, 2
    if not entry.listed or policy.start_date:
        return 1, longest
    pages = math.ceil(entry.listed / policy.page_size)
    return pages, pages + 1
