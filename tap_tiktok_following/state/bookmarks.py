"""The entries of one stream, by username: the stream's part of the Singer state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tap_tiktok_following.model import Entry, Event
from tap_tiktok_following.state.entry import Stored, dump, load


class Bookmarks:
    """Reads and writes the entries in place; used by the main thread.

    If rows are kept, they wait in the entries until the scans stream writes them.
    """

    def __init__(self, stream_state: dict[str, Any], *, keep_rows: bool) -> None:
        self._keep_rows = keep_rows
        self._partitions: list[Stored] = stream_state.setdefault("partitions", [])
        self._stored = {
            stored["context"]["follower_username"]: stored for stored in self._partitions
        }

    def entry(self, username: str) -> Entry:
        """Return what is known of a username."""
        return load(self._stored.get(username, {}), username)

    def entries(self) -> Iterator[Entry]:
        """Return all entries, those of usernames on earlier lists too."""
        return map(self.entry, self._stored)

    def store(self, event: Event) -> None:
        """Store the entry of an event whose records are written, and its row."""
        username = event.entry.username
        stored = self._stored.get(username)
        if stored is None:
            stored = self._stored[username] = {}
            self._partitions.append(stored)
        rows = stored.get("scans", [])
        if event.row is not None and self._keep_rows:
            rows.append(event.row)
        stored.clear()
        stored.update(dump(event.entry))
        if rows:
            stored["scans"] = rows

    def take_rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows that were not written yet.

        A row is deleted when the next one is requested, because then it is written.
        """
        for stored in self._partitions:
            rows = stored.get("scans", [])
            while rows:
                yield dict(rows[0])
                del rows[0]
            stored.pop("scans", None)
