"""The state entry of a username, read so that nothing edited by hand can break it.

context                 {"follower_username": ...}
replication_key         "followed_at_latest"
replication_key_value   T of the last complete scan, RFC 3339, UTC
scanned_at              `scanned_at` of that scan's rows
last_scanned_at         the same of the last scan that ended, whatever its outcome
whole_scanned_at        the same of the last scan down to the end, or to `start_date`
whole_floor             Unix seconds: `start_date` of that scan, or of a later scan whose
                        `start_date` left out newer follows; 0 without one
listed                  accounts that it read, plus the new ones since
    total                   the provider's total on the last scan's first page
    wrong_totals            times in a row it showed a loss that a full scan did not find
    loss                    what showed a loss, so the list is read whole: "pages" or "total"
visited_at, outcome     when (by the local clock) and how the last visit ended
known                   hashes of the newest accounts, and the cursor where they end
resume                  where an unfinished scan stands
stuck                   the page at which visit after visit failed
top                     T of the last scan above that page, and the accounts it saw
scans                   rows of the scans stream that were not written yet
"""

from __future__ import annotations

import sys
from typing import Any, TypeVar

import msgspec

from tap_tiktok_following.model import Memory, Place, Standing, Stuck, Top
from tap_tiktok_following.outcomes import SKIPPED, Loss, Outcome, Part
from tap_tiktok_following.text import parse_time

Entry = dict[str, Any]
T = TypeVar("T")

UNDER_WAY = ("resume", "stuck", "top")
"""Fields that are valid only together with the bookmark of the same entry."""


def sanitise(state: object) -> dict[str, Any]:
    """A state that is safe to load, even if it was edited by hand.

    Malformed entries are dropped, and two entries of one username are merged. Everything else
    is kept, unknown fields too.
    """
    state = dict(state) if isinstance(state, dict) else {}
    bookmarks = state.get("bookmarks")
    state["bookmarks"] = {
        name: {**stream, "partitions": _partitions(stream)}
        if "partitions" in stream
        else stream
        for name, stream in (bookmarks if isinstance(bookmarks, dict) else {}).items()
        if isinstance(stream, dict)
    }
    return state


def _partitions(stream: Entry) -> list[Entry]:
    listed = stream["partitions"] if isinstance(stream["partitions"], list) else []
    entries: dict[str, Entry] = {}
    for entry in listed:
        username = username_of(entry)
        if username is None:
            continue
        entry["context"] = {"follower_username": username}
        if "scans" in entry:
            rows = entry["scans"] if isinstance(entry["scans"], list) else []
            entry["scans"] = [row for row in rows if isinstance(row, dict)]
        other = entries.get(username)
        entries[username] = entry if other is None else _merged(entry, other)
    return list(entries.values())


def _merged(one: Entry, other: Entry) -> Entry:
    """Merge two entries of one username: the later one, plus what only the earlier one has.

    An unfinished scan of the earlier one is older than the bookmark and is dropped.
    """
    later, earlier = sorted((one, other), key=_age, reverse=True)
    scans = [*earlier.get("scans", []), *later.get("scans", [])]
    rest = {name: value for name, value in earlier.items() if name not in UNDER_WAY}
    return {**rest, **later, **({"scans": scans} if scans else {})}


def _age(entry: Entry) -> tuple[int, int]:
    return bookmark_of(entry) or 0, visited_at_of(entry) or 0


def put(entry: Entry, name: str, value: object) -> None:
    """Set a field of an entry, or remove it if the value is None."""
    if value is None:
        entry.pop(name, None)
    else:
        entry[name] = value


def username_of(entry: object) -> str | None:
    """The username of an entry; None if the entry is malformed."""
    context = entry.get("context") if isinstance(entry, dict) else None
    username = context.get("follower_username") if isinstance(context, dict) else None
    return username.lower() if isinstance(username, str) else None


def bookmark_of(entry: Entry) -> int | None:
    """T of the last complete scan."""
    return parse_time(entry.get("replication_key_value"))


def scanned_at_of(entry: Entry) -> int | None:
    """`scanned_at` of the last complete scan."""
    scanned_at = parse_time(entry.get("scanned_at"))
    return bookmark_of(entry) if scanned_at is None else scanned_at


def last_scanned_at_of(entry: Entry) -> int | None:
    """`scanned_at` of the last scan that ended."""
    last = parse_time(entry.get("last_scanned_at"))
    return scanned_at_of(entry) if last is None else last


def place_of(entry: Entry) -> Place:
    """The last answer that the entry covers."""
    ended, resume = last_scanned_at_of(entry) or 0, resume_of(entry)
    if resume is not None and resume.scanned_at > ended:
        return Place(resume.scanned_at, resume.pages)
    return Place(ended, sys.maxsize)


def outcome_of(entry: Entry) -> Outcome | None:
    """How the last visit ended; if the entry does not say, complete if it has a bookmark."""
    try:
        return Outcome(entry["outcome"])
    except (KeyError, ValueError):
        return None if bookmark_of(entry) is None else Outcome.COMPLETE


def visited_at_of(entry: Entry) -> int | None:
    """When the last visit ended."""
    visited = parse_time(entry.get("visited_at"))
    return bookmark_of(entry) if visited is None else visited


def known_of(entry: Entry) -> Memory:
    """The newest accounts that the last complete scan saw."""
    return _converted(entry.get("known"), Memory) or Memory()


def whole_scanned_at_of(entry: Entry) -> int | None:
    """`scanned_at` of the last whole scan."""
    return parse_time(entry.get("whole_scanned_at"))


def whole_floor_of(entry: Entry) -> int | None:
    """Unix seconds down to which the last full scan read; None if it is not known."""
    return _converted(entry.get("whole_floor"), int)


def listed_of(entry: Entry) -> int:
    """Number of accounts that the list should have; 0 if it is not known."""
    return _converted(entry.get("listed"), int) or 0


def total_of(entry: Entry) -> int | None:
    """The provider's total on the first page of the last scan."""
    return _converted(entry.get("total"), int)


def loss_of(entry: Entry) -> Loss | None:
    """The loss because of which the next visit reads the list whole; None without one."""
    return _converted(entry.get("loss"), Loss)


def wrong_totals_of(entry: Entry) -> int:
    """Times in a row that the total showed a loss that a full scan did not find."""
    return _converted(entry.get("wrong_totals"), int) or 0


def stuck_of(entry: Entry) -> tuple[Stuck, Top] | tuple[None, None]:
    """The page at which the list is stuck, and what was read above it."""
    stuck, top = _converted(entry.get("stuck"), Stuck), _converted(entry.get("top"), Top)
    return (stuck, top) if stuck and top else (None, None)


def resume_of(entry: Entry) -> Standing | None:
    """Where an unfinished scan stands.

    A skip ends a scan. Earlier versions kept it, which would give new rows an old date.
    """
    resume = _converted(entry.get("resume"), Standing)
    if resume is None or outcome_of(entry) in SKIPPED:
        return None
    is_lost = resume.part is not Part.STRAIGHT and stuck_of(entry)[0] is None
    return None if is_lost else resume


def _converted(value: object, kind: type[T]) -> T | None:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return None
