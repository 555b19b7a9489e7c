"""The scans streams: what was read and what was not, one record per scan of a username."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import chain
from typing import Any

from singer_sdk import typing as th
from singer_sdk.helpers.types import Context, Record
from typing_extensions import override

from tap_tiktok_following.model import Outcome
from tap_tiktok_following.scan.end import make_invalid_row
from tap_tiktok_following.streams.base import ProviderStream
from tap_tiktok_following.streams.following import FollowingStream

COLUMNS: tuple[tuple[str, Any, str], ...] = (
    (
        "outcome",
        th.StringType(allowed_values=[outcome.value for outcome in Outcome]),
        "How the scan ended.",
    ),
    (
        "reason",
        th.StringType,
        """Why: the message of the provider with its ID of the response, or ours. `<username>`
        stands for the username.""",
    ),
    (
        "whole_list",
        th.BooleanType,
        "Whether all accounts were sent, down to the end of the list or to `start_date`.",
    ),
    ("accounts_read", th.IntegerType, "Number of different accounts listed in the scan."),
    ("accounts_sent", th.IntegerType, "Number of accounts sent as records."),
    (
        "accounts_lost",
        th.IntegerType,
        """Minimum number of accounts that were listed at `previous_scanned_at` and no longer
        are: unfollowed, private, banned, deleted or, on the Research API, renamed. Null if
        unknown.""",
    ),
    (
        "read_until",
        th.DateTimeType,
        """When the last page of the scan arrived (UTC). Null if none did. If reading the list
        takes days, the list is known as of this time.""",
    ),
    (
        "read_down_to",
        th.DateTimeType,
        """Follows made before this time (UTC) were not read: `start_date`, the end of an
        incremental scan, or the point at which the provider cut the list. Null if the list was
        read to its end.""",
    ),
    ("requests", th.IntegerType, "Number of requests of the scan, in all the runs it took."),
    (
        "following_total",
        th.IntegerType,
        "Length of the list according to the provider. Null if it does not say.",
    ),
    ("cached", th.BooleanType, "Whether any page came from the cache of the provider."),
)


class ScansStream(ProviderStream):
    """One record per scan of a username, sent right after the provider's following stream."""

    def __init__(self, following: FollowingStream) -> None:
        properties = (
            th.Property(name, kind, description=" ".join(description.split()))
            for name, kind, description in COLUMNS
        )
        super().__init__(following.tap, following.provider_class, "scans", properties)
        self.primary_keys = ("follower_username", "scanned_at")
        self.replication_key = "scanned_at"
        self._following = following

    @override
    def get_records(self, context: Context | None) -> Iterator[Record]:
        """Yield rows that an earlier run could not send, then those of this run.

        Rows that an interrupted run cannot send stay in the state.
        """
        if self.ABORT_AT_RECORD_COUNT is not None:
            if self.is_last:
                self.tap.end_test()
            return
        now = int(time.time())
        malformed = self.tap.usernames.malformed if self._following in self.tap.ran else ()
        invalid = (make_invalid_row(text, now) for text in malformed)
        for row in chain(self._following.bookmarks.take_rows(), invalid):
            if self.tap.termination.is_urgent:
                return
            yield row
