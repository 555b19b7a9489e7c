"""Splitting a state into shards: nothing that was paid for is paid for again."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from sandbox import World
from tests.documents import ROOT
from tests.harness import PROVIDERS, follows_of, run, settings

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

SCRIPT = ROOT / "examples" / "airflow" / "split_state.py"
NAMES = [f"user{number}" for number in range(6)]


def split(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))["singer_state"]


def test_each_shard_continues_from_its_part_and_the_parts_can_be_joined(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.world = World.of({name: follows_of(name, 150, every=3600) for name in NAMES})
    state = run(settings(sandbox, NAMES)).state
    (tmp_path / "state.json").write_text(json.dumps({"singer_state": state}), "utf-8")
    assert split(tmp_path, "state.json", "--shards=3").returncode == 0
    parts = [f"state-{number}-of-3.json" for number in (1, 2, 3)]
    outcomes = []
    for number, part in enumerate(parts, 1):
        config = settings(sandbox, NAMES, shard=f"{number}/3")
        ended = run(config, load(tmp_path / part))
        rows = (row for provider in PROVIDERS for row in ended.scans(provider).values())
        outcomes += [(row["outcome"], row["requests"]) for row in rows]
    assert outcomes == [("unchanged", 1)] * 2 * len(NAMES)

    assert split(tmp_path, *parts, "--shards=1").stdout == "state-1-of-1.json: 6 usernames\n"
    bookmarks = load(tmp_path / "state-1-of-1.json")["bookmarks"]
    for provider in PROVIDERS:
        stream = f"{provider}_following"
        entries = state["bookmarks"][stream]["partitions"]
        assert sorted(map(str, bookmarks[stream]["partitions"])) == sorted(map(str, entries))


def test_file_without_a_state_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty.json").touch()
    done = split(tmp_path, "empty.json", "--shards=2")
    assert done.returncode == 1
    assert done.stderr.startswith("Cannot read a state (")
    assert done.stderr.count("\n") == 1
