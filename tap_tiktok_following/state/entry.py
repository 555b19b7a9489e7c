"""How an entry is stored in the Singer state, and how a state is made safe to load.

    {"context": {"follower_username": "ann"},
     "replication_key": "followed_at_latest",
     "replication_key_value": "2026-11-23T06:00:00+00:00",
     "known": {"hashes": "...", "since": 1794000000}, ...}

`Entry` in `model.py` describes the other fields. Times are RFC 3339 in UTC; `full_floor` and
what is in `known` and `progress` are Unix seconds. `scans` are rows of the scans stream that
were not written yet. What is unknown, edited or damaged reads as absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from tap_tiktok_following.model import (
    HASH_LENGTH,
    Entry,
    Evidence,
    Memory,
    Outcome,
    Progress,
)
from tap_tiktok_following.text import in_utc, parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Stored = dict[str, Any]
T = TypeVar("T")

REPLICATION_KEY = "followed_at_latest"

LATEST = 253_370_764_800
"""The year 9999 in Unix seconds: after a later time there would be no room for a next scan."""


def load(stored: Mapping[str, Any], username: str) -> Entry:
    """Return the entry of a username."""
    fields = {}
    for name, read in _READERS.items():
        value = stored.get(name)
        if value is not None and (is_read := read(value)) is not None:
            fields[name] = is_read
    bookmark = parse_moment(stored.get("replication_key_value"))
    if bookmark is not None:
        fields.setdefault("scanned_at", bookmark)
        fields.setdefault("completed_scanned_at", fields["scanned_at"])
        fields.setdefault("ended_at", bookmark)
        fields.setdefault("outcome", Outcome.COMPLETE)
    return Entry(username, bookmark=bookmark, **fields)


def dump(entry: Entry) -> Stored:
    """Return an entry as it is stored."""
    stored: Stored = {"context": {"follower_username": entry.username}}
    if entry.bookmark is not None:
        stored["replication_key"] = REPLICATION_KEY
        stored["replication_key_value"] = in_utc(entry.bookmark)
    for name in _READERS:
        value = getattr(entry, name)
        if value is None or value == _DEFAULTS[name]:
            continue
        stored[name] = in_utc(value) if name in _MOMENTS else msgspec.to_builtins(value)
    if entry.completed_scanned_at == entry.scanned_at:
        stored.pop("completed_scanned_at", None)
    return stored


def parse_moment(value: object) -> int | None:
    """Return the Unix seconds of a time that a scan can have; None otherwise."""
    moment = parse_time(value)
    return moment if moment is not None and 0 <= moment < LATEST else None


def sanitise(state: object) -> dict[str, Any]:
    """Return a state that is safe to load, even if it was edited by hand.

    Malformed entries are dropped, and two entries of one username are merged.
    """
    state = dict(state) if isinstance(state, dict) else {}
    bookmarks = state.get("bookmarks")
    state["bookmarks"] = {
        name: {**stream, "partitions": _merge(stream["partitions"])}
        if "partitions" in stream
        else stream
        for name, stream in (bookmarks if isinstance(bookmarks, dict) else {}).items()
        if isinstance(stream, dict)
    }
    return state


def _merge(partitions: object) -> list[Stored]:
    """Return the later entry of each username, with the rows of all."""
    merged: dict[str, Stored] = {}
    for stored in partitions if isinstance(partitions, list) else ():
        if (username := _username_of(stored)) is not None:
            other = merged.get(username)
            rows = [*(other or {}).get("scans", ()), *_rows_of(stored)]
            later = stored if other is None else max(other, stored, key=_age)
            later["context"] = {"follower_username": username}
            later.pop("scans", None)
            merged[username] = {**later, "scans": rows} if rows else later
    return list(merged.values())


def _username_of(stored: object) -> str | None:
    """Return the username of a stored entry; None if it is malformed."""
    context = stored.get("context") if isinstance(stored, dict) else None
    username = context.get("follower_username") if isinstance(context, dict) else None
    return username.lower() if isinstance(username, str) else None


def _rows_of(stored: Stored) -> Iterator[dict[str, Any]]:
    rows = stored.get("scans")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict):
            yield row


def _age(stored: Stored) -> tuple[int, int]:
    entry = load(stored, "")
    return entry.bookmark or 0, entry.ended_at or 0


def _reader(kind: type[T], is_valid: Callable[[T], bool]) -> Callable[[object], T | None]:
    def read(value: object) -> T | None:
        try:
            converted = msgspec.convert(value, kind)
        except ValueError:  # what msgspec raises, too
            return None
        return converted if is_valid(converted) else None

    return read


def _are_hashes(joined: bytes) -> bool:
    return len(joined) % HASH_LENGTH == 0


def _is_progress(progress: Progress) -> bool:
    numbers = [n for n in msgspec.structs.astuple(progress) if isinstance(n, int)]
    is_in_range = all(0 <= number < LATEST for number in numbers)
    return (
        is_in_range and _are_hashes(progress.hashes) and progress.remembered <= progress.read
    )


_COUNT = _reader(int, lambda number: 0 <= number < LATEST)

_MOMENTS = ("scanned_at", "completed_scanned_at", "full_scanned_at", "retry_at", "ended_at")

_READERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_MOMENTS, parse_moment),
    "full_floor": _COUNT,
    "listed": _COUNT,
    "total": _COUNT,
    "hidden": _COUNT,
    "total_is_wrong": _reader(bool, lambda _: True),
    "lost": _reader(Evidence, lambda _: True),
    "doubted": _reader(bytes, _are_hashes),
    "outcome": _reader(Outcome, lambda _: True),
    "known": _reader(Memory, lambda m: _are_hashes(m.hashes) and 0 <= m.since < LATEST),
    "progress": _reader(Progress, _is_progress),
}

_DEFAULTS = {name: getattr(Entry(""), name) for name in _READERS}
