"""The README's two walks, with Meltano and in a plain pipe, each from an empty folder."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml

from sandbox import Sandbox, World
from tests.documents import ROOT, section_of
from tests.e2e.pipe import RUN, SCRIPT, Loaded
from tests.e2e.postgres import Postgres
from tests.e2e.reader import Reader
from tests.e2e.targets import TITLES, loader
from tests.harness import DAY, NOW, PROVIDERS, follows_of, settings, truth, variables
from tests.warehouse import Warehouse, pairs

TAP = "tap-tiktok-following"
REPOSITORY = f"https://github.com/{TAP}/{TAP}"
DEFINITION = f"https://raw.githubusercontent.com/{TAP}/{TAP}/v0.2.0/{TAP}.yml"
LENGTHS = {"charlidamelio": 250, "khaby.lame": 1}


def fill(sandbox: Sandbox) -> None:
    sandbox.world = World.of(
        {name: follows_of(name, length, every=3600) for name, length in LENGTHS.items()}
    )


def check_rows(
    sandbox: Sandbox, warehouse: Loaded, providers: Sequence[str], *, scans: int = 1
) -> None:
    """Every follow is there once, and every list was scanned this often."""
    for provider in providers:
        follows = warehouse.rows(f"{provider}_following")
        assert pairs(follows) == sorted(truth(sandbox, *LENGTHS))
        rows = warehouse.rows(f"{provider}_scans")
        times = Counter((row["follower_username"], row["scanned_at"]) for row in rows)
        assert Counter(name for name, _ in times) == dict.fromkeys(LENGTHS, scans)
        assert set(times.values()) == {1}


def test_plain_pipe(sandbox: Sandbox, tmp_path: Path, wheel: Path) -> None:
    fill(sandbox)
    stand_ins = {
        f"git+{REPOSITORY}.git@v0.2.0": wheel,
        "YOUR_KEY": sandbox.config["rapidapi_key"],
        "target-duckdb": "target-jsonl",
    }
    reader = Reader(tmp_path, {}, stand_ins)
    _, *target = section_of("docs/targets.md", "JSON Lines")
    reader.follow([*section_of("README.md", "In a plain pipe"), *target, SCRIPT])
    path = tmp_path / "config.json"
    config = json.loads(path.read_text("utf-8")) | {"rapidapi_api_url": sandbox.url}
    path.write_text(json.dumps(config), "utf-8")
    reader.follow([RUN])
    check_rows(sandbox, Loaded("JSON Lines", tmp_path), ["rapidapi"])
    sandbox.take_requests()
    reader.follow([RUN])
    assert sandbox.requests == []  # none is due


def test_meltano_with_every_target(
    sandbox: Sandbox, postgres: Postgres, tmp_path: Path, wheel: Path
) -> None:
    """The README's project, to which the other targets of docs/targets.md are added.

    Afterwards one person is forgotten in one of the pipelines.
    """
    fill(sandbox)
    reader = make_project(sandbox, postgres, tmp_path, wheel)
    add, target, role, configure, run = section_of("README.md", "With Meltano")
    database = postgres.new_database()
    database.ask("CREATE ROLE tiktok_loader LOGIN")
    database.ask("GRANT CREATE ON DATABASE warehouse TO tiktok_loader")
    database.ask(role.text)
    reader.follow([add])
    [documented] = yaml.safe_load(target.text)["plugins"]["loaders"]
    assert documented == loader("PostgreSQL")
    add_loaders(reader)
    reader.follow([configure, run])
    requests = Counter((r.provider, r.username) for r in sandbox.requests if r.username)
    expected = {"charlidamelio": 4, "khaby.lame": 1}  # of which one is Meltano's test
    assert requests == {(p, name): n for p in PROVIDERS for name, n in expected.items()}
    for scans in (1, 2):
        for title in TITLES:
            if (title, scans) != ("PostgreSQL", 1):  # which the README has loaded
                reader.type("meltano", "run", TAP, loader(title)["name"])
            warehouse = Loaded(title, reader.folder / "output", postgres)
            check_rows(sandbox, warehouse, PROVIDERS, scans=scans)
        sandbox.clock.advance(DAY)
        sandbox.world.follow("khaby.lame", "new", at=NOW + DAY // 2)
        reader.environment |= variables({"rescan_after_hours": 0})  # as it is then
    check_forgetting(reader)


def make_project(sandbox: Sandbox, postgres: Postgres, folder: Path, wheel: Path) -> Reader:
    """Return a reader with an empty project; the tap comes from this checkout."""
    definition = yaml.safe_load((ROOT / f"{TAP}.yml").read_text("utf-8"))
    path = folder / f"{TAP}.yml"
    path.write_text(yaml.safe_dump(definition | {"pip_url": str(wheel)}), encoding="utf-8")
    (folder / "project").mkdir()
    config = settings(sandbox, [])
    stand_ins = {
        DEFINITION: path,
        "YOUR_KEY": config.pop("rapidapi_key"),
        "bob": "charlidamelio",
        "python3 forget.py": f"{sys.executable} {ROOT / 'examples' / 'forget.py'}",
    }
    del config["usernames"]
    environment = {**variables(config), "PGHOST": str(postgres.home)}
    reader = Reader(folder / "project", environment, stand_ins)
    reader.type("meltano", "init", ".")
    return reader


def add_loaders(reader: Reader) -> None:
    """Add the targets of docs/targets.md to meltano.yml; PostgreSQL is at a socket."""
    path = reader.folder / "meltano.yml"
    project: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    loaders = [loader(title) for title in TITLES]
    for each in loaders:
        if "host" in each["config"]:
            each["config"]["host"] = ""
    project["plugins"]["loaders"] = loaders
    path.write_text(yaml.safe_dump(project), encoding="utf-8")


def check_forgetting(reader: Reader) -> None:
    """Follow docs/running.md, and run the pipeline once more."""
    person, other = LENGTHS
    _, commands, filters = section_of("docs/running.md", "Forgetting a person")
    reader.follow([commands])
    output = reader.folder / "output"
    duckdb = Warehouse(str(output / "follows.duckdb"))
    duckdb.ask((reader.folder / "forget.sql").read_text("utf-8"))
    maps = json.loads(reader.here(filters.text))["stream_maps"]
    reader.environment |= variables({"stream_maps": maps})
    reader.type("meltano", "run", TAP, "target-duckdb")

    state = reader.state(f"dev:{TAP}-to-target-duckdb")
    for provider in PROVIDERS:
        entries = state["bookmarks"][f"{provider}_following"]["partitions"]
        assert [entry["context"]["follower_username"] for entry in entries] == [other]
        for stream in ("following", "scans"):
            rows = duckdb.rows(f"tiktok.{provider}_{stream}")
            assert {row["follower_username"] for row in rows} == {other}
    assert person not in (reader.folder / "usernames.txt").read_text("utf-8")
    with closing(sqlite3.connect(output / f"dev.{TAP}.responses")) as file:
        usernames = file.execute("SELECT DISTINCT username FROM responses").fetchall()
    assert usernames == [(other,)]
