"""What is known about each username: one entry in the `partitions` of a stream.

Used by the main thread only, and without I/O: it reads and writes the stream's part of the
Singer state, a plain dict. `entries.py` describes an entry.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec

from tap_tiktok_following.model import Event, Standing, Stuck, Top, Visit
from tap_tiktok_following.outcomes import READ, SKIPPED, Loss, Outcome, Part
from tap_tiktok_following.state import entries as of
from tap_tiktok_following.state.plan import Plan, visit_of
from tap_tiktok_following.state.rows import scan_row
from tap_tiktok_following.text import in_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_tiktok_following.model import Place
    from tap_tiktok_following.state.entries import Entry
    from tap_tiktok_following.state.plan import Policy

REPLICATION_KEY = "followed_at_latest"


class Bookmarks:
    """The entries of one stream, by username.

    Args:
        stream_state: The stream's part of the state; its `partitions` are kept up to date.
        policy: When a username is visited, and how far down its list is read.
        keep_scans: Whether rows of the scans stream are kept until they are written.
    """

    def __init__(self, stream_state: Entry, policy: Policy, *, keep_scans: bool) -> None:
        self._policy = policy
        self._keep_scans = keep_scans
        self._partitions: list[Entry] = stream_state.setdefault("partitions", [])
        self._entries = {of.username_of(entry) or "": entry for entry in self._partitions}
        self._unsent = deque(
            (entry, row) for entry in self._partitions for row in entry.get("scans", [])
        )

    def plan(self, usernames: Iterable[str], now: float) -> Plan:
        """What to visit now.

        Args:
            usernames: The configured usernames.
            now: Unix seconds by the local clock.
        """
        return Plan.of(usernames, self._entries, self._policy, now)

    def visit(self, username: str) -> Visit:
        """What to read of a list, whether it is due or not."""
        return visit_of(username, self._entries.get(username, {}), self._policy)

    def place(self, username: str) -> Place:
        """The last answer about a username that the state covers."""
        return of.place_of(self._entries.get(username, {}))

    def places(self) -> Iterator[tuple[str, Place]]:
        """Each username with the last answer about it that the state covers."""
        for username, entry in self._entries.items():
            yield username, of.place_of(entry)

    def written(self, event: Event) -> None:
        """Update the entry after the records of an event were written."""
        entry = self._entry(event.visit.username)
        _note_left_out(entry, event.visit)
        if event.is_page:
            entry["resume"] = msgspec.to_builtins(event.standing)
            entry["outcome"] = Outcome.INTERRUPTED.value
        elif of.resume_of(entry):
            entry["resume"]["requests"] = event.standing.requests
        else:
            entry.pop("resume", None)
        if event.outcome is not None:
            self._end(entry, event, event.outcome)
            self._keep(entry, scan_row(event))

    def invalid(self, username: str, reason: str, now: float) -> None:
        """Add a row, but no entry, for a configured value that is not a username."""
        standing = Standing(int(now), int(now), floor=0, whole=False)
        event = Event(Visit(username), standing, outcome=Outcome.INVALID, reason=reason)
        self._keep({}, scan_row(event))

    def unsent_scans(self) -> Iterator[Entry]:
        """Rows of the scans stream that were not written yet, the oldest first.

        Requesting the next row acknowledges the previous one, which is then deleted.
        """
        while self._unsent:
            entry, row = self._unsent[0]
            yield dict(row)
            self._unsent.popleft()
            entry["scans"].remove(row)
            if not entry["scans"]:
                del entry["scans"]

    def _entry(self, username: str) -> Entry:
        entry = self._entries.get(username)
        if entry is None:
            entry = {"context": {"follower_username": username}}
            self._entries[username] = entry
            self._partitions.append(entry)
        return entry

    def _end(self, entry: Entry, event: Event, outcome: Outcome) -> None:
        """Note how a visit ended."""
        if outcome in READ:
            self._end_scan(entry, event.standing, outcome)
        elif outcome in SKIPPED:
            entry.pop("resume", None)
        elif outcome is Outcome.FAILED:
            _fail(entry, event)
        if outcome is not Outcome.INTERRUPTED or "resume" in entry:
            entry["outcome"] = outcome.value
            entry["visited_at"] = in_utc(event.at)
        if outcome is not Outcome.INTERRUPTED and "resume" not in entry:
            _note_end(entry, in_utc(event.standing.scanned_at))

    def _end_scan(self, entry: Entry, standing: Standing, outcome: Outcome) -> None:
        entry.pop("resume", None)
        if standing.proves_nothing:
            return
        for name in of.UNDER_WAY:
            entry.pop(name, None)
        bookmark = of.bookmark_of(entry) or 0
        entry["replication_key"] = REPLICATION_KEY
        entry["replication_key_value"] = in_utc(standing.as_of)
        entry["scanned_at"] = in_utc(standing.scanned_at)
        entry["known"] = msgspec.to_builtins(standing.memory)
        _note_count(entry, standing)
        if outcome is Outcome.COMPLETE and standing.whole and standing.part is Part.STRAIGHT:
            entry["whole_scanned_at"] = in_utc(standing.scanned_at)
            entry["whole_floor"] = standing.floor
        elif _leaves_out(standing, bookmark):
            entry["whole_floor"] = max(of.whole_floor_of(entry) or 0, standing.floor)
        # Entries of earlier versions do not say: they count as read to today's `start_date`.
        entry.setdefault("whole_floor", self._policy.start_date)

    def _keep(self, entry: Entry, row: Entry) -> None:
        if self._keep_scans:
            entry.setdefault("scans", []).append(row)
            self._unsent.append((entry, row))


def _leaves_out(standing: Standing, bookmark: int) -> bool:
    """Whether a `start_date` after the last scan ended this one before it came down to it."""
    return min(standing.floor, standing.read_down_to or 0) > bookmark


def _note_left_out(entry: Entry, visit: Visit) -> None:
    """Note a `start_date` that keeps a stuck list from being read down to its last scan."""
    resume, top = visit.resume, visit.top
    if top is None or (resume is not None and resume.part is not Part.ABOVE):
        return
    floor = visit.floor if resume is None else resume.floor
    if floor > top.as_of:
        entry["whole_floor"] = max(of.whole_floor_of(entry) or 0, floor)


def _note_end(entry: Entry, scanned_at: str) -> None:
    """Note when the last scan started, so that the next one gets a later `scanned_at`."""
    if entry.get("scanned_at") == scanned_at:
        entry.pop("last_scanned_at", None)
    else:
        entry["last_scanned_at"] = scanned_at


def _note_count(entry: Entry, standing: Standing) -> None:
    """Note how many accounts the list should have, as read and according to the total."""
    is_whole = standing.whole and standing.part is Part.STRAIGHT
    if is_whole:
        entry["listed"] = standing.accounts_read
        _note_total_was_right(entry, standing)
    elif "listed" in entry:
        entry["listed"] = of.listed_of(entry) + standing.accounts_sent
    of.put(entry, "total", standing.first_total)
    waits = None if standing.whole else standing.loss
    of.put(entry, "loss", waits and waits.value)


def _note_total_was_right(entry: Entry, standing: Standing) -> None:
    """Count wrong totals in a row, each of which caused a full scan that found no loss."""
    if standing.loss is None or standing.is_confirmed:
        entry.pop("wrong_totals", None)
    elif standing.loss is Loss.TOTAL:
        entry["wrong_totals"] = of.wrong_totals_of(entry) + 1


def _fail(entry: Entry, event: Event) -> None:
    """Note where a visit failed.

    The next one continues from there. If it fails there again, the list is stuck: from then on
    each visit first reads what is new above that page. Without a cursor there is nothing above
    it, and the next visit starts a new scan.
    """
    visit, standing = event.visit, event.standing
    if standing.cursor is None:
        entry.pop("resume", None)
    elif visit.stuck or visit.failed_at == standing.cursor:
        entry["stuck"] = msgspec.to_builtins(_stuck(visit, standing, standing.cursor))
        entry["top"] = msgspec.to_builtins(Top(standing.as_of, standing.memory))
        entry.pop("resume", None)


def _stuck(visit: Visit, standing: Standing, cursor: int) -> Stuck:
    """What is left to read from a cursor down, including below an older stuck page."""
    wanted = visit.stuck if visit.stuck and standing.part is Part.ABOVE else standing
    return Stuck(cursor, wanted.floor, wanted.whole, standing.boundary)
