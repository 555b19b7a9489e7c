"""The row of the scans stream for a scan that ended."""

from __future__ import annotations

import re
from typing import Any

from tap_tiktok_following.model import Entry, Outcome, Progress
from tap_tiktok_following.text import in_utc

PLACEHOLDER = "<username>"  # for the username in a reason: equal reasons form one group


def make_row(  # noqa: PLR0913 - two of them differ in completed scans only
    entry: Entry,
    progress: Progress,
    outcome: Outcome,
    reason: str,
    *,
    whole_list: bool = False,
    accounts_lost: int | None = None,
) -> dict[str, Any]:
    """Return the row of the scans stream; the entry is the one before the scan ended."""
    previous = entry.completed_scanned_at
    lowest = progress.read_down_to if progress.pages else progress.scanned_at
    return {
        "follower_username": entry.username,
        "scanned_at": in_utc(progress.scanned_at),
        "previous_scanned_at": None if previous is None else in_utc(previous),
        "outcome": outcome,
        "reason": _hide_username(entry.username, reason) or None,
        "whole_list": whole_list,
        "accounts_read": progress.read,
        "accounts_sent": progress.sent,
        "accounts_lost": accounts_lost,
        "read_until": in_utc(progress.read_until) if progress.read_until else None,
        "read_down_to": in_utc(max(lowest, progress.floor)) if lowest else None,
        "requests": progress.requests,
        "following_total": progress.total,
        "cached": progress.cached,
    }


def make_invalid_row(text: str, now: int) -> dict[str, Any]:
    """Return the row of a configured value that is not a username; `now` is Unix seconds."""
    return make_row(Entry(text), Progress(now, now), Outcome.INVALID, "is not a username")


def _hide_username(username: str, reason: str) -> str:
    if username not in reason.lower():  # most have no reason, and a pattern takes 0.2 ms
        return reason
    whole_word = rf"(?<![\w.]){re.escape(username)}(?!\w|\.\w)"
    return re.sub(whole_word, PLACEHOLDER, reason, flags=re.IGNORECASE)
