"""How an entry is stored in the state: the one place that knows its format."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from sandbox import Fault, Sandbox, World
from tap_tiktok_following.model import Entry, Evidence, Memory, Outcome, Progress
from tap_tiktok_following.state.entry import dump, load
from tap_tiktok_following.tap import TapTikTokFollowing
from tap_tiktok_following.text import DAY, in_utc
from tests.harness import FIXTURES, NOW, bookmark, follows_of, run, settings, truth

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


def state_of(*entries: Any) -> dict[str, Any]:
    return {"bookmarks": {"rapidapi_following": {"partitions": copy.deepcopy(list(entries))}}}


def entries_of(state: dict[str, Any]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = state["bookmarks"]["rapidapi_following"]["partitions"]
    return entries


# The format.


def test_entry_is_stored_like_a_partition_of_the_sdk() -> None:
    known = Memory(b"\xf4\xe1\x69\xf8\xee", NOW - 70)
    done = Entry("ann", bookmark=NOW, full_floor=0, outcome=Outcome.COMPLETE, known=known)
    assert dump(done) == {
        "context": {"follower_username": "ann"},
        "replication_key": "followed_at_latest",
        "replication_key_value": "2023-11-16T02:00:00+00:00",
        "full_floor": 0,
        "outcome": "complete",
        "known": {"hashes": "9OFp+O4=", "since": NOW - 70},
    }


@pytest.mark.parametrize("known", [FULL, Entry("ann")], ids=["every field", "no field"])
def test_entry_is_the_same_after_it_was_stored(known: Entry) -> None:
    assert load(json.loads(json.dumps(dump(known))), "ann") == known


# Damaged and edited fields.

WRONG: tuple[Any, ...] = (None, 7.5, "x", [], {}, True, -(10**20), 10**20)

EDITED: list[dict[str, Any]] = [
    *({field: value} for field in dump(FULL) if field != "context" for value in WRONG),
    *(
        {field: time}
        for field in ("replication_key_value", "scanned_at", "ended_at")
        for time in ("yesterday", "0001-12-31", "9999-12-31", "9999-12-31T23:59:59-12:00")
    ),
    *({"known": {"hashes": hashes}} for hashes in (7, "MTIzNA==", "not base64")),
    {"known": {"hashes": "", "since": -1}},
    {"progress": {"scanned_at": 1}},
    *(
        {"progress": {"scanned_at": 1, "as_of": 1, "full": True, **wrong}}
        for wrong in ({"as_of": 10**12}, {"cursor": "soon"}, {"remembered": 3})
    ),
    {"scans": [None, 7, "x"]},
    {"added by a later version": 1},
]


def test_nothing_in_a_state_stops_a_run(sandbox: Sandbox) -> None:
    """Each list has one edited field; new follows of all of them arrive."""
    names = [f"user{number}" for number in range(len(EDITED))]
    sandbox.world = World.of({name: follows_of(name, 3) for name in names})
    edited = [
        {**stored_of(name), **fields} for name, fields in zip(names, EDITED, strict=True)
    ]
    nobody = [{"context": context} for context in (None, 7, {}, {"follower_username": 7})]
    config = settings(sandbox, names, "rapidapi")
    ended = run(config, state_of(None, 7, "x", [], {}, *nobody, *edited))
    assert (ended.exit_code, ended.text("ERROR")) == (0, "")
    outcomes = {name: row["outcome"] for name, row in ended.scans("rapidapi").items()}
    assert outcomes == dict.fromkeys(names, "complete")
    assert len(entries_of(ended.state)) == len(names)
    again = run(config, ended.state)
    assert (again.exit_code, again.follows("rapidapi")) == (0, [])


def test_edited_field_reads_as_absent_and_the_others_stay() -> None:
    for fields in EDITED:
        [field, *_] = fields
        loaded = load({**dump(FULL), **fields}, "ann")
        is_edited = field == "replication_key_value"
        assert loaded.bookmark == (None if is_edited else FULL.bookmark)
        assert loaded.known == (Memory() if field == "known" else FULL.known)
        assert loaded.progress == (None if field == "progress" else FULL.progress)


# The state around the entries.


EMPTY: tuple[Any, ...] = (
    None,
    [],
    {"rapidapi_following": None, "rapidapi_scans": None},
    {"rapidapi_following": {"partitions": None}},
)


@pytest.mark.parametrize("bookmarks", EMPTY, ids=repr)
def test_state_that_holds_no_entry_starts_anew(sandbox: Sandbox, bookmarks: Any) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    ended = run(settings(sandbox, ["ann"], "rapidapi"), {"bookmarks": bookmarks})
    assert (ended.exit_code, len(ended.follows("rapidapi"))) == (0, 3)


def test_what_a_run_does_not_know_or_read_is_kept(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    state = state_of(stored_of("gone"))
    state["bookmarks"]["rapidapi_following"]["other"] = 1
    state["bookmarks"]["users"] = {"replication_key_value": "2020-01-01"}
    after = run(settings(sandbox, ["ann"], "rapidapi"), state).state
    assert after["bookmarks"]["users"] == {"replication_key_value": "2020-01-01"}
    assert after["bookmarks"]["rapidapi_following"]["other"] == 1
    assert bookmark(after, "rapidapi", "gone") == in_utc(NOW - DAY)
    assert bookmark(after, "rapidapi", "ann") is not None


def test_later_of_two_entries_of_one_username_stays_with_the_rows_of_both(
    sandbox: Sandbox,
) -> None:
    """In whatever case and order they are; an unfinished scan of the earlier one goes."""
    row = {"follower_username": "ann", "outcome": "private"}
    old = dump(FULL) | {"replication_key_value": in_utc(NOW - 9 * DAY)}
    earlier = {**old, "context": {"follower_username": "Ann"}, "scans": [row]}
    later, unread = stored_of("ANN"), {"context": {"follower_username": "ann"}}
    config = settings(sandbox, ["ann"], "rapidapi")
    for entries in ([earlier, later, unread], [unread, later, earlier]):
        tap = TapTikTokFollowing(config=config, state=state_of(*entries))
        assert entries_of(dict(tap.state)) == [stored_of("ann", scans=[row])]


def test_rows_that_were_not_written_are_sent_by_the_next_run(sandbox: Sandbox) -> None:
    """A row is written when the one after it is requested."""
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    rows = [
        {"follower_username": name, "scanned_at": in_utc(NOW), "outcome": "complete"}
        for name in ("gone", "lost", "ann")
    ]
    state = state_of(*(stored_of(row["follower_username"], scans=[row]) for row in rows))
    config = settings(sandbox, ["ann"], "rapidapi")
    dying = TapTikTokFollowing(config=config, state=state)
    sent = dying.streams["rapidapi_scans"].get_records(None)
    assert [next(iter(sent)) for _ in range(2)] == rows[:2]
    ended = run(config, dict(dying.state))
    lost, left, new = ended.records("rapidapi_scans")
    assert lost.items() >= rows[1].items()
    assert left.items() >= rows[2].items()
    assert (new["follower_username"], new["accounts_sent"]) == ("ann", 3)
    assert "scans" not in json.dumps(ended.state["bookmarks"]["rapidapi_following"])


# A state of version 0.1.

OLD_STATE = FIXTURES / "state_of_0.1.0.json"


def test_state_of_version_0_1_keeps_its_bookmarks_and_starts_unfinished_scans_anew(
    sandbox: Sandbox,
) -> None:
    """A day later each list has a new follow."""
    anew = ("half", "broken", "hidden.later", "first.page")
    names = ("done", *anew)
    sandbox.world = World.of({name: follows_of(name, 12, every=DAY) for name in names})
    sandbox.clock.advance(DAY)
    for name in names:
        sandbox.world.follow(name, f"{name}.new", at=NOW + 60)
    before = json.loads(OLD_STATE.read_text(encoding="utf-8"))
    config = settings(sandbox, names, "research", page_size=3)
    sandbox.scenario.faults = [Fault("status", username="broken", page=2)]
    first = run(config, before)
    rows = first.scans("research")
    outcomes = {name: row["outcome"] for name, row in rows.items()}
    assert outcomes == dict.fromkeys(names, "complete") | {"broken": "failed"}
    assert first.follows("research", "done") == [("done", "done.new")]
    assert rows["done"]["requests"] == 1
    first_scan = "2023-11-16T01:59:59+00:00"
    assert rows["done"]["previous_scanned_at"] == first_scan
    assert all(row["scanned_at"] > first_scan for row in rows.values())
    sandbox.scenario.faults = []
    second = run(config, first.state)
    sent = {*first.follows("research"), *second.follows("research")}
    assert sent >= truth(sandbox, *anew) | {("done", "done.new")}
