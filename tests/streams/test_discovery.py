"""Discovery and the catalog: which streams there are, and what selection does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import World
from tap_tiktok_following.tap import TapTikTokFollowing
from tests.harness import PROVIDERS, bare, follows_of, run, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.harness import Run

RESEARCH = {"research_client_key": "a-key", "research_client_secret": "a-secret"}
TOKEN = {"research_access_token": "a-token"}
RAPIDAPI = {"rapidapi_key": "a-rapid-key"}

KEYS = {
    "research_following": ["follower_username", "username", "scanned_at"],
    "research_scans": ["follower_username", "scanned_at"],
    "rapidapi_following": ["follower_username", "user_id", "scanned_at"],
    "rapidapi_scans": ["follower_username", "scanned_at"],
}
REPLICATION_KEYS = {
    name: "followed_at_latest" if name.endswith("following") else "scanned_at" for name in KEYS
}
EDGE = {
    "follower_username": ["string"],
    "scanned_at": ["string"],
    "previous_scanned_at": ["string", "null"],
    "position": ["integer", "null"],
    "followed_at_earliest": ["string", "null"],
    "followed_at_latest": ["string", "null"],
}
SCAN = {
    "follower_username": ["string"],
    "scanned_at": ["string"],
    "previous_scanned_at": ["string", "null"],
    "outcome": ["string", "null"],
    "reason": ["string", "null"],
    "whole_list": ["boolean", "null"],
    "accounts_read": ["integer", "null"],
    "accounts_sent": ["integer", "null"],
    "accounts_lost": ["integer", "null"],
    "read_until": ["string", "null"],
    "read_down_to": ["string", "null"],
    "requests": ["integer", "null"],
    "following_total": ["integer", "null"],
    "cached": ["boolean", "null"],
}
TYPES: dict[str, dict[str, list[str]]] = {
    "research_following": {
        **EDGE,
        "username": ["string"],
        "display_name": ["string", "null"],
    },
    "rapidapi_following": {
        **EDGE,
        "user_id": ["string"],
        "username": ["string", "null"],
        "display_name": ["string", "null"],
        "website_url": ["string", "null"],
        "followers": ["integer", "null"],
        "following": ["integer", "null"],
        "total_likes": ["integer", "null"],
        "total_videos": ["integer", "null"],
        "verified": ["boolean", "null"],
        "is_private": ["boolean", "null"],
        "bio": ["string", "null"],
        "avatar_url": ["string", "null"],
        "avatar_thumb_url": ["string", "null"],
    },
    "research_scans": SCAN,
    "rapidapi_scans": SCAN,
}


def catalog(config: dict[str, Any] | None = None) -> dict[str, Any]:
    tap = TapTikTokFollowing(config=config or {}, validate_config=False)
    found: dict[str, Any] = json.loads(json.dumps(tap.catalog_dict, default=str))
    return found


def streams(config: dict[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    return {stream["tap_stream_id"]: stream for stream in catalog(config)["streams"]}


def metadata(stream: dict[str, Any]) -> dict[tuple[str, ...], dict[str, Any]]:
    return {tuple(each["breadcrumb"]): each["metadata"] for each in stream["metadata"]}


# Which streams there are.


@pytest.mark.parametrize(
    ("config", "names"),
    [
        ({}, set(KEYS)),
        (RESEARCH, {"research_following", "research_scans"}),
        (TOKEN, {"research_following", "research_scans"}),
        (RAPIDAPI, {"rapidapi_following", "rapidapi_scans"}),
        ({**RESEARCH, **RAPIDAPI}, set(KEYS)),
    ],
    ids=["no config", "research", "a token", "rapidapi", "both"],
)
def test_streams_are_those_whose_credentials_are_given(
    config: dict[str, Any], names: set[str]
) -> None:
    assert set(streams(config)) == names
    assert all(re.fullmatch("[a-z_]+", name) for name in names)


def test_scans_come_right_after_their_following_stream() -> None:
    order = list(streams())
    for provider in PROVIDERS:
        following = order.index(f"{provider}_following")
        assert order[following + 1] == f"{provider}_scans"


def test_the_command_discovers_without_a_config() -> None:
    command = [sys.executable, "-m", "tap_tiktok_following", "--discover"]
    found = subprocess.run(command, env=bare(), capture_output=True, check=True).stdout
    assert {stream["tap_stream_id"] for stream in json.loads(found)["streams"]} == set(KEYS)


# What a stream says of itself.


@pytest.mark.parametrize("name", KEYS)
def test_keys_and_replication(name: str) -> None:
    stream = streams()[name]
    root = metadata(stream)[()]
    assert stream["key_properties"] == root["table-key-properties"] == KEYS[name]
    assert stream["replication_key"] == REPLICATION_KEYS[name]
    assert root["valid-replication-keys"] == [REPLICATION_KEYS[name]]
    assert stream["replication_method"] == "INCREMENTAL"


@pytest.mark.parametrize("name", KEYS)
def test_breadcrumbs(name: str) -> None:
    stream = streams()[name]
    breadcrumbs = [tuple(each["breadcrumb"]) for each in stream["metadata"]]
    fields = [("properties", field) for field in TYPES[name]]
    assert sorted(breadcrumbs) == sorted([(), *fields])


@pytest.mark.parametrize("name", KEYS)
def test_key_fields_are_automatic_and_the_others_available(name: str) -> None:
    inclusion = {
        where[1]: what["inclusion"]
        for where, what in metadata(streams()[name]).items()
        if where
    }
    automatic = {*KEYS[name], REPLICATION_KEYS[name]}
    assert {field for field, how in inclusion.items() if how == "automatic"} == automatic
    assert {how for field, how in inclusion.items() if field not in automatic} == {"available"}


@pytest.mark.parametrize("name", KEYS)
def test_schemas(name: str) -> None:
    properties = streams()[name]["schema"]["properties"]
    assert {field: list(of["type"]) for field, of in properties.items()} == TYPES[name]
    assert all(of["description"].endswith(".") for of in properties.values())
    times = {field for field, of in properties.items() if of.get("format") == "date-time"}
    of_time = ("scanned_at", "followed_at", "read_until", "read_down_to")
    assert times == {field for field in TYPES[name] if any(part in field for part in of_time)}


# Selection.


@pytest.fixture
def world(sandbox: Sandbox) -> Sandbox:
    sandbox.world = World.of({"ann": follows_of("ann", 250), "ben": []}, private={"cat"})
    return sandbox


def sync(
    sandbox: Sandbox,
    change: Callable[[dict[str, Any]], None],
    state: dict[str, Any] | None = None,
) -> Run:
    """Sync with the discovered catalog after this change to each of its streams."""
    config = settings(sandbox, ["ann", "ben", "cat"])
    chosen = catalog(config)
    for stream in chosen["streams"]:
        change(stream)
    return run(config, state, catalog=chosen)


def select(stream: dict[str, Any], *, fields: bool = True, whole: bool = True) -> None:
    for each in stream["metadata"]:
        each["metadata"]["selected"] = fields if each["breadcrumb"] else whole


def fields_of(result: Run, name: str) -> set[str]:
    return {field for record in result.records(name) for field in record}


def test_with_every_field_selected_every_field_arrives(world: Sandbox) -> None:
    result = sync(world, select)
    for name, types in TYPES.items():
        assert fields_of(result, name) == set(types), name
    assert {m["stream"] for m in result.messages if m["type"] == "SCHEMA"} == set(KEYS)


def test_with_no_field_selected_only_automatic_ones_arrive(world: Sandbox) -> None:
    result = sync(world, lambda stream: select(stream, fields=False))
    for name, keys in KEYS.items():
        assert fields_of(result, name) == {*keys, REPLICATION_KEYS[name]}, name
        rows = [tuple(record[key] for key in keys) for record in result.records(name)]
        assert len(rows) == len(set(rows)) == (250 if name.endswith("following") else 3)


def test_a_deselected_field_is_left_out(world: Sandbox) -> None:
    def without_names(stream: dict[str, Any]) -> None:
        for each in stream["metadata"]:
            each["metadata"]["selected"] = each["breadcrumb"][-1:] != ["display_name"]

    result = sync(world, without_names)
    for name in ("research_following", "rapidapi_following"):
        assert fields_of(result, name) == TYPES[name].keys() - {"display_name"}
        (schema,) = [
            message["schema"]
            for message in result.messages
            if message["type"] == "SCHEMA" and message["stream"] == name
        ]
        assert "display_name" not in schema["properties"]


def test_a_deselected_stream_is_not_asked_for(world: Sandbox) -> None:
    result = sync(
        world, lambda stream: select(stream, whole="rapidapi" in stream["tap_stream_id"])
    )
    sent = {m["stream"] for m in result.messages if m["type"] in {"SCHEMA", "RECORD"}}
    assert sent == {"rapidapi_following", "rapidapi_scans"}
    assert {request.provider for request in world.requests} == {"rapidapi"}


def test_without_the_scans_stream_no_row_is_kept(world: Sandbox) -> None:
    result = sync(
        world,
        lambda stream: select(stream, whole=stream["tap_stream_id"].endswith("following")),
    )
    assert result.records("research_scans") == []
    assert len(result.records("research_following")) == 250
    for stream in result.state["bookmarks"].values():
        assert not any("scans" in entry for entry in stream.get("partitions", []))


def test_scans_streams_without_their_following_streams_give_one_warning(
    world: Sandbox,
) -> None:
    result = sync(
        world,
        lambda stream: select(stream, whole=stream["tap_stream_id"].endswith("scans")),
    )
    assert result.text("WARNING") == (
        "Nothing was read, because only scans streams are selected: select the following "
        "stream of the provider, too."
    )
    assert (result.exit_code, world.requests) == (0, [])


# FULL_TABLE.


def full_table(stream: dict[str, Any]) -> None:
    select(stream)
    stream["replication_method"] = "FULL_TABLE"
    for each in stream["metadata"]:
        if not each["breadcrumb"]:
            each["metadata"]["replication-method"] = "FULL_TABLE"


def test_full_table_sends_the_same_twice_and_leaves_no_state(world: Sandbox) -> None:
    first = sync(world, full_table)
    second = sync(world, full_table, first.state)
    for provider in PROVIDERS:
        name = f"{provider}_following"
        assert len(first.follows(provider)) == len(set(first.follows(provider))) == 250
        assert sorted(second.follows(provider)) == sorted(first.follows(provider))
        for result in (first, second):
            assert "partitions" not in result.state.get("bookmarks", {}).get(name, {})
    assert not any(
        m["type"] == "ACTIVATE_VERSION" for m in [*first.messages, *second.messages]
    )


def test_full_table_does_not_read_the_state(world: Sandbox) -> None:
    incremental = sync(world, select)
    whole = sync(world, full_table, incremental.state)
    for provider in PROVIDERS:
        assert len(whole.follows(provider)) == 250
        rows = whole.scans(provider)
        assert (rows["ann"]["outcome"], rows["ann"]["previous_scanned_at"]) == (
            "complete",
            None,
        )


def test_incremental_sends_nothing_twice(world: Sandbox) -> None:
    first = sync(world, select)
    second = sync(world, select, first.state)
    for provider in PROVIDERS:
        assert len(first.follows(provider)) == 250
        assert second.follows(provider) == []
        assert second.scans(provider)["ann"]["outcome"] == "unchanged"
