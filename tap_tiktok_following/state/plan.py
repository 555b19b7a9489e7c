"""When a username is visited, in which order, and how far down its list is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from tap_tiktok_following.hashes import hash_account
from tap_tiktok_following.model import Visit
from tap_tiktok_following.outcomes import READ, SKIPPED, Outcome
from tap_tiktok_following.state import entries as of
from tap_tiktok_following.text import DAY, HOUR, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_tiktok_following.state.entries import Entry


MOST_WRONG_TOTALS = 3
"""Wrong totals in a row after which the total of a list is ignored."""


class Turn(Enum):
    """When a username is visited in a run, in the order of work."""

    UNFINISHED = 0
    NEW = 1
    KNOWN = 2
    NOT_DUE = 3


@dataclass(frozen=True)
class Policy:
    """When a username is visited, and how far down its list is read.

    Attributes:
        start_date: Unix seconds; older follows are not requested; 0 for all.
        lookback: Seconds before the bookmark that are read again.
        refresh_after: Seconds after which a list is read whole again; None for never, 0 for
            every visit.
        full_scan_on_loss: Whether a list that has lost accounts is read whole again.
        revisit_after: Seconds until a username that was read or skipped is visited again.
        retry_unavailable_after: The same for usernames whose list was not available.
    """

    start_date: int = 0
    lookback: int = DAY
    refresh_after: float | None = None
    full_scan_on_loss: bool = False
    revisit_after: float = 0
    retry_unavailable_after: float = 0

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Policy:
        """The policy that the settings describe."""
        refresh = config.get("full_scan_after_days")
        return cls(
            start_date=parse_time(config.get("start_date")) or 0,
            lookback=config["lookback_days"] * DAY,
            refresh_after=None if refresh is None else refresh * DAY,
            full_scan_on_loss=config["full_scan_on_loss"],
            revisit_after=config["rescan_after_hours"] * HOUR,
            retry_unavailable_after=config["retry_unavailable_after_days"] * DAY,
        )


@dataclass(frozen=True)
class Plan:
    """The work of one run.

    Attributes:
        visits: What to read, in this order.
        counts: How many usernames are new, known, unfinished and not due.
    """

    visits: list[Visit] = field(default_factory=list)
    counts: Counter[Turn] = field(default_factory=Counter)

    @classmethod
    def of(
        cls,
        usernames: Iterable[str],
        entries: Mapping[str, Entry],
        policy: Policy,
        now: float,
    ) -> Plan:
        """What to visit now.

        Args:
            usernames: The configured usernames.
            entries: The state entries by username.
            policy: When a username is visited.
            now: Unix seconds by the local clock.
        """
        plan = cls()
        queue: list[tuple[int, int, Visit]] = []
        for username in usernames:
            entry = entries.get(username, {})
            turn = _turn(entry, policy, now)
            plan.counts[turn] += 1
            if turn is not Turn.NOT_DUE:
                visited = of.visited_at_of(entry) or 0
                queue.append((turn.value, visited, visit_of(username, entry, policy)))
        queue.sort(key=itemgetter(0, 1))
        plan.visits.extend(visit for _, _, visit in queue)
        return plan


def _turn(entry: Entry, policy: Policy, now: float) -> Turn:
    outcome, visited = of.outcome_of(entry), of.visited_at_of(entry)
    if outcome is Outcome.INTERRUPTED and of.resume_of(entry):
        return Turn.UNFINISHED
    if visited is None:
        return Turn.NEW
    wait = 0.0
    if outcome in READ | SKIPPED:
        wait = policy.revisit_after
    if outcome in SKIPPED:
        wait = max(wait, policy.retry_unavailable_after)
    return Turn.NOT_DUE if 0 <= now - visited < wait else Turn.KNOWN


def visit_of(username: str, entry: Entry, policy: Policy) -> Visit:
    """What to read of a list, whether it is due or not."""
    bookmark, resume = of.bookmark_of(entry), of.resume_of(entry)
    stuck, top = of.stuck_of(entry)
    loss = of.loss_of(entry) if policy.full_scan_on_loss else None
    whole = stuck is None and (
        bookmark is None or _is_whole_due(entry, policy) or loss is not None
    )
    last_read = top.as_of if top else bookmark
    reread_from = 0 if last_read is None or whole else last_read - policy.lookback
    has_failed = of.outcome_of(entry) is Outcome.FAILED
    return Visit(
        username,
        bookmark=bookmark,
        previous=of.scanned_at_of(entry),
        last=of.last_scanned_at_of(entry),
        whole=whole,
        whole_from=None if stuck else _refresh_due_at(username, entry, policy),
        known=of.known_of(entry),
        listed=of.listed_of(entry),
        total=of.total_of(entry),
        believes_total=of.wrong_totals_of(entry) < MOST_WRONG_TOTALS,
        full_scan_on_loss=policy.full_scan_on_loss and stuck is None,
        loss=loss,
        floor=max(reread_from, policy.start_date),
        start_date=policy.start_date,
        lookback=policy.lookback,
        resume=resume,
        failed_at=resume.cursor if resume and has_failed else None,
        stuck=stuck,
        top=top,
    )


def _is_whole_due(entry: Entry, policy: Policy) -> bool:
    """Whether a known list is to be read and sent whole, regardless of the last full scan."""
    was_never_whole = of.whole_scanned_at_of(entry) is None
    if policy.refresh_after is not None and (was_never_whole or not policy.refresh_after):
        return True
    floor = of.whole_floor_of(entry)
    return floor is not None and policy.start_date < floor


def _refresh_due_at(username: str, entry: Entry, policy: Policy) -> float | None:
    """The time (Unix seconds) from which a list is to be read whole again; None for never.

    Due times are spread over the second half of the interval so that they do not coincide,
    and drawn anew after each full scan: with fixed offsets they would coincide again.
    """
    whole_at = of.whole_scanned_at_of(entry)
    if policy.refresh_after is None or whole_at is None:
        return None
    spread = int.from_bytes(hash_account(f"{username} {whole_at}"), "big") / 2**40
    return whole_at + policy.refresh_after * (1 + spread) / 2
