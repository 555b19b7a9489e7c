"""The following streams: one record per follow seen in a scan."""

from __future__ import annotations

import logging
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import typing as th
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm
from typing_extensions import override

from tap_tiktok_following.errors import FAILURE, SUCCESS, Ended, Interrupted, QuotaUsedUp
from tap_tiktok_following.run.report import some_of
from tap_tiktok_following.run.run import Run
from tap_tiktok_following.run.trial import trials
from tap_tiktok_following.state.bookmarks import Bookmarks
from tap_tiktok_following.state.entry import REPLICATION_KEY
from tap_tiktok_following.streams.base import ProviderStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.helpers.types import Context, Record

    from tap_tiktok_following.providers import Provider
    from tap_tiktok_following.tap import TapTikTokFollowing

STATE_EVERY = 2.0
"""Minimum seconds between two states while pages arrive."""

STATE_SHARE = 20
"""Writing states takes at most 1/20 of the run time."""

STATE_RATE = 10_000_000 / 30
"""Maximum bytes of states per second: a target takes ten times as long as we do."""

PROGRESS_EVERY = 10.0
"""Seconds between two progress lines."""

RUN_AGAIN = "run again to continue from the last page read"

AFTER_FAILURE = {
    "fail": (f"{RUN_AGAIN}, or set `on_username_failure` to `continue`", FAILURE),
    "continue": (RUN_AGAIN, SUCCESS),
}
"""By `on_username_failure`: what to do, and the exit code."""

