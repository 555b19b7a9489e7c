"""Types that several rooms use: pages, responses, entries, policies and events.

A *scan* is one pass down one following list, and may take several runs. T is when it started:
a scan covers every follow made before T.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

import msgspec

from tap_tiktok_following.text import DAY, HOUR, parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping

HASH_LENGTH = 5
"""Bytes of the hash of an account."""


class Outcome(str, Enum):
    """How the scan of a list ended, as in the scans streams."""

    COMPLETE = "complete"
    UNCHANGED = "unchanged"
    INTERRUPTED = "interrupted"
    PRIVATE = "private"
    HIDDEN = "hidden"
    NOT_FOUND = "not_found"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"
    INVALID = "invalid"


READ = frozenset({Outcome.COMPLETE, Outcome.UNCHANGED})

SKIPPED = frozenset({Outcome.PRIVATE, Outcome.HIDDEN, Outcome.NOT_FOUND, Outcome.UNAVAILABLE})


class Evidence(str, Enum):
    """What shows that a list has lost accounts."""

    PAGES = "pages"
    """Remembered accounts are missing on its pages."""

    TOTAL = "total"
    """Only the provider's total, which may be wrong."""


@dataclass(frozen=True)
class Accounts:
    """The accounts of one page.

    Attributes:
        rows: The provider's fields of each account, in the order given.
        keyless: Number of accounts that were left out because their key was missing.
        nulled: Number of optional fields that became null because their type was wrong.
    """

    rows: list[dict[str, Any]]
    keyless: int = 0
    nulled: int = 0


@dataclass(frozen=True)
class Page:
    """One page of a list, as the provider gave it.

    Attributes:
        accounts: The accounts listed, in the order given.
        has_more: Whether there is a next page according to the provider.
        next_cursor: Cursor of the next page in Unix seconds, inclusive; None without one.
        total: Length of the list according to the provider; None if it does not say.
        cached_at: When the cache that it came from was filled, in Unix seconds; or None.
        reference: The provider's ID of the response, with its name, or "".
    """

    accounts: Accounts
    has_more: bool
    next_cursor: int | None
    total: int | None = None
    cached_at: int | None = None
    reference: str = ""


@dataclass(frozen=True)
class TokenGrant:
    """An access token.

    Attributes:
        value: The token.
        life: Its lifetime in seconds.
    """

    value: str
    life: float


@dataclass(frozen=True)
class RawResponse:
    """A response as it arrived, or as it was stored.

    Attributes:
        status: The HTTP status.
        body: The whole body, decompressed.
        as_of: Whole Unix seconds. The response covers every follow made before this time:
            the moment before the request was sent, by the clock that makes it earliest.
        until: Whole Unix seconds. The response covers no follow made after this time: the
            provider's clock when it responded; the local clock if that is unknown.
        came_at: When it arrived, in Unix seconds by the local clock.
        headers: Its headers, with names that ignore case; empty for a stored response.
    """

    status: int
    body: bytes
    as_of: int
    until: int
    came_at: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Response(RawResponse):
    """A response that contains a page.

    Attributes:
        page: The page.
        count: Number of accounts requested.
        requests: Number of requests that it took, including retries.
        is_final: Whether it is not requested once more, even if it looks wrong.
        scanned_at: `scanned_at` of its scan, for a stored response to a first request.
    """

    _: KW_ONLY
    page: Page
    count: int
    requests: int = 1
    is_final: bool = False
    scanned_at: int | None = None

    @classmethod
    def of(cls, raw: RawResponse, page: Page, count: int) -> Response:
        """Return the response with its page; a cached page is as of its cache."""
        times = (raw.as_of, raw.until)
        if page.cached_at is not None:
            times = (min(raw.as_of, page.cached_at), min(raw.until, page.cached_at))
        return cls(
            raw.status, raw.body, *times, raw.came_at, raw.headers, page=page, count=count
        )


class Memory(msgspec.Struct, frozen=True, omit_defaults=True):
    """The newest accounts of a list, as a scan read them.

    Attributes:
        hashes: Concatenated hashes of the accounts, newest follow first.
        since: The cursor where they end, in Unix seconds; 0 if they are the whole list.
    """

    hashes: bytes = b""
    since: int = 0


class Progress(msgspec.Struct, frozen=True, omit_defaults=True):
    """An unfinished scan.

    Attributes:
        scanned_at: When the scan started, in Unix seconds: part of the key of its rows. It is
            T, or later if an earlier scan already has that second.
        as_of: T, in Unix seconds: the scan covers every follow made before.
        full: Whether all accounts are sent, not only new ones.
        floor: Unix seconds; the scan ends at a next cursor below; 0 for the end of the list.
        cursor: The cursor of the next request, in Unix seconds; None for the newest page.
        stands_still: Whether it repeats the last cursor; the largest page is requested then.
        idle: Consecutive pages with the same cursor and no account that was not read before.
        moved_at: When the cursor last moved, in Unix seconds by the provider's clock.
        hashes: Concatenated hashes of all accounts read so far, newest follow first.
        remembered: Number of these that are the memory; 0 while it still grows.
        since: As in `Memory`, once it no longer grows.
        sent: Number of accounts that were sent.
        requests: Number of requests, including retries.
        pages: Number of pages that were read.
        room: Number of accounts that were requested on these pages.
        total: Length of the list according to the first page; None without one.
        cached: Whether any page came from the provider's cache.
        gap: Why listed accounts may be missing; "" if there is no reason to think so.
        has_hole: Whether a page stayed empty although more were to come.
        hides_follows: Whether such a page may have listed follows made since the bookmark.
        read_until: When the last page arrived, in Unix seconds by the provider's clock.
        read_down_to: Unix seconds down to which pages were read; None before the first.
    """

    scanned_at: int
    as_of: int
    full: bool
    floor: int = 0
    cursor: int | None = None
    stands_still: bool = False
    idle: int = 0
    moved_at: int = 0
    hashes: bytes = b""
    remembered: int = 0
    since: int = 0
    sent: int = 0
    requests: int = 0
    pages: int = 0
    room: int = 0
    total: int | None = None
    cached: bool = False
    gap: str = ""
    has_hole: bool = False
    hides_follows: bool = False
    read_until: int = 0
    read_down_to: int | None = None

    @property
    def read(self) -> int:
        """Number of different accounts that were read."""
        return len(self.hashes) // HASH_LENGTH


