"""Redaction: secrets are masked, by value, in everything that is logged or kept."""

from __future__ import annotations

import json
import logging
import re
import traceback
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"

SHORT = 8
"""Characters. A shorter value may be part of a word; it is masked only as a whole word."""

_secrets: set[str] = set()


def hide(secret: object) -> None:
    """Mask this value in all text from now on, however it is escaped.

    Args:
        secret: The value, of whatever type a config file may hold; None and "" are ignored.
    """
    if secret:
        text = str(secret)
        escaped = json.dumps(text)[1:-1]
        _secrets.update({text, quote(text, safe=""), quote_plus(text), escaped})


def redact(text: str) -> str:
    """The text with every hidden value masked, the longest first."""
    for secret in sorted(_secrets.copy(), key=len, reverse=True):
        if len(secret) < SHORT:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", MASK, text)
        else:
            text = text.replace(secret, MASK)
    return text


def _redact_record(record: logging.LogRecord) -> None:
    message = record.getMessage()
    if (clean := redact(message)) != message:
        record.msg, record.args = clean, ()
    if record.exc_info:
        trace = "".join(traceback.format_exception(*record.exc_info))
        if redact(trace) != trace:
            # Formatters print `exc_text` in place of `exc_info`.
            record.exc_info, record.exc_text = None, redact(trace)


def install() -> None:
    """Redact every log record of the process.

    A record factory, not a filter: filters of a logger do not see its children's records,
    and handlers may be added by a log config that is not ours.
    """
    factory = logging.getLogRecordFactory()
    if getattr(factory, "redacts", False):
        return

    def redacting_factory(*args: Any, **kwargs: Any) -> logging.LogRecord:  # noqa: ANN401
        record = factory(*args, **kwargs)
        _redact_record(record)
        return record

    redacting_factory.redacts = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(redacting_factory)
