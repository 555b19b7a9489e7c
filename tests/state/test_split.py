"""Splitting a state: what was paid for is not paid for again."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import World
from tap_tiktok_following.config.usernames import shard_of
from tests.harness import PROVIDERS, bare, follows_of, run, settings

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

NAMES = [f"user{number}" for number in range(24)]


def split(folder: Path, *arguments: str, code: int = 0) -> str:
    """Run the command in a folder, and return what it printed."""
    words = [sys.executable, "-m", "tap_tiktok_following.state.split", *arguments]
    done = subprocess.run(
        words,
        cwd=folder,
        env=bare(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def save(folder: Path, name: str, document: object) -> None:
    (folder / name).write_text(json.dumps(document), encoding="utf-8")


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def usernames_of(state: dict[str, Any], stream: str = "research_following") -> list[str]:
    partitions = state["bookmarks"][stream]["partitions"]
    return [partition["context"]["follower_username"] for partition in partitions]


def test_from_one_pipeline_to_three_and_then_to_two(sandbox: Sandbox, tmp_path: Path) -> None:
    """Every shard reads on from the split state: one request a list, and no row again."""
    sandbox.world = World.of({name: follows_of(name, 150) for name in NAMES})
    state = run(settings(sandbox, NAMES)).state
    save(tmp_path, "state.json", {"singer_state": state})
    printed = split(tmp_path, "state.json", "--shards", "3", "--folder", "new/shards")
    sizes = [sum(shard_of(name, 3) == number for name in NAMES) for number in (1, 2, 3)]
    assert printed.splitlines() == [
        f"new/shards/state-{number}-of-3.json: {size} usernames"
        for number, size in enumerate(sizes, 1)
    ]
    for number in (1, 2, 3):
        saved = load(tmp_path / f"new/shards/state-{number}-of-3.json")["singer_state"]
        check_nothing_is_paid_twice(sandbox, saved, f"{number}/3", sizes[number - 1])

    names = [f"new/shards/state-{number}-of-3.json" for number in (1, 2, 3)]
    split(tmp_path, *names, "--shards", "2")
    parts = [load(tmp_path / f"state-{number}-of-2.json")["singer_state"] for number in (1, 2)]
    assert sorted([*usernames_of(parts[0]), *usernames_of(parts[1])]) == sorted(NAMES)
    check_nothing_is_paid_twice(sandbox, parts[1], "2/2", len(usernames_of(parts[1])))


def check_nothing_is_paid_twice(
    sandbox: Sandbox, state: dict[str, Any], shard: str, size: int
) -> None:
    sandbox.requests.clear()
    ended = run(settings(sandbox, NAMES, shard=shard), state)
    assert len([request for request in sandbox.requests if request.username]) == 2 * size
    for provider in PROVIDERS:
        assert ended.follows(provider) == []
        assert {row["outcome"] for row in ended.scans(provider).values()} == {"unchanged"}


def test_usernames_that_are_no_longer_asked_for_are_dropped(tmp_path: Path) -> None:
    entry: dict[str, Any] = {"scanned_at": "2026-01-01T00:00:00+00:00", "later": [1]}
    partitions = [{"context": {"follower_username": name}, **entry} for name in ("Ann", "bob")]
    stream = {"partitions": partitions, "unknown": 1}
    save(tmp_path, "state.json", {"bookmarks": {"research_following": stream, "other": {}}})
    (tmp_path / "list.csv").write_text("id;username\n1;@ann\n2;cat\n", encoding="utf-8")
    printed = split(tmp_path, "state.json", "--shards", "1", "--usernames-path", "list.csv")
    assert printed == "state-1-of-1.json: 1 username\n"
    assert load(tmp_path / "state-1-of-1.json") == {
        "singer_state": {
            "bookmarks": {
                "research_following": {
                    "partitions": [{"context": {"follower_username": "ann"}, **entry}],
                    "unknown": 1,
                },
                "other": {},
            }
        }
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["none.json", "--shards", "2"],
            "none.json can't be read (No such file or directory).",
        ),
        (["empty.json", "--shards", "2"], "empty.json is empty, because"),
        (["list.csv", "--shards", "2"], "list.csv contains no Singer state"),
        (
            ["state.json", "--shards", "2", "--usernames-path", "none.csv"],
            "none.csv does not exist.",
        ),
        (
            ["state.json", "--shards", "2", "--folder", "list.csv"],
            "list.csv/state-1-of-2.json can't be written (",
        ),
    ],
)
def test_a_file_that_is_wrong_is_named(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "empty.json").touch()
    (tmp_path / "list.csv").write_text("username\nann\n", encoding="utf-8")
    save(tmp_path, "state.json", {})
    assert split(tmp_path, *arguments, code=1).startswith(said)


@pytest.mark.parametrize("count", ["0", "10000", "two"])
def test_a_wrong_number_of_shards(tmp_path: Path, count: str) -> None:
    printed = split(tmp_path, "state.json", "--shards", count, code=2)
    assert f"invalid number from 1 to 9999 value: '{count}'" in printed
