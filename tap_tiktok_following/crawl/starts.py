"""Where a scan starts: at the top of a list, or at the page where the list is stuck."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from tap_tiktok_following.model import Standing
from tap_tiktok_following.outcomes import Part

if TYPE_CHECKING:
    from tap_tiktok_following.model import Stuck, Visit

IN_PARTS = (
    "a page of the list failed in earlier scans, and its parts were read at several times"
)


def start_of(visit: Visit, started: int) -> Standing:
    """The standing of a new scan before its first request.

    Args:
        visit: What to read.
        started: Unix seconds by the local clock.
    """
    if visit.stuck and visit.top:
        start = Standing(started, started, visit.floor, whole=False, part=Part.ABOVE)
    else:
        start = Standing(started, started, visit.floor, visit.whole, loss=visit.loss)
    if visit.start is None:
        return started_by(visit, start, started)
    scanned_at, as_of = visit.start
    return replace(start, scanned_at=scanned_at, as_of=as_of)


def started_by(visit: Visit, standing: Standing, as_of: int) -> Standing:
    """The standing with a T that is no later, and with a key that no earlier scan has.

    Two scans in the same second, or of the same cached page, are still two rows.
    """
    as_of = min(standing.as_of, as_of)
    last = max(visit.last or 0, visit.previous or 0)
    return replace(standing, as_of=as_of, scanned_at=max(as_of, last + 1))


def below(standing: Standing, stuck: Stuck, cursor: int, *, is_past: bool) -> Standing:
    """The standing of a scan that continues with what an earlier one left."""
    left = replace(standing, floor=stuck.floor, whole=stuck.whole, gap=IN_PARTS, cursor=cursor)
    if is_past:
        return replace(left, part=Part.PAST)
    return replace(
        left,
        part=Part.APART,
        cursor=stuck.cursor,
        stands_still=False,
        idle=0,
        boundary=stuck.boundary,
        remembering=False,
    )
