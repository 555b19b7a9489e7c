"""How a visit to one username ended."""

from __future__ import annotations

from enum import Enum


class Outcome(str, Enum):
    """How a visit to one username ended, as the scans streams tell it."""

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
