"""Discovery and the catalog: which streams there are, and what selection does.

Schemas and keys are in the committed output, see test_snapshot.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sandbox import Sandbox, World
from tap_tiktok_following.tap import TapTikTokFollowing
from tests.harness import COMMAND, PROVIDERS, Run, follows_of, run, run_process, settings

RESEARCH = ["research_following", "research_scans"]
RAPIDAPI = ["rapidapi_following", "rapidapi_scans"]
SCAN = {"follower_username", "scanned_at"}
AUTOMATIC = {
    "rapidapi_following": {*SCAN, "user_id", "followed_at_latest"},
    "rapidapi_scans": SCAN,
    "research_following": {*SCAN, "username", "followed_at_latest"},
    "research_scans": SCAN,
}
"""The columns of each stream that cannot be deselected."""

Catalog = dict[str, Any]


def discover(config: dict[str, Any]) -> Catalog:
    tap = TapTikTokFollowing(config=config, validate_config=False)
    return json.loads(json.dumps(tap.catalog_dict, default=str))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("names", "config"),
    [
        (RESEARCH, {"research_client_key": "a-key", "research_client_secret": "a-secret"}),
        (RESEARCH, {"research_access_token": "a-token"}),
        (RAPIDAPI, {"rapidapi_key": "a-rapid-key"}),
        (RAPIDAPI + RESEARCH, {"research_access_token": "a-token", "rapidapi_key": "a-key"}),
    ],
)
def test_streams_are_those_whose_credentials_are_given(
    names: list[str], config: dict[str, Any]
) -> None:
    assert [stream["tap_stream_id"] for stream in discover(config)["streams"]] == names


def test_command_discovers_all_streams_without_a_config() -> None:
    found = json.loads(run_process([*COMMAND, "--discover"]).stdout)
    streams = {stream["tap_stream_id"]: stream for stream in found["streams"]}
    assert [*streams] == [*AUTOMATIC]
    assert {stream["replication_method"] for stream in streams.values()} == {"INCREMENTAL"}


# Selection.


@pytest.fixture
def world(sandbox: Sandbox) -> Sandbox:
    sandbox.world = World.of({"ann": follows_of("ann", 250), "ben": []}, private={"cat"})
    return sandbox


def sync(
    sandbox: Sandbox,
    selects: Callable[[str, str], bool],
    provider: str | None = None,
    *,
    method: str = "INCREMENTAL",
    state: dict[str, Any] | None = None,
) -> Run:
    """Sync with a catalog of all streams that selects columns; "" is the stream itself."""
    catalog = discover(settings(sandbox, []))
    for stream in catalog["streams"]:
        stream["replication_method"] = method
        for each in stream["metadata"]:
            column = each["breadcrumb"][-1] if each["breadcrumb"] else ""
            each["metadata"]["selected"] = selects(stream["tap_stream_id"], column)
            if not column:
                each["metadata"]["replication-method"] = method
    config = settings(sandbox, ["ann", "ben", "cat"], provider)
    return run(config, state, catalog=catalog)


def test_with_no_column_selected_only_automatic_ones_arrive(world: Sandbox) -> None:
    result = sync(world, lambda _, column: not column)
    schemas = {m["stream"]: m["schema"] for m in result.messages if m["type"] == "SCHEMA"}
    for name, automatic in AUTOMATIC.items():
        assert schemas[name]["properties"].keys() == automatic
        records = result.records(name)
        assert all(record.keys() == automatic for record in records)
        assert len(records) == (250 if name.endswith("following") else 3)


def test_deselected_streams_are_not_requested(world: Sandbox) -> None:
    result = sync(world, lambda stream, _: stream in RAPIDAPI)
    sent = {m["stream"] for m in result.messages if m["type"] in {"SCHEMA", "RECORD"}}
    assert sent == {*RAPIDAPI}
    assert {request.provider for request in world.requests} == {"rapidapi"}
    assert "research_following:" not in result.text()


def test_without_the_scans_stream_no_row_is_kept(world: Sandbox) -> None:
    result = sync(world, lambda stream, _: stream.endswith("following"))
    for provider in PROVIDERS:
        assert len(result.follows(provider)) == 250
        assert result.scans(provider) == {}
        entries = result.state["bookmarks"][f"{provider}_following"]["partitions"]
        assert ["scans" in entry for entry in entries] == [False] * 3


def test_scans_streams_without_their_following_streams_give_one_warning(
    world: Sandbox,
) -> None:
    result = sync(world, lambda stream, _: stream.endswith("scans"))
    assert (result.exit_code, world.requests) == (0, [])
    assert result.text("WARNING") == (
        "Nothing was read, because only scans streams are selected: select the following "
        "stream of the provider, too."
    )


def test_selected_stream_without_credentials_is_skipped_with_a_warning(
    world: Sandbox,
) -> None:
    result = sync(world, lambda *_: True, "rapidapi")
    assert (result.exit_code, len(result.follows("rapidapi"))) == (0, 250)
    for name in RESEARCH:
        assert f"`{name}` is selected in the catalog, but no credentials" in result.stderr


def test_full_table_reads_every_list_whatever_the_state_and_leaves_none(
    world: Sandbox,
) -> None:
    incremental = sync(world, lambda *_: True)
    first = sync(world, lambda *_: True, method="FULL_TABLE")
    again = sync(world, lambda *_: True, method="FULL_TABLE", state=incremental.state)
    for provider in PROVIDERS:
        for result in (first, again):
            assert sorted(result.follows(provider)) == sorted(incremental.follows(provider))
            row = result.scans(provider)["ann"]
            assert (row["outcome"], row["previous_scanned_at"]) == ("complete", None)
            assert "ACTIVATE_VERSION" not in result.stdout
        assert "partitions" not in first.state["bookmarks"].get(f"{provider}_following", {})
