"""The response file as a user meets it: dead runs, foreign files, full disks."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import stat
import subprocess
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Clock, Fault, Sandbox, Scenario, World
from tap_tiktok_following.text import DAY, HOUR
from tests.disks import Disk
from tests.harness import (
    NOW,
    Run,
    bare,
    command,
    each_provider,
    entry,
    finish,
    follows_of,
    many,
    pages_asked,
    run,
    settings,
    start,
    truth,
    wait_until,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="modes and signals are POSIX's")

LENGTHS = {"long": 300, "short": 3, "empty": 0}
PAGES = {"long": 34, "short": 1, "empty": 1}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "responses.db"


@pytest.fixture(autouse=True)
def _lists(sandbox: Sandbox, path: Path) -> None:
    path.parent.mkdir()
    lists = {name: follows_of(name, n, every=HOUR) for name, n in LENGTHS.items()}
    sandbox.world = World.of(lists)
    sandbox.scenario = Scenario(faults=[Fault("total", username="empty", value=0)])


def config_of(
    sandbox: Sandbox, path: Path, provider: str | None = "rapidapi", **more: Any
) -> dict[str, Any]:
    how = {"page_size": 10, "concurrency": 2, **more}
    return settings(sandbox, LENGTHS, provider, responses_path=str(path), **how)


def stored(path: Path) -> list[tuple[str, str, int]]:
    """Return source, username and page of the stored responses."""
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT source, username, page FROM responses ORDER BY 1, 2, 3"
        return connection.execute(query).fetchall()


def age(path: Path, seconds: int) -> None:
    """Make the stored responses older."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE responses SET came_at = came_at - ?", (seconds,))


def requested(sandbox: Sandbox) -> Counter[tuple[str, str | None, int | None]]:
    """Return how often each page was requested."""
    return Counter((r.provider, r.username, r.cursor) for r in sandbox.requests if r.username)


def rows_of(ended: Run, provider: str, stream: str) -> list[str]:
    """Return the records of a stream in an order that no thread decides."""
    return sorted(map(json.dumps, ended.records(f"{provider}_{stream}")))


# Paid once.


@each_provider
def test_run_after_a_kill_requests_only_what_was_not_stored(
    sandbox: Sandbox, tmp_path: Path, path: Path, provider: str
) -> None:
    sandbox.scenario.latency = 0.02
    config = config_of(sandbox, path, provider)
    process = start(tmp_path, config)
    wait_until(lambda: len(pages_asked(sandbox, provider, "long")) >= 8)
    process.kill()
    before = finish(process)
    files = list(path.parent.glob(f"{path.name}*"))
    assert len(files) == 2
    for file in files:
        check_private(sandbox, file)
    assert len(stored(path)) >= 8

    after = finish(start(tmp_path, config))
    assert after.exit_code == 0
    assert sorted(after.follows(provider)) == sorted(truth(sandbox, *LENGTHS))
    times = {r["scanned_at"] for r in before.records(f"{provider}_following")}
    assert times <= {r["scanned_at"] for r in after.records(f"{provider}_following")}
    assert sum(requested(sandbox).values()) - len(requested(sandbox)) <= 2
    assert {row["outcome"] for row in after.scans(provider).values()} == {"complete"}

    last = finish(start(tmp_path, config, after.state))
    assert last.follows(provider) == []
    assert {(name, page) for _, name, page in stored(path)} == {(name, 1) for name in LENGTHS}


@each_provider
def test_lost_run_comes_again_as_it_was_without_a_request(
    sandbox: Sandbox, path: Path, provider: str
) -> None:
    """Whatever the budget is."""
    config = config_of(sandbox, path, provider)
    first = run(config)
    sandbox.take_requests()
    second = run({**config, f"{provider}_max_requests": 0})
    assert requested(sandbox) == {}
    assert second.exit_code == 0
    for stream in ("following", "scans"):
        assert rows_of(first, provider, stream) == rows_of(second, provider, stream)
    for name in LENGTHS:
        assert entry(second.state, provider, name) == entry(first.state, provider, name)


