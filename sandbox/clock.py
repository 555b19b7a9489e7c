"""The sandbox's clock: the source of every time in its responses."""

from __future__ import annotations

import time
from datetime import datetime, timezone

DAY = 24 * 60 * 60


class Clock:
    """A clock that follows the real one, or stands still until it is advanced.

    Args:
        start: Unix seconds to stand at; None follows the real clock.
    """

    def __init__(self, start: float | None = None) -> None:
        self._start = start
        self._advanced = 0.0

    def now(self) -> float:
        """Return the time in Unix seconds."""
        return (time.time() if self._start is None else self._start) + self._advanced

    def advance(self, seconds: float) -> None:
        """Move forward by some seconds, or back by a negative number of them."""
        self._advanced += seconds


def rfc3339(unix: float) -> str:
    """Return a time as the RapidAPI provider writes it: UTC, with milliseconds and a `Z`."""
    moment = datetime.fromtimestamp(unix, tz=timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
