"""What both kinds of streams share, and where they differ from the SDK.

Every override of something private in the SDK stands here, or in `tap.py` and `output.py`
for the tap and the writers. They were read in singer-sdk 0.54.9; a test pins that version.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from singer_sdk import Stream
from singer_sdk import typing as th
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.helpers.types import Context, Record
from singer_sdk.mapper import SameRecordTransform
from typing_extensions import override

from tap_tiktok_following.config import validation
from tap_tiktok_following.errors import Ended
from tap_tiktok_following.providers import Provider

if TYPE_CHECKING:
    from tap_tiktok_following.tap import TapTikTokFollowing


SCAN = (
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
)
"""The first columns of both kinds of streams."""


class ProviderStream(Stream):
    """A stream of one provider, which keeps its state itself."""

    # Records are created with the right types.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    # The stream says when a state is due, not the number of its records.
    STATE_MSG_FREQUENCY = sys.maxsize

    def __init__(
        self,
        tap: TapTikTokFollowing,
        provider: type[Provider],
        kind: str,
        properties: Iterable[th.Property[Any]],
    ) -> None:
        schema = th.PropertiesList(*SCAN, *properties).to_dict()
        super().__init__(tap, schema, f"{provider.name}_{kind}")
        self.tap = tap
        self.provider_class = provider

    @property
    @override
    def partitions(self) -> None:
        """None: all usernames are read at once, and their records arrive interleaved."""
        return

    @cached_property
    def _is_sent_as_it_is(self) -> bool:
        """Whether records are sent unchanged: no stream map, no deselected property."""
        first, *more = self.stream_maps
        return (
            isinstance(first, SameRecordTransform)
            and not (more or first.flattening_enabled)
            and all(self.mask["properties", name] for name in self.schema["properties"])
        )

    @override
    def _write_record_message(self, record: Record) -> None:
        """Write a record without what the SDK repeats: 592,000 per second, not 151,000."""
        if self._is_sent_as_it_is:
            self.tap.message_writer.write_record(self.name, record)
            return
        try:
            super()._write_record_message(record)
        except Exception as error:
            problem = validation.map_error(error)
            sentence = (
                f"{self.name}: `stream_maps` fails for a record ({problem}): correct the "
                "expression; the next run continues from the last saved state."
            )
            raise Ended(sentence) from error

    @override
    def generate_child_contexts(self, record: Record, context: Context | None) -> tuple[()]:
        """Return none: there are no child streams, for which the SDK copies each record."""
        return ()

    @override
    def _increment_stream_state(
        self, latest_record: Record, *, context: Context | None = None
    ) -> None:
        """Do nothing: a maximum over all usernames would be wrong for each of them."""

    @property
    def is_last(self) -> bool:
        """Whether no other stream is synced after it."""
        return self is list(self.tap.streams.values())[-1]

    @override
    def log_sync_costs(self) -> None:
        """End the run, if this is the last stream: the SDK has no hook for the end of a run.

        It calls this for every stream, in order, after all of them were synced.
        """
        if self.is_last:
            self.tap.end_run()
