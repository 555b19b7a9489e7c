"""Text from outside, made safe for log lines, rows and terminals."""

from __future__ import annotations

import re

from tap_tiktok_following.redaction import redact

_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # a control sequence: a colour, a move of the cursor
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f]).*?(?:\x07|\x1b\\|\x9c|\Z)"  # a title, a link
    r"|\x1b[ -/]*[0-~]",
    re.DOTALL,
)

_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f"  # control characters
    r"\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # invisible ones
    r"\ud800-\udfff]"  # halves of characters
)


def clean(text: str, most: int) -> str:
    """One line of printable text without secrets.

    Terminal escapes are removed. Control characters, and invisible ones that break or reverse
    a line, become spaces.

    Args:
        text: The text.
        most: Maximum number of characters; longer text is cut and ends with an ellipsis.
    """
    printable = _UNPRINTABLE.sub(" ", _ESCAPE.sub("", text))
    # Redacted before it is cut: nothing recognises a part of a secret.
    line = redact(" ".join(printable.split()))
    return line if len(line) <= most else line[: most - 1] + "…"
