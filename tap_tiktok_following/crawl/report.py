"""What the log says about one stream: before, during and after its run."""

from __future__ import annotations

import math
import re
import sys
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from tap_tiktok_following.live import Part
from tap_tiktok_following.outcomes import READ, SKIPPED, Outcome
from tap_tiktok_following.state.plan import Turn
from tap_tiktok_following.text import many

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_tiktok_following.model import Event
    from tap_tiktok_following.state.plan import Plan

PROGRESS_EVERY = 10.0
"""Seconds between two progress lines."""

MOST_REASONS = 5
MOST_NAMES = 5

PLACEHOLDER = "<username>"
"""Replaces the username in a reason, so that equal reasons form one group."""


class Report:
    """Counts what happens in one run of one stream, and describes it.

    Attributes:
        failed: The usernames that failed, in order, each with its reason.
        advice: What to do about the first of them; "" if there is no special advice.

    Args:
        plan: The work of the run.
        malformed: Number of entries that are not usernames.
        per_second: Maximum number of requests per second.
        max_requests: Maximum number of requests of the run; None for no limit.
        shard: The shard that is read, such as `3/8`; "" for all usernames.
    """

    def __init__(
        self,
        plan: Plan,
        malformed: int,
        per_second: int,
        max_requests: int | None = None,
        shard: str = "",
    ) -> None:
        self.failed: dict[str, str] = {}
        self.advice = ""
        self._plan = plan
        self._per_second = per_second
        self._most_requests = sys.maxsize if max_requests is None else max_requests
        self._of_shard = f" of shard {shard}" if shard else ""
        self._outcomes: Counter[Outcome] = Counter()
        if malformed:
            self._outcomes[Outcome.INVALID] = malformed
        self._reasons: defaultdict[tuple[Outcome, str], dict[str, str]] = defaultdict(dict)
        self._read = self._sent = self._keyless = self._nulled = 0
        self._whole_on_loss = self._disbelieved = 0
        self._started = self._last_seen = time.monotonic()
        self._next_progress = self._started + PROGRESS_EVERY

    def count(self, event: Event) -> None:
        """Count an event whose records are written."""
        self._last_seen = time.monotonic()
        self._read += event.read
        self._sent += len(event.records)
        self._keyless += event.keyless
        self._nulled += event.nulled
        if event.outcome is None:
            return
        username = event.visit.username
        self._outcomes[event.outcome] += 1
        self._count_losses(event)
        if event.outcome is Outcome.FAILED:
            self.advice = self.advice if self.failed else event.advice
            self.failed[username] = event.reason
        if event.reason:
            group = event.outcome, _without(username, event.reason)
            self._reasons[group][username] = event.reason

    def _count_losses(self, event: Event) -> None:
        standing, visit = event.standing, event.visit
        if event.outcome in READ and visit.full_scan_on_loss:
            self._whole_on_loss += standing.whole and standing.loss is not None
            self._disbelieved += not visit.believes_total

    def estimate(self) -> str:
        """The minimum that the run will take, for the log before its first request."""
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
        seconds = math.ceil(requests / self._per_second)
        may_lose = any(visit.full_scan_on_loss for visit in self._plan.visits)
        more = ", more for lists that lost accounts" if may_lose else ""
        return (
            f"{many(sum(counts.values()), 'username')}{self._of_shard}: {known}; "
            f"at least {many(requests, 'request')} and {_duration(seconds)}{more}"
        )

    def progress(self, requests: int, quota_left: int | None) -> str | None:
        """A progress line, every 10 seconds; None in between."""
        now = self._last_seen = time.monotonic()
        if now < self._next_progress:
            return None
        self._next_progress = now + PROGRESS_EVERY
        usernames = many(len(self._plan.visits), "username")
        parts = [part.text for part in self.parts(requests, quota_left)]
        return ", ".join([f"{self._visited():,} of {usernames}{self._of_shard}", *parts])

    @property
    def done(self) -> str:
        """Usernames visited of all that were to be visited, such as `12/1,000`."""
        return f"{self._visited():,}/{len(self._plan.visits):,}"

    def parts(self, requests: int, quota_left: int | None) -> Iterator[Part]:
        """The progress as parts that may be left out; may be called by any thread."""
        done, elapsed = self._visited(), time.monotonic() - self._started
        visits = len(self._plan.visits)
        yield Part(3, many(self._read, "account"))
        rate = requests / elapsed if elapsed else 0.0
        yield Part(5, f"{many(requests, 'request')} ({rate:.1f}/s)")
        if quota_left is not None:
            yield Part(4, f"{quota_left:,} of the quota left")
        if done:
            yield Part(7, f"about {_duration(elapsed / done * (visits - done))} left")

    def row(self, requests: int, quota_left: int | None) -> dict[str, str]:
        """Figures for the table at the end; those of usernames add up to the first."""
        not_due = self._plan.counts[Turn.NOT_DUE]
        interrupted = self._outcomes[Outcome.INTERRUPTED]
        visits = len(self._plan.visits)
        outcomes = {
            outcome.value.replace("_", " "): self._outcomes[outcome]
            for outcome in Outcome
            if outcome is not Outcome.INTERRUPTED
        }
        figures = {
            "usernames": visits + not_due + self._outcomes[Outcome.INVALID],
            **outcomes,
            "not due": not_due,
            "left over": visits - self._visited() + interrupted,
            "accounts": self._read,
            "sent": self._sent,
            "requests": requests,
        }
        return {
            **{name: f"{figure:,}" for name, figure in figures.items()},
            "quota left": "-" if quota_left is None else f"{quota_left:,}",
            "time": _duration(self._last_seen - self._started),
        }

    def reasons(self) -> Iterator[str]:
        """Why lists were not read, or were read whole; most frequent reasons first."""
        yield from self._groups(lambda outcome: outcome not in READ)
        if self._whole_on_loss:
            yield f"{many(self._whole_on_loss, 'list')} read whole after a loss of accounts"
        if self._disbelieved:
            yield (
                f"{many(self._disbelieved, 'list')} with a total that was wrong 3 times in a "
                "row: it is ignored until the next full refresh"
            )

    def _visited(self) -> int:
        return sum(self._outcomes.values()) - self._outcomes[Outcome.INVALID]

    def gaps(self) -> Iterator[str]:
        """What could not be sent although it was listed."""
        if self._keyless:
            yield f"{many(self._keyless, 'account')} without a key left out"
        if self._nulled:
            yield f"{many(self._nulled, 'field')} of a wrong type set to null"
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
        for (outcome, common), reasons in by_size[:MOST_REASONS]:
            reason = common if len(reasons) > 1 else next(iter(reasons.values()))
            usernames = some_of(list(reasons))
            yield f"{len(reasons):,} {outcome.value} ({reason}): {usernames}"
        if more := len(by_size[MOST_REASONS:]):
            yield f"and {many(more, 'other reason')}, see the scans stream"


def some_of(usernames: list[str]) -> str:
    """The first usernames of a list, and the number of the others."""
    shown = ", ".join(usernames[:MOST_NAMES])
    more = len(usernames) - MOST_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown


def _without(username: str, reason: str) -> str:
    """A reason with a placeholder for the username, where that is a word of its own."""
    whole = rf"(?<![\w.]){re.escape(username)}(?!\w|\.\w)"
    return re.sub(whole, PLACEHOLDER, reason, flags=re.IGNORECASE)


def _duration(seconds: float) -> str:
    """A duration in its two largest units, and in seconds only below an hour."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
