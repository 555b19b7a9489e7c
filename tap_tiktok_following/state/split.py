"""The command that splits a state into those of several shards."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_tiktok_following.config.usernames import collect, shard_of
from tap_tiktok_following.state import envelope
from tap_tiktok_following.state.entries import sanitise
from tap_tiktok_following.text import many

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet


MOST_SHARDS = 9999


def main(arguments: Sequence[str] | None = None) -> None:
    """Write a file for each shard, and say how many usernames each has.

    Raises:
        SystemExit: If a file can't be read or written, with one sentence that says why.
    """
    options = _parser().parse_args(arguments)
    state = merge(_read(path) for path in options.states)
    wanted = _usernames(options.usernames_path)
    for number in range(1, options.shards + 1):
        split = part(state, (number, options.shards), wanted)
        path = options.folder / f"state-{number}-of-{options.shards}.json"
        _write(path, {"singer_state": split})
        print(f"{path}: {_many_usernames(split)}")  # noqa: T201 - it is a command's answer


def merge(states: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """One state with the entries of several."""
    bookmarks: dict[str, dict[str, Any]] = {}
    for state in states:
        for name, stream in sanitise(state)["bookmarks"].items():
            merged = bookmarks.setdefault(name, {})
            partitions = [*merged.get("partitions", []), *stream.get("partitions", [])]
            merged.update(stream)
            if "partitions" in merged:
                merged["partitions"] = partitions
    return sanitise({"bookmarks": bookmarks})


def part(
    state: dict[str, Any], shard: tuple[int, int], wanted: AbstractSet[str] | None = None
) -> dict[str, Any]:
    """The state of one shard.

    Args:
        state: A state as `merge` makes it.
        shard: Number and count of the shard.
        wanted: The usernames to keep, in lower case; None for all.
    """
    bookmarks = {name: dict(stream) for name, stream in state["bookmarks"].items()}
    for stream in bookmarks.values():
        if "partitions" in stream:
            stream["partitions"] = [
                entry
                for entry in stream["partitions"]
                if shard_of(username := entry["context"]["follower_username"], shard[1])
                == shard[0]
                and (wanted is None or username in wanted)
            ]
    return {"bookmarks": bookmarks}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tap-tiktok-following-split-state",
        description="Split a state into those of several shards, one file for each.",
    )
    parser.add_argument(
        "states",
        nargs="+",
        type=Path,
        metavar="STATE",
        help="a file with a state, such as the output of `meltano state get`; of several "
        "pipelines give all files",
    )
    parser.add_argument(
        "--shards",
        type=_count,
        required=True,
        help="number of shards, as after the slash of the setting `shard`",
    )
    parser.add_argument(
        "--usernames-path",
        metavar="FILE",
        help="keep only the usernames in this file, which may be what `usernames_path` may be",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(),
        help="the folder to write to, with files such as state-3-of-8.json "
        "(default: the current one)",
    )
    return parser


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= MOST_SHARDS:
        raise ValueError
    return count


_count.__name__ = f"number from 1 to {MOST_SHARDS}"  # argparse names it in its error


def _read(path: Path) -> dict[str, Any]:
    try:
        return envelope.read(path.read_bytes())
    except OSError as error:
        sys.exit(f"{path} can't be read ({error.strerror}).")
    except envelope.NoState as problem:
        sys.exit(f"{path} {problem}.")


def _usernames(path: str | None) -> frozenset[str] | None:
    if path is None:
        return None
    found = collect({"usernames_path": path})
    if found.problem:
        sys.exit(f"{path} {found.problem}.")
    return frozenset(found.names)


def _write(path: Path, document: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document), encoding="utf-8")
    except OSError as error:
        sys.exit(f"{path} can't be written ({error.strerror}).")


def _many_usernames(state: dict[str, Any]) -> str:
    usernames = {
        entry["context"]["follower_username"]
        for stream in state["bookmarks"].values()
        for entry in stream.get("partitions", [])
    }
    return many(len(usernames), "username")


if __name__ == "__main__":
    main()
