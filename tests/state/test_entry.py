"""How an entry is stored in the state: the one place that knows its format."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Fault, Scenario, World
from tap_tiktok_following.model import Entry, Evidence, Memory, Outcome, Progress
from tap_tiktok_following.state.bookmarks import Bookmarks
from tap_tiktok_following.state.entry import dump, load, sanitise
from tap_tiktok_following.text import DAY, in_utc
from tests.harness import (
    NOW,
    bookmark,
    entry,
    finish,
    follows_of,
    run,
    settings,
    start,
    truth,
)

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.harness import Run

FULL = Entry(
    "ann",
    bookmark=NOW - 90,
    scanned_at=NOW - 60,
    completed_scanned_at=NOW - 80,
    full_scanned_at=NOW - 100,
    full_floor=NOW - 5000,
    retry_at=NOW + 5000,
    listed=120,
    total=130,
    hidden=10,
    total_is_wrong=True,
    lost=Evidence.PAGES,
    doubted=b"12345abcde",
    ended_at=NOW - 50,
    outcome=Outcome.INTERRUPTED,
    known=Memory(b"12345", NOW - 7000),
    progress=Progress(
        NOW - 40,
        NOW - 41,
        full=True,
        floor=7,
        cursor=NOW - 3000,
        hashes=b"1234567890",
        remembered=1,
        pages=2,
        gap="some may be missing",
    ),
)
"""An entry of which every field is set."""


def stored_of(username: str = "ann", **more: Any) -> dict[str, Any]:
    """Return an entry as it is stored, with a bookmark and these fields."""
    done = Entry(username, bookmark=NOW - DAY, scanned_at=NOW - DAY, full_floor=0)
    return {**dump(done), **more}


# The format.


def test_entry_is_stored_like_a_partition_of_the_sdk() -> None:
    done = Entry(
        "ann",
        bookmark=NOW,
        scanned_at=NOW,
        completed_scanned_at=NOW,
        full_scanned_at=NOW,
        full_floor=0,
        listed=1,
        ended_at=NOW + 5,
        outcome=Outcome.COMPLETE,
        known=Memory(b"\xf4\xe1\x69\xf8\xee", NOW - 70),
    )
    assert dump(done) == {
        "context": {"follower_username": "ann"},
        "replication_key": "followed_at_latest",
        "replication_key_value": "2023-11-16T02:00:00+00:00",
        "scanned_at": "2023-11-16T02:00:00+00:00",
        "full_scanned_at": "2023-11-16T02:00:00+00:00",
        "full_floor": 0,
        "listed": 1,
        "ended_at": "2023-11-16T02:00:05+00:00",
        "outcome": "complete",
        "known": {"hashes": "9OFp+O4=", "since": NOW - 70},
    }


@pytest.mark.parametrize("known", [FULL, Entry("ann")], ids=["every field", "no field"])
def test_entry_is_the_same_after_it_was_stored(known: Entry) -> None:
    assert load(json.loads(json.dumps(dump(known))), "ann") == known


def test_entry_of_a_run_is_the_same_after_it_was_stored(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 9)})
    for budget in (2, None):
        config = settings(sandbox, ["ann"], "rapidapi", page_size=4)
        stored = entry(
            run({**config, "rapidapi_max_requests": budget}).state, "rapidapi", "ann"
        )
        assert dump(load(stored, "ann")) == stored


# Damaged and edited fields.

WRONG: tuple[Any, ...] = (None, 7.5, "x", [], {}, True, -(10**20), 10**20)

EDITED: list[dict[str, Any]] = [
    *({field: value} for field in dump(FULL) if field != "context" for value in WRONG),
    {"replication_key_value": "yesterday"},
    *({"ended_at": f"{year}-12-31T23:59:59+00:00"} for year in ("0001", "9999")),
    *({"scanned_at": f"{year}-12-31T23:59:59+00:00"} for year in ("0001", "9999")),
    *({"replication_key_value": f"{year}-01-01"} for year in ("0001", "9999")),
    *({"replication_key_value": f"{day}T00:00:00-14:00"} for day in ("9999-12-31",)),
    {"outcome": ["complete"]},
    {"known": {"hashes": 7}},
    {"known": {"hashes": "MTIzNA=="}},
    {"known": {"hashes": "not base64"}},
    {"known": {"hashes": "", "since": -1}},
    {"progress": {"cursor": "soon"}, "outcome": "interrupted"},
    {"progress": {"scanned_at": 1}, "outcome": "interrupted"},
    {"progress": {"scanned_at": 1, "as_of": 10**12, "full": True}},
    {"progress": {"scanned_at": 1, "as_of": 1, "full": True, "hashes": "MTIzNA=="}},
    {"progress": {"scanned_at": 1, "as_of": 1, "full": True, "moved_at": 10**15}},
    {"progress": {"scanned_at": 1, "as_of": 1, "full": True, "read_until": 10**15}},
    {"progress": {"scanned_at": 1, "as_of": 1, "full": True, "read_down_to": 10**15}},
    {"progress": {"scanned_at": 1, "as_of": 1, "full": True, "remembered": -5}},
    {"progress": {"scanned_at": 1, "as_of": 1, "full": True, "remembered": 3}},
    {"scans": None},
    {"scans": "x"},
    {"scans": [None, 7, "x"]},
    {"added by a later version": 1},
]


def test_nothing_in_a_state_stops_a_run(sandbox: Sandbox) -> None:
    """Each list has one edited field; new follows of all of them arrive."""
    names = [f"user{number}" for number in range(len(EDITED))]
    sandbox.world = World.of({name: follows_of(name, 3) for name in names})
    edited = [
        {**stored_of(name), **copy.deepcopy(fields)}
        for name, fields in zip(names, EDITED, strict=True)
    ]
    state = {"bookmarks": {"rapidapi_following": {"partitions": edited}}}
    ended = run(settings(sandbox, names, "rapidapi"), state)
    assert (ended.exit_code, ended.text("ERROR")) == (0, "")
    outcomes = {name: row["outcome"] for name, row in ended.scans("rapidapi").items()}
    assert outcomes == dict.fromkeys(names, "complete")
    again = run(settings(sandbox, names, "rapidapi"), ended.state)
    assert (again.exit_code, again.follows("rapidapi")) == (0, [])


def test_edited_field_reads_as_absent_and_the_others_stay() -> None:
    for fields in EDITED:
        [field, *_] = fields
        loaded = load({**dump(FULL), **fields}, "ann")
        assert field == "replication_key_value" or loaded.bookmark == FULL.bookmark
        assert field == "known" or loaded.known == FULL.known
        assert field == "progress" or loaded.progress == FULL.progress


# The state around the entries.


def sanitised(partitions: object) -> list[dict[str, Any]]:
    """Return the entries of a state that was loaded."""
    state = sanitise({"bookmarks": {"research_following": {"partitions": partitions}}})
    found: list[dict[str, Any]] = state["bookmarks"]["research_following"]["partitions"]
    return [{name: value for name, value in each.items() if value != []} for each in found]


@pytest.mark.parametrize("state", [None, [], "x", {}, {"bookmarks": None}, {"bookmarks": []}])
def test_state_without_bookmarks_is_empty(state: object) -> None:
    assert sanitise(state)["bookmarks"] == {}


@pytest.mark.parametrize("partitions", [None, {}, "x", 7, [None, 7, "x", [], {}]])
def test_malformed_partitions_are_dropped(partitions: object) -> None:
    assert sanitised(partitions) == []


@pytest.mark.parametrize(
    "context", [None, 7, {}, {"follower_username": None}, {"follower_username": 7}]
)
def test_entry_without_a_username_is_dropped(context: object) -> None:
    assert sanitised([{"context": context}]) == []


def test_partitions_that_are_null_start_anew(sandbox: Sandbox) -> None:
    """The SDK itself ends such a run with a stack trace."""
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    streams = {"rapidapi_following": {"partitions": None}, "rapidapi_scans": None}
    ended = run(settings(sandbox, ["ann"], "rapidapi"), {"bookmarks": streams})
    assert (ended.exit_code, len(ended.follows("rapidapi"))) == (0, 3)


def test_unknown_keys_outside_the_entries_are_kept() -> None:
    state = {
        "bookmarks": {
            "research_following": {"partitions": [], "other": 1},
            "users": {"replication_key_value": "2020-01-01"},
        },
        "version": 3,
    }
    assert sanitise(copy.deepcopy(state)) == state


def test_entries_of_usernames_that_are_not_configured_are_kept(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    state = {"bookmarks": {"rapidapi_following": {"partitions": [stored_of("gone")]}}}
    ended = run(settings(sandbox, ["ann"], "rapidapi"), state)
    assert bookmark(ended.state, "rapidapi", "gone") == in_utc(NOW - DAY)
    assert bookmark(ended.state, "rapidapi", "ann") is not None


def test_later_of_two_entries_of_one_username_stays_with_the_rows_of_both() -> None:
    """In whatever case and order they are."""
    row = {"follower_username": "ann", "outcome": "private"}
    earlier = {**stored_of("Ann", scans=[row]), "replication_key_value": in_utc(NOW - 9 * DAY)}
    later = stored_of("ANN")
    unread = {"context": {"follower_username": "ann"}}
    for entries in ([earlier, later, unread], [unread, later, earlier]):
        assert sanitised(copy.deepcopy(entries)) == [stored_of("ann", scans=[row])]


def test_unfinished_scan_does_not_outlive_a_later_bookmark() -> None:
    left = dump(FULL) | {"replication_key_value": in_utc(NOW - 9 * DAY)}
    for entries in ([left, stored_of()], [stored_of(), left]):
        assert sanitised(copy.deepcopy(entries)) == [stored_of()]


# Rows that wait for the scans stream.


def test_row_waits_in_its_entry_until_the_next_one_is_requested() -> None:
    rows = [{"follower_username": name, "outcome": "complete"} for name in ("ann", "ben")]
    entries = [stored_of(row["follower_username"], scans=[row]) for row in rows]
    bookmarks = Bookmarks({"partitions": entries}, keep_rows=True)
    waiting = bookmarks.take_rows()
    for taken, left in ((rows[0], 2), (rows[1], 1), (None, 0)):
        assert next(waiting, None) == taken
        assert sum("scans" in stored and bool(stored["scans"]) for stored in entries) == left


def test_rows_that_an_earlier_run_could_not_write_are_sent(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    left = {"follower_username": "gone", "scanned_at": in_utc(NOW), "outcome": "complete"}
    state = {"bookmarks": {"rapidapi_following": {"partitions": [stored_of("gone")]}}}
    state["bookmarks"]["rapidapi_following"]["partitions"][0]["scans"] = [left]
    ended = run(settings(sandbox, ["ann"], "rapidapi"), state)
    rows = {row["follower_username"]: row for row in ended.records("rapidapi_scans")}
    assert rows.keys() == {"gone", "ann"}
    assert rows["gone"].items() >= left.items()
    assert "scans" not in json.dumps(ended.state["bookmarks"]["rapidapi_following"])


# States of version 0.1.

NAMES = ("done", "half", "broken", "hidden.later", "first.page")
OLD_STATE = Path(__file__).parents[1] / "fixtures" / "state_of_0.1.0.json"
FIRST_SCAN = "2023-11-16T01:59:59+00:00"


@pytest.fixture
def lists(sandbox: Sandbox) -> Sandbox:
    """The lists a day after that state, each with a new follow; page 2 of one fails."""
    sandbox.world = World.of({name: follows_of(name, 12, every=DAY) for name in NAMES})
    sandbox.scenario = Scenario(faults=[Fault("status", username="broken", page=2, value=500)])
    sandbox.clock.advance(DAY)
    for name in NAMES:
        sandbox.world.follow(name, f"{name}.new", at=NOW + 60)
    return sandbox


def read(sandbox: Sandbox, state: dict[str, Any], **more: Any) -> Run:
    return run(settings(sandbox, NAMES, "research", page_size=3, **more), state)


def test_state_of_version_0_1_keeps_its_bookmarks_and_starts_unfinished_scans_anew(
    lists: Sandbox,
) -> None:
    before = json.loads(OLD_STATE.read_text(encoding="utf-8"))
    first = read(lists, before)
    outcomes = {name: row["outcome"] for name, row in first.scans("research").items()}
    assert outcomes == dict.fromkeys(NAMES, "complete") | {"broken": "failed"}
    rows = first.scans("research")
    assert first.follows("research", "done") == [("done", "done.new")]
    assert rows["done"]["requests"] == 1
    assert rows["done"]["previous_scanned_at"] == FIRST_SCAN
    assert all(rows[name]["scanned_at"] > FIRST_SCAN for name in NAMES)
    anew = set(NAMES) - {"done", "broken"}
    assert set(first.follows("research")) >= truth(lists, *anew)

    lists.scenario = Scenario()
    second = read(lists, first.state)
    assert second.scans("research")["broken"]["outcome"] == "complete"
    sent = {*first.follows("research"), *second.follows("research")}
    assert sent >= truth(lists, *anew, "broken") | {("done", "done.new")}
    assert bookmark(second.state, "research", "broken") is not None


def test_state_of_version_0_1_comes_back_while_responses_are_stored(
    lists: Sandbox, tmp_path: Path
) -> None:
    """Only the page that failed is requested again; all rows are the same."""
    before = json.loads(OLD_STATE.read_text(encoding="utf-8"))
    config = {"responses_path": str(tmp_path / "responses.db")}
    first = read(lists, before, **config)
    lists.take_requests()
    second = read(lists, before, **config)
    assert {r.username for r in lists.requests if r.username} == {"broken"}
    rows = [
        sorted(map(json.dumps, ended.records("research_following")))
        for ended in (first, second)
    ]
    assert rows[0] == rows[1]


def test_process_reads_an_edited_state(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    stored = stored_of(replication_key_value="9999-12-31T23:59:59-12:00", outcome=7)
    state = {"bookmarks": {"rapidapi_following": {"partitions": [stored, None]}}}
    ended = finish(start(tmp_path, settings(sandbox, ["ann"], "rapidapi"), state))
    assert (ended.exit_code, len(ended.follows("rapidapi"))) == (0, 3)
    assert "Traceback" not in ended.stderr
