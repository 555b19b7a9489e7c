"""The response file as a user meets it: dead runs, foreign files, full disks."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import stat
import sys
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sandbox import Clock, Fault, Follow, Sandbox, Scenario, World
from tap_tiktok_following.tap import TapTikTokFollowing
from tap_tiktok_following.text import DAY, HOUR
from tests.harness import (
    NOW,
    Run,
    command,
    each_provider,
    entry,
    finish,
    follows_of,
    run,
    run_process,
    settings,
    start,
    truth,
    wait_until,
)

LENGTHS = {"long": 300, "short": 3, "empty": 0}
PAGES = 34 + 1 + 1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a path in a folder that does not exist yet."""
    return tmp_path / "folder" / "responses.db"


@pytest.fixture(autouse=True)
def _lists(sandbox: Sandbox) -> None:
    lists = {name: follows_of(name, n, every=HOUR) for name, n in LENGTHS.items()}
    sandbox.world = World.of(lists)
    sandbox.scenario = Scenario(faults=[Fault("total", username="empty", value=0)])


Config = dict[str, Any]


def config_of(sandbox: Sandbox, path: Path, provider: str | None) -> Config:
    how = {"page_size": 10, "concurrency": 2, "responses_path": str(path)}
    return settings(sandbox, LENGTHS, provider, **how)


@pytest.fixture
def config(sandbox: Sandbox, path: Path) -> Config:
    return config_of(sandbox, path, "rapidapi")


def execute(path: Path, statement: str) -> list[Any]:
    """Execute a statement of SQL in the file; return what it selects."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement).fetchall()


def stored(path: Path) -> set[tuple[str, int]]:
    """Return username and page of the stored responses."""
    return set(execute(path, "SELECT username, page FROM responses"))


def age(path: Path, seconds: int) -> None:
    """Make the stored responses older."""
    execute(path, f"UPDATE responses SET came_at = came_at - {seconds}")  # noqa: S608


def requested(sandbox: Sandbox) -> Counter[tuple[str, str | None, int | None]]:
    """Return how often each page was requested."""
    return Counter((r.provider, r.username, r.cursor) for r in sandbox.requests if r.username)


def rows_of(ended: Run, provider: str, stream: str) -> list[str]:
    """Return the records of a stream in an order that no thread decides."""
    return sorted(map(json.dumps, ended.records(f"{provider}_{stream}")))


# Paid once.


@each_provider
def test_lost_run_comes_again_as_it_was_without_a_request(
    sandbox: Sandbox, path: Path, provider: str
) -> None:
    """Whatever the budget is; a skip, too; retries are counted as before."""
    sandbox.scenario.faults.append(Fault("status", username="short", times=1))
    sandbox.world.private.add("shut")
    names = [*LENGTHS, "shut"]
    config = {**config_of(sandbox, path, provider), "usernames": names}
    first = run(config)
    sandbox.take_requests()
    second = run({**config, f"{provider}_max_requests": 0})
    assert requested(sandbox) == {}
    assert second.exit_code == 0
    for stream in ("following", "scans"):
        assert rows_of(first, provider, stream) == rows_of(second, provider, stream)
    for name in names:
        assert entry(second.state, provider, name) == entry(first.state, provider, name)


def test_killed_run_holds_a_private_file_and_the_next_requests_only_what_is_not_in_it(
    sandbox: Sandbox, tmp_path: Path, path: Path
) -> None:
    path.parent.mkdir()
    path.touch(0o644)
    sandbox.scenario.faults = [Fault("silent", username="long", page=9)]
    config = {**config_of(sandbox, path, "research"), "usernames": ["long", "short"]}
    process = start(tmp_path, config)
    wait_until(lambda: requested(sandbox).total() == 9 + 1)
    check_refused(run(config), "is in use by another run")
    process.kill()
    finish(process)
    secrets = [sandbox.config["research_client_key"], sandbox.config["research_client_secret"]]
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        content = file.read_bytes().decode(errors="replace")
        assert not re.search(rf"clt\.[0-9a-f]+|(?i:bearer)|{'|'.join(secrets)}", content)
    sandbox.scenario.faults = []
    after = run(config)
    assert after.exit_code == 0
    assert sorted(after.follows("research")) == sorted(truth(sandbox, *LENGTHS))
    assert {row["outcome"] for row in after.scans("research").values()} == {"complete"}
    in_flight = [page for page, times in requested(sandbox).items() if times > 1]
    assert 1 <= len(in_flight) <= 2


def test_rows_of_a_lost_run_keep_their_times_if_the_clock_is_set_back(
    sandbox: Sandbox, config: Config
) -> None:
    """And later scans get later ones."""
    config |= {"usernames": ["short", "long"], "concurrency": 1}
    first = run({**config, "rapidapi_max_requests": 5})
    sandbox.clock.advance(-2 * DAY)
    second = run(config)
    rows = [set(rows_of(ended, "rapidapi", "following")) for ended in (first, second)]
    assert rows[0] < rows[1]
    before = {row["scanned_at"] for row in second.records("rapidapi_following")}
    sandbox.world.follow("short", "new", at=int(sandbox.clock.now()))
    [new] = run(config, second.state).records("rapidapi_following")
    assert (new["username"], new["scanned_at"] > max(before)) == ("new", True)
    again = {row["scanned_at"] for row in run(config).records("rapidapi_following")}
    assert new["scanned_at"] in again


def test_stored_scan_that_is_12_hours_old_is_followed_by_a_new_one(
    sandbox: Sandbox, path: Path, config: Config
) -> None:
    """So the next day's new follows are not a day late."""
    first = run(config)
    sandbox.world.follow("short", "new", at=NOW + 60)
    sandbox.clock.advance(13 * HOUR)
    for older, new in ((0, set()), (13 * HOUR, {("short", "new")})):
        age(path, older)
        sandbox.take_requests()
        ended = run(config)
        assert set(ended.follows("rapidapi")) == {*first.follows("rapidapi"), *new}
        assert ended.exit_code == 0
        requests = {name for _, name, _ in requested(sandbox)}
        assert requests == (set(LENGTHS) if new else set())
    age(path, 13 * HOUR)
    sandbox.take_requests()
    run({**config, "rescan_after_hours": 48})
    assert requested(sandbox) == {}


