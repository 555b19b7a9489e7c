"""The SQLite database behind the file of answers: creating, checking and locking it."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import contextmanager, suppress
from errno import ENOSPC
from typing import TYPE_CHECKING

from tap_tiktok_following.errors import Ended

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APPLICATION_ID = 0x746B666F
"""SQLite's `application_id` of the file, "tkfo", which identifies it as ours."""

FORMAT = 1
"""SQLite's `user_version` of the file; it is raised when the table changes."""

_CREATE = """
CREATE TABLE answers (
    source TEXT, username TEXT, scanned_at INTEGER, page INTEGER,
    started INTEGER, cursor INTEGER, count INTEGER, tries INTEGER,
    as_of INTEGER, until INTEGER, came_at INTEGER, status INTEGER, body BLOB,
    PRIMARY KEY (source, username, scanned_at, page)
)
"""


def connect(path: Path) -> sqlite3.Connection:
    """The only connection to the file, with the lock; creates the file if necessary.

    Raises:
        Ended: If the file is not ours.
        OSError: If it cannot be read, or cannot be made private to its owner.
        sqlite3.Error: If it is in use, or broken.
    """
    is_new = _prepare(path)
    connection = sqlite3.connect(
        path, timeout=0, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        if is_new:
            _create(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        _check(connection)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the statements of this context completely or not at all.

    Raises:
        sqlite3.Error: If they failed.
    """
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def is_lack_of_room(error: Exception) -> bool:
    """Whether the disk is full or failing, as opposed to a broken file."""
    if isinstance(error, OSError):
        return error.errno == ENOSPC
    return any(words in str(error) for words in ("disk is full", "disk I/O error"))


def sentence(path: Path, error: Exception) -> str:
    """What is wrong with the file and what to do about it."""
    where = f"`responses_path` ({path})"
    if isinstance(error, OSError):
        return f"{where} can't be opened ({error.strerror}): choose another path."
    if "locked" in str(error):
        return (
            f"{where} is in use by another run: wait until that has ended, or give each "
            "pipeline a file of its own."
        )
    if any(words in str(error) for words in ("readonly", "unable to open")):
        return (
            f"{where} can't be written ({error}): make it and its folder writable for this "
            "user, or choose another path."
        )
    return (
        f"{where} is broken ({error}): delete it; no data is lost, but the answers in it are "
        "paid for again."
    )


def _prepare(path: Path) -> bool:
    """Make the file private to its owner, and check that it is ours.

    Returns:
        Whether it is empty.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    header = b""
    is_file = stat.S_ISREG(path.stat().st_mode)
    if is_file:
        with path.open("rb") as file:
            header = file.read(72)
    if not is_file or (header and not _is_ours(header)):
        foreign = (
            f"`responses_path` ({path}) is not a file of answers of this version of the tap "
            "and is not changed: choose another path."
        )
        raise Ended(foreign)
    path.chmod(0o600)
    return not header


def _is_ours(header: bytes) -> bool:
    """By SQLite's header: the format is at byte 60, the application at byte 68."""
    numbers = tuple(int.from_bytes(header[at : at + 4], "big") for at in (60, 68))
    return header.startswith(b"SQLite format 3\0") and numbers == (FORMAT, APPLICATION_ID)


def _create(connection: sqlite3.Connection) -> None:
    # Free space is returned to the disk.
    connection.execute("PRAGMA auto_vacuum = FULL")
    with transaction(connection):
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.execute(_CREATE)


def _check(connection: sqlite3.Connection) -> None:
    [(verdict,)] = connection.execute("PRAGMA quick_check(1)")
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
