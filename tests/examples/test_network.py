"""The files of examples/network.py, read back and compared with the sandbox edge by edge."""

from __future__ import annotations

import csv
import json
import subprocess
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from sandbox import Clock, Follow, Sandbox, World
from tests import harness
from tests.e2e.targets import target
from tests.harness import DAY, NOW
from tests.scripts import run_script
from tests.warehouse import ELSEWHERE, Warehouse, gather

SEEDS = ("ann", "ben", "cat", "dan")


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
    account = world.accounts["cat.7"]
    world.accounts["cat.7"] = replace(account, display_name="\x0b7 <&>\ud7ff🦊")
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
        world.follow("cat", "ann", at=NOW + 5 * DAY - 60)
        runs.append(harness.run(config, runs[-1].state))
        sandbox.clock.advance(5 * DAY)
        world.follow("ben", "ann", at=NOW + 10 * DAY - 600)
        runs.append(harness.run(config, runs[-1].state))
    assert [run.exit_code for run in runs] == [0, 0, 0]
    return runs


@pytest.fixture(params=["jsonl", "duckdb", "postgres"])
def folder(
    request: pytest.FixtureRequest, tmp_path: Path, runs: list[harness.Run], models_sql: Path
) -> Path:
    """Where the script wrote its files, from each kind of source."""
    usernames, into = tmp_path / "usernames.csv", tmp_path / "into"
    usernames.write_text("username,party\n@Ann,green\nben,red\ncat,\n", "utf-8")
    options = ["--usernames", str(usernames), "--into", str(into)]
    if request.param == "jsonl":
        source = str(tmp_path)
        (tmp_path / "target.json").write_text(json.dumps({"destination_path": source}))
        command = [str(target("JSON Lines")), "--config", str(tmp_path / "target.json")]
        messages = "".join(run.stdout for run in runs).encode()
        subprocess.run(command, input=messages, check=True, capture_output=True)
        options += ["--models", str(models_sql)]
    else:
        warehouse = Warehouse(str(tmp_path / "warehouse.duckdb"))
        if request.param == "postgres":
            warehouse = request.getfixturevalue("postgres").new_database()
        source = warehouse.address
        warehouse.load(gather(message for run in runs for message in run.messages))
        warehouse.build(models_sql)
    run_script("examples/network.py", source, *options, variables={"TZ": ELSEWHERE})
    return into


def test_network(folder: Path, world: World) -> None:
    nodes = {row["label"]: row for row in table(folder / "nodes.csv")}
    names = {row["id"]: name for name, row in nodes.items()}
    gexf = nx.read_gexf(folder / "network.gexf")
    graphml = nx.read_graphml(folder / "network.graphml")

    true = {(seed, follow.username) for seed in SEEDS for follow in world.history(seed)}
    edges = [(names[e["source"]], names[e["target"]]) for e in table(folder / "edges.csv")]
    assert (len(edges), set(edges)) == (125, true)
    for graph in (gexf, graphml):
        assert {(names[a], names[b]) for a, b in graph.edges} == true
        assert len(graph) == len(nodes) == len({*SEEDS, *(b for _, b in true)})
        for row in nodes.values():
            filled = {name: value for name, value in row.items() if value}
            node = graph.nodes[filled.pop("id")]
            assert {name: str(value) for name, value in node.items()} == filled
    check_nodes(nodes, world)
    check_spells({(names[a], names[b]): edge for a, b, edge in gexf.edges.data()}, world)


def test_columns_are_those_of_every_list_that_the_tap_reads(
    runs: list[harness.Run], models_sql: Path, tmp_path: Path
) -> None:
    warehouse = Warehouse(str(tmp_path / "warehouse.duckdb"))
    warehouse.load(gather(message for run in runs for message in run.messages))
    warehouse.build(models_sql)
    usernames = tmp_path / "usernames.csv"
    for text, encoding, columns in (
        ("", "utf-8", []),
        ("ann\nben\n", "utf-8", []),
        ("# a, b\n\nparty\tUsername \ngreen\t@ANN", "utf-16", [("party", "green")]),
        (
            'a b;"username";c\r\n"1\n2";a\u200bnn\r\n',
            "utf-8-sig",
            [("a b", "1\n2"), ("c", "")],
        ),
    ):
        usernames.write_bytes(text.encode(encoding))
        options = ("--usernames", usernames, "--into", tmp_path)
        run_script("examples/network.py", warehouse.address, *options)
        [ann] = [row for row in table(tmp_path / "nodes.csv") if row["label"] == "ann"]
        more = list(ann.items())[list(ann).index("is_on_list") + 1 :]
        assert more == columns
    usernames.write_bytes("username\nJos\u00e9\n".encode("latin-1"))
    printed = run_script("examples/network.py", warehouse.address, *options, code=1)
    assert printed.endswith("cannot be read: name the file of usernames that the tap reads.\n")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["missing.duckdb"], "database does not exist"),
        ([".", "--models=missing.sql"], "No such file or directory: 'missing.sql'"),
        (["postgresql://nobody@127.0.0.1:9/nothing"], "Connection refused"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(
    tmp_path: Path, options: list[str], why: str
) -> None:
    printed = run_script("examples/network.py", *options, folder=tmp_path, code=1)
    assert printed.startswith("The follows cannot be read (")
    assert printed.endswith(f"{why}): run the tap and `dbt build` first.\n")
    assert printed.count("\n") == 1


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def check_nodes(nodes: dict[str, dict[str, str]], world: World) -> None:
    """A node is an account by its id; one that was never listed has only its username."""
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


def check_spells(edges: dict[tuple[str, str], dict[str, Any]], world: World) -> None:
    """A spell says when a follow was made and gone at the latest."""
    for (follower, followed), edge in edges.items():
        true = [f for f in world.history(follower) if f.username == followed]
        for (start, end), follow in zip(edge["spells"], true, strict=True):
            assert seconds(start) >= follow.at
            assert (end == "None") == (follow.until is None)
            assert follow.until is None or seconds(end) >= follow.until
        assert edge["is_listed"] is (true[-1].until is None)
        assert seconds(edge.get("followed_at_earliest", "")) <= true[-1].at
    first, second = edges["ben", "ann"]["spells"]
    assert seconds(first[1]) <= seconds(second[0])


def seconds(time: str) -> float:
    """Unix seconds; a time that is left out is as early as can be."""
    return datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp() if time else 0
