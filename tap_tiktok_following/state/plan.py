"""Which lists a run reads, in which order, and how many requests they take."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from tap_tiktok_following.model import READ, SKIPPED, Entry, Outcome, Policy
from tap_tiktok_following.scan.step import is_full

LONGEST = 5000  # number of accounts: providers return no more of a list


class Turn(Enum):
    """When the list of a username is read, in the order of work."""

    STORED = "with stored responses"
    UNFINISHED = "unfinished"
    NEW = "new"
    KNOWN = "known"
    NOT_DUE = "not due"


@dataclass(frozen=True)
class Plan:
    """The work of one run."""

    usernames: list[str]  # whose lists to read, in this order
    counts: Counter[Turn]  # of usernames
    due_at: float | None  # Unix seconds; when the next list is due; None if one is due now
    requests: tuple[int, int]  # the fewest and the most that the lists take


def make_plan(
    usernames: Iterable[str],
    entry_of: Callable[[str], Entry],
    stored: Mapping[str, int],
    policy: Policy,
    now: float,
) -> Plan:
    """Return what to read at a time, in Unix seconds by the local clock.

    `stored` says by username how many responses are paid for and not covered by the state.
    Such a list is read even if not due.
    """
    order = list(Turn)
    queue: dict[str, tuple[int, int]] = {}
    counts: Counter[Turn] = Counter()
    waits: list[float] = []
    least = most = 0
    for username in usernames:
        entry = entry_of(username)
        turn = Turn.STORED if username in stored else _find_turn(entry, policy, now)
        counts[turn] += 1
        if turn is Turn.NOT_DUE:
            waits.append(due_at(entry, policy))
            continue
        queue[username] = order.index(turn), entry.ended_at or 0
        paid = stored.get(username, 0)
        requests = [max(0, n - paid) for n in _estimate_requests(entry, policy, now)]
        least, most = least + requests[0], most + requests[1]
    due = None if queue else min(waits, default=None)
    in_order = sorted(queue, key=queue.__getitem__)  # equals stay as they are configured
    return Plan(in_order, counts, due, (least, most))


def is_due(entry: Entry, policy: Policy, now: float) -> bool:
    """Return whether the list is read again; an entry from the future is due, too."""
    ended_at = entry.ended_at or 0
    return not ended_at <= now < due_at(entry, policy)


def due_at(entry: Entry, policy: Policy) -> float:
    """Return when the list is due again, in Unix seconds by the local clock."""
    wait = policy.rescan_after if entry.outcome in READ | SKIPPED else 0.0
    if entry.outcome in SKIPPED:
        wait = max(wait, policy.retry_unavailable_after)
    return (entry.ended_at or 0) + wait


def _estimate_requests(entry: Entry, policy: Policy, now: float) -> tuple[int, int]:
    """Return the fewest and the most requests that the scan of a list takes."""
    most = math.ceil(LONGEST / policy.page_size)
    if entry.progress is not None:
        return 1, max(1, most - entry.progress.pages)
    if not is_full(entry, int(now), policy):
        return 1, 2
    if not entry.listed or policy.start_date:
        return 1, most
    pages = math.ceil(entry.listed / policy.page_size)
    return pages, pages + 1


def _find_turn(entry: Entry, policy: Policy, now: float) -> Turn:
    if entry.outcome is Outcome.INTERRUPTED and entry.progress is not None:
        return Turn.UNFINISHED
    if entry.ended_at is None:
        return Turn.NEW
    return Turn.KNOWN if is_due(entry, policy, now) else Turn.NOT_DUE
