"""One scan, one page at a time: what a response adds to an entry. No I/O, no clock."""

from __future__ import annotations

import dataclasses

from msgspec.structs import replace

from tap_tiktok_following.errors import Failed
from tap_tiktok_following.model import Entry, Event, Outcome, Policy, Progress, Response
from tap_tiktok_following.scan.doubt import is_odd
from tap_tiktok_following.scan.end import complete, stop
from tap_tiktok_following.scan.listing import Listing, hash_account, list_page
from tap_tiktok_following.scan.losses import find_evidence
from tap_tiktok_following.text import in_utc

LARGEST_PAGE = 100  # maximum number of accounts per page with both providers
MOST_REMEMBERED = 1000  # number of accounts from which a memory grows no further
MOST_IDLE = 4  # consecutive pages with the same cursor and no new account until the scan fails


def next_request(entry: Entry, policy: Policy) -> tuple[int | None, int]:
    """Return the cursor of the next request (None for the newest page), and its count."""
    progress = entry.progress
    if progress is None:
        return None, policy.page_size
    return progress.cursor, LARGEST_PAGE if progress.stands_still else policy.page_size


def step(entry: Entry, response: Response, policy: Policy) -> Event:
    """Return what the response to `next_request` adds: records, an entry, a row at the end.

    A page whose next cursor is unusable was paid for, too: its accounts are sent, and then the
    scan fails.
    """
    progress = entry.progress or _begin(entry, response, policy)
    listing = _count(list_page(entry, progress, response, policy))
    if _is_full_on_loss(listing):
        listing = listing.note(full=True, floor=policy.start_date)
    new = listing.fresh if listing.progress.full else listing.find_new()
    listing = listing.note(sent=progress.sent + len(new))
    event = _move_on(listing)
    accounts = response.page.accounts
    return dataclasses.replace(
        event,
        records=listing.make_records(new),
        is_odd=not response.is_final and is_odd(listing, event),
        read=len(listing.fresh),
        keyless=accounts.keyless,
        nulled=accounts.nulled,
        requests=response.requests,
    )


def _begin(entry: Entry, response: Response, policy: Policy) -> Progress:
    """Return the progress of a new scan, before its first page."""
    as_of, floor = response.as_of, policy.start_date
    scanned_at = response.scanned_at or max(as_of, (entry.scanned_at or 0) + 1)
    full = is_full(entry, as_of, policy)
    if not full and entry.bookmark is not None:
        if entry.known.since:  # 0 is a whole list: its end may have been wrong
            floor = max(floor, entry.bookmark - policy.lookback)
        if entry.retry_at is not None:  # end above this cursor, whose page always fails
            floor = max(floor, (entry.full_floor or 0) + 1)
    return Progress(scanned_at, as_of, full, floor, moved_at=response.until)


def is_full(entry: Entry, as_of: int, policy: Policy) -> bool:
    """Return whether a scan sends the whole list.

    `as_of`, the provider's time, decides, not the local clock, which may be days off.
    """
    if entry.bookmark is None or not entry.known.hashes:
        return True
    if as_of < (entry.retry_at or 0):
        return False
    return (
        _is_full_scan_due(entry, as_of, policy)
        or (entry.lost is not None and policy.full_scan_on_loss)
        or entry.doubted is not None
        or policy.start_date < (entry.full_floor or 0)
    )


def _is_full_scan_due(entry: Entry, as_of: int, policy: Policy) -> bool:
    """Return whether the last full scan is older than `full_scan_after_days`.

    Due times are spread over the second half of the interval so that they do not coincide,
    and drawn anew after each full scan: with fixed offsets they would coincide again.
    """
    last, after = entry.full_scanned_at, policy.full_scan_after
    if after is None:
        return False
    if last is None or not after:
        return True
    hashed = hash_account(f"{entry.username} {last}")
    draw = int.from_bytes(hashed[:4], "big") / 2**32  # at least 0, less than 1
    return as_of >= last + after * (1 + draw) / 2


