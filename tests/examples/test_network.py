"""The files of examples/network.py, read back and compared with the sandbox edge by edge."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import networkx as nx
import pytest

from sandbox import Clock, Follow, Sandbox, World
from tap_tiktok_following.text import DAY
from tests import harness
from tests.dbt.project import Database, Project, gather
from tests.documents import ROOT
from tests.e2e.targets import install, pinned
from tests.harness import NOW

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.postgres import Postgres

SEEDS = ("ann", "ben", "cat", "dan")
SOURCES = ("jsonl", "duckdb", "postgres")


@pytest.fixture(scope="module")
def world() -> World:
    """Short lists, one of two pages, and a private one."""
    world = World.of(
        {
            "ann": [Follow("ben", NOW - 9 * DAY), Follow("hal", NOW - 8 * DAY)],
            "ben": [Follow("ann", NOW - 7 * DAY), Follow("cat", NOW - 7 * DAY + 10)],
            "cat": harness.follows_of("cat", 120, newest=NOW - 20 * DAY, every=3600),
        },
        private={"dan"},
    )
    world.accounts["cat.7"] = replace(
        world.accounts["cat.7"], display_name="\x0b7 <&>\ud7ff🦊"
    )
    return world


@pytest.fixture(scope="module")
def runs(world: World) -> list[harness.Run]:
    """Three runs that read lists whole, five days apart.

    Between them two unfollow, one of them follows again, and one account is renamed.
    """
    with Sandbox(world, clock=Clock(NOW)) as sandbox:
        config = harness.settings(sandbox, SEEDS, full_scan_after_days=1)
        runs = [harness.run(config)]
        sandbox.clock.advance(4 * DAY)
        world.unfollow("ben", "ann")
        world.unfollow("ann", "ben")
        world.rename("hal", "hal.now")
        sandbox.clock.advance(DAY)
        world.follow("cat", "ann", at=int(sandbox.clock.now()) - 60)
        runs.append(harness.run(config, runs[-1].state))
        sandbox.clock.advance(5 * DAY)
        world.follow("ben", "ann", at=int(sandbox.clock.now()) - 600)
        runs.append(harness.run(config, runs[-1].state))
    assert [run.exit_code for run in runs] == [0, 0, 0]
    return runs


@pytest.fixture(params=SOURCES)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where the script wrote its files, from each kind of source."""
    source = _SOURCES[request.param](request, tmp_path)
    models = request.getfixturevalue("models_sql") if request.param == "jsonl" else "none"
    _export(source, tmp_path / "into", "--models", str(models))
    return tmp_path / "into"


def _export(source: str, into: Path, *options: str) -> None:
    example = ROOT / "examples" / "network.py"
    usernames = into.with_name("usernames.csv")
    usernames.write_text("username,party\n@Ann,green\nben,red\ncat,\n", "utf-8")
    options += ("--usernames", str(usernames))
    script = [sys.executable, str(example), source, "--into", str(into), *options]
    environment = harness.environment(TZ="Asia/Kolkata")
    subprocess.run(script, check=True, env=environment, cwd=into.parent)


def _jsonl(request: pytest.FixtureRequest, place: Path) -> str:
    (place / "target.json").write_text(json.dumps({"destination_path": str(place)}))
    target = install("target-jsonl", pinned()["target-jsonl"]) / "bin" / "target-jsonl"
    for run in request.getfixturevalue("runs"):
        command = [str(target), "--config", str(place / "target.json")]
        subprocess.run(command, input=run.stdout.encode(), check=True, capture_output=True)
    return str(place)


def _duckdb(request: pytest.FixtureRequest, place: Path) -> str:
    database = Database.duckdb(place / "warehouse.duckdb")
    _build(request, place, database)
    return database.address


def _postgres(request: pytest.FixtureRequest, place: Path) -> str:
    server: Postgres = request.getfixturevalue("postgres")
    name = server.new_database()
    _build(request, place, Database.postgres(server, name))
    return f"postgresql://postgres@/{name}?host={server.home}"


