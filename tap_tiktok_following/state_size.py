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
    """Return a warning about a state whose STATE message has `size` bytes; "" while small."""
    buffer = os.environ.get("MELTANO_ELT_BUFFER_SIZE", "")
    longest = (int(buffer) if buffer.isdecimal() else BUFFER_SIZE) // 2
    if size < WARN_FROM * longest:
        return ""
    streams = state.get("bookmarks", {}).values()
    usernames = max((len(stream.get("partitions", ())) for stream in streams), default=0)
    return (
        f"The state of {usernames:,} usernames is {size / MEBIBYTE:,.0f} MiB, and Meltano "
        f"ends a run whose state exceeds {longest / MEBIBYTE:,.0f} MiB, which is about "
        f"{usernames * longest // size:,} usernames: split them over several pipelines with "
        "`shard`, or set MELTANO_ELT_BUFFER_SIZE to more than twice the size of the state, "
        "in bytes."
    )
