"""How a scan ends: its entry, and its row of the scans stream.

A doubted scan is a completed one; the reason of its row says why it is doubted.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec.structs import replace

from tap_tiktok_following.errors import NoPage
from tap_tiktok_following.model import (
    HASH_LENGTH,
    Entry,
    Event,
    Evidence,
    Memory,
    Outcome,
    Policy,
    Progress,
    RawResponse,
)
from tap_tiktok_following.scan.doubt import CUT_AT, find_doubt
from tap_tiktok_following.scan.listing import Listing
from tap_tiktok_following.scan.losses import count_lost, find_evidence, refutes_total
from tap_tiktok_following.text import DAY, HOUR, in_utc

OUTAGE = 20 * HOUR  # seconds; a page that fails for longer than any outage is at fault
RETRY_AFTER = 7 * DAY  # most seconds until a list with such a page is read in full again


def complete(listing: Listing) -> Event:
    """End a scan at the end of the list, at its floor, or at accounts that are known.

    If the scan is doubted, bookmark and times move, and what is known of the list stays.
    """
    read, total = listing.progress.read, listing.total
    is_at_end = not listing.response.page.has_more
    # Below a list that the provider has cut, nothing was read.
    if is_at_end and read >= CUT_AT and (total is None or total > read):
        listing = listing.note(read_down_to=listing.latest)
    entry, progress = listing.entry, listing.progress
    doubt = find_doubt(listing)
    evidence = {} if doubt else find_evidence(listing)
    is_wrong = progress.full and not doubt and refutes_total(listing, evidence)
    if is_wrong:
        evidence.pop(Evidence.TOTAL, None)
    lost = max(evidence.values(), default=None)
    is_news = progress.full or progress.sent or lost or doubt
    outcome = Outcome.COMPLETE if is_news else Outcome.UNCHANGED
    ended = replace(
        _end(entry, progress, outcome, listing.response),
        bookmark=progress.as_of,
        completed_scanned_at=progress.scanned_at,
    )
    if doubt:
        ended = replace(ended, doubted=progress.hashes)
    elif progress.full:
        ended = _note_full_scan(ended, listing, total_is_wrong=is_wrong)
    else:
        ended = _note_incremental_scan(ended, listing, evidence)
    reason = doubt or progress.gap or _tell_what_was_not_read(ended)
    whole = progress.full and not (doubt or progress.gap)
    row = _make_row(entry, progress, outcome, reason)
    row.update(whole_list=whole, accounts_lost=lost)
    return Event(
        ended,
        row=row,
        outcome=outcome,
        reason=reason,
        is_odd=bool(doubt) and not progress.hides_follows,  # the last page is not at fault
        has_lost=bool(lost or entry.lost) and progress.full and not (doubt or is_wrong),
    )


def stop(entry: Entry, why: NoPage, requests: int, now: int, policy: Policy) -> Event:
    """End a scan, or interrupt it, because the next page did not arrive or cannot be used.

    At the end of a run all lists in progress are interrupted, for one reason. `requests` were
    sent for that page; `now` is Unix seconds by the local clock.
    """
    outcome, response = why.outcome, why.response
    if response is None or outcome is Outcome.INTERRUPTED:  # whose response has another list
        response = RawResponse(0, b"", as_of=now, until=now, came_at=now)
    scanned_at = max(response.as_of, (entry.scanned_at or 0) + 1)
    progress = entry.progress or Progress(scanned_at, response.as_of, full=False)
    progress = replace(progress, requests=progress.requests + requests)
    row = _make_row(entry, progress, outcome, why.reason)
    reason = row["reason"] or ""
    if why.reference not in reason:
        row["reason"] = f"{reason} ({why.reference})"
    return Event(
        _continue_or_end(entry, progress, outcome, response, policy),
        row=row,
        outcome=outcome,
        reason=reason,
        advice=why.advice,
        requests=requests,
    )


def _continue_or_end(
    entry: Entry, progress: Progress, outcome: Outcome, response: RawResponse, policy: Policy
) -> Entry:
    """Keep the progress of a scan that can continue; end it at a page that always fails."""
    has_begun = progress.cursor is not None
    if outcome is Outcome.INTERRUPTED and not has_begun:
        return entry
    paused = replace(entry, progress=progress, ended_at=response.came_at, outcome=outcome)
    if outcome is Outcome.INTERRUPTED:
        return paused
    ended = _end(entry, progress, outcome, response)
    if outcome is not Outcome.FAILED or not has_begun:
        return ended
    # It failed last time, too, and nothing arrived in between; both times are by one clock.
    if entry.outcome is not outcome or response.until - progress.moved_at < OUTAGE:
        return paused
    # Sooner than a week if full scans are due more often, but not within a day.
    interval = RETRY_AFTER if policy.full_scan_after is None else policy.full_scan_after
    return replace(
        ended,
        bookmark=progress.as_of,
        # What the first scan reads above such a page is a baseline for the next one.
        completed_scanned_at=entry.completed_scanned_at or progress.scanned_at,
        known=_memory_of(progress),
        full_floor=progress.cursor,
        retry_at=response.until + int(max(DAY, min(RETRY_AFTER, interval))),
    )


def _end(entry: Entry, progress: Progress, outcome: Outcome, response: RawResponse) -> Entry:
    return replace(
        entry,
        scanned_at=progress.scanned_at,
        ended_at=response.came_at,
        outcome=outcome,
        progress=None,
    )


def _note_full_scan(entry: Entry, listing: Listing, *, total_is_wrong: bool) -> Entry:
    before, progress, read = listing.entry, listing.progress, listing.progress.read
    # The total counts accounts that the provider filters out of the pages. If there are more
    # of them than before, they are among those that this scan lost.
    surplus = max(0, (progress.total or 0) - read)
    if before.listed:
        surplus = min(surplus, before.hidden + count_lost(listing))
    return replace(
        entry,
        full_scanned_at=progress.scanned_at,
        full_floor=progress.floor,
        retry_at=None,
        listed=read,
        total=progress.total,
        hidden=before.hidden if listing.policy.start_date else surplus,
        total_is_wrong=total_is_wrong,
        lost=None,
        doubted=None,
        known=_memory_of(progress),
    )


def _note_incremental_scan(
    entry: Entry, listing: Listing, evidence: dict[Evidence, int]
) -> Entry:
    before, progress, start_date = listing.entry, listing.progress, listing.policy.start_date
    has_more = listing.response.page.has_more
    floor = start_date if before.full_floor is None else before.full_floor
    if min(progress.floor, listing.earliest) > (before.bookmark or 0):
        # `start_date` is later than the last scan: what lies between was never read.
        floor = max(floor, progress.floor)
    if has_more and not progress.read:  # the pages came back empty: nothing new is known
        return replace(entry, full_floor=floor)
    is_read_to_end = not (has_more or start_date)
    listed = before.listed + progress.sent if before.listed else 0
    lost = next((kind for kind, accounts in evidence.items() if accounts), None)
    return replace(
        entry,
        full_floor=floor,
        listed=progress.read if is_read_to_end else listed,
        total=progress.total,
        lost=lost,
        known=_memory_of(progress),
    )


def _memory_of(progress: Progress) -> Memory:
    """Return what the next scan is compared with: all accounts, if there were not enough."""
    if progress.remembered:
        length = progress.remembered * HASH_LENGTH
        return Memory(progress.hashes[:length], progress.since)
    return Memory(progress.hashes, progress.read_down_to)


def _tell_what_was_not_read(entry: Entry) -> str:
    if entry.retry_at is None:
        return ""
    floor, retry = in_utc(entry.full_floor or 0), in_utc(entry.retry_at)
    return (
        f"a page of the list always fails, so follows before {floor} were not read; the next "
        f"full scan is due at {retry}"
    )


def _make_row(
    entry: Entry, progress: Progress, outcome: Outcome, reason: str
) -> dict[str, Any]:
    """Return the row of a scan; `entry` is the one before its end. `complete` adds to it."""
    previous = entry.completed_scanned_at
    lowest = progress.read_down_to if progress.pages else progress.scanned_at
    return {
        "follower_username": entry.username,
        "scanned_at": in_utc(progress.scanned_at),
        "previous_scanned_at": None if previous is None else in_utc(previous),
        "outcome": outcome,
        "reason": _hide_username(entry.username, reason) or None,
        "whole_list": False,
        "accounts_read": progress.read,
        "accounts_sent": progress.sent,
        "accounts_lost": None,
        "read_until": in_utc(progress.read_until) if progress.read_until else None,
        "read_down_to": in_utc(max(lowest, progress.floor)) if lowest else None,
        "requests": progress.requests,
        "following_total": progress.total,
        "cached": progress.cached,
    }


def make_invalid_row(text: str, now: int) -> dict[str, Any]:
    """Return the row of a configured value that is not a username; `now` is Unix seconds."""
    progress = Progress(now, now, full=False)
    return _make_row(Entry(text), progress, Outcome.INVALID, "is not a username")


def _hide_username(username: str, reason: str) -> str:
    """Replace the username by `<username>`, so that equal reasons form one group."""
    if username not in reason.lower():  # most have no reason, and a pattern takes 0.2 ms
        return reason
    whole_word = rf"(?<![\w.]){re.escape(username)}(?!\w|\.\w)"
    return re.sub(whole_word, "<username>", reason, flags=re.IGNORECASE)
