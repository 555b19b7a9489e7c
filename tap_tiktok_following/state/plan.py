"""When a username is visited, and how far down its list is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from tap_tiktok_following.times import DAY, HOUR, parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_tiktok_following.model import Visit


class Turn(Enum):
    """When a username is visited in a run, in the order of work."""

    UNFINISHED = 0
    NEW = 1
    KNOWN = 2
    NOT_DUE = 3


@dataclass(frozen=True)
class Policy:
    """When a username is visited, and how far down its list is read.

    Attributes:
        start_date: Unix seconds: follows made before it are not asked for; 0 for all.
        lookback: Seconds before the bookmark that are read again.
        refresh_after: Seconds after which a list is read whole again; None for never.
        revisit_after: Seconds for which a username that was read or skipped is left alone.
        retry_unavailable_after: The same for one that had no list to give.
    """

    start_date: int = 0
    lookback: int = DAY
    refresh_after: float | None = None
    revisit_after: float = 0
    retry_unavailable_after: float = 0

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Policy:
        """The policy that the settings ask for."""
        refresh = config.get("refresh_after_days")
        return cls(
            start_date=parse_time(config.get("start_date")) or 0,
            lookback=config["lookback_days"] * DAY,
            refresh_after=None if refresh is None else refresh * DAY,
            revisit_after=config["revisit_after_hours"] * HOUR,
            retry_unavailable_after=config["retry_unavailable_after_days"] * DAY,
        )


@dataclass(frozen=True)
class Plan:
    """The work of one run.

    Attributes:
        visits: What to read, in this order.
        counts: How many usernames are new, known, unfinished and not due.
    """

    visits: list[Visit] = field(default_factory=list)
    counts: Counter[Turn] = field(default_factory=Counter)
