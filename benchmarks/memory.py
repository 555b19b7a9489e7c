"""How much memory a state takes, so that it can be left aside."""

from __future__ import annotations

import json
import tracemalloc


def size_in_memory(state: bytes) -> int:
    """Bytes that a STATE message takes once it is read into Python objects."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    value = json.loads(state)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del value
    return after - before
