"""One run of one provider: the plan, the crawl, and what stops it."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any

from msgspec import structs

from tap_tiktok_following.client import Client, Gate
from tap_tiktok_following.crawl.reading import Reading, keep_nothing
from tap_tiktok_following.crawl.recovery import Recovery
from tap_tiktok_following.crawl.report import Report
from tap_tiktok_following.crawl.workers import Crawl
from tap_tiktok_following.errors import Interrupted, ProviderDown
from tap_tiktok_following.http import Transport
from tap_tiktok_following.live import Part
from tap_tiktok_following.model import Event
from tap_tiktok_following.outcomes import Outcome
from tap_tiktok_following.signals import GRACE
from tap_tiktok_following.state.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_tiktok_following.config.usernames import Usernames
    from tap_tiktok_following.crawl.reading import Keep
    from tap_tiktok_following.errors import StreamEnded
    from tap_tiktok_following.model import Standing, Visit
    from tap_tiktok_following.providers import Provider
    from tap_tiktok_following.signals import Termination
    from tap_tiktok_following.state.answers import Answers
    from tap_tiktok_following.state.bookmarks import Bookmarks

logger = logging.getLogger(__name__)

USER_AGENT = f"tap-tiktok-following/{version('tap-tiktok-following')}"

FAILURES_IN_A_ROW = 10
"""Consecutive failures after which the provider counts as down."""


class Run:
    """Reads the lists that are due, and keeps the bookmarks up to date.

    Attributes:
        report: What the log says; set by `plan`.

    Args:
        provider: The provider.
        config: The settings, valid.
        bookmarks: What is known of every username.
        usernames: The configured usernames.
        termination: Whether the process received a signal to stop.
    """

    report: Report

    def __init__(
        self,
        provider: Provider,
        config: Mapping[str, Any],
        bookmarks: Bookmarks,
        usernames: Usernames,
        termination: Termination,
    ) -> None:
        self._stream = f"{provider.name}_following"
        self._provider = provider
        self._config = config
        self._bookmarks = bookmarks
        self._usernames = usernames
        self._termination = termination
        self._per_second = config[provider.rate_setting()]
        budget = provider.budget_setting()
        self._max_requests = config.get(budget)
        self._gate = Gate(self._per_second, self._max_requests, budget)
        transport = Transport(
            provider.url,
            provider.url_setting(),
            timeout=config["request_timeout"],
            user_agent=config.get("user_agent") or USER_AGENT,
        )
        self._client = Client(provider, transport, self._gate, config["max_tries"])
        self._keep: Keep = keep_nothing
        self._plan = Plan()
        self._broken_off: dict[str, Event] = {}
        self._under_way: dict[str, Standing] = {}
        self._failures_in_a_row = 0

    def recover(self, answers: Answers) -> Iterator[Event]:
        """Read the kept answers that the state does not cover, and keep new ones from now on.

        Call `acknowledge_recovered` with each event before requesting the next one.

        Args:
            answers: The file of answers.
        """
        source = f"{self._stream} {self._provider.url}"
        self._keep = partial(answers.keep, source)
        recovery = Recovery(answers, self._provider, source, self._bookmarks)
        for event in recovery.events(self._usernames.names):
            yield event
            if self._termination.signum:
                break
        if recovery.summary:
            logger.info("%s: %s", self._stream, recovery.summary)

    def acknowledge_recovered(self, event: Event) -> None:
        """Update bookmarks, but no counts, after the records of an event were written."""
        self._bookmarks.written(event)
        self._note(event)
        if event.outcome is None:
            self._broken_off[event.visit.username] = Event(
                event.visit, event.standing, outcome=Outcome.INTERRUPTED, at=event.at
            )

    def plan(self) -> None:
        """Decide what to read; call it after `recover` and before `events`."""
        now = time.time()
        malformed = self._usernames.malformed
        for text in malformed:
            self._bookmarks.invalid(text, "is not a username", now)
        self._plan = self._bookmarks.plan(self._usernames.names, now)
        self.report = Report(
            self._plan,
            len(malformed),
            self._per_second,
            self._max_requests,
            self._usernames.shard,
        )

    @property
    def halt(self) -> StreamEnded | None:
        """Why the run ended before its work was done; None if it did not."""
        return self._gate.halt

    def progress(self) -> str | None:
        """A progress line if one is due, else None."""
        return self.report.progress(self._gate.requests, self._client.quota_left)

    def live_parts(self) -> Iterator[Part]:
        """Progress, and what waits and why; may be called by any thread."""
        yield from self.report.parts(self._gate.requests, self._client.quota_left)
        if (seconds := self._gate.pause_left) > 0:
            yield Part(8, f"waiting {seconds:.0f} s: the provider asks to slow down")
        elif resting := self._gate.resting:
            yield Part(6, f"{resting} waiting to retry")

    @property
    def row(self) -> dict[str, str]:
        """Figures for the table at the end."""
        return self.report.row(self._gate.requests, self._client.quota_left)

    def first_pages(self) -> Iterator[Event]:
        """Read the first page of one list after another, to test the credentials."""
        for visit in self._plan.visits:
            yield from islice(self._read(visit), 1)

    def _read(self, visit: Visit) -> Iterator[Event]:
        reading = Reading(
            visit,
            fetch=self._client.fetch,
            page_size=self._config["page_size"],
            key=self._provider.key,
            broken_off=self._broken_off,
            keep=self._keep,
        )
        return reading.events()

    def events(self) -> Iterator[Event | None]:
        """Pages and ends of visits as they arrive; None while there are none.

        Call `acknowledge` with each event before requesting the next one.
        """
        if self._termination.signum:
            self._stop()
        visits = takewhile(lambda _: self.halt is None, self._plan.visits)
        crawl = Crawl(visits, self._read, self._config["concurrency"])
        self._termination.listen(crawl.wake)
        events = crawl.events()
        try:
            for event in events:
                if self._termination.signum:
                    self._terminate(crawl)
                if self._termination.is_urgent:
                    break
                yield event
        except BaseException:
            self._gate.stop(Interrupted(happened="the run was aborted"))
            raise
        finally:
            events.close()
        self._interrupt()

    def _terminate(self, crawl: Crawl) -> None:
        self._stop()
        crawl.end_in(GRACE)

    def _stop(self) -> None:
        self._gate.stop(Interrupted(happened=f"stopped by {self._termination.name}"))

    def _interrupt(self) -> None:
        """End the visits in progress without waiting for their last request."""
        for username, event in self._broken_off.copy().items():
            standing = self._under_way.get(username, event.standing)
            standing = structs.replace(standing, requests=event.standing.requests)
            reason = self.halt.reason if self.halt else ""
            self.acknowledge(replace(event, standing=standing, reason=reason))

    def acknowledge(self, event: Event) -> None:
        """Update bookmarks and counts after the records of an event were written."""
        self._bookmarks.written(event)
        self.report.count(event)
        self._note(event)
        self._watch_failures(event)

    def _note(self, event: Event) -> None:
        """Note which visits are in progress."""
        username = event.visit.username
        if event.outcome is None:
            self._under_way[username] = event.standing
        else:
            self._under_way.pop(username, None)
            self._broken_off.pop(username, None)
            logger.debug("%s: %s %s", self._stream, username, event.outcome.value)

    def _watch_failures(self, event: Event) -> None:
        if event.outcome is not Outcome.FAILED:
            self._failures_in_a_row = 0
            return
        self._failures_in_a_row += 1
        if self._failures_in_a_row == FAILURES_IN_A_ROW:
            happened = f"{FAILURES_IN_A_ROW} usernames in a row failed and nothing succeeded"
            self._gate.stop(ProviderDown(event.reason, happened=happened, advice=event.advice))
