"""Which accounts left a list since the scan before, without additional requests."""

from __future__ import annotations

from tap_tiktok_following.model import Evidence
from tap_tiktok_following.scan.listing import Listing


def find_evidence(listing: Listing) -> dict[Evidence, int]:
    """Return the minimum number of accounts that left the list, by evidence.

    Each is a lower bound, so the greater one counts, never their sum. Evidence that is not
    available is left out: there is none across a gap or a page that stayed empty.
    """
    entry, progress, comparison = listing.entry, listing.progress, listing.comparison
    bookmark = entry.bookmark
    if bookmark is None or progress.has_hole or progress.gap:
        return {}
    evidence = {}
    missing = comparison.count_missing(listing.earliest, bookmark)
    if missing is not None:
        evidence[Evidence.PAGES] = missing
    has_totals = entry.total is not None and listing.total is not None
    if has_totals and not entry.total_is_wrong:
        evidence[Evidence.TOTAL] = _count_lost_by_total(listing)
    return evidence


def count_lost(listing: Listing) -> int:
    """Return how many of the accounts listed before a full scan does not list."""
    listed, read = listing.entry.listed, listing.progress.read
    expected = listed + listing.comparison.count_new() if listed else read
    return max(0, expected - read)


def refutes_total(listing: Listing, evidence: dict[Evidence, int]) -> bool:
    """Return whether a full scan does not confirm a loss that the total shows."""
    entry = listing.entry
    is_claimed = entry.lost is Evidence.TOTAL or _count_lost_by_total(listing) > 0
    is_found = count_lost(listing) > 0 or evidence.get(Evidence.PAGES, 0) > 0
    return is_claimed and bool(entry.listed) and not is_found


def _count_lost_by_total(listing: Listing) -> int:
    before, now = listing.entry.total, listing.total
    if before is None or now is None:
        return 0
    new = listing.comparison.count_new_on_top(listing.earliest)
    return max(0, before + new - now)
