"""Stream classes, as in the template."""

from __future__ import annotations

from typing import Any, ClassVar

from singer_sdk import typing as th
from typing_extensions import override

from benchmarks.plain_tap.client import PlainStream


class FollowingStream(PlainStream):
    """Who each username follows. No replication key: the API has no time of a follow."""

    name = "following"
    path = "/v2/research/user/following/"
    primary_keys = ("follower_username", "username")
    replication_key = None
    schema: ClassVar = th.PropertiesList(
        th.Property("follower_username", th.StringType),
        th.Property("username", th.StringType),
        th.Property("display_name", th.StringType),
    ).to_dict()

    @override
    @property
    def partitions(self) -> list[dict[str, Any]]:
        """One partition per username."""
        return [{"follower_username": name} for name in self.config["usernames"]]
