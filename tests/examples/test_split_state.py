"""Splitting a state into shards: nothing that was paid for is paid for again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sandbox import Sandbox, World
from tests.harness import PROVIDERS, follows_of, run, settings
from tests.scripts import run_script

SCRIPT = "examples/airflow/split_state.py"
NAMES = [f"user{number}" for number in range(6)]


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))["singer_state"]


def test_each_shard_continues_from_its_part_and_the_parts_can_be_joined(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Whatever the case of the usernames in it."""
    sandbox.world = World.of({name: follows_of(name, 150, every=3600) for name in NAMES})
    state = json.loads(
        json.dumps(run(settings(sandbox, NAMES)).state).replace('"user', '"User')
    )
    (tmp_path / "state.json").write_text(json.dumps({"singer_state": state}), "utf-8")
    run_script(SCRIPT, "state.json", "--shards=3", folder=tmp_path)
    parts = [f"state-{number}-of-3.json" for number in (1, 2, 3)]
    outcomes = []
    for number, part in enumerate(parts, 1):
        config = settings(sandbox, NAMES, shard=f"{number}/3")
        ended = run(config, load(tmp_path / part))
        rows = (row for provider in PROVIDERS for row in ended.scans(provider).values())
        outcomes += [(row["outcome"], row["requests"]) for row in rows]
    assert outcomes == [("unchanged", 1)] * 2 * len(NAMES)

    printed = run_script(SCRIPT, *parts, "--shards=1", folder=tmp_path)
    assert printed == "state-1-of-1.json: 6 usernames\n"
    bookmarks = load(tmp_path / "state-1-of-1.json")["bookmarks"]
    for provider in PROVIDERS:
        stream = f"{provider}_following"
        entries = state["bookmarks"][stream]["partitions"]
        assert sorted(map(str, bookmarks[stream]["partitions"])) == sorted(map(str, entries))


def test_file_without_a_state_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty.json").touch()
    printed = run_script(SCRIPT, "empty.json", "--shards=2", folder=tmp_path, code=1)
    assert printed.startswith("Cannot read a state (")
    assert printed.count("\n") == 1
