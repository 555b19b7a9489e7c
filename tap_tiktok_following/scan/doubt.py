"""Whether a scan can be believed: providers return wrong lists with HTTP 200, too.

Under load a page comes back empty, or a list ends too early. If such a scan counted as a whole
list, every account that it lacks would count as unfollowed. So a response that may be wrong is
requested once more, a scan that still read too little is doubted, and a doubted scan is
followed by a full scan. What two full scans in a row read is believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import dropwhile

from tap_tiktok_following.model import Event, Outcome
from tap_tiktok_following.scan.listing import Listing, split_hashes
from tap_tiktok_following.text import many

CUT_AT = 4900  # accounts: providers cut lists near their newest 5,000 without saying so
FEWEST_MISSING = 10  # number of missing accounts from which a short list is doubted
MOST_MISSING = 90  # the same for a list of any length: nearly a page
SHARE_MISSING = 50  # in between, one account in so many


def is_odd(listing: Listing, event: Event) -> bool:
    """Return whether a response may be wrong, so that it is requested once more."""
    entry, progress, page = listing.entry, listing.progress, listing.response.page
    if not page.accounts.rows:
        is_known = entry.bookmark is not None or page.total == 0
        is_expected = is_known and not (entry.known.hashes or entry.doubted)
        return progress.pages > 1 or not is_expected
    if event.is_odd or event.outcome is not Outcome.COMPLETE:
        return event.is_odd
    if entry.full_scanned_at is None:
        return _looks_cut(listing)
    is_whole = progress.full or not page.has_more
    return is_whole and _count_missing(listing) >= FEWEST_MISSING


def _looks_cut(listing: Listing) -> bool:
    """Return whether a list ends although there should be another page."""
    progress, response, total = listing.progress, listing.response, listing.total
    if response.page.has_more:
        return False
    if total is not None:
        return total > (progress.room if progress.read else FEWEST_MISSING - 1)
    expected = listing.entry.listed + listing.count_new()
    is_known_page = progress.pages == 1 and expected <= response.count
    is_full = len(response.page.accounts.rows) * 10 >= response.count * 9
    return is_full and not is_known_page


def find_doubt(listing: Listing) -> str:
    """Return why a scan is doubted; "" if it is believed, or confirms a doubted one."""
    entry, progress = listing.entry, listing.progress
    doubt = ""
    if progress.hides_follows:
        doubt = "a page came back empty although more were to come; follows may be missing"
    elif progress.full or not listing.response.page.has_more:
        doubt = _find_shortage(listing)
    if doubt and progress.full and entry.doubted is not None:
        may_look_cut = entry.full_scanned_at is None
        is_same = _is_confirmed(entry.doubted, listing.accounts)
        return "" if is_same and (may_look_cut or not _looks_cut(listing)) else doubt
    return doubt


def _find_shortage(listing: Listing) -> str:
    """Return why a scan that ended at the end of the list, or a full scan, read too little."""
    entry, total, read = listing.entry, listing.total, listing.progress.read
    if read >= CUT_AT:
        return ""
    if not read and total != 0 and (entry.known.hashes or entry.doubted):
        return "the list came back empty, but earlier scans found accounts on it"
    if not read and listing.progress.has_hole and entry.full_scanned_at is None:
        return "all pages came back empty although more were to come"
    missing = _count_missing(listing)
    expected = read + missing
    if missing >= min(MOST_MISSING, max(FEWEST_MISSING, expected // SHARE_MISSING)):
        return f"only {read:,} of about {many(expected, 'account')} came back"
    is_first = entry.full_scanned_at is None
    if is_first and total is not None and (total > 2 * read or _looks_cut(listing)):
        came = f"only {many(read, 'account')} came back"
        return f"{came}, but the provider's total is {total:,}"
    return ""


def _is_confirmed(doubted: bytes, accounts: Sequence[bytes]) -> bool:
    """Return whether a full scan reads the same accounts as the doubted scan before.

    New accounts on top aside, fewer than 10 differ either way. An empty list is confirmed by
    an empty one only.
    """
    before = set(split_hashes(doubted))
    if not before or not accounts:
        return not before and not accounts
    more = set(dropwhile(lambda account: account not in before, accounts)) - before
    return max(len(more), len(before.difference(accounts))) < FEWEST_MISSING


def _count_missing(listing: Listing) -> int:
    """Return how many of the expected accounts a scan did not read."""
    entry, progress, total = listing.entry, listing.progress, listing.total
    expected = 0
    floor = progress.floor if progress.full else 0
    if entry.full_floor == floor:
        expected = entry.listed + listing.count_new()
    if entry.doubted:
        unread = set(split_hashes(entry.doubted)).difference(listing.accounts)
        expected = max(expected, progress.read + len(unread))
    if total is not None and not entry.total_is_wrong:
        visible = total - entry.hidden
        if visible >= progress.read:  # else it explains nothing
            expected = min(expected, visible)
    return max(0, min(expected, CUT_AT) - progress.read)
