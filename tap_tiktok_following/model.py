"""What the rooms hand to each other: pages, answers, visits, standings and events."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec

from tap_tiktok_following.times import DAY

if TYPE_CHECKING:
    from tap_tiktok_following.outcomes import Outcome
    from tap_tiktok_following.raw import Raw


@dataclass(frozen=True)
class Accounts:
    """The accounts of one page.

    Attributes:
        rows: The provider's own fields of each, in the order given.
        keyless: How many were left out because their key was missing.
        nulled: How many optional fields had a wrong type and became null.
    """

    rows: list[dict[str, Any]]
    keyless: int = 0
    nulled: int = 0


@dataclass(frozen=True)
class Page:
    """One page of a list, as the provider gave it.

    Attributes:
        accounts: The accounts listed, in the order given.
        has_more: Whether the provider says that there is a next page.
        next_cursor: Where the next page starts: Unix seconds, inclusive; None without one.
        total: The provider's own count of the list; None where it gives none.
        cached_at: As of when a page from the provider's cache is, in Unix seconds;
            None for a page that comes from no cache.
        reference: The provider's own number for the answer, with its name; or "".
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
        life: Seconds it is good for.
    """

    value: str
    life: float


@dataclass(frozen=True)
class Answer:
    """A page, and when it was true.

    Attributes:
        page: The page.
        as_of: Unix seconds, whole. Every follow made before it, the page knew of: the moment
            before the request was sent, by the clock that makes it earliest.
        until: Unix seconds, whole. No follow on the page was made after it: the provider's
            clock when it answered, or the time of its cache.
        came_at: When it came, in Unix seconds by the local clock.
        raw: What it was read from; None if that is not at hand.
        count: How many accounts were asked for; None for as many as the scan asks for.
    """

    page: Page
    as_of: int
    until: int
    came_at: int
    raw: Raw | None = None
    count: int | None = None


class Place(NamedTuple):
    """Where an answer stands among all answers about one username.

    Attributes:
        scanned_at: `scanned_at` of its scan, in Unix seconds.
        page: Its number in the scan, from 1.
    """

    scanned_at: int
    page: int


Second = Annotated[int, msgspec.Meta(ge=-62_135_596_800, le=253_402_300_799)]
"""Unix seconds, of the years 1 to 9999: what a state edited by hand may hold."""


class Memory(msgspec.Struct, frozen=True, omit_defaults=True):
    """The newest accounts of a list, as a complete scan saw them.

    Attributes:
        hashes: Hashes of the accounts on the pages from the newest down to `since`, joined,
            newest follow first.
        since: Unix seconds: where these pages end; 0 if they are the whole list.
        confirmed: How many of them, from the newest on, the last scan has looked for; None
            for all. An unchanged list is read down to here only.
    """

    hashes: bytes = b""
    since: int = 0
    confirmed: int | None = None


class Stuck(msgspec.Struct, frozen=True):
    """The page at which visit after visit failed, and what is still to be read below it.

    Attributes:
        cursor: The cursor that it is asked for with, in Unix seconds.
        floor: As in `Standing`: down to where the list is read once the page answers.
        whole: Whether everything down there is to be sent.
        boundary: Hashes of the accounts on the page above it, joined.
    """

    cursor: Second
    floor: Second
    whole: bool
    boundary: bytes = b""


class Top(msgspec.Struct, frozen=True):
    """What was last read above a page at which a list is stuck.

    Attributes:
        as_of: T of the scan that read it, in Unix seconds.
        known: The newest accounts that it saw.
    """

    as_of: Second
    known: Memory


class Loss(str, Enum):
    """What shows that a list has lost accounts."""

    PAGES = "pages"
    """Accounts that were on its pages are not there any more."""

    TOTAL = "total"
    """Nothing but the provider's total, which may be wrong."""


class Part(str, Enum):
    """How far a scan of a list that is stuck has come."""

    STRAIGHT = "straight"
    """No list that is stuck: from the newest page down, one page after another."""

    ABOVE = "above"
    """Above the page at which the list is stuck: what is new there is read first."""

    PAST = "past"
    """Past it, with no page left out above."""

    APART = "apart"
    """At it or below, with pages left out above that earlier scans have read."""