@each_provider
def test_lists_of_one_page_are_paid_for_once_without_another_setting(
    sandbox: Sandbox, tmp_path: Path, path: Path, provider: str
) -> None:
    """The run is killed when all but the last list were read."""
    names = many(21)
    sandbox.world = World.of({name: follows_of(name, 1) for name in [*names, "last"]})
    sandbox.scenario = Scenario(faults=[Fault("silent", username="last")])
    config = {**config_of(sandbox, path, provider), "usernames": [*names, "last"]}
    process = start(tmp_path, {**config, "concurrency": 1})
    wait_until(lambda: bool(pages_asked(sandbox, provider, "last")))
    process.kill()
    finish(process)
    sandbox.scenario = Scenario()
    after = run(config)
    again = {name: times for (_, name, _), times in requested(sandbox).items() if times > 1}
    assert again == {"last": 2}
    assert sorted(after.follows(provider)) == sorted(truth(sandbox, *names, "last"))
    assert (after.exit_code, after.text("WARNING")) == (0, "")


@each_provider
def test_stored_scan_that_is_12_hours_old_is_followed_by_a_new_one(
    sandbox: Sandbox, path: Path, provider: str
) -> None:
    """So the next day's new follows are not a day late."""
    config = config_of(sandbox, path, provider)
    first = run(config)
    sandbox.world.follow("short", "new", at=NOW + 60)
    sandbox.clock.advance(13 * HOUR)
    for older, new in ((0, set()), (13 * HOUR, {("short", "new")})):
        age(path, older)
        sandbox.take_requests()
        ended = run(config)
        assert set(ended.follows(provider)) == {*first.follows(provider), *new}
        assert ended.exit_code == 0
        requests = {name for _, name, _ in requested(sandbox)}
        assert requests == (set(LENGTHS) if new else set())
    age(path, 13 * HOUR)
    sandbox.take_requests()
    run({**config, "rescan_after_hours": 48})
    assert requested(sandbox) == {}


def test_list_that_is_not_due_and_whose_stored_response_is_of_no_use_waits(
    sandbox: Sandbox, path: Path
) -> None:
    """Its first pages are gone, as after an older state came back."""
    config = config_of(sandbox, path, rescan_after_hours=12)
    state = run(config).state
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM responses WHERE page < 3")
        connection.execute("UPDATE responses SET scanned_at = scanned_at + 99")
    sandbox.take_requests()
    ended = run(config, state)
    assert (ended.exit_code, ended.text("WARNING"), requested(sandbox)) == (0, "", {})


def test_covered_responses_leave_the_file_and_release_its_space(
    sandbox: Sandbox, path: Path
) -> None:
    sandbox.world = World.of({"long": follows_of("long", 4000, every=HOUR)})
    config = {**config_of(sandbox, path), "usernames": ["long"]}
    state = run(config).state
    full = path.stat().st_size
    sandbox.take_requests()
    run(config, state)
    assert len(requested(sandbox)) == len(stored(path)) == 1
    assert path.stat().st_size < full / 4


def test_unused_responses_are_deleted_after_30_days(sandbox: Sandbox, path: Path) -> None:
    run(config_of(sandbox, path))
    age(path, 29 * DAY)
    other = {**config_of(sandbox, path), "usernames": ["someone.else"]}
    run(other)
    assert {name for _, name, _ in stored(path)} == {*LENGTHS, "someone.else"}
    age(path, DAY + 60)
    run(other)
    assert {name for _, name, _ in stored(path)} == {"someone.else"}


# Whose it is.


def test_each_provider_and_each_server_has_responses_of_its_own(
    sandbox: Sandbox, path: Path
) -> None:
    run(config_of(sandbox, path, None))
    with Sandbox(sandbox.world, clock=Clock(NOW)) as other:
        run(config_of(other, path))
        assert len(requested(other)) == sum(PAGES.values())
    sources = {source for source, *_ in stored(path)}
    here = {f"{name}_following {sandbox.url}" for name in ("research", "rapidapi")}
    assert sources == {*here, f"rapidapi_following {other.url}"}
    sandbox.take_requests()
    only = run(config_of(sandbox, path, "research"))
    both = run(config_of(sandbox, path, None), only.state)
    for ended, provider in ((only, "research"), (both, "rapidapi")):
        assert sorted(ended.follows(provider)) == sorted(truth(sandbox, *LENGTHS))
    assert {provider for provider, *_ in requested(sandbox)} == {"research"}


