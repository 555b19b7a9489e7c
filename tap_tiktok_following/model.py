"""Types that several folders use: pages, answers, visits, standings and events.

A *scan* is one pass down one list, and may take several runs. A *visit* is the part of it that
one run does. A *standing* is how far a scan has come. T is when a scan started: it knows of
every follow made before T.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec

from tap_tiktok_following.outcomes import Loss, Outcome, Part  # noqa: TC001 - read by msgspec
from tap_tiktok_following.times import DAY

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    """

    _: KW_ONLY
    page: Page
    count: int

    @classmethod
    def of(cls, raw: RawResponse, page: Page, count: int) -> Response:
        """Return the response with its page; a cached page is as of its cache."""
        times = (raw.as_of, raw.until)
        if page.cached_at is not None:
            times = (min(raw.as_of, page.cached_at), min(raw.until, page.cached_at))
        return cls(
            raw.status, raw.body, *times, raw.came_at, raw.headers, page=page, count=count
        )


class Place(NamedTuple):
    """The position of an answer among all answers about one username.

    Attributes:
        scanned_at: `scanned_at` of its scan, in Unix seconds.
        page: Its number in the scan, from 1.
    """

    scanned_at: int
    page: int


Second = Annotated[int, msgspec.Meta(ge=-62_135_596_800, le=253_402_300_799)]
"""Unix seconds, limited to the years 1 to 9999, for states edited by hand."""


class Memory(msgspec.Struct, frozen=True, omit_defaults=True):
    """The newest accounts of a list in a complete scan.

    Attributes:
        hashes: Concatenated hashes of the accounts on the pages down to `since`, newest
            follow first.
        since: Where these pages end, in Unix seconds; 0 if they are the whole list.
        confirmed: Number of these accounts, from the newest on, that the last scan looked
            for; None for all. An unchanged list is read only down to here.
    """

    hashes: bytes = b""
    since: int = 0
    confirmed: int | None = None


class Stuck(msgspec.Struct, frozen=True):
    """The page at which visit after visit failed, and what is left to read below it.

    Attributes:
        cursor: The cursor of that page, in Unix seconds.
        floor: As in `Standing`: where reading stops once the page can be read again.
        whole: Whether to send all accounts down there, not only unknown ones.
        boundary: Concatenated hashes of the accounts on the page above it.
    """

    cursor: Second
    floor: Second
    whole: bool
    boundary: bytes = b""


class Top(msgspec.Struct, frozen=True):
    """The part of a stuck list that was last read, above the page where it is stuck.

    Attributes:
        as_of: T of the scan that read it, in Unix seconds.
        known: The newest accounts in that scan.
    """

    as_of: Second
    known: Memory


class Visit(msgspec.Struct, frozen=True):
    """What a worker needs to know to read the list of one username.

    Attributes:
        username: The username whose list it is.
        bookmark: T of the last complete scan in Unix seconds; None before the first.
        previous: `scanned_at` of that scan.
        last: `scanned_at` of the last scan that ended, whatever its outcome.
        whole: Whether to send all accounts down to the floor, not only unknown ones.
        whole_from: A scan with this T (Unix seconds) or a later one is whole in any case;
            None for never.
        known: The newest accounts in the last complete scan; empty if not known.
        listed: Number of accounts that the list should have: those that the last full scan
            read, plus the new ones since; 0 if not known.
        total: The provider's total on the first page of the last scan; None without one.
        believes_total: Whether the total is used; false after it was wrong too often.
        full_scan_on_loss: Whether a list that has lost accounts is read and sent whole.
        loss: A loss that the last scan found too late to read the list whole; None for none.
        floor: Unix seconds; the scan is complete once the next page would contain only older
            follows; 0 to read to the end.
        start_date: The floor of a scan that sends everything.
        lookback: Seconds before T for which accounts are remembered.
        resume: Where an earlier run left the scan; None to start a new one.
        failed_at: The cursor at which the last visit failed; None if it did not.
        stuck: The page at which the list is stuck; None if it is not.
        top: What was read above that page. `floor` is then where the scan above it ends.
        start: `scanned_at` and T of an earlier scan that is recovered from kept answers.
    """

    username: str
    bookmark: int | None = None
    previous: int | None = None
    last: int | None = None
    whole: bool = True
    whole_from: float | None = None
    known: Memory = Memory()
    listed: int = 0
    total: int | None = None
    believes_total: bool = True
    full_scan_on_loss: bool = False
    loss: Loss | None = None
    floor: int = 0
    start_date: int = 0
    lookback: int = DAY
    resume: Standing | None = None
    failed_at: int | None = None
    stuck: Stuck | None = None
    top: Top | None = None
    start: tuple[int, int] | None = None


