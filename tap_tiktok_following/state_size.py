"""How large a state may become: Meltano ends a run whose STATE message is too long for it."""

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
"""Share of the longest line from which a person is warned."""


def warning(size: int, state: Mapping[str, Any]) -> str:
    """What to tell a person about the size of a state; "" as long as it is small.

    Args:
        size: Bytes of its STATE message.
        state: The state.
    """
    longest = _buffer_size() // 2
    if size < WARN_FROM * longest:
        return ""
    usernames = _usernames(state)
    return (
        f"The state of {usernames:,} usernames has {size / MEBIBYTE:,.0f} MiB, and Meltano "
        f"ends a run whose state passes {longest / MEBIBYTE:,.0f} MiB, which is about "
        f"{usernames * longest // size:,} usernames: split them over several pipelines with "
        "`shard`, or set MELTANO_ELT_BUFFER_SIZE to more than twice the size of the state, "
        "in bytes."
    )


def _buffer_size() -> int:
    """What Meltano is told by the environment, or its default."""
    told = os.environ.get("MELTANO_ELT_BUFFER_SIZE", "")
    return int(told) if told.isdecimal() and int(told) else BUFFER_SIZE


def _usernames(state: Mapping[str, Any]) -> int:
    streams = state.get("bookmarks", {}).values()
    return max((len(stream.get("partitions", ())) for stream in streams), default=0)
