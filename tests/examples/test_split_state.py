"""Splitting a state into shards: nothing that was paid for is paid for again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox import World
from tests.harness import PROVIDERS, follows_of, run, settings

if TYPE_CHECKING:
    from sandbox import Sandbox

SCRIPT = Path(__file__).parents[2] / "examples/airflow/split_state.py"
NAMES = [f"user{number}" for number in range(12)]


def split(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))["singer_state"]


def test_each_shard_reads_on_from_its_part_of_the_state(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.world = World.of({name: follows_of(name, 150, every=3600) for name in NAMES})
    state = run(settings(sandbox, NAMES)).state
    (tmp_path / "state.json").write_text(json.dumps({"singer_state": state}), "utf-8")
    assert split(tmp_path, "state.json", "--shards", "3").returncode == 0
    parts = [load(tmp_path / f"state-{number}-of-3.json") for number in (1, 2, 3)]
    rows = 0
    for number, part in enumerate(parts, 1):
        sandbox.take_requests()
        ended = run(settings(sandbox, NAMES, shard=f"{number}/3"), part)
        for provider in PROVIDERS:
            scans = ended.scans(provider)
            assert {row["outcome"] for row in scans.values()} <= {"unchanged"}
            assert sum(row["requests"] for row in scans.values()) == len(scans)
            rows += len(scans)
    assert rows == 2 * len(NAMES)


def test_states_of_shards_are_split_anew(tmp_path: Path) -> None:
    entries = [{"context": {"follower_username": name}} for name in NAMES]
    for number, part in enumerate((entries[:5], entries[5:]), 1):
        state = {"bookmarks": {"research_following": {"partitions": part}}}
        (tmp_path / f"{number}.json").write_text(json.dumps(state), encoding="utf-8")
    done = split(tmp_path, "1.json", "2.json", "--shards", "1")
    assert done.stdout == "state-1-of-1.json: 12 usernames\n"
    kept = load(tmp_path / "state-1-of-1.json")["bookmarks"]["research_following"]
    assert kept["partitions"] == entries


def test_file_without_a_state_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty.json").touch()
    done = split(tmp_path, "empty.json", "--shards", "2")
    assert done.returncode == 1
    assert done.stderr.startswith("Cannot read a state (")
    assert "Traceback" not in done.stderr