PROPERTIES = (
    th.Property(
        "follower_username",
        th.StringType(max_length=255),
        required=True,
        description="The account whose list was read, which is the one that follows.",
    ),
    th.Property(
        "scanned_at",
        th.DateTimeType,
        required=True,
        description="When the scan of the list started (UTC), in all records of the scan.",
    ),
    th.Property(
        "previous_scanned_at",
        th.DateTimeType,
        description=(
            "When the last completed scan before this one started (UTC). A new follow was not "
            "listed then. Null for the first scan: its follows are a baseline, not news."
        ),
    ),
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
    """One record per follow seen in a scan.

    Args:
        tap: The tap.
        provider: The provider's class.
    """

    kind: ClassVar[str] = "following"

    def __init__(self, tap: TapTikTokFollowing, provider: type[Provider]) -> None:
        properties = (*PROPERTIES, *provider.properties.wrapped.values())
        super().__init__(tap, provider, th.PropertiesList(*properties).to_dict())
        self.primary_keys = ("follower_username", provider.key, "scanned_at")
        self.replication_key = REPLICATION_KEY
        self._has_run = False
        self._state_due = self._progress_due = 0.0

    @property
    def is_read(self) -> bool:
        """Whether this run reads the provider: it is selected and has credentials."""
        return self.selected and self.provider_class.is_configured(self.config)

    @property
    def uses_responses(self) -> bool:
        """Whether its responses are stored, if a response file is configured."""
        is_full_table = self.replication_method == REPLICATION_FULL_TABLE
        return self.is_read and not is_full_table and self.ABORT_AT_RECORD_COUNT is None

    @cached_property
    def bookmarks(self) -> Bookmarks:
        """What is known of every username; empty and discarded with FULL_TABLE."""
        is_full_table = self.replication_method == REPLICATION_FULL_TABLE
        keep_rows = self.tap.is_selected(f"{self.provider_class.name}_scans")
        return Bookmarks({} if is_full_table else self.stream_state, keep_rows=keep_rows)

    @cached_property
    def run(self) -> Run:
        """The run of the provider, whose plan is made when it is first asked for."""
        return Run(
            self.provider_class(self.config),
            self.config,
            self.bookmarks,
            self.tap.usernames,
            self.tap.responses if self.uses_responses else None,
            self.tap.termination,
        )

    @override
    def get_records(self, context: Context | None) -> Iterator[Record]:
        """Yield the records of all usernames that are due, page by page as they arrive."""
        if self.tap.termination.signum or not self.is_read:
            return
        if self.ABORT_AT_RECORD_COUNT is None:
            self.tap.announce()
            # A target that saves a state per stream starts with the first one that it gets,
            # so that one must not cover rows which the target has not loaded.
            self.tap.write_state()
            yield from self._read()
        else:
            yield from self._test()

    def _read(self) -> Iterator[Record]:
        self._has_run = True
        now = time.monotonic()
        self._state_due = now + pause_after_state(self.tap.state_size, 0)
        self._progress_due = now + PROGRESS_EVERY
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
                    self.tap.flush()
                else:
                    yield from event.records
                    self.run.acknowledge(event)
                self._write_state()
                self._show_progress(bar)

    def endings(self) -> Iterator[Ended]:
        """Yield what went wrong in this stream, with exit codes."""
        if not self._has_run:
            return
        report, halt = self.run.report, self.run.halt
        if report.failed:
            advice, exit_code = AFTER_FAILURE[self.config["on_username_failure"]]
            reason = next(iter(report.failed.values()))
            sentence = f"{self.name}: could not read {some_of(list(report.failed))} ({reason})"
            yield Ended(f"{sentence}: {report.advice or advice}.", exit_code)
        if halt is not None and not isinstance(halt, Interrupted):
            stops_quietly = self.config["on_quota_exhausted"] == "stop"
            is_quiet = stops_quietly and isinstance(halt, QuotaUsedUp)
            exit_code = SUCCESS if is_quiet else halt.exit_code
            yield Ended(f"{self.name}: {halt.sentence}.", exit_code)

    @property
    def label(self) -> str:
        """The provider's name, and the shard if there is one."""
        return " ".join(filter(None, (self.provider_class.name, self.config.get("shard"))))

    @property
    def row(self) -> dict[str, str]:
        """Figures for the table at the end; empty if the stream did not run."""
        return self.run.row if self._has_run else {}

    def log_reasons(self) -> None:
        """Log why lists could not be read, and what could not be sent."""
        if self._has_run:
            for line in self.run.report.reasons():
                self.logger.info("%s: %s", self.name, line)
            for line in self.run.report.gaps():
                self.logger.warning("%s: %s", self.name, line)

    def _show_progress(self, bar: tqdm[Any]) -> None:
        """Move the bar on a terminal; elsewhere log a line if one is due."""
        if not bar.disable:
            description = f"{self.provider_class.name}: {self.run.progress}"
            bar.set_description_str(description, refresh=False)
            bar.update(self.run.report.done - bar.n)
        elif time.monotonic() >= self._progress_due:
            self._progress_due = time.monotonic() + PROGRESS_EVERY
            self.logger.info("%s: %s", self.name, self.run.progress)

    def _write_state(self) -> None:
        """Write a state if one is due."""
        now = time.monotonic()
        if now >= self._state_due:
            self.tap.write_state()
            done = time.monotonic()
            self._state_due = done + pause_after_state(self.tap.state_size, done - now)

    def _test(self) -> Iterator[Record]:
        """Yield some records of one page, if the provider accepts the credentials."""
        for trial in trials(self.run):
            sentence = f"{self.name}: {trial.sentence}."
            if trial.exit_code:
                self.tap.failed_tests.append(Ended(sentence, trial.exit_code))
            else:
                level = logging.WARNING if trial.exit_code is None else logging.INFO
                self.logger.log(level, "%s", sentence)
            # The SDK logs an error if there are more.
            yield from trial.records[: self.ABORT_AT_RECORD_COUNT]


def pause_after_state(size: int, took: float) -> float:
    """Return the seconds until the next STATE is due.

    Args:
        size: Size of the last one in bytes.
        took: Seconds that it took to write.
    """
    return max(STATE_EVERY, STATE_SHARE * took, size / STATE_RATE)