def test_file_is_not_opened_for_discovery_a_test_or_full_table(
    sandbox: Sandbox, tmp_path: Path, path: Path
) -> None:
    config = config_of(sandbox, path)
    run(config)
    path.chmod(0o644)  # opening it would make it private again
    before = path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes()
    program = command(tmp_path, config)
    catalog = str(full_table(tmp_path, program))
    for options in (["--test"], ["--discover"], ["--catalog", catalog]):
        subprocess.run([*program, *options], env=bare(), capture_output=True, check=True)
        after = path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes()
        assert after == before


def full_table(folder: Path, program: list[str]) -> Path:
    """Return a catalog that reads every list in full."""
    discovered = subprocess.run(
        [*program, "--discover"], env=bare(), capture_output=True, check=True
    )
    catalog = json.loads(discovered.stdout)
    for stream in catalog["streams"]:
        stream["replication_method"] = "FULL_TABLE"
        for item in stream["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["forced-replication-method"] = "FULL_TABLE"
    path = folder / "catalog.json"
    path.write_text(json.dumps(catalog), encoding="utf-8")
    return path


def test_file_is_private_whatever_it_was_before(sandbox: Sandbox, path: Path) -> None:
    path.touch(0o644)
    before = os.umask(0)
    try:
        run(config_of(sandbox, path, None))
    finally:
        os.umask(before)
    check_private(sandbox, path)


def check_private(sandbox: Sandbox, path: Path) -> None:
    """Only its owner can read the file, and it contains nothing of a request."""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = path.read_bytes().lower()
    for setting in ("rapidapi_key", "research_client_key", "research_client_secret"):
        assert sandbox.config[setting].lower().encode() not in content
    assert not re.search(rb"clt\.[0-9a-f]+|bearer|x-rapidapi-key|authorization", content)


def test_responses_that_contain_a_secret_are_not_stored_with_one_warning(
    sandbox: Sandbox, path: Path
) -> None:
    secret = sandbox.config["rapidapi_key"]
    for name in ("long", "short"):
        sandbox.world.follow(name, f"fan.of.{secret}", at=NOW - 1)
    ended = run(config_of(sandbox, path))
    warning = "A response contains one of the configured secrets and is not stored"
    assert ended.text("WARNING").count(warning) == 1
    assert ended.exit_code == 0
    pages = {(name, page) for _, name, page in stored(path)}
    assert pages == {("empty", 1), *(("long", page) for page in range(2, 35))}


def make_other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE responses (mine)")


FOREIGN = {
    "a database of another program": make_other_database,
    "a text": lambda path: path.write_text("usernames\n" * 50),
    "a short text": lambda path: path.write_text("x"),
    "a folder": lambda path: path.mkdir(),
    "a pipe": getattr(os, "mkfifo", None),
}


@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN)
def test_foreign_file_ends_the_run_and_is_not_changed(
    sandbox: Sandbox, path: Path, make: Any
) -> None:
    make(path)
    before = path.stat()
    content = path.read_bytes() if path.is_file() else b""
    ended = run(config_of(sandbox, path))
    check_refused(ended, sandbox, f"({path}) is not a response file of this version")
    assert path.stat().st_mode == before.st_mode
    assert (path.read_bytes() if path.is_file() else b"") == content
    assert list(path.parent.iterdir()) == [path]


def check_refused(ended: Run, sandbox: Sandbox, words: str) -> None:
    """One sentence, before any request."""
    assert ended.exit_code == 1
    assert words in ended.last_line
    assert "Traceback" not in ended.stderr
    assert ended.records("rapidapi_following") == []
    assert requested(sandbox) == {}


def test_missing_folder_is_created(sandbox: Sandbox, path: Path) -> None:
    missing = path.parent / "missing" / path.name
    assert run(config_of(sandbox, missing, None)).exit_code == 0
    assert missing.exists()


def test_file_beside_which_nothing_can_be_written_is_not_to_be_deleted(
    sandbox: Sandbox, path: Path
) -> None:
    """SQLite needs a second file."""
    run(config_of(sandbox, path))
    sandbox.take_requests()
    path.with_name(f"{path.name}-wal").mkdir()
    ended = run(config_of(sandbox, path))
    check_refused(ended, sandbox, "cannot be written")
    assert "delete" not in ended.last_line


