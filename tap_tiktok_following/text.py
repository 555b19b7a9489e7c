"""Text: secrets are masked, foreign text is cleaned, times and numbers are written out."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
SHORT = 8  # characters; a shorter secret may be part of a word, and is masked only as a whole
MOST_NAMES = 5
HOUR = 60 * 60
DAY = 24 * HOUR

_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # a control sequence: a colour, a move of the cursor
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f]).*?(?:\x07|\x1b\\|\x9c|\Z)"  # a title, a link
    r"|\x1b[ -/]*[0-~]",
    re.DOTALL,
)

_secrets: set[str] = set()


def hide(secret: object) -> None:
    """Mask a value in all text from now on, however it is escaped; None and "" are ignored."""
    if secret:
        text = str(secret)
        _secrets.update({text, quote(text, safe=""), quote_plus(text), json.dumps(text)[1:-1]})


def redact(text: str) -> str:
    """Mask every hidden value, the longest first."""
    for secret in sorted(_secrets.copy(), key=len, reverse=True):
        if len(secret) < SHORT:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", MASK, text)
        else:
            text = text.replace(secret, MASK)
    return text


def redact_logs() -> None:
    """Redact every log record of the process from now on."""
    logging.setLogRecordFactory(_RedactedRecord)


class _RedactedRecord(logging.LogRecord):
    """A log record without secrets, and one that can be formatted.

    It is not a filter: filters of a logger do not see its children's records, and handlers
    may be added by a log config that is not ours.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - those of its base
        super().__init__(*args, **kwargs)
        try:
            message = self.getMessage()
        except Exception:  # noqa: BLE001 - arguments may be anything; logging would print them
            text = self.msg if isinstance(self.msg, str) else type(self.msg).__name__
            message = f"{text} (could not be formatted)"
            self.msg, self.args = message, ()
        if (clean_message := redact(message)) != message:
            self.msg, self.args = clean_message, ()
        if self.exc_info:
            trace = logging.Formatter().formatException(self.exc_info)
            if (clean_trace := redact(trace)) != trace:
                # Formatters print `exc_text` in place of `exc_info`.
                self.exc_info, self.exc_text = None, clean_trace


def strip_invisible(text: str) -> str:
    """Remove terminal escapes, control characters and invisible ones, but not whitespace."""
    return "".join(c for c in _ESCAPE.sub("", text) if c.isprintable() or c.isspace())


def clean(text: str, most: int = 100) -> str:
    """Return one line of printable text without secrets, cut to `most` characters."""
    # Redacted before it is cut: nothing recognises a part of a secret.
    line = redact(" ".join(strip_invisible(text).split()))
    return line if len(line) <= most else line[: most - 1] + "…"


def in_utc(seconds: float) -> str:
    """Return Unix seconds as an RFC 3339 time in UTC."""
    return dt.datetime.fromtimestamp(seconds, dt.timezone.utc).isoformat()


def to_the_minute(seconds: float) -> str:
    """Return Unix seconds as a person writes them, such as `2026-01-31 06:00 UTC`."""
    return f"{dt.datetime.fromtimestamp(seconds, dt.timezone.utc):%Y-%m-%d %H:%M} UTC"


def unix_seconds(moment: dt.datetime) -> int:
    """Return whole Unix seconds of a moment, which is in UTC if it has no time zone.

    Raises:
        OverflowError: If its time zone moves it out of the years 1 to 9999.
    """
    in_zone = moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)
    return int(in_zone.astimezone(dt.timezone.utc).timestamp())


def parse_time(value: object) -> int | None:
    """Return Unix seconds of an RFC 3339 time, in UTC if it has no zone; None for no time."""
    if not isinstance(value, str):
        return None
    try:
        # Python 3.10 does not read a Z.
        return unix_seconds(dt.datetime.fromisoformat(value.replace("Z", "+00:00")))
    except (ValueError, OverflowError):
        return None


def many(number: int, noun: str) -> str:
    """Return a number and what it counts, such as `1 username` or `1,200 usernames`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def some_of(usernames: Sequence[str]) -> str:
    """Return the first usernames of a list, and the number of the others."""
    shown = ", ".join(usernames[:MOST_NAMES])
    more = len(usernames) - MOST_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown


def duration(seconds: float) -> str:
    """Return a duration in its two largest units, and in seconds only below an hour."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
