"""The following streams: one record per follow seen in a scan."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th
from singer_sdk.helpers.types import Context, Record
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm
from typing_extensions import override

from tap_tiktok_following.errors import FAILURE, SUCCESS, Ended, Interrupted, QuotaUsedUp
from tap_tiktok_following.model import SKIPPED, Outcome
from tap_tiktok_following.providers import Provider
from tap_tiktok_following.run.run import Run
from tap_tiktok_following.state.bookmarks import Bookmarks
from tap_tiktok_following.state.entry import REPLICATION_KEY
from tap_tiktok_following.streams.base import ProviderStream
from tap_tiktok_following.text import many, some_of

if TYPE_CHECKING:
    from tap_tiktok_following.tap import TapTikTokFollowing


STATE_EVERY = 2.0  # minimum seconds between two states while pages arrive
STATE_SHARE = 20  # writing states takes at most 1/20 of the run time
STATE_RATE = 10_000_000 / 30  # bytes of states per second: a target is ten times slower
PROGRESS_EVERY = 10.0  # seconds between two progress lines
MOST_TRIED = 10  # maximum number of usernames that `--test` tries

PROPERTIES = (
    th.Property(
        "position",
        th.IntegerType,
        description="Position in the list, starting with 1 for the newest follow.",
    ),
    th.Property(
        "followed_at_earliest",
        th.DateTimeType,
        description="The follow happened at this time or later (UTC). Null if unknown.",
    ),
    th.Property(
        "followed_at_latest",
        th.DateTimeType,
        description="The follow happened at this time or earlier (UTC).",
    ),
)


class FollowingStream(ProviderStream):
    """One record per follow seen in a scan."""

    def __init__(self, tap: TapTikTokFollowing, provider: type[Provider]) -> None:
        fields = provider.properties.wrapped.values()
        super().__init__(tap, provider, "following", [*PROPERTIES, *fields])
        self.primary_keys = ("follower_username", provider.key, "scanned_at")
        self.replication_key = REPLICATION_KEY
        self._state_due = self._progress_due = 0.0

    @property
    def is_read(self) -> bool:
        """Whether this run reads the provider: it is selected and has credentials."""
        return self.selected and self.provider_class.is_configured(self.config)

    @property
    def _keeps_state(self) -> bool:
        return self.replication_method != REPLICATION_FULL_TABLE

    @cached_property
    def bookmarks(self) -> Bookmarks:
        """What is known of every username; empty and discarded with FULL_TABLE."""
        keep_rows = self.tap.streams[f"{self.provider_class.name}_scans"].selected
        return Bookmarks(self.stream_state if self._keeps_state else {}, keep_rows=keep_rows)

    @cached_property
    def run(self) -> Run:
        """The run of the provider, whose plan is made when it is first asked for."""
        stores = self._keeps_state and self.ABORT_AT_RECORD_COUNT is None
        return Run(
            self.provider_class(self.config),
            self.config,
            self.bookmarks,
            self.tap.usernames,
            self.tap.responses if stores else None,
            self.tap.termination,
        )

    @override
    def get_records(self, context: Context | None) -> Iterator[Record]:
        """Yield the records of all usernames that are due, page by page as they arrive."""
        if self.tap.termination.signum or not self.is_read:
            return
        if self.ABORT_AT_RECORD_COUNT is not None:
            yield from self._test()
            return
        if not self.tap.ran:
            self.tap.announce()
        self.tap.ran.append(self)
        # A target that saves a state per stream starts with the first one that it gets, so
        # that one must not cover rows which the target has not loaded.
        self._write_state()
        self._progress_due = time.monotonic() + PROGRESS_EVERY
        with (
            tqdm(
                total=len(self.run.plan.usernames),
                bar_format="{percentage:3.0f}%|{bar:10}| {desc}",
                leave=False,
                disable=not self.tap.shows_bar,
            ) as bar,
            logging_redirect_tqdm(),
        ):
            for event in self.run.events():
                if event is None:
                    self.tap.message_writer.flush()
                else:
                    yield from event.records
                    self.run.acknowledge(event)
                self._write_state()
                self._show_progress(bar)

    def endings(self) -> Iterator[Ended]:
        """Yield what went wrong in this stream, with exit codes."""
        report, halt = self.run.report, self.run.gate.halt
        ended = report.ended.items()
        if failed := [name for name, (outcome, *_) in ended if outcome is Outcome.FAILED]:
            is_failure = self.config["on_username_failure"] == "fail"
            _, reason, advice = report.ended[failed[0]]
            if not advice:
                advice = "run again to continue from the last page read"
                if is_failure:
                    advice += ", or set `on_username_failure` to `continue`"
            sentence = f"could not read {some_of(failed)} ({reason}): {advice}"
            yield Ended(f"{self.name}: {sentence}.", FAILURE if is_failure else SUCCESS)
        if halt is not None and not isinstance(halt, Interrupted):
            sentence, exit_code = halt.sentence, halt.exit_code
            if isinstance(halt, QuotaUsedUp):
                if self.config["on_quota_exhausted"] == "stop":
                    exit_code = SUCCESS
                else:
                    sentence += (
                        ", and `on_quota_exhausted` set to `stop` makes this exit code 0"
                    )
            yield Ended(f"{self.name}: {sentence}.", exit_code)

    def log_reasons(self) -> None:
        """Log why lists could not be read, and what could not be sent."""
        for line in self.run.report.reasons():
            self.logger.info("%s: %s", self.name, line)
        for line in self.run.report.gaps():
            self.logger.warning("%s: %s", self.name, line)

    def _show_progress(self, bar: tqdm[Any]) -> None:
        """Move the bar on a terminal; elsewhere log a line if one is due."""
        report = self.run.report
        if not bar.disable:
            progress = f"{report.provider}: {report.describe_progress()}"
            bar.set_description_str(progress, refresh=False)
            bar.update(len(report.ended) - bar.n)
        elif time.monotonic() >= self._progress_due:
            self._progress_due = time.monotonic() + PROGRESS_EVERY
            self.logger.info("%s: %s", self.name, report.describe_progress())

    def _write_state(self) -> None:
        """Write a state if one is due."""
        now = time.monotonic()
        if now >= self._state_due:
            written = self.tap.message_writer.written
            self.tap.state_writer.write_state(self.tap.state)
            size, done = self.tap.message_writer.written - written, time.monotonic()
            self._state_due = done + pause_after_state(size, done - now)

    def _test(self) -> Iterator[Record]:
        """Yield some records of one page, if the provider accepts the credentials.

        A private or unknown account means that they are good, but the usernames may be wrong.
        """
        tried = self.run.plan.usernames[:MOST_TRIED]
        first_pages = (event for name in tried for event in islice(self.run.read(name), 1))
        for event in first_pages:
            username, outcome, reason = event.entry.username, event.outcome, event.reason
            if outcome is Outcome.FAILED:
                self._fail_test(f"could not read the list of {username}: {reason}")
                return
            if outcome not in SKIPPED:
                found = f"read {many(event.read, 'account')} on the first page of {username}"
                self.logger.info("%s: the credentials work: %s.", self.name, found)
                # The SDK logs an error if there are more.
                yield from event.records[: self.ABORT_AT_RECORD_COUNT]
                return
            how = outcome.value.replace("_", " ")
            self.logger.warning("%s: skipped %s: %s (%s).", self.name, username, how, reason)
        if (halt := self.run.gate.halt) is not None:
            self._fail_test(halt.sentence, halt.exit_code or FAILURE)
        elif tried:
            unreadable = f"{many(len(tried), 'username')} had no readable list"
            self.logger.info("%s: the credentials work, but %s.", self.name, unreadable)
        else:
            self._fail_test("there is no username to test the credentials with")

    def _fail_test(self, sentence: str, exit_code: int = FAILURE) -> None:
        self.tap.failed_tests.append(Ended(f"{self.name}: {sentence}.", exit_code))


def pause_after_state(size: int, took: float) -> float:
    """Return the seconds to wait after a STATE of `size` bytes that took `took` seconds."""
    return max(STATE_EVERY, STATE_SHARE * took, size / STATE_RATE)
