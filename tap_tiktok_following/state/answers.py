"""The file of answers: every answer that cost a request, until the state covers it.

A target writes in batches, and when it dies it loses what it has in memory, although it was
paid for. So each answer is written to this file before it is handed on, and the next run reads
it again. The file is a SQLite database in WAL mode. Its only connection holds an exclusive
lock until the file is closed. Nothing else in this process may open and close it meanwhile,
because that would release the lock. A kill loses nothing; a power failure loses the last
second.

The file contains personal data, so only its owner can read it. It contains nothing of the
requests, and so no token and no key.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tap_tiktok_following.errors import Ended
from tap_tiktok_following.model import Place
from tap_tiktok_following.redaction import redact
from tap_tiktok_following.state import database
from tap_tiktok_following.times import DAY

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SYNC_EVERY = 1.0
"""Seconds between two syncs of the file to disk."""

KEPT_FOR = 30 * DAY
"""Seconds after which an unused answer is deleted, because it is personal data."""

LEVEL = 1
"""zlib's compression level: half the time of the default, 20% more space."""

USUAL = 64 * 1024
"""Bytes. Hardly a body is larger, so decompressing one rarely makes a buffer grow."""

_KEEP = "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_DROP = """
DELETE FROM answers WHERE source = ? AND username = ? AND (scanned_at, page) <= (?, ?)
"""
_DROP_OLD = "DELETE FROM answers WHERE came_at < ?"
_USERNAMES = """
SELECT username FROM answers WHERE source = ?
GROUP BY username ORDER BY MIN(came_at), username
"""
_PLACES = """
SELECT scanned_at, page FROM answers WHERE source = ? AND username = ?
ORDER BY scanned_at, page
"""
_GET = """
SELECT * FROM answers WHERE source = ? AND username = ? AND scanned_at = ? AND page = ?
"""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept:
    """An answer, with everything needed to read it again.

    Attributes:
        username: The username whose list it is about.
        scanned_at: See `Place`.
        page: See `Place`.
        started: When its scan started: `as_of` of its standing, in Unix seconds.
        cursor: The cursor of the request; None for the newest page.
        count: The number of accounts requested.
        tries: The number of requests that it took.
        as_of: As in `model.RawResponse`.
        until: As in `model.RawResponse`.
        came_at: When it came, in Unix seconds by the local clock.
        status: Its HTTP status.
        body: Its body.
    """

    username: str
    scanned_at: int
    page: int
    started: int
    cursor: int | None
    count: int
    tries: int
    as_of: int
    until: int
    came_at: int
    status: int
    body: bytes


class Answers:
    """The open file; many threads may use it at once.

    If the disk is full, the run continues without the file, after one warning.

    Args:
        path: The file; it is created if it does not exist.

    Raises:
        Ended: If the file is not ours, is broken, cannot be opened, or is in use.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._is_synced = True
        self._is_full = False
        self._connection: sqlite3.Connection | None = None
        try:
            self._connection = database.connect(self._path)
        except (sqlite3.Error, OSError) as error:
            if not database.is_lack_of_room(error):
                raise Ended(database.sentence(self._path, error)) from error
            self._give_up(error)
        self._write(_DROP_OLD, [(int(time.time()) - KEPT_FOR,)])
        threading.Thread(target=self._sync_on, name="answers", daemon=True).start()

    def keep(self, source: str, kept: Kept) -> None:
        """Keep an answer; call this before handing it on.

        An answer that contains one of our secrets is not kept.

        Args:
            source: The stream and the base URL that it comes from.
            kept: The answer; it replaces one with the same place.
        """
        text = kept.body.decode(errors="replace")
        if not self._is_full and redact(text) == text:
            *values, body = vars(kept).values()
            self._write(_KEEP, [(source, *values, zlib.compress(body, LEVEL))])

    def drop(self, source: str, covered: Iterable[tuple[str, Place]]) -> None:
        """Delete answers and release their space.

        Args:
            source: The stream and the base URL that they come from.
            covered: Usernames, each with the place of the last answer to delete.
        """
        self._write(_DROP, [(source, username, *place) for username, place in covered])

    def usernames(self, source: str) -> list[str]:
        """The usernames with kept answers, in the order of their first answers."""
        return [username for (username,) in self._read(_USERNAMES, source)]

    def places(self, source: str, username: str) -> list[Place]:
        """The places of all answers about a username, in order."""
        return [Place(*row) for row in self._read(_PLACES, source, username)]

    def get(self, source: str, username: str, place: Place) -> Kept | None:
        """The answer at a place; None if there is none, or its body is broken."""
        for row in self._read(_GET, source, username, *place):
            kept = Kept(*row[1:])
            with suppress(zlib.error):
                return replace(kept, body=zlib.decompress(kept.body, bufsize=USUAL))
        return None

    def close(self) -> None:
        """Sync and close the file; from then on nothing is kept."""
        self._closing.set()
        with self._lock:
            if self._connection is not None:
                with suppress(sqlite3.Error):
                    self._connection.close()
            self._connection = None

    def _read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            if self._connection is None:
                return []
            try:
                return self._connection.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise Ended(database.sentence(self._path, error)) from error

    def _write(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        """Write all rows or none; do nothing once a write has failed."""
        with self._lock:
            if self._connection is None or self._is_full:
                return
            try:
                with database.transaction(self._connection):
                    self._connection.executemany(statement, rows)
                self._is_synced = False
            except sqlite3.Error as error:
                self._give_up(error)

    def _sync_on(self) -> None:
        while not self._closing.wait(SYNC_EVERY):
            with self._lock:
                if self._connection is not None and not (self._is_synced or self._is_full):
                    self._sync(self._connection)

    def _sync(self, connection: sqlite3.Connection) -> None:
        """Sync the log, move it into the file, and sync that."""
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            self._is_synced = True
        except sqlite3.Error as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Stop writing; what is in the file can still be read."""
        self._is_full = True
        logger.warning(
            "`responses_path` (%s) cannot be written any more (%s): the run continues without "
            "it, and what it reads is paid for again if the run or its target dies.",
            self._path,
            error,
        )