def _count(listing: Listing) -> Listing:
    """Add the page to the progress, before it is decided what is sent."""
    progress, response, page = listing.progress, listing.response, listing.response.page
    is_first = not progress.pages
    stayed_empty = page.has_more and not page.accounts.rows
    may_be_new = listing.latest > (listing.entry.bookmark or 0)
    gap = f"an account came without `{listing.policy.key}`" if page.accounts.keyless else ""
    if progress.as_of < (listing.entry.bookmark or 0):
        gap = "the response came from a cache that is older than the last scan"
    return listing.note(
        hashes=b"".join(listing.accounts),
        pages=progress.pages + 1,
        room=progress.room + response.count,
        requests=progress.requests + response.requests,
        total=page.total if is_first else progress.total,
        cached=progress.cached or page.cached_at is not None,
        gap=gap or progress.gap,
        has_hole=progress.has_hole or stayed_empty,
        hides_follows=progress.hides_follows or (stayed_empty and may_be_new and not is_first),
        read_until=max(response.until, progress.read_until),
        read_down_to=listing.latest if listing.problem else listing.earliest,
    )


def _is_full_on_loss(listing: Listing) -> bool:
    """Return whether an incremental scan becomes full: its first page shows lost accounts."""
    entry, progress = listing.entry, listing.progress
    if progress.full or progress.pages > 1 or listing.problem or entry.retry_at is not None:
        return False
    return listing.policy.full_scan_on_loss and any(find_evidence(listing).values())


def _remember(listing: Listing) -> Listing:
    """Add the memory for the next scan to the progress, once it is complete.

    It is complete when it covers the lookback and the newest page with accounts, and reaches
    down to accounts that were remembered before.
    """
    progress = listing.progress
    if progress.remembered:
        return listing
    start = progress.as_of - listing.policy.lookback
    has_reached = listing.earliest < start and listing.has_met_enough
    if not has_reached and progress.read < MOST_REMEMBERED:
        return listing
    return listing.note(remembered=progress.read, since=listing.earliest)


def _move_on(listing: Listing) -> Event:
    """Return the end of the scan, or the entry for its next page."""
    if listing.problem:
        return _fail(listing, listing.problem)
    listing = _remember(listing)
    if not listing.response.page.has_more or _is_unchanged(listing):
        return complete(listing)
    listing = _advance(listing)
    progress = listing.progress
    if progress.idle >= MOST_IDLE:
        return _fail(listing, "the cursor for the next page never moves")
    if (progress.cursor or 0) < progress.floor:
        return complete(listing)
    return Event(replace(listing.entry, progress=progress, outcome=Outcome.INTERRUPTED))


def _fail(listing: Listing, reason: str) -> Event:
    response = listing.response
    why = Failed(reason, reference=response.page.reference, response=response)
    entry = replace(listing.entry, progress=listing.progress)
    return stop(entry, why, 0, response.came_at, listing.policy)


def _is_unchanged(listing: Listing) -> bool:
    """Return whether nothing is new on pages that reach down to what was read before.

    T of the scan before shows that, or the end of its memory, even if a clock was wrong. A
    list remembered as a whole is read to its end again: that end may have been wrong.
    """
    entry, progress, since = listing.entry, listing.progress, listing.entry.known.since
    is_news = progress.full or progress.sent or not progress.read
    is_known_below = listing.earliest < (entry.bookmark or 0) or listing.earliest <= since
    return since > 0 and is_known_below and not is_news


def _advance(listing: Listing) -> Listing:
    """Move the progress to the next page; one second's follows may not all fit on it."""
    progress, cursor = listing.progress, listing.earliest
    if cursor != progress.cursor:
        moved_at = listing.response.until
        return listing.note(cursor=cursor, stands_still=False, idle=0, moved_at=moved_at)
    idle = 0 if listing.fresh else progress.idle + 1
    if listing.response.count < LARGEST_PAGE:
        return listing.note(stands_still=True, idle=idle)
    gap = (
        f"more accounts were followed at {in_utc(cursor)} than fit on a page; some may be "
        "missing"
    )
    return listing.note(cursor=cursor - 1, stands_still=False, idle=idle, gap=gap)
