"""The following streams: one record per follow seen in a scan."""

from __future__ import annotations

import logging
import time
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from singer_sdk import typing as th
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from typing_extensions import override

from tap_tiktok_following.crawl.report import some_of
from tap_tiktok_following.crawl.run import Run
from tap_tiktok_following.crawl.trial import trials
from tap_tiktok_following.errors import FAILURE, SUCCESS, Ended, Interrupted, QuotaUsedUp
from tap_tiktok_following.live import Part
from tap_tiktok_following.state.bookmarks import REPLICATION_KEY, Bookmarks
from tap_tiktok_following.state.plan import Policy
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

RUN_AGAIN = "run again to continue from the last page read, or set `on_username_failure`"

AFTER_FAILURE = {
    "fail": (FAILURE, f"{RUN_AGAIN} to `continue`"),
    "continue": (SUCCESS, "run again; each list continues from the last page read"),
}
"""By `on_username_failure`: the exit code, and what to do."""

EDGE = (
    th.Property(
        "follower_username",
        th.StringType,
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
        "position",
        th.IntegerType,
        description=(
            "Position in the list, starting with 1 for the newest follow. Null if accounts "
            "above were read by an earlier scan."
        ),
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
        schema = th.PropertiesList(*EDGE, *provider.properties.wrapped.values()).to_dict()
        super().__init__(tap, provider, schema)
        self.primary_keys = ("follower_username", provider.key, "scanned_at")
        self.replication_key = REPLICATION_KEY
        self._run: Run | None = None
        self._is_done = False
        self._state_due = 0.0

    @property
    def keeps_answers(self) -> bool:
        """Whether its answers are kept in the file of answers, if one is configured."""
        is_full = self.replication_method == REPLICATION_FULL_TABLE
        is_test = self.ABORT_AT_RECORD_COUNT is not None
        return self.selected and not (is_full or is_test)

    @cached_property
    def bookmarks(self) -> Bookmarks:
        """What is known about every username; empty and discarded with FULL_TABLE."""
        is_full = self.replication_method == REPLICATION_FULL_TABLE
        return Bookmarks(
            {} if is_full else self.stream_state,
            Policy.of(self.config),
            keep_scans=self.tap.is_selected(f"{self.provider_class.name}_scans"),
        )

    @override
    def get_records(self, context: Context | None) -> Iterator[Record]:
        """The records of all usernames that are due, page by page as they arrive."""
        if self.tap.termination.signum or not self.provider_class.is_configured(self.config):
            return
        run = self._new_run()
        self._state_due = time.monotonic() + pause_after_state(self.tap.state_size, 0)
        yield from self._recover(run)
        run.plan()
        self._run = run
        if self.ABORT_AT_RECORD_COUNT is None:
            yield from self._crawl(run)
        else:
            yield from self._test(run)

    def _new_run(self) -> Run:
        asked_for = self.tap.usernames
        if asked_for.malformed:
            self.logger.warning(
                "%s: `usernames_path` contains entries that are not usernames; skipped: %s",
                self.name,
                some_of(asked_for.malformed),
            )
        return Run(
            self.provider_class(self.config),
            self.config,
            self.bookmarks,
            asked_for,
            self.tap.termination,
        )

    def _crawl(self, run: Run) -> Iterator[Record]:
        """The records of what is read now; writes states and logs progress meanwhile."""
        self.logger.info("%s: %s", self.name, run.report.estimate())
        self.tap.watch()
        for event in run.events():
            if event is None:
                self.tap.flush()
            else:
                yield from event.records
                run.acknowledge(event)
            self._tell(run)
        self._is_done = True

    def _recover(self, run: Run) -> Iterator[Record]:
        """The records of kept answers that an earlier run paid for."""
        if self.keeps_answers and self.tap.answers is not None:
            for event in run.recover(self.tap.answers):
                yield from event.records
                run.acknowledge_recovered(event)
                self._write_state()

    def endings(self) -> Iterator[Ended]:
        """What went wrong in this stream, with exit codes."""
        if self._run is None:
            return
        halt, failed = self._run.halt, self._run.report.failed
        if failed:
            exit_code, after = AFTER_FAILURE[self.config["on_username_failure"]]
            reason = next(iter(failed.values()))
            sentence = f"{self.name}: could not read {some_of(list(failed))} ({reason})"
            yield Ended(f"{sentence}: {self._run.report.advice or after}.", exit_code)
        if halt is not None and not isinstance(halt, Interrupted):
            is_mild = self.config["on_quota_exhausted"] == "stop"
            is_quiet = is_mild and isinstance(halt, QuotaUsedUp)
            exit_code = SUCCESS if is_quiet else halt.exit_code
            yield Ended(f"{self.name}: {halt.sentence}.", exit_code)

    @property
    def label(self) -> str:
        """The provider's name, and the shard if there is one."""
        return " ".join(filter(None, (self.provider_class.name, self.config.get("shard"))))

    @property
    def row(self) -> dict[str, str]:
        """Figures for the table at the end; empty if the stream did not run."""
        return {} if self._run is None else self._run.row

    def live_parts(self) -> Iterator[Part]:
        """Progress for the live line; called by another thread."""
        if self._run is None:
            return
        done = f"{self.label} {self._run.report.done}"
        if self._is_done:
            yield Part(9, done)
        else:
            yield Part(9, f"{done} usernames")
            yield from self._run.live_parts()

    def log_reasons(self) -> None:
        """Log why lists could not be read, and what could not be sent."""
        if self._run is not None:
            for line in self._run.report.reasons():
                self.logger.info("%s: %s", self.name, line)
            for line in self._run.report.gaps():
                self.logger.warning("%s: %s", self.name, line)

    def _tell(self, run: Run) -> None:
        """Write a state and a progress line if they are due."""
        self._write_state()
        if not self.tap.live.is_on and (line := run.progress()):
            self.logger.info("%s: %s", self.name, line)

    def _write_state(self) -> None:
        """Write a state if one is due."""
        now = time.monotonic()
        if now >= self._state_due:
            self.tap.write_state()
            done = time.monotonic()
            self._state_due = done + pause_after_state(self.tap.state_size, done - now)

    def _test(self, run: Run) -> Iterator[Record]:
        """Some records of one page, if the provider accepts the credentials."""
        for trial in trials(run):
            sentence = f"{self.name}: {trial.sentence}."
            if trial.exit_code:
                self.tap.failed_tests.append(Ended(sentence, trial.exit_code))
            else:
                level = logging.WARNING if trial.exit_code is None else logging.INFO
                self.logger.log(level, "%s", sentence)
            # The SDK logs an error if there are more.
            yield from trial.records[: self.ABORT_AT_RECORD_COUNT]


def pause_after_state(size: int, took: float) -> float:
    """Seconds until the next STATE is due.

    Args:
        size: Size of the last one in bytes.
        took: Seconds that it took to write.
    """
    return max(STATE_EVERY, STATE_SHARE * took, size / STATE_RATE)
