"""How a visit to one username ended, and what a scan of its list found on the way."""

from __future__ import annotations

from enum import Enum


class Outcome(str, Enum):
    """How a visit to one username ended, as in the scans streams."""

    COMPLETE = "complete"
    UNCHANGED = "unchanged"
    INTERRUPTED = "interrupted"
    PRIVATE = "private"
    HIDDEN = "hidden"
    NOT_FOUND = "not_found"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"
    INVALID = "invalid"


READ = frozenset({Outcome.COMPLETE, Outcome.UNCHANGED})


SKIPPED = frozenset({Outcome.PRIVATE, Outcome.HIDDEN, Outcome.NOT_FOUND, Outcome.UNAVAILABLE})


class Loss(str, Enum):
    """The evidence that a list has lost accounts."""

    PAGES = "pages"
    """Accounts that its pages listed earlier are missing."""

    TOTAL = "total"
    """Only the provider's total, which may be wrong."""


class Part(str, Enum):
    """How far a scan of a list that is stuck has come."""

    STRAIGHT = "straight"
    """No list that is stuck: from the newest page down, one page after another."""

    ABOVE = "above"
    """Above the page at which the list is stuck: what is new there is read first."""

    PAST = "past"
    """Past it, with no page left out above."""

    APART = "apart"
    """At it or below, with pages left out above that earlier scans have read."""
