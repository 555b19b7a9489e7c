"""The sandbox's clock: the one that every time in its answers comes from."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from email.utils import formatdate

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
        """Unix seconds, UTC."""
        return (time.time() if self._start is None else self._start) + self._advanced

    def advance(self, seconds: float) -> None:
        """Move on by some seconds, or back by a negative number of them."""
        self._advanced += seconds


def http_date(unix: float) -> str:
    """A time as the `Date` header gives it, in whole seconds."""
    return formatdate(unix, usegmt=True)


def rfc3339(unix: float) -> str:
    """A time as the RapidAPI provider gives it: UTC, with milliseconds and a `Z`."""
    moment = datetime.fromtimestamp(unix, tz=timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def until_midnight(unix: float) -> int:
    """Whole seconds until the next 00:00 UTC, when daily quotas begin anew."""
    return DAY - int(unix) % DAY