class Standing(msgspec.Struct, frozen=True):
    """How far a scan has come after a page, with everything needed to continue from there.

    Attributes:
        scanned_at: When the scan started, in Unix seconds: part of the key of its rows. It is
            T, or later if an earlier scan already has that second.
        as_of: T, in Unix seconds.
        floor: As in the visit that started the scan.
        whole: Whether all accounts are sent, not only unknown ones.
        cursor: The cursor of the next request, in Unix seconds; None for the newest page.
        stands_still: Whether it repeats the last cursor; the largest page is requested then.
        idle: Pages in a row on which the cursor stood still and no account was new.
        accounts_read: Number of different accounts listed so far.
        accounts_sent: Number of these that were sent.
        requests: Number of requests sent so far, including retries.
        pages: Number of pages read so far.
        total: Length of the list according to the provider; None if it does not say.
        cached: Whether any page came from the provider's cache.
        gap: Why listed accounts may be missing; "" if there is no reason to think so.
        memory: The newest accounts, for the next scan.
        remembering: Whether the accounts of the next page are added to `memory`.
        boundary: Concatenated hashes of the last page's accounts, and of the pages above it
            while the cursor stands still: the next may repeat them.
        read_until: When the last page arrived, in Unix seconds by the provider's clock; for a
            cached page, when the cache was filled; 0 before the first page.
        read_down_to: Unix seconds down to which pages were read; 0 for the end of the list.
        part: Which part of a stuck list is read.
        first_total: The provider's total on the first page; None without one.
        new: Number of new accounts above the first known one.
        is_on_top: Whether no known account has been read yet.
        gone: Minimum number of accounts that left the list since the last scan, if known.
        loss: The loss because of which the list is read whole, now or at the next visit;
            None without one.
        is_confirmed: Whether a full scan has confirmed that accounts are gone.
    """

    scanned_at: Second
    as_of: Second
    floor: Second
    whole: bool
    cursor: Second | None = None
    stands_still: bool = False
    idle: int = 0
    accounts_read: int = 0
    accounts_sent: int = 0
    requests: int = 0
    pages: int = 0
    total: int | None = None
    cached: bool = False
    gap: str = ""
    memory: Memory = Memory()
    remembering: bool = True
    boundary: bytes = b""
    read_until: Second = 0
    read_down_to: Second | None = None
    part: Part = Part.STRAIGHT
    first_total: int | None = None
    new: int = 0
    is_on_top: bool = True
    gone: int | None = None
    loss: Loss | None = None
    is_confirmed: bool = False

    @property
    def proves_nothing(self) -> bool:
        """Whether the list came back empty, and there is reason to doubt that."""
        return not self.accounts_read and bool(self.gap)


@dataclass(frozen=True)
class Event:
    """A page that was read, or the end of a visit, or both.

    Attributes:
        visit: The visit.
        standing: How far its scan has come.
        records: The records to send.
        outcome: How the visit ended; None if it goes on.
        reason: Why it ended, to be shown to the user; "" if there is nothing to say.
        reference: The provider's ID of the response that ended it, or "".
        advice: What the user can do; "" if the outcome says enough.
        is_page: Whether a page was read.
        read: Number of accounts on the page that the scan had not read before.
        keyless: Number of accounts on the page that were left out for want of a key.
        nulled: Number of fields on the page that became null because their type was wrong.
        at: When the answer arrived, or else the visit ended: Unix seconds, local clock.
    """

    visit: Visit
    standing: Standing
    records: list[dict[str, Any]] = field(default_factory=list)
    outcome: Outcome | None = None
    reason: str = ""
    reference: str = ""
    advice: str = ""
    is_page: bool = False
    read: int = 0
    keyless: int = 0
    nulled: int = 0
    at: int = 0