def _build(request: pytest.FixtureRequest, place: Path, database: Database) -> None:
    project = Project(request.getfixturevalue("driver"), database, place)
    runs = request.getfixturevalue("runs")
    project.load(gather(message for run in runs for message in run.messages))
    project.run()


_SOURCES = {"jsonl": _jsonl, "duckdb": _duckdb, "postgres": _postgres}


def test_the_network(folder: Path, world: World) -> None:
    """From each kind of source."""
    names = {row["id"]: row["label"] for row in table(folder / "nodes.csv")}
    check_every_edge_is_there_once(folder, names, world)
    check_a_node_is_an_account(folder, world)
    check_spells_say_when_a_follow_was_made_and_gone_at_the_latest(folder, names, world)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def attributes(graph: nx.DiGraph, names: dict[str, str]) -> dict[tuple[str, str], Any]:
    return {(names[a], names[b]): data for a, b, data in graph.edges.data()}


def check_every_edge_is_there_once(folder: Path, names: dict[str, str], world: World) -> None:
    true = {(seed, follow.username) for seed in SEEDS for follow in world.history(seed)}
    edges = [
        (names[row["source"]], names[row["target"]]) for row in table(folder / "edges.csv")
    ]
    assert len(edges) == len(true) == 125
    assert set(edges) == true
    for read in (nx.read_gexf, nx.read_graphml):
        graph = read(folder / f"network.{read.__name__.removeprefix('read_')}")
        assert set(attributes(graph, names)) == true
        assert len(graph) == len(names) == len({*SEEDS, *(b for _, b in true)})


def check_a_node_is_an_account(folder: Path, world: World) -> None:
    """By its id, whatever it is called now; who is only asked about has no other id."""
    nodes = {row["label"]: row for row in table(folder / "nodes.csv")}
    account = world.accounts["hal.now"]
    assert nodes["hal.now"] == {
        "id": account.user_id,
        "label": "hal.now",
        "user_id": account.user_id,
        "display_name": account.display_name,
        "followers": str(account.followers),
        "following": str(account.following),
        "verified": str(account.verified),
        "is_private": "False",
        "is_on_list": "False",
        "party": "",
    }
    alone = {"id": "dan", "label": "dan", "is_on_list": "True"}
    assert nodes["dan"] == dict.fromkeys(nodes["dan"], "") | alone
    assert {name for name, row in nodes.items() if row["is_on_list"] == "True"} == set(SEEDS)
    parties = {name: row["party"] for name, row in nodes.items() if row["party"]}
    assert parties == {"ann": "green", "ben": "red"}
    assert nodes["cat.7"]["display_name"] == "7 <&>\ud7ff🦊"
    for graph in (
        nx.read_gexf(folder / "network.gexf"),
        nx.read_graphml(folder / "network.graphml"),
    ):
        for row in nodes.values():
            told = {name: value for name, value in row.items() if value}
            node = graph.nodes[told.pop("id")]
            assert {name: str(value) for name, value in node.items()} == told


def check_spells_say_when_a_follow_was_made_and_gone_at_the_latest(
    folder: Path, names: dict[str, str], world: World
) -> None:
    edges = attributes(nx.read_gexf(folder / "network.gexf"), names)
    for (follower, followed), edge in edges.items():
        true = [f for f in world.history(follower) if f.username == followed]
        assert len(edge["spells"]) == len(true)
        for (start, end), follow in zip(edge["spells"], true, strict=True):
            assert seconds(start) >= follow.at
            assert (end == "None") == (follow.until is None)
            assert follow.until is None or seconds(end) >= follow.until
        assert edge["is_listed"] is (true[-1].until is None)
        assert seconds(edge.get("followed_at_earliest", "")) <= true[-1].at
    again = edges["ben", "ann"]["spells"]
    assert len(again) == 2
    assert seconds(again[0][1]) <= seconds(again[1][0])


def seconds(time: str) -> float:
    """Unix seconds; a time that is left out is as early as can be."""
    return datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp() if time else 0