def test_new_scan_after_a_stored_one_has_its_own_row(path: Path, config: Config) -> None:
    config |= {"full_scan_after_days": 0, "usernames": ["long"]}
    run(config)
    age(path, 13 * HOUR)
    ended = run({**config, "rapidapi_max_requests": 2})
    outcomes = [row["outcome"] for row in ended.records("rapidapi_scans")]
    assert outcomes == ["complete", "interrupted"]
    assert "1 interrupted" in ended.text("INFO")


def test_list_that_is_not_due_and_whose_stored_response_is_of_no_use_waits(
    sandbox: Sandbox, path: Path, config: Config
) -> None:
    """Its first pages are gone, as after an older state came back."""
    config["rescan_after_hours"] = 12
    state = run(config).state
    execute(path, "DELETE FROM responses WHERE page < 3")
    execute(path, "UPDATE responses SET scanned_at = scanned_at + 99")
    sandbox.take_requests()
    ended = run(config, state)
    assert (ended.exit_code, ended.text("WARNING"), requested(sandbox)) == (0, "", {})


def test_page_on_which_the_cursor_stood_still_is_used_as_it_was_requested(
    sandbox: Sandbox, config: Config
) -> None:
    """Twice, with two counts; the next run has another page size."""
    sandbox.world = World.of({"short": [Follow(f"tied.{n}", NOW - 50) for n in range(30)]})
    first = run(config)
    asked = requested(sandbox)
    second = run({**config, "page_size": 100})
    assert len(first.follows("rapidapi")) == 30
    assert rows_of(first, "rapidapi", "following") == rows_of(second, "rapidapi", "following")
    assert requested(sandbox) == asked


