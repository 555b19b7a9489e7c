"""What is known of every username: one entry each in a stream's `partitions`.

Used by the main thread alone, and without I/O: it reads and writes the stream's part of the
Singer state, a plain dict. An entry:

    context                 {"follower_username": ...}
    replication_key         "followed_at_latest"
    replication_key_value   T of the last complete scan, RFC 3339, UTC
    scanned_at              `scanned_at` of that scan's rows
    last_scanned_at         the same of the last scan that ended, whatever came of it
    whole_scanned_at        the same of the last scan down to the end, or to `start_date`
    visited_at, outcome     when and how the last visit ended
    known                   hashes of the newest accounts, and the cursor they reach down to
    resume                  where an unfinished scan stands
    scans                   rows of the scans stream that are not out yet
"""

from __future__ import annotations

import sys
from collections import deque
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from tap_tiktok_following.model import Event, Memory, Place, Standing, Visit, hash_account
from tap_tiktok_following.outcomes import READ, SKIPPED, Outcome
from tap_tiktok_following.state.plan import Plan, Turn
from tap_tiktok_following.times import in_utc, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_tiktok_following.state.plan import Policy

REPLICATION_KEY = "followed_at_latest"

Entry = dict[str, Any]
T = TypeVar("T")


class Bookmarks:
    """The entries of one stream, by username.

    Args:
        stream_state: The stream's part of the state; its `partitions` are kept up to date.
        policy: When a username is visited, and how far down its list is read.
        keep_scans: Whether rows of the scans stream are kept until they are out.
    """

    def __init__(self, stream_state: Entry, policy: Policy, *, keep_scans: bool) -> None:
        self._policy = policy
        self._keep_scans = keep_scans
        self._partitions: list[Entry] = stream_state.setdefault("partitions", [])
        self._entries = {_username(entry) or "": entry for entry in self._partitions}
        self._unsent = deque(
            (entry, row) for entry in self._partitions for row in entry.get("scans", [])
        )

    def plan(self, usernames: Iterable[str], now: float) -> Plan:
        """What to visit now.

        Args:
            usernames: Whom the user asks for.
            now: Unix seconds.
        """
        plan = Plan()
        queue: list[tuple[int, int, Visit]] = []
        for username in usernames:
            entry = self._entries.get(username, {})
            turn = self._turn(entry, now)
            plan.counts[turn] += 1
            if turn is not Turn.NOT_DUE:
                visited = _visited_at(entry) or 0
                queue.append((turn.value, visited, self._visit(username, entry, now)))
        queue.sort(key=itemgetter(0, 1))
        plan.visits.extend(visit for _, _, visit in queue)
        return plan

    def visit(self, username: str, now: float) -> Visit:
        """What to read of one list now, due or not.

        Args:
            username: Whose list.
            now: Unix seconds.
        """
        return self._visit(username, self._entries.get(username, {}), now)

    def place(self, username: str) -> Place:
        """The last answer about a username that the state tells of."""
        return _place(self._entries.get(username, {}))

    def places(self) -> Iterator[tuple[str, Place]]:
        """The same of every username."""
        for username, entry in self._entries.items():
            yield username, _place(entry)

    def written(self, event: Event, now: float) -> None:
        """The records of an event are out.

        Args:
            event: The event.
            now: Unix seconds.
        """
        entry = self._entry(event.visit.username)
        if event.is_page:
            entry["resume"] = msgspec.to_builtins(event.standing)
            entry["outcome"] = Outcome.INTERRUPTED.value
        elif _resume(entry):
            entry["resume"]["requests"] = event.standing.requests
        if event.outcome is not None:
            self._end(entry, event.outcome, event.standing, now)
            self._keep(entry, _scan_row(event))

    def invalid(self, username: str, reason: str, now: float) -> None:
        """Something that can't be a username was asked for: it gets a row and no entry."""
        standing = Standing(int(now), int(now), floor=0, whole=False)
        event = Event(Visit(username), standing, outcome=Outcome.INVALID, reason=reason)
        self._keep({}, _scan_row(event))

    def unsent_scans(self) -> Iterator[Entry]:
        """Rows of the scans stream that are not out yet, the oldest first.

        A row is forgotten when the next one is asked for: it has been written then.
        """
        while self._unsent:
            entry, row = self._unsent[0]
            yield dict(row)
            self._unsent.popleft()
            entry["scans"].remove(row)
            if not entry["scans"]:
                del entry["scans"]

    def _turn(self, entry: Entry, now: float) -> Turn:
        outcome, visited = _outcome(entry), _visited_at(entry)
        if outcome is Outcome.INTERRUPTED and _resume(entry):
            return Turn.UNFINISHED
        if visited is None:
            return Turn.NEW
        wait = 0.0
        if outcome in READ | SKIPPED:
            wait = self._policy.revisit_after
        if outcome in SKIPPED:
            wait = max(wait, self._policy.retry_unavailable_after)
        return Turn.NOT_DUE if 0 <= now - visited < wait else Turn.KNOWN

    def _visit(self, username: str, entry: Entry, now: float) -> Visit:
        policy, bookmark, resume = self._policy, _bookmark(entry), _resume(entry)
        whole = bookmark is None or self._is_refresh_due(username, entry, now)
        reread_from = 0 if bookmark is None or whole else bookmark - policy.lookback
        return Visit(
            username,
            bookmark=bookmark,
            previous=_scanned_at(entry),
            last=_last_scanned_at(entry),
            whole=whole,
            known=_converted(entry.get("known"), Memory) or Memory(),
            floor=max(reread_from, policy.start_date),
            lookback=policy.lookback,
            resume=resume,
        )

    def _is_refresh_due(self, username: str, entry: Entry, now: float) -> bool:
        """Due times are spread over the second half of the interval, not to come together.

        Anew after each whole scan: usernames that kept their rhythms would meet again.
        """
        interval = self._policy.refresh_after
        if interval is None:
            return False
        whole_at = parse_time(entry.get("whole_scanned_at"))
        spread = int.from_bytes(hash_account(f"{username} {whole_at}"), "big") / 2**40
        return whole_at is None or now - whole_at >= interval * (1 + spread) / 2

    def _entry(self, username: str) -> Entry:
        entry = self._entries.get(username)
        if entry is None:
            entry = {"context": {"follower_username": username}}
            self._entries[username] = entry
            self._partitions.append(entry)
        return entry

    def _end(self, entry: Entry, outcome: Outcome, standing: Standing, now: float) -> None:
        if outcome in READ:
            entry["replication_key"] = REPLICATION_KEY
            entry["replication_key_value"] = in_utc(standing.as_of)
            entry["scanned_at"] = in_utc(standing.scanned_at)
        if outcome in READ | SKIPPED:
            entry["last_scanned_at"] = in_utc(standing.scanned_at)
            entry.pop("resume", None)
        if outcome is Outcome.COMPLETE:
            entry["known"] = msgspec.to_builtins(standing.memory)
            if standing.whole:
                entry["whole_scanned_at"] = in_utc(standing.scanned_at)
        if outcome is not Outcome.INTERRUPTED or "resume" in entry:
            entry["outcome"] = outcome.value
            entry["visited_at"] = in_utc(int(now))

    def _keep(self, entry: Entry, row: Entry) -> None:
        if self._keep_scans:
            entry.setdefault("scans", []).append(row)
            self._unsent.append((entry, row))


