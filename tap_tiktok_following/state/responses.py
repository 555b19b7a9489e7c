"""The file of `responses_path`: every response that was paid for, until the state covers it.

A target writes in batches, and when it dies it loses what it has in memory. So each response
is written to this file before it is passed on, and the next run takes it from there instead of
requesting it. The file is a SQLite database whose only connection holds an exclusive lock.
Nothing else in this process may open and close it meanwhile: that would release the lock.

It contains personal data, so only its owner can read it. It contains nothing of the requests,
and so no token and no key. Bodies are stored as they arrived and parsed again: what a newer
version reads differently, it reads differently here too, and there is no second format.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass
from errno import ENOSPC
from pathlib import Path

from tap_tiktok_following.errors import Ended
from tap_tiktok_following.model import Entry, RawResponse
from tap_tiktok_following.text import DAY, clean, redact

STORED_FOR = 30 * DAY  # seconds until an unused response is deleted: it is personal data
APPLICATION_ID = 0x746B666F  # SQLite's `application_id` of the file, "tkfo": it is ours
FORMAT = 2  # SQLite's `user_version` of the file; it is raised when the table changes

_SIGNATURE = FORMAT.to_bytes(4, "big") + APPLICATION_ID.to_bytes(4, "big")
_CREATE = f"""
PRAGMA auto_vacuum = FULL;
BEGIN;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT};
CREATE TABLE responses (
    source TEXT, username TEXT, scanned_at INTEGER, page INTEGER, cursor INTEGER,
    count INTEGER, requests INTEGER, as_of INTEGER, until INTEGER, came_at INTEGER,
    status INTEGER, body BLOB,
    PRIMARY KEY (source, username, scanned_at, page)
);
COMMIT;
"""
_INSERT = """
INSERT OR REPLACE INTO responses VALUES (
    :source, :username, :scanned_at, :pages + 1, :cursor,
    :count, :requests, :as_of, :until, :came_at, :status, :body
)
"""
_SELECT_NEXT = """
SELECT status, body, as_of, until, came_at, scanned_at, count, requests FROM responses
WHERE source = :source AND username = :username AND page = :pages + 1 AND cursor IS :cursor
    AND scanned_at > :ended AND scanned_at = ifnull(:scanned_at, scanned_at)