class Visit(msgspec.Struct, frozen=True):
    """What a worker has to know to read one username's list.

    Attributes:
        username: Whose list.
        bookmark: T of the last complete scan in Unix seconds; None before the first.
        previous: `scanned_at` of that scan.
        last: `scanned_at` of the last scan that ended, whatever came of it.
        whole: Whether everything down to the floor is to be sent, known or not.
        whole_from: The T from which on that is so all the same, in Unix seconds; None for
            never.
        known: What the last complete scan saw; empty if that is not known.
        listed: How many accounts should be on the list: those that the last whole scan read,
            and those that were new since; 0 if that is not known.
        total: The provider's total on the first page of the last scan; None without one.
        believes_total: Whether the total has not been wrong too often.
        refresh_on_loss: Whether a list that has lost accounts is read and sent whole.
        loss: What loss the last scan found too late to do so itself; None for none.
        floor: Unix seconds: the scan is complete once the next page would hold only follows
            made before it; 0 to read to the end.
        start_date: The floor of a scan that sends everything.
        lookback: Seconds before T whose accounts are remembered, to be told from new ones.
        resume: Where an earlier run had to leave the scan; None to start one.
        failed_at: The cursor at which the last visit failed; None if it did not.
        stuck: The page at which the list is stuck; None if it is not.
        top: What was read above that page. `floor` is then where the scan above it ends.
        start: `scanned_at` and T of a scan that started before, whose answers are kept.
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
    refresh_on_loss: bool = False
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
    """Where a scan stands after a page: all that is needed to go on from there.

    Attributes:
        scanned_at: When the scan started, in Unix seconds: the key of its rows. Later than T
            only where an earlier scan has that second already.
        as_of: T, in Unix seconds: every follow made before it, the scan knows of.
        floor: As in the visit that started the scan.
        whole: Whether that visit sends everything.
        cursor: The cursor to ask for next, in Unix seconds; None for the newest page.
        stands_still: Whether it is the one asked for before: now with the largest page.
        idle: Pages in a row on which the cursor stood still and no account was new.
        accounts_read: Different accounts seen so far.
        accounts_sent: Those of them that were sent.
        requests: Requests sent so far, tries too.
        pages: Pages taken so far.
        total: The provider's own count of the list, where it gives one.
        cached: Whether any page came from the provider's cache.
        gap: Why accounts may be missing that the list holds; "" if none are known to be.
        memory: The newest accounts, for the next scan to know.
        remembering: Whether the next page's accounts belong to `memory` too.
        boundary: Hashes of the last page's accounts, joined: they may come on the next too.
        read_until: When the last page came, in Unix seconds by the provider's clock; for a
            page from a cache, when that was filled; 0 before the first page.
        read_down_to: Unix seconds: no page below was read; 0 if the list's end was.
        part: Where it stands in a list that is stuck.
        first_total: The provider's total on the first page; None without one.
        new: How many accounts above the first known one are new.
        is_on_top: Whether no known one has come yet.
        gone: At least so many accounts have left the list since the last scan; None if that
            is not known.
        loss: Why the list is read whole, or will be at the next visit; None unless it has
            lost accounts.
        is_confirmed: Whether a whole scan has found that accounts are gone.
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
        """Whether the list came empty, and there is a reason not to believe it."""
        return not self.accounts_read and bool(self.gap)


@dataclass(frozen=True)
class Event:
    """A page that was read, or the end of a visit, or both.

    Attributes:
        visit: Whose list.
        standing: Where its scan stands after it.
        records: The records to send.
        outcome: How the visit ended; None if it goes on.
        reason: Why it ended so, for a person; "" if there is nothing to say.
        reference: The provider's own number for the answer that ended it; or "".
        advice: What to do about it, for a person; "" if the outcome says enough.
        is_page: Whether a page was read.
        read: Accounts of the page that the scan met for the first time.
        keyless: Accounts of the page that were left out because their key was missing.
        nulled: Fields of the page that became null because their type was wrong.
        at: When its answer came, in Unix seconds by the local clock; where none came, when
            the visit ended.
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
