"""What the log says about one run: before, during and after it."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from tap_tiktok_following.model import READ, SKIPPED, Outcome
from tap_tiktok_following.state.plan import Turn
from tap_tiktok_following.text import many

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tap_tiktok_following.model import Event, Policy
    from tap_tiktok_following.state.plan import Plan

MOST_REASONS = 5
MOST_NAMES = 5

ALWAYS = ("usernames", "accounts", "requests", "time")
"""Columns of the table that are always shown; others are left out if they are empty."""


class Report:
    """Counts what happens in one run, and describes it.

    Attributes:
        failed: The usernames that failed, in order, each with its reason.
        advice: What to do about the first of them; "" if there is no special advice.
        ended: The usernames whose turn is over, each with its last outcome.

    Args:
        plan: The work of the run.
        policy: How lists are read.
        malformed: Number of entries that are not usernames.
        shard: The shard that is read, such as `3/8`; "" for all usernames.
    """

    def __init__(self, plan: Plan, policy: Policy, malformed: int, shard: str) -> None:
        self.failed: dict[str, str] = {}
        self.advice = ""
        self.ended: dict[str, Outcome] = {}
        self._plan = plan
        self._policy = policy
        self._of_shard = f" of shard {shard}" if shard else ""
        self._outcomes = Counter({Outcome.INVALID: malformed})
        self._reasons: defaultdict[tuple[Outcome, str], list[str]] = defaultdict(list)
        self._read = self._sent = self._keyless = self._nulled = self._stored = 0
        self._full_on_loss = self._wrong_totals = 0
        self.start()

    def start(self) -> None:
        """Start the clock; until then, the run of another provider may go on."""
        self._started = self._last_event = time.monotonic()

    def count(self, event: Event) -> None:
        """Count an event whose records are written."""
        self._last_event = time.monotonic()
        entry = event.entry
        self._read += event.read
        self._sent += len(event.records)
        self._keyless += event.keyless
        self._nulled += event.nulled
        self._stored += event.is_stored
        if event.outcome is None:
            return
        self._note_end(entry.username, event.outcome)
        if event.outcome in READ and self._policy.full_scan_on_loss:
            self._full_on_loss += event.is_full_on_loss
            self._wrong_totals += entry.total_is_wrong
        if event.outcome is Outcome.FAILED:
            self.advice = self.advice if self.failed else event.advice
            self.failed[entry.username] = event.reason
        if event.reason:
            self._reasons[event.outcome, event.reason].append(entry.username)

    def _note_end(self, username: str, outcome: Outcome) -> None:
        """Count a username once, with its last outcome: its scans may have been stored."""
        before = self.ended.get(username)
        if before is not None:
            self._outcomes[before] -= 1
        self.ended[username] = outcome
        self._outcomes[outcome] += 1

    @property
    def done(self) -> int:
        """Number of usernames whose turn is over."""
        return len(self.ended)

    @property
    def left_over(self) -> int:
        """Number of usernames that were to be read and were not."""
        interrupted = self._outcomes[Outcome.INTERRUPTED]
        return len(self._plan.usernames) - self.done + interrupted

    def describe_plan(self) -> str:
        """Return what is to be read, for the log before the first request."""
        counts = self._plan.counts
        kinds = ", ".join(
            f"{counts[turn]:,} {words}"
            for turn, words in (
                (Turn.NEW, "new"),
                (Turn.KNOWN, "known"),
                (Turn.UNFINISHED, "unfinished"),
                (Turn.STORED, "with stored responses"),
                (Turn.NOT_DUE, "not due"),
            )
            if counts[turn] or turn is not Turn.STORED
        )
        return f"{many(sum(counts.values()), 'username')}{self._of_shard}: {kinds}"

    def describe(self, requests: int, quota_left: int | None) -> str:
        """Return how far the run is.

        Args:
            requests: Number of requests sent.
            quota_left: Requests left according to the provider; None if it does not say.
        """
        planned = many(len(self._plan.usernames), "username")
        elapsed = time.monotonic() - self._started
        parts = [
            f"{self.done:,} of {planned}{self._of_shard}",
            many(self._read, "account"),
            f"{many(requests, 'request')} ({requests / max(elapsed, 1):.1f}/s)",
        ]
        if quota_left is not None:
            parts.append(f"{quota_left:,} of the quota left")
        if 0 < self.done < len(self._plan.usernames):
            left = elapsed / self.done * (len(self._plan.usernames) - self.done)
            parts.append(f"about {duration(left)} left")
        return ", ".join(parts)

    def row(self, requests: int, quota_left: int | None) -> dict[str, str]:
        """Return figures for the table at the end; those of usernames add up to the first."""
        not_due = self._plan.counts[Turn.NOT_DUE]
        outcomes = {
            outcome.value.replace("_", " "): self._outcomes[outcome]
            for outcome in Outcome
            if outcome is not Outcome.INTERRUPTED
        }
        invalid = self._outcomes[Outcome.INVALID]
        figures = {
            "usernames": len(self._plan.usernames) + not_due + invalid,
            **outcomes,
            "not due": not_due,
            "left over": self.left_over,
            "accounts": self._read,
            "sent": self._sent,
            "stored responses": self._stored,
            "requests": requests,
        }
        return {
            **{name: f"{figure:,}" for name, figure in figures.items()},
            "quota left": "-" if quota_left is None else f"{quota_left:,}",
            "time": duration(self._last_event - self._started),
        }

    def reasons(self) -> Iterator[str]:
        """Yield why lists were not read, or were read in full; most frequent reasons first."""
        yield from self._groups(lambda outcome: outcome not in READ)
        if self._full_on_loss:
            lists = many(self._full_on_loss, "list")
            was = "was" if self._full_on_loss == 1 else "were"
            yield f"{lists} {was} re-read in full because accounts disappeared"
        if self._wrong_totals:
            yield (
                f"the provider's total of {many(self._wrong_totals, 'list')} was wrong and is "
                "ignored until a full scan finds it right"
            )
        if self._plan.due_at is not None:
            due = dt.datetime.fromtimestamp(self._plan.due_at, dt.timezone.utc)
            yield f"no list is due; the next one is at {due:%Y-%m-%d %H:%M} UTC"

    def gaps(self) -> Iterator[str]:
        """Yield what could not be sent although it was listed."""
        if self._keyless:
            yield f"skipped {many(self._keyless, 'account')} without a key"
        if self._nulled:
            yield f"set {many(self._nulled, 'field')} of a wrong type to null"
        if self.done and self.done == sum(self._outcomes[outcome] for outcome in SKIPPED):
            were = (
                "the only username was"
                if self.done == 1
                else f"all {self.done:,} usernames were"
            )
            yield (
                f"nothing was read: {were} skipped; check the usernames and the provider's URL"
            )
        yield from self._groups(lambda outcome: outcome in READ)

    def _groups(self, is_wanted: Callable[[Outcome], bool]) -> Iterator[str]:
        groups = [group for group in self._reasons.items() if is_wanted(group[0][0])]
        by_size = sorted(groups, key=lambda group: -len(group[1]))
        for (outcome, reason), usernames in by_size[:MOST_REASONS]:
            words = outcome.value.replace("_", " ")
            yield f"{len(usernames):,} {words} ({reason}): {some_of(usernames)}"
        if more := len(by_size[MOST_REASONS:]):
            yield f"and {many(more, 'other reason')}, see the scans stream"


def some_of(usernames: Sequence[str]) -> str:
    """Return the first usernames of a list, and the number of the others."""
    shown = ", ".join(usernames[:MOST_NAMES])
    more = len(usernames) - MOST_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown


def duration(seconds: float) -> str:
    """Return a duration in its two largest units, and in seconds only below an hour."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def make_table(rows: Mapping[str, Mapping[str, str]], columns: int) -> str:
    """Return figures in columns, transposed if the lines would be too long.

    Args:
        rows: The figures of each provider by column name; all have the same columns.
        columns: Maximum number of characters per line.
    """
    names = [
        name
        for name in next(iter(rows.values()))
        if name in ALWAYS or any(row[name] not in {"0", "-"} for row in rows.values())
    ]
    cells = [["provider", *names]]
    cells += [[provider, *(row[name] for name in names)] for provider, row in rows.items()]
    text = _align(cells)
    if text.index("\n") > columns:
        text = _align(list(zip(*cells, strict=True)))
    return text


def _align(cells: Sequence[Sequence[str]]) -> str:
    """Return lines with the first column aligned to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for first, *others in cells:
        figures = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        lines.append("  ".join([first.ljust(widths[0]), *figures]))
    return "\n".join(lines)
