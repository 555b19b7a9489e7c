"""What a person is told of one stream: before, while and after it runs."""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from tap_tiktok_following.outcomes import READ, SKIPPED, Outcome
from tap_tiktok_following.state.plan import Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_tiktok_following.model import Event
    from tap_tiktok_following.state.plan import Plan

PROGRESS_EVERY = 10.0
"""Seconds between two lines of progress."""

MOST_REASONS = 5
MOST_NAMES = 5


class Report:
    """Counts one run of one stream, and puts it into words.

    Attributes:
        failed: The usernames that failed, in the order they did, each with its reason.
        advice: What to do about the first of them; "" if there is nothing special to do.

    Args:
        plan: The work of the run.
        malformed: How many usernames could not be one.
        per_second: How many requests may be sent in a second.
        max_requests: How many may be sent in all; None for no limit.
    """

    def __init__(
        self, plan: Plan, malformed: int, per_second: int, max_requests: int | None = None
    ) -> None:
        self.failed: dict[str, str] = {}
        self.advice = ""
        self._plan = plan
        self._per_second = per_second
        self._most_requests = sys.maxsize if max_requests is None else max_requests
        self._outcomes: Counter[Outcome] = Counter()
        if malformed:
            self._outcomes[Outcome.INVALID] = malformed
        self._reasons: defaultdict[tuple[Outcome, str], list[str]] = defaultdict(list)
        self._read = self._sent = self._keyless = self._nulled = 0
        self._started = time.monotonic()
        self._next_progress = self._started + PROGRESS_EVERY

    def count(self, event: Event) -> None:
        """Count an event whose records are out."""
        self._read += event.read
        self._sent += len(event.records)
        self._keyless += event.keyless
        self._nulled += event.nulled
        if event.outcome is None:
            return
        self._outcomes[event.outcome] += 1
        if event.outcome is Outcome.FAILED:
            self.advice = self.advice if self.failed else event.advice
            self.failed[event.visit.username] = event.reason
        if event.reason:
            self._reasons[event.outcome, event.reason].append(event.visit.username)

    def estimate(self) -> str:
        """What the run will take at least, before its first request."""
        counts = self._plan.counts
        requests = min(len(self._plan.visits), self._most_requests)
        known = ", ".join(
            f"{counts[kind]:,} {words}"
            for kind, words in (
                (Turn.NEW, "new"),
                (Turn.KNOWN, "known"),
                (Turn.UNFINISHED, "unfinished"),
                (Turn.NOT_DUE, "not due"),
            )
        )
        seconds = requests / self._per_second
        return (
            f"{sum(counts.values()):,} usernames: {known}; at least {requests:,} requests "
            f"and {_duration(seconds)}"
        )

    def progress(self, requests: int, quota_left: int | None) -> str | None:
        """How far the run is, every 10 seconds; None in between."""
        now = time.monotonic()
        if now < self._next_progress:
            return None
        self._next_progress = now + PROGRESS_EVERY
        done, elapsed = self._visited(), now - self._started
        line = (
            f"{done:,} of {len(self._plan.visits):,} usernames, {self._read:,} accounts, "
            f"{requests / elapsed:.1f} requests a second{_left(quota_left)}"
        )
        if done:
            left = elapsed / done * (len(self._plan.visits) - done)
            line += f", about {_duration(left)} left"
        return line

    def summary(self, requests: int, quota_left: int | None) -> Iterator[str]:
        """What was read and what was not, in a few lines."""
        total = sum(self._plan.counts.values()) + self._outcomes[Outcome.INVALID]
        counts = [f"{self._outcomes[o]:,} {o.value}" for o in Outcome if self._outcomes[o]]
        waiting = (
            len(self._plan.visits) - self._visited() + self._outcomes[Outcome.INTERRUPTED]
        )
        counts.append(f"{self._plan.counts[Turn.NOT_DUE]:,} not due")
        counts.append(f"{waiting:,} left for next time")
        yield f"{total:,} usernames: {', '.join(counts)}"
        yield (
            f"{self._read:,} accounts read, {self._sent:,} sent, {requests:,} requests"
            f"{_left(quota_left)}, {_duration(time.monotonic() - self._started)}"
        )
        yield from self._groups(lambda outcome: outcome not in READ)

    def _visited(self) -> int:
        return sum(self._outcomes.values()) - self._outcomes[Outcome.INVALID]

    def gaps(self) -> Iterator[str]:
        """What lists hold, but could not be sent."""
        if self._keyless:
            yield f"{self._keyless:,} accounts came without their key and were left out"
        if self._nulled:
            yield f"{self._nulled:,} fields had a wrong type and became null"
        visited = self._visited()
        if visited and visited == sum(self._outcomes[outcome] for outcome in SKIPPED):
            yield (
                f"nothing was read, and all usernames visited ({visited:,}) were skipped: "
                "check the usernames and the provider's URL"
            )
        yield from self._groups(lambda outcome: outcome in READ)

    def _groups(self, wanted: Callable[[Outcome], bool]) -> Iterator[str]:
        groups = [group for group in self._reasons.items() if wanted(group[0][0])]
        by_size = sorted(groups, key=lambda group: -len(group[1]))
        for (outcome, reason), usernames in by_size[:MOST_REASONS]:
            yield f"{len(usernames):,} {outcome.value} ({reason}): {some_of(usernames)}"
        if len(by_size) > MOST_REASONS:
            yield f"and {len(by_size) - MOST_REASONS} further reasons, see the scans stream"


def some_of(usernames: list[str]) -> str:
    """A list of usernames that stays readable, however long it is."""
    shown = ", ".join(usernames[:MOST_NAMES])
    more = len(usernames) - MOST_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown


def _left(quota: int | None) -> str:
    return "" if quota is None else f", {quota:,} of the quota left"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 2 * 60:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 2 * 60 else f"{minutes // 60} h {minutes % 60} min"
