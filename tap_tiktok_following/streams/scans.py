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
        description="When the scan of its list started (UTC).",
    ),
    th.Property(
        "previous_scanned_at",
        th.DateTimeType,
        description=(
            "When the last scan before it that came to its end started (UTC); null before the "
            "first: what follows is a baseline, not news."
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
        description="Why: the provider's words with its number for the answer, or ours.",
    ),
    th.Property(
        "whole_list",
        th.BooleanType,
        description=(
            "Whether every account down to the end of the list, or to `start_date`, was sent."
        ),
    ),
    th.Property(
        "accounts_read",
        th.IntegerType,
        description="Accounts listed in the scan, each counted once.",
    ),
    th.Property("accounts_sent", th.IntegerType, description="Accounts sent as records."),
    th.Property(
        "read_until",
        th.DateTimeType,
        description=(
            "When the last page of the scan came (UTC); null if none came. A list that "
            "takes days to read is known as of then."
        ),
    ),
    th.Property(
        "read_down_to",
        th.DateTimeType,
        description=(
            "Follows made before this time (UTC) were not read: `start_date`, where an "
            "incremental scan ended, or where the provider cut the list; null if the list was "
            "read to its end."
        ),
    ),
    th.Property(
        "requests",
        th.IntegerType,
        description="Requests of the whole scan, added up over the runs it took.",
    ),
    th.Property(
        "following_total",
        th.IntegerType,
        description="The provider's own count of the list; null where it gives none.",
    ),
    th.Property(
        "cached",
        th.BooleanType,
        description="Whether any page came from the provider's cache.",
    ),
)


class ScansStream(ProviderStream):
    """One record per username visited, sent right after the provider's following stream.

    Args:
        following: The following stream whose visits it tells of.
    """

    kind: ClassVar[str] = "scans"

    def __init__(self, following: FollowingStream) -> None:
        super().__init__(following.tap, following.provider_class, SCHEMA.to_dict())
        self.primary_keys = ("follower_username", "scanned_at")
        self.replication_key = "scanned_at"
        self._following = following

    @override
    def get_records(self, context: Context | None) -> Iterator[Record]:
        """Rows that an earlier run could not send any more, then this run's.

        What a run that is stopped cannot send any more stays in the state.
        """
        for row in self._following.bookmarks.unsent_scans():
            if self.tap.termination.is_urgent:
                return
            yield row
