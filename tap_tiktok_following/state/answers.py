"""The file of answers: every answer that cost a request, until a state tells of it.

A target writes in batches, and what it holds in memory when it dies is lost with it, though it
was paid for. So each answer is in this file before it is handed on, and the next run reads it
again. The file is a SQLite database in WAL mode. Its one connection holds an exclusive lock,
which lasts until the file is closed: nothing else in this process may open and close it
meanwhile, since that would end the lock. A kill loses nothing, a power cut the last second.

The file holds what providers said about people, so only its owner may read it. It holds
nothing of a request, so no token and no key.
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

from tap_tiktok_following.exits import Ended
from tap_tiktok_following.model import Place
from tap_tiktok_following.redaction import redact
from tap_tiktok_following.state import database
from tap_tiktok_following.times import DAY

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SYNC_EVERY = 1.0
"""Seconds between two times that the file is synced to disk."""

KEPT_FOR = 30 * DAY
"""Seconds for which an answer is kept that no run takes up: it is personal data."""

LEVEL = 1
"""zlib's compression level: half the time of the default for a fifth more space."""

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
    """An answer, with all that is needed to read it again.

    Attributes:
        username: Whose list.
        scanned_at: See `Place`.
        page: See `Place`.
        started: T of its scan, in Unix seconds.
        cursor: The cursor that was asked for; None for the newest page.
        count: The number of accounts that was asked for.
        tries: The number of requests that it took.
        as_of: As in `model.Answer`.
        until: As in `model.Answer`.
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
    """The file, open; many threads may use it at once.

    On a disk that takes no more the run goes on without the file, after one warning.

    Args:
        path: The file; it is made if it is not there.

    Raises:
        Ended: If the file is not ours, is broken, can't be opened, or is in use.
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
        """Keep an answer; it must not be handed on before.

        An answer that repeats one of our secrets is not kept.

        Args:
            source: Where it comes from: its stream and the base URL.
            kept: The answer; it replaces another one of its place.
        """
        text = kept.body.decode(errors="replace")
        if not self._is_full and redact(text) == text:
            *values, body = vars(kept).values()
            self._write(_KEEP, [(source, *values, zlib.compress(body, LEVEL))])

    def drop(self, source: str, covered: Iterable[tuple[str, Place]]) -> None:
        """Forget answers and give their space back.

        Args:
            source: Where they come from.
            covered: Usernames, each with the place of the last answer to forget.
        """
        self._write(_DROP, [(source, username, *place) for username, place in covered])

    def usernames(self, source: str) -> list[str]:
        """The usernames whose answers are kept, in the order of their first answers."""
        return [username for (username,) in self._read(_USERNAMES, source)]

    def places(self, source: str, username: str) -> list[Place]:
        """The places of all answers about a username, in order."""
        return [Place(*row) for row in self._read(_PLACES, source, username)]

    def get(self, source: str, username: str, place: Place) -> Kept | None:
        """The answer at a place; None if there is none, or its body is broken."""
        for row in self._read(_GET, source, username, *place):
            kept = Kept(*row[1:])
            with suppress(zlib.error):
                return replace(kept, body=zlib.decompress(kept.body))
        return None

    def close(self) -> None:
        """Sync and close the file; nothing is kept from then on."""
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
        """Write all rows or none; without a word where nothing can be written any more."""
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
        """Write no more: what is there can still be read."""
        self._is_full = True
        logger.warning(
            "`answers_path` (%s) takes no more (%s): the run goes on without it, and what is "
            "read from now on is paid for again if the run or its target dies.",
            self._path,
            error,
        )
