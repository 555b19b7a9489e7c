"""Plain pipes into real targets, compared row by row with what the sandbox holds."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from sandbox import Fault, Scenario
from tests.e2e.lists import (
    GIVEN,
    LENGTHS,
    follows,
    in_order,
    is_news,
    make_news,
    make_world,
    without_times,
)
from tests.e2e.pipe import Pipe, discover
from tests.e2e.warehouses import CSV, JSONL, DuckDB, PostgreSQL, in_utc
from tests.harness import DAY, PROVIDERS, settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox
    from tests.e2e.lists import Row
    from tests.e2e.postgres import Postgres
    from tests.e2e.warehouses import Warehouse

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the pipes are bash's")

STREAMS = ["rapidapi_following", "rapidapi_scans", "research_following", "research_scans"]
NO_KEYS: dict[str, object] = {stream: {"__key_properties__": []} for stream in STREAMS}

SPOILED = {"torn": 3, "nul": 3, "nameless": 3}
"""Lists whose display names come with half a surrogate pair, with U+0000, or not at all."""

FAULTS = [
    Fault("surrogate", username="torn"),
    Fault("nul", username="nul"),
    Fault("missing_field", username="nameless", value="display_name"),
]


@pytest.fixture
def lists(sandbox: Sandbox) -> Sandbox:
    """The sandbox with all lists, some of them spoiled."""
    sandbox.world = make_world(LENGTHS | SPOILED)
    sandbox.scenario = Scenario(faults=[*FAULTS])
    return sandbox


WAREHOUSES: dict[str, Callable[[Path, pytest.FixtureRequest], Warehouse]] = {
    "duckdb": lambda folder, _: DuckDB(folder),
    "jsonl": lambda folder, _: JSONL(folder),
    "csv": lambda folder, _: CSV(folder),
    "postgres": lambda _, request: PostgreSQL(server(request), "upserted"),
    "postgres-appending": lambda _, request: PostgreSQL(server(request), "appended"),
}


def server(request: pytest.FixtureRequest) -> Postgres:
    return request.getfixturevalue("postgres")  # type: ignore[no-any-return]


@pytest.mark.parametrize("kind", WAREHOUSES)
def test_every_row_arrives_as_it_left(
    lists: Sandbox, tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    """First all, then only what is new, and the table is the same in every target."""
    warehouse = WAREHOUSES[kind](tmp_path, request)
    maps = NO_KEYS if kind == "postgres-appending" else {}
    config = settings(lists, [*GIVEN, *SPOILED], stream_maps=maps)
    pipe = Pipe(tmp_path, config, warehouse)

    first = pipe.load()
    for provider in PROVIDERS:
        assert sent(first.records(f"{provider}_following")) == there_is(lists, provider)
    make_news(lists)
    second = pipe.load()
    for provider in PROVIDERS:
        news = list(filter(is_news, there_is(lists, provider)))
        assert sent(second.records(f"{provider}_following")) == news

    for stream in STREAMS:
        rows = [in_utc(row) for run in (first, second) for row in run.records(stream)]
        kept = [warehouse.keep(row) for row in rows]
        assert in_order(warehouse.rows(stream)) == in_order(kept)


def there_is(sandbox: Sandbox, provider: str) -> list[Row]:
    """What the lists hold now, spoiled names as they have to arrive."""
    rows = follows(sandbox, provider, LENGTHS | SPOILED)
    for row in rows:
        if row["follower_username"] in {"torn", "nul"}:
            row["display_name"] += "\N{REPLACEMENT CHARACTER}"
        if row["follower_username"] == "nameless":
            row["display_name"] = None
    return in_order(rows)


def sent(records: list[Row]) -> list[Row]:
    return in_order(without_times(records))


def test_stream_maps_and_flattening(lists: Sandbox, tmp_path: Path) -> None:
    """Follows with hashed accounts and without profile texts; twice."""
    usernames = ["one", "hundred_and_one"]
    config = settings(
        lists,
        usernames,
        stream_maps={
            "research_following": {"username": "sha256(config['salt'] + username)"},
            "rapidapi_following": {
                "username": "md5(username) if username else None",
                "bio": "__NULL__",
            },
        },
        stream_map_config={"salt": "pepper"},
        flattening_enabled=True,
        flattening_max_depth=1,
    )
    warehouse = DuckDB(tmp_path)
    pipe = Pipe(tmp_path, config, warehouse)
    pipe.load()
    lists.clock.advance(DAY)
    second = pipe.load()
    assert [second.records(f"{provider}_following") for provider in PROVIDERS] == [[], []]

    research = follows(lists, "research", usernames)
    for row in research:
        row["username"] = hashlib.sha256(f"pepper{row['username']}".encode()).hexdigest()
    assert sent(warehouse.rows("research_following")) == in_order(research)
    rapidapi = follows(lists, "rapidapi", usernames)
    for row in rapidapi:
        row["username"] = hashlib.md5(row["username"].encode()).hexdigest()  # noqa: S324
        del row["bio"]
    assert sent(warehouse.rows("rapidapi_following")) == in_order(
        map(warehouse.keep, rapidapi)
    )
    for provider in PROVIDERS:
        visited = Counter(
            row["follower_username"] for row in warehouse.rows(f"{provider}_scans")
        )
        assert visited == dict.fromkeys(usernames, 2)


def test_deselection(lists: Sandbox, tmp_path: Path) -> None:
    """Deselected streams and columns are not there, and their provider is not asked."""
    config = settings(lists, ["hundred_and_one"])
    catalog = discover(tmp_path, config)
    unwanted = {"bio", "avatar_url", "position", "followed_at_earliest"}
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            is_stream, name = not entry["breadcrumb"], entry["breadcrumb"][-1:]
            is_wanted = stream["tap_stream_id"] == "rapidapi_following"
            entry["metadata"]["selected"] = is_wanted if is_stream else name[0] not in unwanted
    warehouse = DuckDB(tmp_path)
    run = Pipe(tmp_path, config, warehouse, catalog).load()

    assert {m["stream"] for m in run.messages if "stream" in m} == {"rapidapi_following"}
    expected = follows(lists, "rapidapi", ["hundred_and_one"])
    kept = [{k: v for k, v in row.items() if k not in unwanted} for row in expected]
    assert sent(warehouse.rows("rapidapi_following")) == in_order(map(warehouse.keep, kept))
    columns = warehouse.rows("rapidapi_following")[0].keys()
    assert columns & unwanted == set()
    assert {request.provider for request in lists.requests} == {"rapidapi"}
