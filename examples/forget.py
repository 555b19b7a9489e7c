"""Forget a person: take a username out of a pipeline's files, and print the SQL for the rest.

    python examples/forget.py bob --state state.json --responses follows.responses \
        --usernames usernames.txt > forget.sql

Run it while no pipeline is running, with the files that you have. It removes the entry of the
username from the state, each response about or with the username from the response file, and
the username from the list. The SQL deletes the person from the tap's tables, on both sides of
a follow. Entries of other usernames contain hashes of accounts, but no names; the next scan of
a list replaces them.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import shutil
import sqlite3
import sys
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

PROVIDERS = ("research", "rapidapi")

RESPONSE_FILE = 0x746B666F
"""SQLite's `application_id` of a response file."""

PROFILE = re.compile(r"^(https?:)?(//)?([\w-]+\.)*tiktok\.com/+(@|%40)|[/?#].*")
"""What is around the username in the URL of a profile."""

PROBLEMS = (
    *(OSError, ValueError, TypeError, KeyError, AttributeError),
    *(csv.Error, sqlite3.Error, zlib.error),
)
"""What files raise that are not what they should be."""

SQL = {
    "research": """\
DELETE FROM {schema}.research_following WHERE '{username}' IN (follower_username, username);
DELETE FROM {schema}.research_scans WHERE follower_username = '{username}';
""",
    "rapidapi": """\
DELETE FROM {schema}.rapidapi_following
WHERE follower_username = '{username}' OR user_id IN (
    SELECT user_id FROM {schema}.rapidapi_following WHERE username = '{username}'
);
DELETE FROM {schema}.rapidapi_scans WHERE follower_username = '{username}';
""",
}
"""By provider. On RapidAPI, `user_id` also finds rows with earlier usernames of the person."""


def main() -> None:
    """Change the files that are given, and print the SQL."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("username", help="the person to forget")
    parser.add_argument("--schema", default="tiktok", help="schema of the tables (tiktok)")
    parser.add_argument(
        "--provider", choices=PROVIDERS, action="append", help="providers with tables (both)"
    )
    parser.add_argument("--state", type=Path, help="state, as `meltano state get` prints it")
    parser.add_argument("--responses", type=Path, help="file of `responses_path`")
    parser.add_argument("--usernames", type=Path, help="file of `usernames_path`")
    options = parser.parse_args()

    username = username_in(options.username)
    if not re.fullmatch(r"[a-z0-9._]+", username):
        sys.exit(f"{options.username} is not a username.")
    for path, forget in (
        (options.state, forget_in_state),
        (options.responses, forget_in_responses),
        (options.usernames, forget_in_list),
    ):
        if path is None:
            continue
        try:
            count = forget(path, username)
        except PROBLEMS as error:
            sys.exit(f"{path} cannot be used ({error}); nothing in it was changed.")
        print(f"{path}: {count} removed", file=sys.stderr)
    for provider in options.provider or PROVIDERS:
        print(SQL[provider].format(schema=options.schema, username=username), end="")


def username_in(text: str) -> str:
    """Return the username in `name`, `@name` or a profile URL."""
    name = "".join(filter(str.isprintable, text)).strip().lower()
    return PROFILE.sub("", name).removeprefix("@")


def forget_in_state(path: Path, username: str) -> int:
    """Remove the entries of a username, and return their number."""
    document = json.loads(path.read_text("utf-8"))
    removed = 0
    state = document.get("singer_state", document)
    for stream in (state["bookmarks"] if state else {}).values():
        entries: list[dict[str, Any]] = stream.get("partitions") or []
        kept = [e for e in entries if e["context"]["follower_username"].lower() != username]
        removed += len(entries) - len(kept)
        stream["partitions"] = kept
    replace(path, json.dumps(document))
    return removed


def forget_in_responses(path: Path, username: str) -> int:
    """Delete the responses that contain a username, and return their number."""
    url = f"{path.resolve().as_uri()}?mode=rw"
    with closing(sqlite3.connect(url, uri=True, timeout=0)) as file:
        [(application,)] = file.execute("PRAGMA application_id")
        if application != RESPONSE_FILE:
            reason = "it is not a response file"
            raise ValueError(reason)
        file.execute("PRAGMA secure_delete = ON")
        quoted = f'"{username}"'.encode()
        found = [
            (row,)
            for row, owner, body in file.execute("SELECT rowid, username, body FROM responses")
            if owner == username or quoted in zlib.decompress(body).lower()
        ]
        with file:
            file.executemany("DELETE FROM responses WHERE rowid = ?", found)
    return len(found)


def forget_in_list(path: Path, username: str) -> int:
    """Remove a username from a file of lines or a CSV, and return how often it was there."""
    content = path.read_bytes()
    is_utf_16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    rows = list(_rows(content.decode("utf-16" if is_utf_16 else "utf-8-sig")))
    kept = [row for row, name in rows if name != username]
    replace(path, "".join(kept))
    return len(rows) - len(kept)


def _rows(text: str) -> Iterator[tuple[str, str]]:
    """Yield each row of a file as it is written, and its username, as the tap reads them."""
    lines = io.StringIO(text, newline="")
    row: list[str] = []

    def noted() -> Iterator[str]:
        for line in lines:
            row.append(line)
            yield line

    delimiter, columns = ",", [""]
    for line in noted():
        delimiter = max(",;\t", key=line.count)
        [cells] = csv.reader([line], delimiter=delimiter)
        columns = [cell.strip().lower() for cell in cells]
        if line.partition("#")[0].strip() or "username" in columns:
            break
    if "username" not in columns:
        for line in text.splitlines(keepends=True):
            yield line, username_in(line.partition("#")[0])
        return
    place = columns.index("username")
    yield "".join(row), ""
    row.clear()
    for cells in csv.reader(noted(), delimiter=delimiter):
        yield "".join(row), username_in("".join(cells[place : place + 1]))
        row.clear()


def replace(path: Path, text: str) -> None:
    """Replace a file at once, so that no kill leaves half of it."""
    path = path.resolve()
    new = path.with_name(f"{path.name}.new")
    new.touch(0o600)
    new.write_bytes(text.encode())
    shutil.copymode(path, new)
    new.replace(path)


if __name__ == "__main__":
    main()
