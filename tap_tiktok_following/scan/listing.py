"""What a page lists: when its follows happened, and which of its accounts are new.

Lists start with the newest follow, and a page requested with a cursor lists accounts that were
followed at that second or earlier. So the cursor of the request is the upper bound for the
follows on a page, and the cursor of the next page is the lower bound:

    requested with   C0 (now)        N1              N2
                     |<-- page 1 -->|<-- page 2 -->|<-- ...
    next cursor      N1              N2              N3

Cursors are inclusive: an account on the boundary may be on both pages.

The entry of a username remembers the newest accounts of its last scan in order, down to
`since`. An account that is not in this memory was followed since that scan, was not shown by
it although it was followed before, or is further down than the memory reaches. A page that
reaches below `since` may list all three kinds.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from tap_tiktok_following.model import HASH_LENGTH, Entry, Policy, Progress, Response
from tap_tiktok_following.text import DAY, in_utc

ENOUGH_MET = 3  # number of remembered accounts that show where a list continues as it was

_HASHES = struct.Struct(f"{HASH_LENGTH}s")


class Listing(msgspec.Struct, frozen=True):
    """A response and its scan, compared with what was known before.

    The follows on its page happened between `earliest` and `latest`, in Unix seconds.
    """

    entry: Entry  # before the response
    progress: Progress  # of the scan; `step` adds what the page brings
    response: Response
    policy: Policy
    hashes: list[bytes]  # of all accounts on the page
    fresh: list[int]  # positions on the page of accounts that the scan had not read before
    accounts: list[bytes]  # hashes of all accounts of the scan, newest follow first
    ranks: dict[bytes, int]  # of remembered accounts in the memory, by hash
    met: list[int]  # positions among `accounts` of those that were remembered
    earliest: int  # 0 at the end of the list, and if unknown
    latest: int
    problem: str  # why the next page cannot be requested; "" if it can or there is none

    @property
    def has_met_enough(self) -> bool:
        """Whether the scan has come to accounts that were listed before."""
        return len(self.met) >= min(ENOUGH_MET, len(self.ranks))

    @property
    def has_met_half(self) -> bool:
        """Whether the scan has come to at least half of the remembered accounts."""
        return 2 * len(self.met) >= len(self.ranks)

    @property
    def total(self) -> int | None:
        """The provider's total; None under `start_date`, because it counts all accounts."""
        return None if self.policy.start_date else self.progress.total

    def note(self, **changes: Any) -> Listing:  # noqa: ANN401 - fields of `Progress`
        """Return the listing with changes to its progress."""
        return replace(self, progress=replace(self.progress, **changes))

    def count_new(self) -> int:
        """Return how many unknown accounts of the scan are above the last remembered one.

        All unknown accounts count if fewer than half of the remembered ones were met, and none
        if nothing is remembered: then there is no number to add them to.
        """
        above = len(self.accounts)
        if self.has_met_half:
            above = self.met[-1] + 1 if self.met else 0
        return above - len(self.met)

    def find_new(self) -> list[int]:
        """Return the positions of new follows on the page.

        One too many does no harm, because its window says that it may be older.
        """
        entry, since = self.entry, self.entry.known.since
        unknown = [place for place in self.fresh if self.hashes[place] not in self.ranks]
        # Below a page that always fails nothing was read, so nothing there is known.
        unread_below = 0 if entry.retry_at is None else entry.full_floor or 0
        if self.earliest < unread_below:
            return unknown
        # Above its end, and everywhere if it is a whole list, the memory lacks nothing.
        if self.earliest >= since:
            return unknown
        if self.latest <= since:
            return []
        # The memory ends on this page: what is unknown below its last account slid up.
        known = [place for place, account in enumerate(self.hashes) if account in self.ranks]
        if not known or len(self.met) < ENOUGH_MET or not self.has_met_half:
            return unknown
        return [place for place in unknown if place < known[-1]]

    def make_records(self, new: Sequence[int]) -> list[dict[str, Any]]:
        """Return the records of the accounts at the positions `new` of the page.

        `step` has added the page to the progress before.
        """
        previous = self.entry.completed_scanned_at
        common = {
            "follower_username": self.entry.username,
            "scanned_at": in_utc(self.progress.scanned_at),
            "previous_scanned_at": None if previous is None else in_utc(previous),
            "followed_at_earliest": in_utc(self.earliest) if self.earliest else None,
            "followed_at_latest": in_utc(self.latest),
        }
        rows, sent = self.response.page.accounts.rows, set(new)
        first = self.progress.read - len(self.fresh) + 1
        return [
            {**common, "position": number, **rows[place]}
            for number, place in enumerate(self.fresh, first)
            if place in sent
        ]


def list_page(entry: Entry, progress: Progress, response: Response, policy: Policy) -> Listing:
    """Compare a page with what was known before it."""
    page = response.page
    hashes = [hash_account(row[policy.key]) for row in page.accounts.rows]
    accounts = split_hashes(progress.hashes)
    seen, fresh = set(accounts), []
    for place, account in enumerate(hashes):
        if account not in seen:
            seen.add(account)
            accounts.append(account)
            fresh.append(place)
    remembered = split_hashes(entry.known.hashes)
    ranks = {account: rank for rank, account in enumerate(remembered)}
    met = [place for place, account in enumerate(accounts) if account in ranks]
    problem = _find_problem(response, progress.cursor)
    has_next = page.has_more and not problem
    earliest = (page.next_cursor or 0) if has_next else 0
    return Listing(
        entry=entry,
        progress=progress,
        response=response,
        policy=policy,
        hashes=hashes,
        fresh=fresh,
        accounts=accounts,
        ranks=ranks,
        met=met,
        earliest=earliest,
        # The clock of cursors may be ahead of the one that `until` is from.
        latest=progress.cursor or max(response.until, earliest),
        problem=problem,
    )


def _find_problem(response: Response, cursor: int | None) -> str:
    """Return why the next page cannot be requested."""
    page = response.page
    # Two clocks of the provider, or the local one without a `Date`, differ by less than a day.
    highest = response.until + DAY if cursor is None else cursor
    if not page.has_more:
        return ""
    if not page.next_cursor or page.next_cursor < 0:
        return "the response announces another page but contains no cursor"
    if page.next_cursor > highest:
        return "the cursor for the next page moves forward in time"
    return ""


def hash_account(key: str) -> bytes:
    """Return a short hash (40 bits) of the field that identifies an account."""
    return hashlib.blake2b(key.encode(), digest_size=HASH_LENGTH).digest()


def split_hashes(joined: bytes) -> list[bytes]:
    """Return hashes that were concatenated, in the same order."""
    return [account for (account,) in _HASHES.iter_unpack(joined)]