NO_PAGE = f"body = x'{zlib.compress(b'<html>').hex()}'"


@pytest.mark.parametrize(
    "change",
    ["body = x'00'", NO_PAGE, "cursor = cursor - 99", "scanned_at = scanned_at + 99"],
)
def test_response_that_is_of_no_use_is_requested_again(
    sandbox: Sandbox, path: Path, config: Config, change: str
) -> None:
    run(config)
    execute(path, f"UPDATE responses SET {change} WHERE username = 'long' AND page = 2")  # noqa: S608
    sandbox.take_requests()
    ended = run(config)
    assert requested(sandbox).total() == 1
    assert sorted(ended.follows("rapidapi")) == sorted(truth(sandbox, *LENGTHS))


def test_covered_responses_leave_the_file_and_release_its_space_and_others_stay(
    sandbox: Sandbox, path: Path, config: Config
) -> None:
    sandbox.world = World.of({"long": follows_of("long", 2000, every=HOUR)})
    config |= {"page_size": 100, "usernames": ["long"]}
    state = run({**config, "rapidapi_max_requests": 10}).state
    run({**config, "rapidapi_max_requests": 5}, state)  # whose state is lost
    sandbox.take_requests()
    state = run(config, state).state
    assert len(requested(sandbox)) == 6
    assert {page for _, page in stored(path)} == {*range(11, 22)}
    full = path.stat().st_size
    sandbox.take_requests()
    run(config, state)
    assert len(requested(sandbox)) == len(stored(path)) == 1
    assert path.stat().st_size < full / 4


def test_unused_responses_are_deleted_after_30_days(path: Path, config: Config) -> None:
    """Those of usernames that are not configured, too."""
    run(config)
    age(path, 30 * DAY - 60)
    other = {**config, "usernames": ["someone.else"]}
    run(other)
    assert {name for name, _ in stored(path)} == {*LENGTHS, "someone.else"}
    age(path, 120)
    run(other)
    assert {name for name, _ in stored(path)} == {"someone.else"}


# Whose it is.


def test_each_provider_and_each_server_has_responses_of_its_own(
    sandbox: Sandbox, path: Path
) -> None:
    run(config_of(sandbox, path, None))
    with Sandbox(sandbox.world, clock=Clock(NOW)) as other:
        run(config_of(other, path, "rapidapi"))
        assert len(requested(other)) == PAGES
    sandbox.take_requests()
    only = run(config_of(sandbox, path, "research"))
    both = run(config_of(sandbox, path, None), only.state)
    for ended, provider in ((only, "research"), (both, "rapidapi")):
        assert sorted(ended.follows(provider)) == sorted(truth(sandbox, *LENGTHS))
    assert {provider for provider, *_ in requested(sandbox)} == {"research"}


def test_file_is_not_opened_for_discovery_a_test_or_full_table(
    sandbox: Sandbox, path: Path, config: Config
) -> None:
    catalog = TapTikTokFollowing(config=config).catalog_dict
    run(config, test=True)
    for stream in catalog["streams"]:
        stream["replication_method"] = "FULL_TABLE"
        stream["metadata"][-1]["metadata"].pop("forced-replication-method", None)
    run(config, catalog=json.loads(json.dumps(catalog, default=str)))
    assert requested(sandbox)["rapidapi", "long", None] == 2
    assert not path.parent.exists()


def test_responses_that_contain_a_secret_are_not_stored_with_one_warning(
    sandbox: Sandbox, path: Path, config: Config
) -> None:
    secret = sandbox.config["rapidapi_key"]
    for name in ("long", "short"):
        sandbox.world.follow(name, f"fan.of.{secret}", at=NOW - 1)
    ended = run(config)
    warning = "A response contains one of the configured secrets and is not stored"
    assert ended.text("WARNING").count(warning) == 1
    assert ended.exit_code == 0
    assert stored(path) == {("empty", 1), *(("long", page) for page in range(2, 35))}


