"""Types that several rooms use: pages, responses, entries, policies and events.

A *scan* is one pass down one following list, and may take several runs. T is when it started:
a scan covers every follow made before T.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from enum import Enum
from typing import Any

import msgspec

from tap_tiktok_following.text import DAY, HOUR, parse_time

HASH_LENGTH = 5  # bytes of the hash of an account


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
    """The accounts of one page."""

    rows: list[dict[str, Any]]  # the provider's fields of each account, in the order given
    keyless: int = 0  # accounts left out because their key was missing
    nulled: int = 0  # optional fields that became null because their type was wrong


@dataclass(frozen=True)
class Page:
    """One page of a list, as the provider gave it. Times are in Unix seconds."""

    accounts: Accounts
    has_more: bool  # whether there is a next page according to the provider
    next_cursor: int | None  # of the next page, inclusive; None without one
    total: int | None = None  # length of the list; None if the provider does not say
    cached_at: int | None = None  # when the cache that it came from was filled
    reference: str = ""  # the provider's ID of the response, with its name


@dataclass(frozen=True)
class TokenGrant:
    """An access token, and its lifetime in seconds."""

    value: str
    life: float


@dataclass(frozen=True)
class RawResponse:
    """A response as it arrived, or as it was stored. Times are in whole Unix seconds.

    It covers every follow made before `as_of`, when the request was sent by the clock that
    makes it earliest, and none made after `until`, when the provider responded by its own
    clock, or by the local one if that is unknown.
    """

    status: int
    body: bytes  # the whole body, decompressed
    as_of: int
    until: int
    came_at: int  # when it arrived, by the local clock
    headers: Mapping[str, str] = field(default_factory=dict)  # not stored


@dataclass(frozen=True)
class Response(RawResponse):
    """A response that contains a page."""

    _: KW_ONLY
    page: Page
    count: int  # accounts requested
    requests: int = 1  # that it took, retries included
    is_final: bool = False  # it is not requested once more, even if it looks wrong
    scanned_at: int | None = None  # of its scan, for a stored response to a first request

    @classmethod
    def of(cls, raw: RawResponse, page: Page, count: int) -> Response:
        """Return a new or a stored response with its page, which is as of its cache."""
        latest = raw.until if page.cached_at is None else page.cached_at
        times = {"as_of": min(raw.as_of, latest), "until": min(raw.until, latest)}
        return cls(**{**vars(raw), **times, "page": page, "count": count})


class Memory(msgspec.Struct, frozen=True, omit_defaults=True):
    """The newest accounts of a list, as a scan read them."""

    hashes: bytes = b""  # concatenated, newest follow first
    since: int = 0  # cursor where they end, in Unix seconds; 0 if they are the whole list


class Progress(msgspec.Struct, frozen=True, omit_defaults=True):
    """An unfinished scan. Times and cursors are in Unix seconds, by the provider's clock."""

    scanned_at: int  # T, or later if an earlier scan already has that second
    as_of: int  # T: the scan covers every follow made before
    full: bool  # all accounts are sent, not only new ones
    floor: int = 0  # the scan ends at a next cursor below; 0 for the end of the list
    cursor: int | None = None  # of the next request; None for the newest page
    stands_still: bool = False  # it repeats the last one; the largest page is requested then
    idle: int = 0  # consecutive pages with the same cursor and no account not read before
    moved_at: int = 0  # when the cursor last moved
    hashes: bytes = b""  # of all accounts read so far, concatenated, newest follow first
    remembered: int = 0  # how many of these are the memory; 0 while it still grows
    since: int = 0  # as in `Memory`, once it no longer grows
    sent: int = 0  # accounts
    requests: int = 0  # retries included
    pages: int = 0  # that were read
    room: int = 0  # accounts that were requested on these pages
    total: int | None = None  # length of the list according to the first page
    cached: bool = False  # a page came from the provider's cache
    gap: str = ""  # why listed accounts may be missing
    has_hole: bool = False  # a page stayed empty although more were to come
    hides_follows: bool = False  # such a page may have listed follows since the bookmark
    read_until: int = 0  # when the last page arrived
    read_down_to: int = 0  # by the pages so far

    @property
    def read(self) -> int:
        """Number of different accounts that were read."""
        return len(self.hashes) // HASH_LENGTH


class Entry(msgspec.Struct, frozen=True):
    """What is known of a username between scans; `state/entry.py` describes how it is stored.

    Times are in Unix seconds, and None before they are known.
    """

    username: str
    bookmark: int | None = None  # T of the last scan that was read
    scanned_at: int | None = None  # of the last scan that ended, whatever its outcome
    completed_scanned_at: int | None = None  # of the last one that was completed
    full_scanned_at: int | None = None  # of the last full scan that was believed
    full_floor: int | None = None  # down to here the list was read without a gap; 0: its end
    retry_at: int | None = None  # when a list with a page that always fails is read in full
    listed: int = 0  # accounts of the last full scan, plus the new ones since
    total: int | None = None  # length of the list according to the provider in the last scan
    hidden: int = 0  # by how many it exceeded the accounts listed in the last full scan
    total_is_wrong: bool = False  # a full scan did not confirm a loss that the total showed
    lost: Evidence | None = None  # what the last scan found too late for a full scan
    doubted: bytes | None = None  # hashes of the accounts that a doubted scan read
    ended_at: int | None = None  # when the last scan ended, by the local clock
    outcome: Outcome | None = None  # how it ended
    known: Memory = Memory()  # the newest accounts of the last scan
    progress: Progress | None = None


@dataclass(frozen=True)
class Policy:
    """How lists are read, and when. Durations are in seconds."""

    key: str  # the field that identifies an account
    page_size: int = 100  # accounts to request per page, 1 to 100
    start_date: int = 0  # Unix seconds; older follows are not requested; 0 for all
    lookback: int = DAY  # how much before the bookmark is read again
    full_scan_after: float | None = None  # until a list is read in full again; None: never
    full_scan_on_loss: bool = False  # a list that has lost accounts is read in full again
    rescan_after: float = 0  # until a list that was read or skipped is due again
    retry_unavailable_after: float = 0  # the same for lists that were not available

    @classmethod
    def of(cls, config: Mapping[str, Any], key: str) -> Policy:
        """Return the policy that valid settings describe."""
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
    """A page that was read, or the end of a scan, or both."""

    entry: Entry  # to store once the records are written
    records: list[dict[str, Any]] = field(default_factory=list)
    row: dict[str, Any] | None = None  # of the scans stream; None while the scan goes on
    outcome: Outcome | None = None  # None while it goes on
    reason: str = ""  # why it ended, for a person, without the username
    advice: str = ""  # what the user can do; "" if the outcome says enough
    is_odd: bool = False  # the response may be wrong and is to be requested once more
    read: int = 0  # accounts on the page that the scan had not read before
    keyless: int = 0  # accounts on the page that have no key, and were left out
    nulled: int = 0  # fields on the page that became null because their type was wrong
    requests: int = 0  # sent since the last event of the username
    is_stored: bool = False  # the response was a stored one
    has_lost: bool = False  # a full scan ended that showed or confirmed lost accounts
