"""Finding the state in the output of Meltano, of a tap or of a target.

    {"bookmarks": ...}                        a bare state, as targets print it
    {"singer_state": {"bookmarks": ...}}      as `meltano state get` prints it
    {"type": "STATE", "value": {...}}         a STATE message, as the tap writes it

Each may be a whole file or a line of a file, in which the last state counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any


def read(content: bytes) -> dict[str, Any]:
    """Return the state in a file; `{}` is that of a pipeline before its first run.

    Raises:
        ValueError: If there is none; its text follows the file's name.
    """
    problem = (
        "contains no Singer state: give the output of `meltano state get`, the last line that "
        "the target printed, or {} for a first run"
    )
    if not content.strip():
        problem = (
            "is empty, because the run that should have written it ended early: restore an "
            "earlier state, or leave out --state to read every list from the start"
        )
    for document in _documents(content):
        if (state := _unwrap(document)) is not None:
            return state
    raise ValueError(problem)


def _unwrap(document: object) -> dict[str, Any] | None:
    """Return the state in a JSON document; None if there is none."""
    if not isinstance(document, dict):
        return None
    if "singer_state" in document:
        return _unwrap(document["singer_state"])
    if document.get("type") == "STATE":
        return _unwrap(document.get("value"))
    return document if "bookmarks" in document or not document else None


def _documents(content: bytes) -> Iterator[object]:
    """The whole file if it is one JSON document, else its lines, the last one first."""
    try:
        yield json.loads(content)
    except ValueError:
        for line in reversed(content.splitlines()):
            with suppress(ValueError):  # a line that was cut off, or one of a log
                yield json.loads(line)
