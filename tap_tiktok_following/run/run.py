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
from typing import Any

from tap_tiktok_following.client import Client, Gate
from tap_tiktok_following.config.usernames import Usernames
from tap_tiktok_following.errors import Failed, Interrupted, ProviderDown
from tap_tiktok_following.http import Transport
from tap_tiktok_following.model import Event, Outcome, Policy
from tap_tiktok_following.output import GRACE, Termination
from tap_tiktok_following.providers import Provider
from tap_tiktok_following.run.reader import Reader, Store
from tap_tiktok_following.run.report import Report
from tap_tiktok_following.run.workers import read_lists
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
        self.gate = Gate(self._per_second, self._max_requests, provider.budget_setting)
        transport = Transport(
            provider.url,
            provider.url_setting,
            timeout=config["request_timeout"],
            user_agent=config.get("user_agent") or USER_AGENT,
        )
        self._client = Client(provider, transport, self.gate, config["max_tries"])
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
        stored: dict[str, int] = {}
        if self._store is not None:
            file, source, _ = self._store
            file.delete_covered(source, self.bookmarks.entries())
            stored = {
                username: number
                for username, number in file.count(source).items()
                if file.take(source, self.bookmarks.entry(username))
            }
        names = self.usernames.names
        return make_plan(names, self.bookmarks.entry, stored, self._policy, time.time())

    @cached_property
    def report(self) -> Report:
        """What the log says about the run."""
        return Report(self.provider.name, self.plan, self.usernames, self.gate, self._client)

    @property
    def cost(self) -> tuple[float, float, float, float]:
        """The fewest and the most requests that the run will take, and seconds for these."""
        limit = math.inf if self._max_requests is None else self._max_requests
        least, most = (min(requests, limit) for requests in self.plan.requests)
        return least, most, least / self._per_second, most / self._per_second

    def read(self, username: str) -> Iterator[Event]:
        """Read one list, unless the run is over; after an error of ours no event follows."""
        if self.gate.halt is not None:
            return
        try:
            yield from Reader(
                self.bookmarks.entry(username),
                self._policy,
                self._client.fetch,
                self._store,
                on_request=lambda: self._requests.update([username]),
            ).events()
        except Exception:
            logger.debug("Reading %s failed", username, exc_info=True)

    def events(self) -> Iterator[Event | None]:
        """Yield pages and ends of scans as they arrive; None while there are none.

        Call `acknowledge` with each event before requesting the next one.
        """
        self.report.start()
        self._check_signals()
        end_at = math.inf  # when requests in flight are no longer waited for
        arriving = read_lists(self.plan.usernames, self.read, self.config["concurrency"])
        try:
            for event in arriving:
                if self._check_signals():
                    end_at = min(end_at, time.monotonic() + GRACE)
                is_over = event is None and time.monotonic() >= end_at
                if is_over or self.termination.is_urgent:
                    break
                yield event
        except BaseException:  # such as a closed stdout; no request may follow
            self.gate.stop(Interrupted(happened="the run was aborted"))
            raise
        finally:
            arriving.close()
        self._end_the_rest()

    def _check_signals(self) -> bool:
        """Close the gate if a signal came; return whether one did."""
        if self.termination.signum:
            self.gate.stop(Interrupted(happened=f"stopped by {self.termination.name}"))
        return bool(self.termination.signum)

    def acknowledge(self, event: Event) -> None:
        """Update bookmarks and counts after the records of an event were written."""
        username, outcome = event.entry.username, event.outcome
        self.bookmarks.store(event)
        self.report.count(event)
        self._counted[username] += event.requests
        if outcome is None:
            return
        logger.debug("%s_following: %s %s", self.provider.name, username, outcome.value)
        has_failed = outcome is Outcome.FAILED
        self._failures_in_a_row = self._failures_in_a_row + 1 if has_failed else 0
        if self._failures_in_a_row == FAILURES_IN_A_ROW:
            happened = f"{FAILURES_IN_A_ROW} usernames in a row failed and nothing succeeded"
            self.gate.stop(ProviderDown(event.reason, happened=happened, advice=event.advice))

    def _end_the_rest(self) -> None:
        """Add a row for each list that was begun, without waiting for its last request.

        If nothing stopped the run, each list must have ended: the others met an error of ours.
        """
        in_flight = self._requests.copy() - self._counted  # a worker may add one meanwhile
        now = int(time.time())
        why = self.gate.halt or Failed("an error in this tap, please report it")
        for username in self.plan.usernames:
            is_begun = self.gate.halt is None or username in self._counted
            has_ended = username in self.report.ended
            if username in in_flight or (is_begun and not has_ended):
                entry = self.bookmarks.entry(username)
                self.acknowledge(stop(entry, why, in_flight[username], now, self._policy))
