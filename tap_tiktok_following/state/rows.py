"""A visit as a row of the scans stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_tiktok_following.outcomes import Outcome
from tap_tiktok_following.text import in_utc

if TYPE_CHECKING:
    from tap_tiktok_following.model import Event, Standing


def scan_row(event: Event) -> dict[str, Any]:
    """The row of the scans stream for a visit that ended."""
    standing, previous = event.standing, event.visit.previous
    is_complete = event.outcome is Outcome.COMPLETE
    reason = f"{event.reason} ({event.reference})" if event.reference else event.reason
    return {
        "follower_username": event.visit.username,
        "scanned_at": in_utc(standing.scanned_at),
        "previous_scanned_at": None if previous is None else in_utc(previous),
        "outcome": event.outcome,
        "reason": reason or None,
        "whole_list": is_complete and standing.whole and not standing.gap,
        "accounts_read": standing.accounts_read,
        "accounts_sent": standing.accounts_sent,
        "accounts_lost": standing.gone,
        "read_until": in_utc(standing.read_until) if standing.read_until else None,
        "read_down_to": _read_down_to(standing),
        "requests": standing.requests,
        "following_total": standing.total,
        "cached": standing.cached,
    }


def _read_down_to(standing: Standing) -> str | None:
    """The time before which no follows were read; None if the end of the list was."""
    lowest = standing.read_down_to
    if lowest is None:
        lowest = standing.scanned_at if standing.cursor is None else standing.cursor
    return in_utc(max(lowest, standing.floor)) if lowest else None