def check_refused(ended: Run, words: str) -> None:
    """One sentence, before any request."""
    assert ended.exit_code == 1
    assert words in ended.last_line
    assert "Traceback" not in ended.stderr
    assert ended.records("rapidapi_following") == []


def put_folder_beside(path: Path, valid: bytes) -> None:
    path.write_bytes(valid)
    path.with_name(f"{path.name}-wal").mkdir()


FOREIGN = "is not a response file of this version of the tap and is not changed"
UNUSABLE: dict[str, tuple[Callable[[Path, bytes], object], str]] = {
    "database": (lambda path, _: execute(path, "CREATE TABLE responses (mine)"), FOREIGN),
    "text": (lambda path, _: path.write_text("usernames\n" * 50), FOREIGN),
    "folder": (lambda path, _: path.mkdir(), FOREIGN),
    "pipe": (lambda path, _: os.mkfifo(path), FOREIGN),
    "cut off": (lambda path, valid: path.write_bytes(valid[:9000]), "delete it"),
    "overwritten": (lambda path, v: path.write_bytes(v[:-4096] + b"x" * 4096), "delete it"),
    "SQLite cannot write beside it": (put_folder_beside, "cannot be written"),
}
"""What makes of a valid file one that cannot be used, and what is said of it."""


@pytest.mark.parametrize(("make", "words"), UNUSABLE.values(), ids=UNUSABLE)
def test_file_that_cannot_be_used_ends_the_run_and_is_not_changed(
    sandbox: Sandbox, path: Path, config: Config, make: Callable[..., object], words: str
) -> None:
    run(config)
    valid = path.read_bytes()
    path.unlink()
    make(path, valid)
    mode, content = path.stat().st_mode, path.is_file() and path.read_bytes()
    sandbox.take_requests()
    ended = run(config)
    check_refused(ended, words)
    assert str(path) in ended.last_line
    assert requested(sandbox) == {}
    assert content == (path.is_file() and path.read_bytes())
    assert path.stat().st_mode == mode or words != FOREIGN


# Disks without room.


def run_under(folder: Path, config: Config, *limits: str, state: object = None) -> Run:
    """Run the tap by the words of another command; it warns once."""
    ended = run_process([*limits, "-", *command(folder, config, state)])
    if ended.exit_code == 125 or ended.stderr.startswith("unshare:"):
        pytest.skip(f"no file system can be mounted here: {ended.stderr}")
    assert ended.exit_code == 0
    assert ended.text("WARNING").count("cannot be written any more") == 1
    return ended


def test_what_was_stored_before_a_disk_was_full_is_used_and_stays(
    sandbox: Sandbox, tmp_path: Path, path: Path, config: Config
) -> None:
    first = run_under(tmp_path, config, "bash", "-c", 'ulimit -f 64; exec "$@"')
    assert set(first.follows("rapidapi")) == truth(sandbox, *LENGTHS)
    saved = stored(path)
    assert 0 < len(saved) < PAGES
    sandbox.take_requests()
    run(config)
    assert requested(sandbox).total() == PAGES - len(saved)
    saved = stored(path)
    no_room = ("bash", "-c", 'ulimit -f 0; exec "$@"')
    still = run_under(tmp_path, config, *no_room, state=first.state)
    assert still.follows("rapidapi") == []
    assert stored(path) == saved


@pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")
@pytest.mark.parametrize("room", ["size=4k", "nr_inodes=1"])
def test_disk_without_room_gives_one_warning_and_stops_nothing(
    sandbox: Sandbox, tmp_path: Path, config: Config, room: str
) -> None:
    """None for the file, or not even for its name."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o {room} tmpfs {disk} || exit 125; exec "$@"'
    namespace = ("unshare", "--map-root-user", "--mount", "sh", "-c", mount)
    config["responses_path"] = str(disk / "responses.db")
    ended = run_under(tmp_path, config, *namespace)
    assert set(ended.follows("rapidapi")) == truth(sandbox, *LENGTHS)
