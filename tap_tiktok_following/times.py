"""Times: Unix seconds inside, RFC 3339 in UTC outside."""

from __future__ import annotations

import datetime as dt

HOUR = 60 * 60
DAY = 24 * HOUR


def in_utc(seconds: float) -> str:
    """Unix seconds as an RFC 3339 time in UTC."""
    return dt.datetime.fromtimestamp(seconds, dt.timezone.utc).isoformat()


def unix_seconds(moment: dt.datetime) -> int:
    """Whole Unix seconds of a moment, which is in UTC if it has no time zone.

    Raises:
        OverflowError: If its time zone moves it out of the years 1 to 9999.
    """
    in_zone = moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)
    return int(in_zone.timestamp())


def parse_time(value: object) -> int | None:
    """Unix seconds of an RFC 3339 time (UTC if it has no zone); None if it is not one."""
    if not isinstance(value, str):
        return None
    try:
        # Python 3.10 does not read a Z.
        return unix_seconds(dt.datetime.fromisoformat(value.replace("Z", "+00:00")))
    except (ValueError, OverflowError):
        return None