def sanitise(state: object) -> dict[str, Any]:
    """A state that is safe to load, whatever was written into it by hand.

    Entries that are no entries go, two of one username become one, and everything else is
    kept, known or not.
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
        username = _username(entry)
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
    """Two entries of one username: the later bookmark, and what only the other one has."""
    later, earlier = sorted((one, other), key=lambda e: _bookmark(e) or 0, reverse=True)
    scans = [*earlier.get("scans", []), *later.get("scans", [])]
    return {**earlier, **later, **({"scans": scans} if scans else {})}


def _username(entry: object) -> str | None:
    context = entry.get("context") if isinstance(entry, dict) else None
    username = context.get("follower_username") if isinstance(context, dict) else None
    return username.lower() if isinstance(username, str) else None


def _bookmark(entry: Entry) -> int | None:
    return parse_time(entry.get("replication_key_value"))


def _scanned_at(entry: Entry) -> int | None:
    scanned_at = parse_time(entry.get("scanned_at"))
    return _bookmark(entry) if scanned_at is None else scanned_at


def _last_scanned_at(entry: Entry) -> int | None:
    last = parse_time(entry.get("last_scanned_at"))
    return _scanned_at(entry) if last is None else last


def _place(entry: Entry) -> Place:
    ended, resume = _last_scanned_at(entry) or 0, _resume(entry)
    if resume is not None and resume.scanned_at > ended:
        return Place(resume.scanned_at, resume.pages)
    return Place(ended, sys.maxsize)


def _outcome(entry: Entry) -> Outcome | None:
    """How the last visit ended; an entry that does not say so has a bookmark, or none."""
    try:
        return Outcome(entry["outcome"])
    except (KeyError, ValueError):
        return None if _bookmark(entry) is None else Outcome.COMPLETE


def _visited_at(entry: Entry) -> int | None:
    visited = parse_time(entry.get("visited_at"))
    return _bookmark(entry) if visited is None else visited


def _resume(entry: Entry) -> Standing | None:
    return _converted(entry.get("resume"), Standing)


def _converted(value: object, kind: type[T]) -> T | None:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return None


def _scan_row(event: Event) -> Entry:
    standing, previous = event.standing, event.visit.previous
    is_complete = event.outcome is Outcome.COMPLETE
    reason = f"{event.reason} ({event.reference})" if event.reference else event.reason
    return {
        "follower_username": event.visit.username,
        "scanned_at": in_utc(standing.scanned_at),
        "previous_scanned_at": None if previous is None else in_utc(previous),
        "outcome": event.outcome,
        "reason": reason or None,
        "whole_list": is_complete and standing.whole and not standing.gap,
        "accounts_read": standing.accounts_read,
        "accounts_sent": standing.accounts_sent,
        "requests": standing.requests,
        "following_total": standing.total,
        "cached": standing.cached,
    }
