"""The scans streams: what was read and what was not, one record per username visited."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from singer_sdk import typing as th
from typing_extensions import override

from tap_tiktok_following.outcomes import Outcome
from tap_tiktok_following.streams.base import ProviderStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.helpers.types import Context, Record

    from tap_tiktok_following.streams.following import FollowingStream

SCHEMA = th.PropertiesList(
    th.Property(
        "follower_username",
        th.StringType,
        required=True,
        description="The account that was visited.",
    ),
    th.Property(
        "scanned_at",
        th.DateTimeType,
        required=True,
        description="When the scan of the list started (UTC).",
    ),
    th.Property(
        "previous_scanned_at",
        th.DateTimeType,
        description=(
            "When the last complete or unchanged scan before this one started (UTC). Null for "
            "the first: its follows are a baseline, not news."
        ),
    ),
    th.Property(
        "outcome",
        th.StringType,
        allowed_values=[outcome.value for outcome in Outcome],
        description="How the visit ended.",
    ),
    th.Property(
        "reason",
        th.StringType,
        description="Why: the message of the provider with its ID of the response, or ours.",
    ),
    th.Property(
        "whole_list",
        th.BooleanType,
        description=(
            "Whether all accounts were sent, down to the end of the list or to `start_date`."
        ),
    ),
    th.Property(
        "accounts_read",
        th.IntegerType,
        description="Number of different accounts listed in the scan.",
    ),
    th.Property(
        "accounts_sent", th.IntegerType, description="Number of accounts sent as records."
    ),
    th.Property(
        "accounts_lost",
        th.IntegerType,
        description=(
            "Minimum number of accounts that were listed at `previous_scanned_at` and no "
            "longer are: unfollowed, private, banned, deleted or, on the Research API, "
            "renamed. Null if the scan cannot tell."
        ),
    ),
    th.Property(
        "read_until",
        th.DateTimeType,
        description=(
            "When the last page of the scan arrived (UTC). Null if none did. If reading the "
            "list takes days, the list is known as of this time."
        ),
    ),
    th.Property(
        "read_down_to",
        th.DateTimeType,
        description=(
            "Follows made before this time (UTC) were not read: `start_date`, the end of an "
            "incremental scan, or the point at which the provider cut the list. Null if the "
            "list was read to its end."
        ),
    ),
    th.Property(
        "requests",
        th.IntegerType,
        description="Number of requests of the scan, in all the runs it took.",
    ),
    th.Property(
        "following_total",
        th.IntegerType,
        description="Length of the list according to the provider. Null if it does not say.",
    ),
    th.Property(
        "cached",
        th.BooleanType,
        description="Whether any page came from the cache of the provider.",
    ),
)


class ScansStream(ProviderStream):
    """One record per username visited, sent right after the provider's following stream.

    Args:
        following: The following stream whose visits it reports.
    """

    kind: ClassVar[str] = "scans"

    def __init__(self, following: FollowingStream) -> None:
        super().__init__(following.tap, following.provider_class, SCHEMA.to_dict())
        self.primary_keys = ("follower_username", "scanned_at")
        self.replication_key = "scanned_at"
        self._following = following

    @override
    def get_records(self, context: Context | None) -> Iterator[Record]:
        """Rows that an earlier run could not send, then those of this run; none with `--test`.

        Rows that an interrupted run cannot send stay in the state.
        """
        if self.ABORT_AT_RECORD_COUNT is not None:
            self.tap.end_test(self)
            return
        for row in self._following.bookmarks.unsent_scans():
            if self.tap.termination.is_urgent:
                return
            yield row
