"""How large a state may become: Meltano aborts a run whose STATE message is too long."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

MEBIBYTE = 2**20

BUFFER_SIZE = 100 * MEBIBYTE
"""Meltano's default `elt.buffer_size`; a line takes half of it at most."""

WARN_FROM = 0.7
"""Share of the longest line from which the user is warned."""


def warning(size: int, state: Mapping[str, Any]) -> str:
    """A warning about the size of a state; "" while it is small.

    Args:
        size: Bytes of its STATE message.
        state: The state.
    """
    longest = _buffer_size() // 2
    if size < WARN_FROM * longest:
        return ""
    usernames = _usernames(state)
    return (
        f"The state of {usernames:,} usernames is {size / MEBIBYTE:,.0f} MiB, and Meltano "
        f"ends a run whose state exceeds {longest / MEBIBYTE:,.0f} MiB, which is about "
        f"{usernames * longest // size:,} usernames: split them over several pipelines with "
        "`shard`, or set MELTANO_ELT_BUFFER_SIZE to more than twice the size of the state, "
        "in bytes."
    )


def _buffer_size() -> int:
    """Meltano's buffer size, from the environment or its default, in bytes."""
    size = os.environ.get("MELTANO_ELT_BUFFER_SIZE", "")
    return int(size) if size.isdecimal() and int(size) else BUFFER_SIZE


def _usernames(state: Mapping[str, Any]) -> int:
    streams = state.get("bookmarks", {}).values()
    return max((len(stream.get("partitions", ())) for stream in streams), default=0)
