"""What both kinds of streams are, and where they leave the SDK's own ways.

Every override of something private in the SDK stands here, or in `tap.py` and `writer.py`
for the tap and the writers. They were read in singer-sdk 0.54.9; a test pins that version.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Stream
from singer_sdk.helpers.conform import TypeConformanceLevel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk.helpers._batch import BatchConfig
    from singer_sdk.helpers.types import Context, Record

    from tap_tiktok_following.providers import Provider
    from tap_tiktok_following.tap import TapTikTokFollowing


class ProviderStream(Stream):
    """A stream of one provider, which keeps its state itself.

    Attributes:
        kind: What its records are: the second part of its name.

    Args:
        tap: The tap.
        provider: The provider's class.
        schema: JSON Schema of its records.
    """

    kind: ClassVar[str]

    # The types are right when records are made.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    # The stream says when a state is due, not the number of its records.
    STATE_MSG_FREQUENCY = sys.maxsize

    def __init__(
        self, tap: TapTikTokFollowing, provider: type[Provider], schema: dict[str, Any]
    ) -> None:
        super().__init__(tap, schema, f"{provider.name}_{self.kind}")
        self.tap = tap
        self.provider_class = provider

    @property
    def partitions(self) -> None:
        """None: all usernames are read in one go, and arrive interleaved."""
        return

    @property
    def emit_activate_version_messages(self) -> bool:
        """False: an activated version deletes the history that this tap collects."""
        return False

    def get_batch_config(self, config: Mapping[str, Any]) -> BatchConfig | None:  # noqa: ARG002
        """None: the SDK's batches bypass stream maps and deselection."""
        return None

    def generate_child_contexts(
        self,
        record: Record,  # noqa: ARG002
        context: Context | None,  # noqa: ARG002
    ) -> Iterable[Context | None]:
        """Nothing: there are no child streams."""
        return ()

    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """None: there is no bookmark of the stream that it could bound."""

    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Do nothing: each username starts from its own bookmark."""

    def _increment_stream_state(
        self, latest_record: Record, *, context: Context | None = None
    ) -> None:
        """Do nothing: a maximum over usernames would say what no username's list says."""

    def log_sync_costs(self) -> None:
        """Called for every stream, after all were synced: the last one ends the run."""
        if self is list(self.tap.streams.values())[-1]:
            self.tap.end_run()