class Entry(msgspec.Struct, frozen=True):
    """What is known of a username between scans; `state/entry.py` describes how it is stored.

    All times are in Unix seconds, and None before they are known.

    Attributes:
        username: The username whose list it is.
        bookmark: T of the last scan that was read.
        scanned_at: `scanned_at` of the last scan that ended, whatever its outcome.
        completed_scanned_at: The same of the last scan that was completed.
        full_scanned_at: The same of the last full scan that was believed.
        full_floor: Down to here the list was read without a gap; 0 for its end.
        retry_at: When a list with a page that always fails is read in full again.
        listed: Number of accounts of the last full scan, plus the new ones since.
        total: Length of the list according to the provider in the last scan.
        hidden: By how many the total exceeded the accounts listed in the last full scan.
        total_is_wrong: Whether a full scan did not confirm a loss that the total showed.
        lost: The evidence that the last scan found too late for a full scan.
        doubted: Hashes of the accounts that a doubted scan read; None without one.
        ended_at: When the last scan ended, by the local clock.
        outcome: How the last scan ended.
        known: The newest accounts of the last scan.
        progress: An unfinished scan.
    """

    username: str
    bookmark: int | None = None
    scanned_at: int | None = None
    completed_scanned_at: int | None = None
    full_scanned_at: int | None = None
    full_floor: int | None = None
    retry_at: int | None = None
    listed: int = 0
    total: int | None = None
    hidden: int = 0
    total_is_wrong: bool = False
    lost: Evidence | None = None
    doubted: bytes | None = None
    ended_at: int | None = None
    outcome: Outcome | None = None
    known: Memory = Memory()
    progress: Progress | None = None


@dataclass(frozen=True)
class Policy:
    """How lists are read, and when.

    Attributes:
        key: The field that identifies an account.
        page_size: Number of accounts to request per page, 1 to 100.
        start_date: Unix seconds; older follows are not requested; 0 for all.
        lookback: Seconds before the bookmark that are read again.
        full_scan_after: Seconds after which a list is read in full again; None for never.
        full_scan_on_loss: Whether a list that has lost accounts is read in full again.
        rescan_after: Seconds until a list that was read or skipped is due again.
        retry_unavailable_after: The same for lists that were not available.
    """

    key: str
    page_size: int = 100
    start_date: int = 0
    lookback: int = DAY
    full_scan_after: float | None = None
    full_scan_on_loss: bool = False
    rescan_after: float = 0
    retry_unavailable_after: float = 0

    @classmethod
    def of(cls, config: Mapping[str, Any], key: str) -> Policy:
        """Return the policy that the settings describe.

        Args:
            config: The settings, valid.
            key: The field that identifies an account.
        """
        days = config.get("full_scan_after_days")
        return cls(
            key,
            page_size=config["page_size"],
            start_date=parse_time(config.get("start_date")) or 0,
            lookback=config["lookback_days"] * DAY,
            full_scan_after=None if days is None else days * DAY,
            full_scan_on_loss=config["full_scan_on_loss"],
            rescan_after=config["rescan_after_hours"] * HOUR,
            retry_unavailable_after=config["retry_unavailable_after_days"] * DAY,
        )


@dataclass(frozen=True)
class Event:
    """A page that was read, or the end of a scan, or both.

    Attributes:
        entry: The entry to store once the records are written.
        records: The records to send.
        row: The row of the scans stream; None while the scan goes on.
        outcome: How the scan ended; None while it goes on.
        reason: Why, for a person, without the username; "" if there is nothing to say.
        advice: What the user can do; "" if the outcome says enough.
        is_odd: Whether the response may be wrong and is to be requested once more.
        read: Number of accounts on the page that the scan had not read before.
        keyless: Number of accounts on the page that have no key, and were left out.
        nulled: Number of fields on the page that became null because their type was wrong.
        requests: Number of requests sent since the last event of the username.
        is_stored: Whether the response was a stored one.
        is_full_on_loss: Whether a full scan ended that lost accounts had triggered.
    """

    entry: Entry
    records: list[dict[str, Any]] = field(default_factory=list)
    row: dict[str, Any] | None = None
    outcome: Outcome | None = None
    reason: str = ""
    advice: str = ""
    is_odd: bool = False
    read: int = 0
    keyless: int = 0
    nulled: int = 0
    requests: int = 0
    is_stored: bool = False
    is_full_on_loss: bool = False
