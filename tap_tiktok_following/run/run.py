"""One run of one provider: what it reads, what it stores, and what stops it."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from itertools import islice
from typing import Any

from tap_tiktok_following.client import Client, Gate
from tap_tiktok_following.config.usernames import Usernames
from tap_tiktok_following.errors import Failed, Interrupted, ProviderDown, StreamEnded
from tap_tiktok_following.http import Transport
from tap_tiktok_following.model import Event, Outcome, Policy
from tap_tiktok_following.output import GRACE, Termination
from tap_tiktok_following.providers import Provider
from tap_tiktok_following.run.reader import Reader, Store
from tap_tiktok_following.run.report import Report
from tap_tiktok_following.run.workers import Workers
from tap_tiktok_following.scan.end import stop
from tap_tiktok_following.state.bookmarks import Bookmarks
from tap_tiktok_following.state.plan import Plan, make_plan
from tap_tiktok_following.state.responses import ResponseFile

USER_AGENT = f"tap-tiktok-following/{version('tap-tiktok-following')}"

FAILURES_IN_A_ROW = 10  # consecutive failures after which the provider counts as down

logger = logging.getLogger(__name__)


@dataclass(eq=False, repr=False)  # the config contains secrets
class Run:
    """Reads the lists that are due, and keeps the bookmarks up to date."""

    provider: Provider
    config: Mapping[str, Any]  # valid
    bookmarks: Bookmarks
    usernames: Usernames
    responses: ResponseFile | None  # None if none are stored
    termination: Termination

    def __post_init__(self) -> None:
        provider, config = self.provider, self.config
        self._policy = Policy.of(config, provider.key)
        self._per_second: int = config[provider.rate_setting]
        self._max_requests: int | None = config.get(provider.budget_setting)
        self._gate = Gate(self._per_second, self._max_requests, provider.budget_setting)
        transport = Transport(
            provider.url,
            provider.url_setting,
            timeout=config["request_timeout"],
            user_agent=config.get("user_agent") or USER_AGENT,
        )
        self._client = Client(provider, transport, self._gate, config["max_tries"])
        self._store = None
        if self.responses is not None:
            source = f"{provider.name}_following {provider.url}"
            self._store = Store(self.responses, source, provider)
        self._requests: Counter[str] = Counter()
        self._counted: Counter[str] = Counter()
        self._failures_in_a_row = 0

    @cached_property
    def plan(self) -> Plan:
        """What to read, decided once; what the state covers is deleted from the file."""
        stored: set[str] = set()
        if self._store is not None:
            file, source, _ = self._store
            file.delete_covered(source, self.bookmarks.entries())
            stored = {
                username
                for username in file.usernames(source)
                if file.take(source, self.bookmarks.entry(username))
            }
        names = self.usernames.names
        return make_plan(names, self.bookmarks.entry, stored, self._policy, time.time())

    @cached_property
    def report(self) -> Report:
        """What the log says about the run."""
        name = self.provider.name
        return Report(name, self.plan, self.usernames, self._gate, self._client)

    @property
    def cost(self) -> tuple[float, float, float, float]:
        """The fewest and the most requests that the run will take, and seconds for these."""
        limit = math.inf if self._max_requests is None else self._max_requests
        least, most = (min(requests, limit) for requests in self.plan.requests)
        return least, most, least / self._per_second, most / self._per_second

    @property
    def halt(self) -> StreamEnded | None:
        """Why the run ended before its work was done; None if it did not."""
        return self._gate.halt

    def first_pages(self) -> Iterator[Event]:
        """Read the first page of one list after another, to test the credentials."""
        for username in self.plan.usernames:
            yield from islice(self._read(username), 1)

    def events(self) -> Iterator[Event | None]:
        """Yield pages and ends of scans as they arrive; None while there are none.

        Call `acknowledge` with each event before requesting the next one.
        """
        self.report.start()
        if self.termination.signum:
            self._stop()
        workers = Workers(self.plan.usernames, self._read, self.config["concurrency"])
        events = workers.events()
        try:
            for event in events:
                if self.termination.signum:
                    self._stop()
                    workers.end_in(GRACE)
                if self.termination.is_urgent:
                    break
                yield event
        except BaseException:
            self._gate.stop(Interrupted(happened="the run was aborted"))
            raise
        finally:
            events.close()
        self._end_the_rest()

    def acknowledge(self, event: Event) -> None:
        """Update bookmarks and counts after the records of an event were written."""
        username = event.entry.username
        self.bookmarks.store(event)
        self.report.count(event)
        self._counted[username] += event.requests
        if event.outcome is not None:
            name, outcome = self.provider.name, event.outcome.value
            logger.debug("%s_following: %s %s", name, username, outcome)
            self._watch_failures(event)

    def _read(self, username: str) -> Iterator[Event]:
        """Read one list, unless the run is over."""

        def count_request() -> None:
            self._requests[username] += 1

        if self.halt is not None:
            return iter(())
        entry = self.bookmarks.entry(username)
        return Reader(
            entry, self._policy, self._client.fetch, self._store, count_request
        ).events()

    def _stop(self) -> None:
        self._gate.stop(Interrupted(happened=f"stopped by {self.termination.name}"))

    def _end_the_rest(self) -> None:
        """Add a row for each list that was begun, without waiting for its last request.

        If nothing stopped the run, each list must have ended: the others met an error of ours.
        """
        in_flight, now = self._requests - self._counted, int(time.time())
        planned = self.plan.usernames
        begun = set(planned) if self.halt is None else {*self._counted, *in_flight}
        why = self.halt or Failed("an error in this tap, please report it")
        for username in planned:
            has_ended = username in self.report.ended and not in_flight[username]
            if username in begun and not has_ended:
                entry = self.bookmarks.entry(username)
                self.acknowledge(stop(entry, why, in_flight[username], now, self._policy))

    def _watch_failures(self, event: Event) -> None:
        if event.outcome is not Outcome.FAILED:
            self._failures_in_a_row = 0
            return
        self._failures_in_a_row += 1
        if self._failures_in_a_row == FAILURES_IN_A_ROW:
            happened = f"{FAILURES_IN_A_ROW} usernames in a row failed and nothing succeeded"
            self._gate.stop(ProviderDown(event.reason, happened=happened, advice=event.advice))
