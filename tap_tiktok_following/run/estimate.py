"""How many requests a run will take, before its first one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tap_tiktok_following.scan.step import is_full

if TYPE_CHECKING:
    from tap_tiktok_following.model import Entry, Policy

LONGEST = 5000
"""Number of accounts: providers return no more of a list."""


def estimate_requests(entry: Entry, policy: Policy, now: float) -> tuple[int, int]:
    """Return the fewest and the most requests that the scan of a list will take.

    Args:
        entry: What is known of the list.
        policy: How lists are read.
        now: Unix seconds by the local clock.
    """
    most = math.ceil(LONGEST / policy.page_size)
    if entry.progress is not None:
        return 1, max(1, most - entry.progress.pages)
    if not is_full(entry, int(now), policy):
        return 1, 2
    if not entry.listed or policy.start_date:
        return 1, most
    pages = math.ceil(entry.listed / policy.page_size)
    return pages, pages + 1
