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

from tap_tiktok_following.client.fetch import Client
from tap_tiktok_following.client.gate import Gate, Halt
from tap_tiktok_following.crawl.report import Report
from tap_tiktok_following.crawl.workers import Crawl, read_list
from tap_tiktok_following.http.transport import Transport
from tap_tiktok_following.live import Part
from tap_tiktok_following.outcomes import Outcome
from tap_tiktok_following.signals import GRACE
from tap_tiktok_following.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_tiktok_following.config.usernames import Usernames
    from tap_tiktok_following.model import Event, Standing
    from tap_tiktok_following.providers import Provider
    from tap_tiktok_following.signals import Termination
    from tap_tiktok_following.state.bookmarks import Bookmarks

logger = logging.getLogger(__name__)

USER_AGENT = f"tap-tiktok-following/{version('tap-tiktok-following')}"

FAILURES_IN_A_ROW = 10
"""So many usernames failing, with nothing succeeding in between: the provider is down."""


class Run:
    """Reads the lists that are due, and keeps the bookmarks up to date.

    Attributes:
        report: What a person is told.

    Args:
        provider: The provider.
        config: The settings, valid.
        bookmarks: What is known of every username.
        usernames: Whom to ask about.
        termination: Whether the process was told to stop.
    """

    def __init__(
        self,
        provider: Provider,
        config: Mapping[str, Any],
        bookmarks: Bookmarks,
        usernames: Usernames,
        termination: Termination,
    ) -> None:
        self._stream = f"{provider.name}_following"
        self._config = config
        self._bookmarks = bookmarks
        self._termination = termination
        per_second = config[provider.rate_setting()]
        budget = provider.budget_setting()
        max_requests = config.get(budget)
        self._gate = Gate(per_second, max_requests, budget)
        transport = Transport(
            provider.url,
            provider.url_setting(),
            timeout=config["request_timeout"],
            user_agent=config.get("user_agent") or USER_AGENT,
        )
        self._client = Client(provider, transport, self._gate, config["max_tries"])
        self._broken_off: dict[str, Event] = {}
        self._read = partial(
            read_list,
            fetch=self._client.fetch,
            page_size=config["page_size"],
            key=provider.key,
            broken_off=self._broken_off,
        )
        now = time.time()
        for text in usernames.malformed:
            bookmarks.invalid(text, "can't be a username", now)
        self._plan = bookmarks.plan(usernames.names, now)
        self.report = Report(
            self._plan, len(usernames.malformed), per_second, max_requests, usernames.shard
        )
        self._under_way: dict[str, Standing] = {}
        self._failures_in_a_row = 0

    @property
    def halt(self) -> Halt | None:
        """Why the run ended before its work was done; None if it did not."""
        return self._gate.halt

    def progress(self) -> str | None:
        """A line about how far the run is, when it is time for one."""
        return self.report.progress(self._gate.requests, self._client.quota_left)

    def live_parts(self) -> Iterator[Part]:
        """How far the run is, and what waits and why; may be asked by any thread."""
        yield from self.report.parts(self._gate.requests, self._client.quota_left)
        if (seconds := self._gate.pause_left) > 0:
            yield Part(8, f"waiting {seconds:.0f} s: the provider asks to slow down")
        elif resting := self._gate.resting:
            yield Part(6, f"{resting} waiting to try again")

    @property
    def row(self) -> dict[str, str]:
        """Figures for the table at the end."""
        return self.report.row(self._gate.requests, self._client.quota_left)

    def first_pages(self) -> Iterator[Event]:
        """Read the first page of one list after another, to test the credentials."""
        for visit in self._plan.visits:
            yield from islice(self._read(visit), 1)

    def events(self) -> Iterator[Event | None]:
        """Pages and ends of visits as they arrive; None while there are none.

        Each is to be acknowledged before the next one is asked for.
        """
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
            self._gate.stop(Halt(Verdict.TERMINATED, "the run was broken off"))
            raise
        finally:
            events.close()
        self._interrupt()

    def _terminate(self, crawl: Crawl) -> None:
        self._gate.stop(Halt(Verdict.TERMINATED, f"stopped by {self._termination.name}"))
        crawl.end_in(GRACE)

    def _interrupt(self) -> None:
        """End the visits that are still under way, whatever their last request may bring."""
        for username, event in self._broken_off.copy().items():
            standing = self._under_way.get(username, event.standing)
            standing = structs.replace(standing, requests=event.standing.requests)
            self.acknowledge(replace(event, standing=standing))

    def acknowledge(self, event: Event) -> None:
        """The records of an event are written: bookmarks and counts follow."""
        if event.outcome is Outcome.INTERRUPTED and self.halt is not None:
            event = replace(event, reason=self.halt.reason)
        username = event.visit.username
        self._under_way.pop(username, None)
        self._bookmarks.written(event)
        self.report.count(event)
        if event.outcome is None:
            self._under_way[username] = event.standing
        else:
            self._broken_off.pop(username, None)
            logger.debug("%s: %s %s", self._stream, username, event.outcome.value)
        self._watch_failures(event)

    def _watch_failures(self, event: Event) -> None:
        if event.outcome is not Outcome.FAILED:
            self._failures_in_a_row = 0
            return
        self._failures_in_a_row += 1
        if self._failures_in_a_row == FAILURES_IN_A_ROW:
            happened = f"{FAILURES_IN_A_ROW} usernames in a row failed and nothing succeeded"
            reason = f"{happened} ({event.reason})"
            self._gate.stop(Halt(Verdict.PROVIDER_DOWN, reason, event.advice))
