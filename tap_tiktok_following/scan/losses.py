"""Which accounts left a list since the scan before, without additional requests."""

from __future__ import annotations

from tap_tiktok_following.model import Evidence
from tap_tiktok_following.scan.listing import Listing


def find_evidence(listing: Listing) -> dict[Evidence, int]:
    """Return the minimum number of accounts that left the list, by evidence.

    Each is a lower bound, so the greater one counts, never their sum. Evidence that is not
    available is left out: there is none across a gap or a page that stayed empty.
    """
    entry, progress = listing.entry, listing.progress
    if entry.bookmark is None or progress.has_hole or progress.gap:
        return {}
    by_total = None if entry.total_is_wrong else _count_lost_by_total(listing)
    found = {Evidence.PAGES: _count_lost_on_pages(listing), Evidence.TOTAL: by_total}
    return {kind: accounts for kind, accounts in found.items() if accounts is not None}


def count_lost(listing: Listing) -> int:
    """Return how many of the accounts listed before a full scan does not list."""
    return max(0, listing.entry.listed + listing.count_new() - listing.progress.read)


def refutes_total(listing: Listing, evidence: dict[Evidence, int]) -> bool:
    """Return whether a full scan does not confirm a loss that the total shows."""
    claimed = listing.entry.lost is Evidence.TOTAL or _count_lost_by_total(listing)
    found = count_lost(listing) or evidence.get(Evidence.PAGES)
    return bool(claimed and not found)


def _count_lost_on_pages(listing: Listing) -> int | None:
    """Return how many remembered accounts are missing; None if that is not known."""
    entry, earliest, met = listing.entry, listing.earliest, listing.met
    if not entry.known.since and not earliest:
        return len(listing.ranks) - len(met)
    # More accounts of the second in which a page ends may be on the next page.
    is_covered = earliest < entry.known.since
    is_met = bool(met) and listing.has_met_enough
    if earliest >= (entry.bookmark or 0) or not (is_covered or is_met):
        return None
    ranks = [listing.ranks[listing.accounts[place]] for place in met]
    reached = len(listing.ranks) if is_covered else ranks[-1] + 1
    if 2 * len(met) < reached:
        return None
    return reached - sum(rank < reached for rank in ranks)


def _count_lost_by_total(listing: Listing) -> int | None:
    """Return how many accounts the provider's total lacks; None without totals."""
    before, now, met = listing.entry.total, listing.total, listing.met
    if before is None or now is None:
        return None
    new = met[0] if met else len(listing.accounts)
    if not met and listing.earliest < listing.entry.known.since:
        new = 0  # where the new ones end is known only above the end of the memory
    return max(0, before + new - now)