ORDER BY scanned_at LIMIT 1
"""
_DELETE_COVERED = """
DELETE FROM responses
WHERE source = :source AND username = :username AND (
    scanned_at <= :ended OR (scanned_at = :scanned_at AND page <= :pages)
)
"""
_DELETE_OLD = "DELETE FROM responses WHERE came_at < :oldest"
_COUNT = """
SELECT username, count(*) AS number FROM responses WHERE source = :source
GROUP BY username, scanned_at ORDER BY scanned_at DESC
"""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredResponse(RawResponse):
    """A response from the file."""

    _: KW_ONLY
    scanned_at: int  # of its scan, in Unix seconds
    count: int  # accounts requested
    requests: int  # that it took, retries included


class ResponseFile:
    """The open file; many threads may use it at once.

    If the disk is full, the run continues without writing to it, after one warning.

    Raises:
        Ended: If the file is not ours, is broken, cannot be opened, or is in use.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._lock = threading.Lock()
        self._is_full = self._has_warned = False
        self._connection: sqlite3.Connection | None = None
        try:
            is_new = _prepare(self._path)
            # The only connection, with the lock.
            self._connection = sqlite3.connect(self._path, timeout=0, check_same_thread=False)
            _set_up(self._connection, is_new=is_new)
        except (sqlite3.Error, OSError) as error:
            self.close()
            if not _is_lack_of_room(error):
                raise Ended(_describe(self._path, error)) from error
            self._give_up(error)
        self._write(_DELETE_OLD, [{"oldest": int(time.time()) - STORED_FOR}])

    def add(self, response: RawResponse, source: str, entry: Entry, **columns: object) -> None:
        """Store the response for the next page of a list, in place of one that is stored.

        It is not stored if it contains one of our secrets. `columns` are `scanned_at`, `count`
        and `requests`, as in `StoredResponse`.
        """
        text = response.body.decode(errors="replace")
        if redact(text) != text:
            if not self._has_warned:
                self._has_warned = True
                logger.warning(
                    "A response contains one of the configured secrets and is not stored in "
                    "`responses_path`: it is paid for again if the run or its target dies."
                )
            return
        row = {**_place(source, entry), **vars(response), **columns}
        row["body"] = zlib.compress(response.body, 1)
        self._write(_INSERT, [row])

    def delete_covered(self, source: str, entries: Iterable[Entry]) -> None:
        """Delete what the entries of a loaded state cover, and release its space."""
        self._write(_DELETE_COVERED, (_place(source, entry) for entry in entries))

    def count(self, source: str) -> dict[str, int]:
        """Return by username how many responses its first scan has, of use or not."""
        rows = self._read(_COUNT, {"source": source})
        return {row["username"]: row["number"] for row in rows}

    def take(self, source: str, entry: Entry) -> StoredResponse | None:
        """Return the response for the next page of a list; None if it has to be requested."""
        for row in self._read(_SELECT_NEXT, _place(source, entry)):
            with suppress(zlib.error):
                return StoredResponse(**{**row, "body": zlib.decompress(row["body"])})
        return None

    def close(self) -> None:
        """Close the file; from then on nothing is stored."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _read(self, query: str, values: dict[str, object]) -> list[sqlite3.Row]:
        with self._lock:
            if self._connection is None:
                return []
            try:
                return self._connection.execute(query, values).fetchall()
            except sqlite3.Error as error:
                self._give_up(error)
                self._connection = None  # it may be broken, and is not read any more either
                return []

    def _write(self, statement: str, rows: Iterable[dict[str, object]]) -> None:
        """Write all rows or none; do nothing once a write has failed."""
        with self._lock:
            if self._connection is None or self._is_full:
                return
            try:
                with self._connection:
                    self._connection.executemany(statement, rows)
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


def _place(source: str, entry: Entry) -> dict[str, object]:
    """Return the last response that an entry covers, and the cursor of the next."""
    progress = entry.progress
    return {
        "source": source,
        "username": entry.username,
        "ended": entry.scanned_at or 0,
        "scanned_at": progress.scanned_at if progress else None,
        "pages": progress.pages if progress else 0,
        "cursor": progress.cursor if progress else None,
    }


def _prepare(path: Path) -> bool:
    """Make the file private and check that it is ours; return whether it is empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(0o600)
    header = b"a folder, a pipe or a device"
    if path.is_file():
        with path.open("rb") as file:
            header = file.read(72)
    # Where SQLite keeps the two numbers.
    if header and header[60:64] + header[68:] != _SIGNATURE:
        foreign = (
            f"`responses_path` ({path}) is not a response file of this version of the tap and "
            "is not changed: choose another path."
        )
        raise Ended(foreign)
    path.chmod(0o600)
    return not header


def _set_up(connection: sqlite3.Connection, *, is_new: bool) -> None:
    """Lock and check the file, which is created if it is new."""
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    if is_new:  # before WAL, so that the file itself says at once that it is ours
        connection.executescript(_CREATE)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    [(verdict,)] = connection.execute("PRAGMA quick_check(1)")
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)


def _is_lack_of_room(error: Exception) -> bool:
    """Return whether the disk is full or failing, as opposed to a broken file."""
    if isinstance(error, OSError):
        return error.errno == ENOSPC
    return any(words in str(error) for words in ("disk is full", "disk I/O error"))


def _describe(path: Path, error: Exception) -> str:
    """Return what is wrong with the file and what to do about it."""
    where, why = f"`responses_path` ({path})", clean(str(error), 200)
    if isinstance(error, OSError):
        return f"{where} cannot be opened ({error.strerror}): choose another path."
    if "locked" in why:
        return (
            f"{where} is in use by another run: wait until that has ended, or give each "
            "pipeline a file of its own."
        )
    if any(words in why for words in ("readonly", "unable to open")):
        return (
            f"{where} cannot be written ({why}): make it and its folder writable for this "
            "user, or choose another path."
        )
    return (
        f"{where} is broken ({why}): delete it; no data is lost, but the responses in it "
        "are paid for again."
    )
