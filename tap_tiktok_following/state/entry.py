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

from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from tap_tiktok_following.decoding import convert
from tap_tiktok_following.model import HASH_LENGTH, Entry, Outcome, Progress
from tap_tiktok_following.text import in_utc, parse_time

Stored = dict[str, Any]

REPLICATION_KEY = "followed_at_latest"

# The year 9999 in Unix seconds: after it there would be no room for the time of a next scan.
LATEST = 253_370_764_800  # no other number in an entry is as large

_MOMENTS = {"scanned_at", "completed_scanned_at", "full_scanned_at", "retry_at", "ended_at"}

_TYPES: dict[str, Any] = {
    # Without its None: msgspec takes ten times as long for a union.
    field.name: (*get_args(field.type), field.type)[0]
    for field in msgspec.structs.fields(Entry)
    if field.name not in {"username", "bookmark"}  # which Singer has other names for
}

_OLD_NAMES = {
    "full_scanned_at": "whole_scanned_at",
    "full_floor": "whole_floor",
    "lost": "loss",
    "ended_at": "visited_at",
}
"""Names of version 0.1, which also called an unfinished scan `resume`: it starts anew."""

_UNKNOWN = Entry("")


def load(stored: Mapping[str, Any], username: str) -> Entry:
    """Return the entry of a username."""
    fields: dict[str, Any] = {}
    for name, kind in _TYPES.items():
        value = stored.get(name, stored.get(_OLD_NAMES.get(name, name)))
        if value is not None:
            read = parse_time(value) if name in _MOMENTS else convert(value, kind)
            if read is not None and _is_usable(read):
                fields[name] = read
    bookmark = parse_moment(stored.get("replication_key_value"))
    if bookmark is not None:
        fields.setdefault("scanned_at", bookmark)
        fields.setdefault("completed_scanned_at", fields["scanned_at"])
        fields.setdefault("ended_at", bookmark)
        fields.setdefault("outcome", Outcome.COMPLETE)
    if (last := parse_moment(stored.get("last_scanned_at"))) is not None:  # of version 0.1
        fields["scanned_at"] = last
    return Entry(username, bookmark=bookmark, **fields)


def dump(entry: Entry) -> Stored:
    """Return an entry as it is stored."""
    stored: Stored = {"context": {"follower_username": entry.username}}
    if entry.bookmark is not None:
        stored["replication_key"] = REPLICATION_KEY
        stored["replication_key_value"] = in_utc(entry.bookmark)
    for name in _TYPES:
        value = getattr(entry, name)
        if value != getattr(_UNKNOWN, name):
            stored[name] = in_utc(value) if name in _MOMENTS else msgspec.to_builtins(value)
    if entry.completed_scanned_at == entry.scanned_at:
        stored.pop("completed_scanned_at", None)
    return stored


def parse_moment(value: object) -> int | None:
    """Return the Unix seconds of a time that a scan can have; None otherwise."""
    moment = parse_time(value)
    return moment if moment is not None and 0 <= moment < LATEST else None


def sanitise(state: dict[str, Any]) -> dict[str, Any]:
    """Return a state that is safe to load, even if it was edited by hand.

    Malformed entries are dropped, and two entries of one username are merged.
    """
    bookmarks = convert(state.get("bookmarks"), dict[str, Any]) or {}
    streams = {name: each for name, each in bookmarks.items() if isinstance(each, dict)}
    for stream in streams.values():
        if "partitions" in stream:
            stream["partitions"] = _merge(stream["partitions"])
    return {**state, "bookmarks": streams}


def _merge(partitions: object) -> list[Stored]:
    """Return the later entry of each username, with the rows of all."""
    merged: dict[str, Stored] = {}
    for stored in convert(partitions, list[Any]) or ():
        if (username := _username_of(stored)) is not None:
            later, rows = stored, _take_rows(stored)
            if (other := merged.get(username)) is not None:
                rows = other.get("scans", []) + rows
                later = max(other, stored, key=_last_read)
            later["context"] = {"follower_username": username}
            merged[username] = {**later, "scans": rows} if rows else later
    return list(merged.values())


def _username_of(stored: object) -> str | None:
    """Return the username of a stored entry; None if it is malformed."""
    context = stored.get("context") if isinstance(stored, dict) else None
    username = context.get("follower_username") if isinstance(context, dict) else None
    return username.lower() if isinstance(username, str) else None


def _take_rows(stored: Stored) -> list[dict[str, Any]]:
    rows = convert(stored.pop("scans", None), list[Any]) or []
    rows = [row for row in rows if isinstance(row, dict)]
    for row in rows:
        if "accounts_gone" in row:  # of version 0.1
            row["accounts_lost"] = row.pop("accounts_gone")
    return rows


def _last_read(stored: Stored) -> tuple[int, int]:
    entry = load(stored, "")
    return entry.bookmark or 0, entry.ended_at or 0


def _is_usable(value: object) -> bool:
    """Return whether numbers are neither negative nor too large, and hashes are complete."""
    match value:
        case int():
            return 0 <= value < LATEST
        case bytes():
            return len(value) % HASH_LENGTH == 0
        case Progress() if value.remembered > value.read:
            return False
        case msgspec.Struct():
            return all(map(_is_usable, msgspec.structs.astuple(value)))
    return True
