"""The SDK's release that private parts were read in, and what is used of them.

What is overridden carries `@override`: mypy names it when a new release takes it away.
"""

from __future__ import annotations

import re

from singer_sdk.contrib.msgspec import encoder
from singer_sdk.helpers import _batch, _state
from singer_sdk.plugin_base import JSONSchemaValidator

from tap_tiktok_following.output import MessageWriter, StateWriter
from tap_tiktok_following.providers import RapidAPI
from tap_tiktok_following.streams.following import FollowingStream
from tap_tiktok_following.tap import TapTikTokFollowing
from tests.documents import ROOT


def test_the_overrides_were_read_in_the_pinned_release() -> None:
    pins = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"^singer-sdk(?:\[.+\])?==([\w.]+)", pins, re.MULTILINE)
    assert pinned == ["0.54.9"], (
        "Read the overrides in streams/base.py, tap.py and output.py again in the new release."
    )


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
