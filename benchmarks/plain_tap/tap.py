"""The tap's class, as in the template."""

from __future__ import annotations

from typing import ClassVar

from singer_sdk import Tap
from singer_sdk import typing as th
from typing_extensions import override

from benchmarks.plain_tap import streams


class TapPlain(Tap):
    """Singer tap for the Research API's following lists."""

    name = "tap-plain"
    config_jsonschema: ClassVar = th.PropertiesList(
        th.Property("client_key", th.StringType, required=True, secret=True),
        th.Property("client_secret", th.StringType, required=True, secret=True),
        th.Property("api_url", th.StringType, required=True),
        th.Property("usernames", th.ArrayType(th.StringType), required=True),
    ).to_dict()

    @override
    def discover_streams(self) -> list[streams.FollowingStream]:
        """The one stream."""
        return [streams.FollowingStream(self)]