@pytest.mark.parametrize("spoil", ["cut off", "overwritten"])
def test_broken_file_ends_the_run_with_what_to_do(
    sandbox: Sandbox, path: Path, spoil: str
) -> None:
    run(config_of(sandbox, path))
    sandbox.take_requests()
    content = path.read_bytes()
    kept = 4096 if spoil == "overwritten" else len(content) // 2
    path.write_bytes(content[:kept] + b"x" * (len(content) - kept) * (kept == 4096))
    check_refused(run(config_of(sandbox, path)), sandbox, "is broken")


def test_response_that_is_broken_is_requested_again(sandbox: Sandbox, path: Path) -> None:
    run(config_of(sandbox, path))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE responses SET body = x'00' WHERE username = 'short'")
    sandbox.take_requests()
    ended = run(config_of(sandbox, path))
    assert {name for _, name, _ in requested(sandbox)} == {"short"}
    assert sorted(ended.follows("rapidapi")) == sorted(truth(sandbox, *LENGTHS))


def test_log_of_a_deleted_file_is_ignored(
    sandbox: Sandbox, tmp_path: Path, path: Path
) -> None:
    """After a kill, someone deletes the file but not SQLite's log beside it."""
    sandbox.scenario = Scenario(faults=[Fault("silent", username="long", page=2)])
    process = start(tmp_path, config_of(sandbox, path))
    wait_until(lambda: requested(sandbox).total() == 4)
    process.kill()
    finish(process)
    path.unlink()
    sandbox.scenario = Scenario()
    ended = run(config_of(sandbox, path))
    assert sorted(ended.follows("rapidapi")) == sorted(truth(sandbox, *LENGTHS))
    assert list(path.parent.iterdir()) == [path]


def test_second_run_with_the_same_file_ends_at_once(
    sandbox: Sandbox, tmp_path: Path, path: Path
) -> None:
    sandbox.scenario = Scenario(faults=[Fault("silent", username="long", page=2)])
    config = config_of(sandbox, path)
    first = start(tmp_path, config)
    wait_until(lambda: requested(sandbox).total() == 4)  # only the silent page is left
    sandbox.take_requests()
    check_refused(finish(start(tmp_path, config)), sandbox, "is in use by another run")
    first.terminate()
    assert finish(first).exit_code == 143
    sandbox.scenario = Scenario()
    assert finish(start(tmp_path, config)).exit_code == 0


# Disks without room.


def test_disk_that_fills_gives_one_warning_and_stops_nothing(
    sandbox: Sandbox, tmp_path: Path, path: Path
) -> None:
    config = config_of(sandbox, path)
    limited = ["bash", "-c", 'ulimit -f 64; exec "$@"', "-", *command(tmp_path, config)]
    ended = subprocess.run(
        limited, env=bare(), capture_output=True, check=False, encoding="utf-8"
    )
    full = Run(ended.returncode, ended.stdout, ended.stderr)
    check_full(full, sandbox)
    saved = len(stored(path))
    assert 0 < saved < sum(PAGES.values())
    sandbox.take_requests()
    after = run(config)
    assert requested(sandbox).total() == sum(PAGES.values()) - saved
    assert sorted(after.follows("rapidapi")) == sorted(truth(sandbox, *LENGTHS))


def test_disk_without_room_gives_one_warning_and_stops_nothing(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """It fills while responses are stored, and is full when they are to be deleted."""
    disk = Disk(tmp_path, "64k")
    config = config_of(sandbox, disk.path / "responses.db")
    path = disk.outside / "responses.db"
    full = disk.run(command(tmp_path, config))
    check_full(full, sandbox)
    saved = stored(path)
    assert 0 < len(saved) < sum(PAGES.values())

    still = disk.run(command(tmp_path, config, full.state), is_full=True)
    assert (still.exit_code, still.follows("rapidapi")) == (0, [])
    assert still.text("WARNING").count("cannot be written any more") == 1
    assert stored(path) == saved

    run({**config, "responses_path": str(path)}, full.state)
    assert {(name, page) for _, name, page in stored(path)} == {(name, 1) for name in LENGTHS}


def check_full(ended: Run, sandbox: Sandbox) -> None:
    assert ended.exit_code == 0
    assert ended.text("WARNING").count("cannot be written any more") == 1
    assert sorted(ended.follows("rapidapi")) == sorted(truth(sandbox, *LENGTHS))
