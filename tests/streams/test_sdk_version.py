"""What is overridden or used of the SDK, private parts too, is still there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from singer_sdk import Stream, Tap
from singer_sdk.contrib.msgspec import MsgSpecWriter, encoder
from singer_sdk.helpers import _batch, _state
from singer_sdk.helpers._state import StateWriter as SDKStateWriter
from singer_sdk.plugin_base import JSONSchemaValidator

from tap_tiktok_following.providers import RapidAPI
from tap_tiktok_following.streams.base import ProviderStream
from tap_tiktok_following.streams.following import FollowingStream
from tap_tiktok_following.streams.scans import ScansStream
from tap_tiktok_following.tap import TapTikTokFollowing
from tap_tiktok_following.writer import MessageWriter, StateWriter
from tests.documents import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PRIVATE = {
    ProviderStream: (
        "_increment_stream_state",
        "_write_record_message",
        "_write_starting_replication_value",
    ),
    TapTikTokFollowing: ("_validate_config", "_handle_termination"),
}
"""What is overridden though its name says that it may change without notice."""

PUBLIC = {
    ProviderStream: (
        "TYPE_CONFORMANCE_LEVEL",
        "STATE_MSG_FREQUENCY",
        "partitions",
        "emit_activate_version_messages",
        "get_batch_config",
        "generate_child_contexts",
        "get_replication_key_signpost",
        "log_sync_costs",
    ),
    TapTikTokFollowing: (
        "capabilities",
        "config_jsonschema",
        "message_writer_class",
        "discover_streams",
        "load_state",
    ),
    MessageWriter: ("write_message",),
    StateWriter: ("write_state",),
}
"""What is overridden by a public name."""

BASES: dict[type, type] = {
    ProviderStream: Stream,
    TapTikTokFollowing: Tap,
    MessageWriter: MsgSpecWriter,
    StateWriter: SDKStateWriter,
}


def overridden() -> Iterator[tuple[type, str]]:
    for table in (PRIVATE, PUBLIC):
        for ours, names in table.items():
            yield from ((ours, name) for name in names)


def test_the_overrides_were_read_in_the_pinned_release() -> None:
    pins = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"^singer-sdk(?:\[.+\])?==([\w.]+)", pins, re.MULTILINE)
    assert pinned == ["0.54.9"], (
        "Read the overrides in stream.py, tap.py and writer.py again in the new release."
    )


@pytest.mark.parametrize(("ours", "name"), list(overridden()))
def test_what_is_overridden_is_still_there(ours: type, name: str) -> None:
    assert name in vars(ours)
    assert hasattr(BASES[ours], name)


def test_no_other_private_name_of_the_sdk_is_overridden() -> None:
    for ours in (ProviderStream, FollowingStream, ScansStream, TapTikTokFollowing):
        sdk = Stream if issubclass(ours, Stream) else Tap
        private = {n for n in vars(ours) if n.startswith("_") and not n.startswith("__")}
        shared = {name for name in private if hasattr(sdk, name) and name != "_abc_impl"}
        assert shared == set(PRIVATE.get(ours, ())), ours


def test_what_is_used_though_private_is_still_there() -> None:
    tap = TapTikTokFollowing(config={"usernames": ["ann"], "rapidapi_key": "a-key"})
    stream = FollowingStream(tap, RapidAPI)
    assert isinstance(tap._state_writer, StateWriter)  # noqa: SLF001
    assert isinstance(tap._config, dict)  # noqa: SLF001
    assert tap.message_writer.__class__ is MessageWriter
    assert stream.ABORT_AT_RECORD_COUNT is None
    assert callable(tap.append_builtin_config)
    assert callable(JSONSchemaValidator)
    assert encoder.encode({"a": 1}) == b'{"a":1}'
    assert {"StateWriter"} <= vars(_state).keys()
    assert {"BatchConfig"} <= vars(_batch).keys()
