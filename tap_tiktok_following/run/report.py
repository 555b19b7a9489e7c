"""What the log says about one run: before, during and after it."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tap_tiktok_following.client import Client, Gate
from tap_tiktok_following.config.usernames import Usernames
from tap_tiktok_following.model import READ, SKIPPED, Event, Outcome
from tap_tiktok_following.state.plan import Plan, Turn
from tap_tiktok_following.text import duration, many, some_of, to_the_minute

MOST_REASONS = 5

ALWAYS = ("usernames", "accounts", "requests", "time")  # shown even if they are empty


@dataclass(eq=False)
class Report:
    """Counts what happens in one run, and describes it."""

    provider: str  # its name
    plan: Plan
    usernames: Usernames  # that are configured
    gate: Gate
    client: Client

    def __post_init__(self) -> None:
        # The usernames whose turn is over: how, why and what to do.
        self.ended: dict[str, tuple[Outcome, str, str]] = {}
        shard = self.usernames.shard
        self._of_shard = f" of shard {shard}" if shard else ""
        self._counts: Counter[str] = Counter()
        self.start()

    def start(self) -> None:
        """Start the clock; until then, the run of another provider may go on."""
        self._started = self._last_event = time.monotonic()

    def count(self, event: Event) -> None:
        """Count an event whose records are written."""
        self._last_event = time.monotonic()
        self._counts.update(
            read=event.read,
            sent=len(event.records),
            stored=event.is_stored,
            keyless=event.keyless,
            nulled=event.nulled,
            with_losses=event.has_lost,
            wrong_totals=event.outcome in READ and event.entry.total_is_wrong,
        )
        if event.outcome is None:  # of a new scan, after one that was stored
            self.ended.pop(event.entry.username, None)
        else:
            self.ended[event.entry.username] = event.outcome, event.reason, event.advice

    def describe_plan(self) -> str:
        """Return what is to be read, for the log before the first request."""
        counts = self.plan.counts
        turns = [Turn.NEW, Turn.KNOWN, Turn.UNFINISHED, Turn.STORED, Turn.NOT_DUE]
        if not counts[Turn.STORED]:
            turns.remove(Turn.STORED)
        kinds = ", ".join(f"{counts[turn]:,} {turn.value}" for turn in turns)
        return f"{many(sum(counts.values()), 'username')}{self._of_shard}: {kinds}"

    def describe_progress(self) -> str:
        """Return how far the run is; the provider may not say what is left of the quota."""
        done, planned = len(self.ended), len(self.plan.usernames)
        requests, quota_left = self.gate.requests, self.client.quota_left
        elapsed = time.monotonic() - self._started
        parts = [
            f"{done:,} of {many(planned, 'username')}{self._of_shard}",
            many(self._counts["read"], "account"),
            f"{many(requests, 'request')} ({requests / max(elapsed, 1):.1f}/s)",
        ]
        if quota_left is not None:
            parts.append(f"{quota_left:,} of the quota left")
        if 0 < done < planned:
            parts.append(f"about {duration(elapsed / done * (planned - done))} left")
        return ", ".join(parts)

    def row(self) -> dict[str, str]:
        """Return figures for the table at the end; those of usernames add up to the first."""
        quota_left = self.client.quota_left
        planned, not_due = len(self.plan.usernames), self.plan.counts[Turn.NOT_DUE]
        outcomes = Counter(outcome for outcome, *_ in self.ended.values())
        outcomes[Outcome.INVALID] = malformed = len(self.usernames.malformed)
        left_over = planned - len(self.ended) + outcomes[Outcome.INTERRUPTED]
        by_outcome = {each.value.replace("_", " "): outcomes[each] for each in Outcome}
        del by_outcome["interrupted"]  # as those that were not begun
        figures = {
            "usernames": planned + not_due + malformed,
            **by_outcome,
            "not due": not_due,
            "left over": left_over,
            "accounts": self._counts["read"],
            "sent": self._counts["sent"],
            "stored responses": self._counts["stored"],
            "requests": self.gate.requests,
        }
        return {
            "provider": f"{self.provider} {self.usernames.shard}".strip(),
            **{name: f"{figure:,}" for name, figure in figures.items()},
            "quota left": "-" if quota_left is None else f"{quota_left:,}",
            "time": duration(self._last_event - self._started),
        }

    def reasons(self) -> Iterator[str]:
        """Yield why lists were not read, or were read in full; most frequent reasons first."""
        yield from self._groups(set(Outcome) - READ)
        if number := self._counts["with_losses"]:
            was = "was" if number == 1 else "were"
            yield f"{many(number, 'list')} that lost accounts {was} read in full"
        if number := self._counts["wrong_totals"]:
            yield (
                f"the provider's total of {many(number, 'list')} was wrong and is ignored "
                "until a full scan finds it right"
            )
        if self.plan.due_at is not None:
            yield f"no list is due; the next one is at {to_the_minute(self.plan.due_at)}"

    def gaps(self) -> Iterator[str]:
        """Yield what could not be sent although it was listed."""
        if number := self._counts["keyless"]:
            yield f"skipped {many(number, 'account')} without a key"
        if number := self._counts["nulled"]:
            yield f"set {many(number, 'field')} of a wrong type to null"
        if self.ended and all(outcome in SKIPPED for outcome, *_ in self.ended.values()):
            done = len(self.ended)
            were = "the only username was" if done == 1 else f"all {done:,} usernames were"
            yield (
                f"nothing was read: {were} skipped; check the usernames and the provider's URL"
            )
        yield from self._groups(READ)

    def _groups(self, outcomes: Collection[Outcome]) -> Iterator[str]:
        groups: defaultdict[tuple[Outcome, str], list[str]] = defaultdict(list)
        for username, (outcome, reason, _) in self.ended.items():
            if reason and outcome in outcomes:
                groups[outcome, reason].append(username)
        by_size = sorted(groups.items(), key=lambda group: -len(group[1]))
        for (outcome, reason), usernames in by_size[:MOST_REASONS]:
            words = outcome.value.replace("_", " ")
            yield f"{len(usernames):,} {words} ({reason}): {some_of(usernames)}"
        if more := len(by_size[MOST_REASONS:]):
            yield f"and {many(more, 'other reason')}, see the scans stream"


def make_table(rows: Sequence[Mapping[str, str]], columns: int) -> str:
    """Return a table with a row per provider, or transposed if it is wider than `columns`."""
    by_name = [
        (name, *(row[name] for row in rows))
        for name in rows[0]
        if name in ALWAYS or any(row[name] not in {"0", "-"} for row in rows)
    ]
    table = _align(list(zip(*by_name, strict=True)))
    return table if table.index("\n") <= columns else _align(by_name)


def _align(cells: Sequence[Sequence[str]]) -> str:
    """Return lines with the first column aligned to the left, figures to the right."""
    first, *others = [max(map(len, column)) for column in zip(*cells, strict=True)]
    line = "  ".join([f"{{:<{first}}}", *(f"{{:>{width}}}" for width in others)])
    return "\n".join(line.format(*row) for row in cells)
