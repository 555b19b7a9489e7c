"""Detecting that a list has lost accounts, without additional requests.

There are two kinds of evidence: remembered accounts that are missing on the pages, and a
total of the provider that is lower than it should be. Each is a lower bound, so the greater
one counts, never their sum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from tap_tiktok_following.outcomes import Loss, Part

if TYPE_CHECKING:
    from tap_tiktok_following.model import Standing, Visit


def acted_on(standing: Standing, visit: Visit, missing: list[int] | None) -> Loss | None:
    """The loss because of which a list is to be read whole; None if there is none.

    With a `start_date` the total is not used, because it counts older accounts, too.

    Args:
        standing: How far the scan has come.
        visit: The visit.
        missing: The remembered accounts that have left the list; None if not known.
    """
    if not visit.full_scan_on_loss:
        return None
    if missing:
        return Loss.PAGES
    return Loss.TOTAL if _by_total(standing, visit) and not visit.start_date else None


def settled(
    standing: Standing, visit: Visit, missing: list[int] | None, told: int | None
) -> Standing:
    """The standing at the end of a scan, with what it shows about losses.

    Args:
        standing: The standing so far.
        visit: The visit.
        missing: The remembered accounts that have left the list; None if not known.
        told: Number of those that the last scan confirmed.
    """
    if standing.part is not Part.STRAIGHT or standing.proves_nothing:
        return standing
    bounds = [n for n in (_by_total(standing, visit), told) if n is not None]
    standing = replace(standing, gone=max(bounds, default=None))
    if not standing.whole:
        return replace(standing, loss=acted_on(standing, visit, missing))
    if standing.loss is None:
        return standing
    listed = visit.listed + standing.new if visit.listed else 0
    is_short = not listed or standing.accounts_read < listed
    return replace(standing, is_confirmed=is_short or bool(missing))


def is_older(standing: Standing, visit: Visit) -> bool:
    """Whether a cache shows the list as it was before the last scan: that is no loss."""
    return standing.as_of < (visit.bookmark or 0)


def _by_total(standing: Standing, visit: Visit) -> int | None:
    """Minimum number of accounts that are gone according to the total; None if not known."""
    total = standing.first_total
    if total is None or visit.total is None or not visit.believes_total:
        return None
    if is_older(standing, visit):
        return None
    return max(0, visit.total + standing.new - total)
