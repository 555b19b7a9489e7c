"""Split the state of one pipeline into those of several shards, one file for each.

    meltano state get dev:tap-to-target > state.json
    python split_state.py state.json --shards 8
    meltano state set dev:shard-1-to-target --input-file state-1-of-8.json

Give the states of all shards to split them anew into another number of shards.
"""

import argparse
import json
import sys
from hashlib import blake2b
from pathlib import Path
from typing import Any


def main() -> None:
    """Write a file for each shard, and print how many entries it has."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("states", nargs="+", type=Path, help="output of `meltano state get`")
    parser.add_argument("--shards", type=int, required=True, help="number of shards")
    options = parser.parse_args()
    try:
        streams = [stream for path in options.states for stream in read_streams(path)]
    except (OSError, ValueError, TypeError, KeyError) as error:
        sys.exit(f"Cannot read a state ({error}): give files with a Singer state.")
    for number in range(1, options.shards + 1):
        bookmarks: dict[str, dict[str, Any]] = {}
        for name, stream in streams:
            kept = [
                e for e in stream.get("partitions", ()) if is_in(e, number, options.shards)
            ]
            partitions = bookmarks.setdefault(name, {"partitions": []})["partitions"]
            partitions += kept
        path = Path(f"state-{number}-of-{options.shards}.json")
        path.write_text(json.dumps({"singer_state": {"bookmarks": bookmarks}}), "utf-8")
        entries = max((len(s["partitions"]) for s in bookmarks.values()), default=0)
        print(f"{path}: {entries:,} usernames")


def read_streams(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return the name and the state of each stream in a file."""
    document = json.loads(path.read_text("utf-8"))
    return list(document.get("singer_state", document)["bookmarks"].items())


def is_in(entry: dict[str, Any], number: int, shards: int) -> bool:
    """Return whether an entry belongs to a shard, as the tap's setting `shard` decides it."""
    username = entry["context"]["follower_username"].lower()
    digest = blake2b(username.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % shards + 1 == number


if __name__ == "__main__":
    main()
