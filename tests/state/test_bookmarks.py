"""What is known of every username, on plain dicts: the work of a run, and what it leaves."""

from __future__ import annotations

import copy
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tap_tiktok_following.hashes import hash_account
from tap_tiktok_following.model import Event, Memory, Standing, Stuck, Top, Visit
from tap_tiktok_following.model import Outcome
from tap_tiktok_following.state.bookmarks import Bookmarks
from tap_tiktok_following.state.entries import sanitise
from tap_tiktok_following.state.plan import Policy, Turn
from tap_tiktok_following.text import DAY, HOUR, in_utc, parse_time

if TYPE_CHECKING:
    from tap_tiktok_following.state.plan import Plan

NOW = 1_700_000_000
READ = (Outcome.COMPLETE, Outcome.UNCHANGED)
SKIPPED = (Outcome.PRIVATE, Outcome.HIDDEN, Outcome.NOT_FOUND, Outcome.UNAVAILABLE)


def entry_of(username: str, *, bookmark: int | None = None, **more: Any) -> dict[str, Any]:
    """An entry of `partitions`, as the tap writes it."""
    made: dict[str, Any] = {"context": {"follower_username": username}}
    if bookmark is not None:
        made["replication_key"] = "followed_at_latest"
        made["replication_key_value"] = in_utc(bookmark)
    return {**made, **more}


def visited(username: str, outcome: Outcome, at: int, **more: Any) -> dict[str, Any]:
    return entry_of(username, outcome=outcome.value, visited_at=in_utc(at), **more)


def unfinished(username: str, at: int = NOW - HOUR, **standing: Any) -> dict[str, Any]:
    resume = {
        "scanned_at": at,
        "as_of": at,
        "floor": 0,
        "whole": True,
        "cursor": at - 50,
        **standing,
    }
    return visited(username, Outcome.INTERRUPTED, at, resume=resume)


def bookmarks_of(
    *entries: dict[str, Any], keep_scans: bool = True, **policy: Any
) -> Bookmarks:
    return Bookmarks({"partitions": list(entries)}, Policy(**policy), keep_scans=keep_scans)


def plan_of(*entries: dict[str, Any], names: str = "", **policy: Any) -> Plan:
    """The plan for these usernames, or for those that have an entry."""
    usernames = names.split() or [entry["context"]["follower_username"] for entry in entries]
    return bookmarks_of(*entries, **policy).plan(usernames, NOW)


def order(plan: Plan) -> list[str]:
    return [visit.username for visit in plan.visits]


def standing_of(**more: Any) -> Standing:
    return Standing(
        **{"scanned_at": NOW - 5, "as_of": NOW - 5, "floor": 0, "whole": True, **more}
    )


def page_event(username: str = "ann", **standing: Any) -> Event:
    """A page was read, and the scan goes on."""
    where = standing_of(cursor=NOW - 50, accounts_read=2, accounts_sent=2, **standing)
    return Event(Visit(username), where, is_page=True, at=NOW)


def end_event(outcome: Outcome, username: str = "ann", **more: Any) -> Event:
    """The end of a visit; of a list that was read, with its last page."""
    standing = more.pop("standing", standing_of())
    visit = more.pop("visit", Visit(username))
    more = {"at": NOW, **more}
    return Event(visit, standing, outcome=outcome, is_page=outcome in READ, **more)


# Order of work.


def test_unfinished_then_new_then_the_longest_unvisited() -> None:
    plan = plan_of(
        visited("late", Outcome.COMPLETE, NOW - 1 * HOUR, bookmark=NOW - HOUR),
        visited("early", Outcome.COMPLETE, NOW - 9 * HOUR, bookmark=NOW - 9 * HOUR),
        visited("private", Outcome.PRIVATE, NOW - 5 * HOUR),
        visited("failed", Outcome.FAILED, NOW - 3 * HOUR),
        unfinished("half"),
        names="new1 late early private failed half new2",
    )
    assert order(plan) == ["half", "new1", "new2", "early", "private", "failed", "late"]
    assert plan.counts == Counter({Turn.UNFINISHED: 1, Turn.NEW: 2, Turn.KNOWN: 4})


def test_of_several_unfinished_the_longest_unvisited_comes_first() -> None:
    assert order(plan_of(unfinished("b", NOW - 10), unfinished("a", NOW - 99))) == ["a", "b"]


def test_of_equals_the_order_given_stands() -> None:
    assert order(plan_of(names="c a b")) == ["c", "a", "b"]


def test_a_username_that_failed_mid_list_does_not_come_before_new_ones() -> None:
    resume = kept(standing_of(cursor=NOW - 50))
    plan = plan_of(visited("bad", Outcome.FAILED, NOW - 9, resume=resume), names="bad new")
    assert order(plan) == ["new", "bad"]
    assert plan.visits[1].resume == standing_of(cursor=NOW - 50)


def kept(standing: Standing) -> dict[str, Any]:
    """A standing as an entry holds it."""
    state: dict[str, Any] = {}
    bookmarks = Bookmarks(state, Policy(), keep_scans=False)
    bookmarks.written(Event(Visit("x"), standing, is_page=True))
    return dict(state["partitions"][0]["resume"])


@pytest.mark.parametrize("outcome", [*SKIPPED, Outcome.FAILED])
def test_a_visit_that_ended_badly_is_a_visit_too(outcome: Outcome) -> None:
    state: dict[str, Any] = {}
    bookmarks = Bookmarks(state, Policy(), keep_scans=False)
    bookmarks.written(end_event(outcome, "bad", at=NOW - HOUR))
    last = {"last_scanned_at": in_utc(NOW - 5)}
    assert state["partitions"] == [visited("bad", outcome, NOW - HOUR) | last]
    plan = bookmarks.plan(["bad", "new"], NOW)
    assert order(plan) == ["new", "bad"]


# Not due.


@pytest.mark.parametrize("outcome", [*READ, *SKIPPED])
def test_a_username_read_or_skipped_a_moment_ago_is_not_due(outcome: Outcome) -> None:
    just_now = visited("ann", outcome, NOW - 2 * HOUR + 1)
    before = visited("ben", outcome, NOW - 2 * HOUR)
    plan = plan_of(just_now, before, revisit_after=2 * HOUR)
    assert order(plan) == ["ben"]
    assert plan.counts == Counter({Turn.NOT_DUE: 1, Turn.KNOWN: 1})


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.INTERRUPTED])
def test_a_username_that_failed_or_was_interrupted_is_always_due(outcome: Outcome) -> None:
    plan = plan_of(visited("ann", outcome, NOW - 1), revisit_after=99 * HOUR)
    assert order(plan) == ["ann"]


@pytest.mark.parametrize("outcome", SKIPPED)
def test_a_username_without_a_list_waits_longer(outcome: Outcome) -> None:
    waiting = visited("ann", outcome, NOW - 7 * DAY + 1)
    due = visited("ben", outcome, NOW - 7 * DAY)
    plan = plan_of(waiting, due, retry_unavailable_after=7 * DAY, revisit_after=HOUR)
    assert order(plan) == ["ben"]


@pytest.mark.parametrize("outcome", READ)
def test_a_username_that_was_read_does_not_wait_like_one_without_a_list(
    outcome: Outcome,
) -> None:
    plan = plan_of(visited("ann", outcome, NOW - HOUR), retry_unavailable_after=7 * DAY)
    assert order(plan) == ["ann"]


def test_a_visit_in_the_future_does_not_make_a_username_wait_for_it() -> None:
    plan = plan_of(visited("ann", Outcome.COMPLETE, NOW + DAY), revisit_after=HOUR)
    assert order(plan) == ["ann"]


def test_an_entry_with_nothing_but_a_bookmark_is_not_due_either() -> None:
    plan = plan_of(entry_of("ann", bookmark=NOW - HOUR), revisit_after=2 * HOUR)
    assert plan.counts == Counter({Turn.NOT_DUE: 1})


# How far down a list is read.


def test_the_first_scan_reads_and_sends_everything() -> None:
    (visit,) = plan_of(names="ann").visits
    assert visit == Visit("ann", bookmark=None, whole=True, floor=0, lookback=DAY)


def test_the_next_scan_reads_down_to_the_lookback_before_the_bookmark() -> None:
    entry = visited("ann", Outcome.COMPLETE, NOW - 9 * DAY, bookmark=NOW - 10 * DAY)
    (visit,) = plan_of(entry, lookback=3 * DAY).visits
    assert (visit.bookmark, visit.floor) == (NOW - 10 * DAY, NOW - 13 * DAY)
    assert (visit.whole, visit.lookback) == (False, 3 * DAY)


@pytest.mark.parametrize(
    ("start_date", "floor"), [(NOW - 20 * DAY, NOW - 11 * DAY), (NOW - 2 * DAY, NOW - 2 * DAY)]
)
def test_the_floor_is_the_later_of_lookback_and_start_date(
    start_date: int, floor: int
) -> None:
    entry = entry_of("ann", bookmark=NOW - 10 * DAY)
    (visit,) = plan_of(entry, start_date=start_date).visits
    assert visit.floor == floor


@pytest.mark.parametrize(
    ("start_date", "floor", "is_whole"),
    [
        (NOW - 99 * DAY, NOW - 40 * DAY, True),
        (NOW - 99 * DAY, NOW - 99 * DAY, False),
        (NOW - 9 * DAY, NOW - 40 * DAY, False),
        (NOW - 99 * DAY, None, False),
    ],
    ids=["moved back", "as it was", "moved forward", "an older state"],
)
def test_start_date_moved_back_makes_a_whole_scan_due(
    start_date: int, floor: int | None, *, is_whole: bool
) -> None:
    kept_floor = {} if floor is None else {"whole_floor": floor}
    entry = entry_of("ann", bookmark=NOW - DAY, **kept_floor)
    (visit,) = plan_of(entry, start_date=start_date).visits
    assert visit.whole is is_whole


def test_a_first_scan_reads_down_to_the_start_date() -> None:
    (visit,) = plan_of(names="ann", start_date=NOW - DAY).visits
    assert (visit.floor, visit.whole) == (NOW - DAY, True)


def test_what_the_last_scan_saw_is_handed_on() -> None:
    memory = Memory(hash_account("a") + hash_account("b"), NOW - 20 * DAY)
    known = {"hashes": "9OFp+O6TUPaNaw==", "since": NOW - 20 * DAY}
    (visit,) = plan_of(entry_of("ann", bookmark=NOW - 10 * DAY, known=known)).visits
    assert visit.known == memory


def test_an_unfinished_scan_goes_on_with_its_own_floor_and_t() -> None:
    (visit,) = plan_of(unfinished("ann", NOW - DAY, floor=77, requests=4)).visits
    assert visit.resume == Standing(
        NOW - DAY, NOW - DAY, 77, whole=True, cursor=NOW - DAY - 50, requests=4
    )


# Whole again.


def refreshed(name: str, whole_at: int | None) -> dict[str, Any]:
    more = {} if whole_at is None else {"whole_scanned_at": in_utc(whole_at)}
    return visited(name, Outcome.UNCHANGED, NOW - HOUR, bookmark=NOW - HOUR, **more)


def test_without_refresh_after_a_list_is_never_sent_whole_again() -> None:
    (visit,) = plan_of(refreshed("ann", NOW - 5000 * DAY)).visits
    assert not visit.whole


def test_a_list_is_sent_whole_again_when_its_last_whole_scan_is_old() -> None:
    """By T, which the first answer tells: until then the visit is an incremental one."""
    start_date = NOW - 99 * DAY
    (visit,) = plan_of(
        refreshed("ann", NOW), refresh_after=30 * DAY, start_date=start_date
    ).visits
    assert (visit.whole, visit.floor) == (False, NOW - HOUR - DAY)
    assert visit.start_date == start_date
    assert visit.whole_from is not None
    assert NOW + 15 * DAY <= visit.whole_from <= NOW + 30 * DAY


def test_with_refresh_after_0_every_list_is_sent_whole_in_every_run() -> None:
    (visit,) = plan_of(refreshed("ann", NOW + 9 * DAY), refresh_after=0).visits
    assert (visit.whole, visit.floor) == (True, 0)


def test_a_list_whose_whole_scan_nobody_knows_of_is_sent_whole() -> None:
    (visit,) = plan_of(refreshed("ann", None), refresh_after=3000 * DAY).visits
    assert visit.whole


def test_due_times_are_spread_over_the_second_half_of_the_interval() -> None:
    names = [f"user{number}" for number in range(1000)]
    due = []
    for days in range(9, 21):
        entries = [refreshed(name, NOW - days * DAY) for name in names]
        visits = plan_of(*entries, refresh_after=20 * DAY).visits
        due.append(sum((visit.whole_from or 0) <= NOW for visit in visits))
    assert due[:2] == [0, 0]
    assert due[-1] == 1000
    a_day = [after - before for before, after in pairwise(due[1:])]
    assert all(60 <= newly_due <= 140 for newly_due in a_day)


# What a visit leaves behind.


def written(*events: Event, entry: dict[str, Any] | None = None) -> dict[str, Any]:
    """The entry of `ann` after these events."""
    state: dict[str, Any] = {"partitions": [entry] if entry else []}
    bookmarks = Bookmarks(state, Policy(), keep_scans=False)
    for event in events:
        bookmarks.written(event)
    (after,) = state["partitions"]
    return dict(after)


def test_after_every_page_the_entry_holds_where_the_scan_stands() -> None:
    entry = written(page_event(), entry=entry_of("ann", bookmark=NOW - DAY))
    assert entry["resume"]["cursor"] == NOW - 50
    assert entry["resume"]["scanned_at"] == NOW - 5
    assert entry["resume"]["accounts_read"] == 2
    assert entry["outcome"] == "interrupted"
    assert entry["replication_key_value"] == in_utc(NOW - DAY)


def test_a_complete_scan_moves_the_bookmark_to_t() -> None:
    memory = Memory(hash_account("a"), NOW - 70)
    entry = written(
        page_event(), end_event(Outcome.COMPLETE, standing=standing_of(memory=memory))
    )
    assert entry == {
        "context": {"follower_username": "ann"},
        "replication_key": "followed_at_latest",
        "replication_key_value": in_utc(NOW - 5),
        "scanned_at": in_utc(NOW - 5),
        "whole_scanned_at": in_utc(NOW - 5),
        "whole_floor": 0,
        "listed": 0,
        "visited_at": in_utc(NOW),
        "outcome": "complete",
        "known": {"hashes": "9OFp+O4=", "since": NOW - 70},
    }


def test_an_incremental_scan_leaves_the_time_of_the_last_whole_one() -> None:
    before = refreshed("ann", NOW - 9 * DAY)
    entry = written(
        end_event(Outcome.COMPLETE, standing=standing_of(whole=False)), entry=before
    )
    assert entry["whole_scanned_at"] == in_utc(NOW - 9 * DAY)
    assert entry["replication_key_value"] == in_utc(NOW - 5)


def test_an_unchanged_list_moves_the_bookmark_and_keeps_what_is_known() -> None:
    known = {"hashes": "9OFp+O4=", "since": 7}
    before = entry_of("ann", bookmark=NOW - DAY, known=known)
    standing = standing_of(whole=False, memory=Memory(hash_account("a"), 7))
    entry = written(end_event(Outcome.UNCHANGED, standing=standing), entry=before)
    assert (entry["replication_key_value"], entry["known"]) == (in_utc(NOW - 5), known)
    assert "resume" not in entry


@pytest.mark.parametrize("outcome", [*SKIPPED, Outcome.FAILED, Outcome.INTERRUPTED])
def test_whatever_else_happens_the_bookmark_stays(outcome: Outcome) -> None:
    before = entry_of("ann", bookmark=NOW - DAY)
    entry = written(page_event(), end_event(outcome), entry=before)
    assert entry["replication_key_value"] == in_utc(NOW - DAY)
    assert (entry["outcome"], entry["visited_at"]) == (outcome.value, in_utc(NOW))


@pytest.mark.parametrize("outcome", SKIPPED)
def test_a_skip_ends_its_scan(outcome: Outcome) -> None:
    entry = written(page_event(), end_event(outcome))
    assert "resume" not in entry
    (visit,) = plan_of(entry).visits
    assert (visit.resume, visit.last, visit.previous) == (None, NOW - 5, None)


@pytest.mark.parametrize("outcome", SKIPPED)
def test_what_an_earlier_version_kept_of_a_scan_that_a_skip_ended_is_dropped(
    outcome: Outcome,
) -> None:
    entry = unfinished("ann") | {"outcome": outcome.value}
    (visit,) = plan_of(copy.deepcopy(entry)).visits
    assert visit.resume is None
    after = written(end_event(Outcome.INTERRUPTED), entry=copy.deepcopy(entry))
    assert "resume" not in after


def test_an_empty_list_that_is_not_believed_leaves_the_entry_as_it_was() -> None:
    before = entry_of("ann", bookmark=NOW - DAY, known={"hashes": "9OFp+O4=", "since": 7})
    doubted = standing_of(gap="the list came back empty")
    entry = written(end_event(Outcome.COMPLETE, standing=doubted), entry=before)
    assert entry.items() >= before.items()
    assert entry["outcome"] == "complete"


# A list that is stuck.


AT = NOW - 50


def test_a_second_failure_at_one_cursor_makes_a_list_stuck() -> None:
    memory = Memory(hash_account("a"), AT)
    where = standing_of(cursor=AT, memory=memory, floor=7, boundary=hash_account("b"))
    once = written(page_event(), end_event(Outcome.FAILED, standing=where))
    assert once["resume"]["cursor"] == AT
    (visit,) = plan_of(once).visits
    assert visit.failed_at == AT
    twice = written(end_event(Outcome.FAILED, standing=where, visit=visit), entry=once)
    assert "resume" not in twice
    (visit,) = plan_of(twice, refresh_after=0, lookback=9).visits
    assert visit.stuck == Stuck(AT, 7, whole=True, boundary=hash_account("b"))
    assert visit.top == Top(NOW - 5, memory)
    assert (visit.whole, visit.floor, visit.resume) == (False, NOW - 5 - 9, None)


def test_a_failure_elsewhere_does_not_make_a_list_stuck() -> None:
    where = standing_of(cursor=AT - 1)
    visit = Visit("ann", failed_at=AT, resume=standing_of(cursor=AT))
    entry = written(page_event(), end_event(Outcome.FAILED, standing=where, visit=visit))
    assert entry.keys().isdisjoint({"stuck", "top"})


def test_a_visit_that_fails_without_a_cursor_keeps_nothing_to_go_on_with() -> None:
    first = Event(Visit("ann"), standing_of(), outcome=Outcome.FAILED, is_page=True, at=NOW)
    assert "resume" not in written(first)


@pytest.mark.parametrize("broken", ["stuck", "top"])
def test_a_list_that_is_stuck_in_a_state_edited_by_hand_starts_anew(broken: str) -> None:
    stuck = {"cursor": AT, "floor": 0, "whole": True}
    top = {"as_of": NOW - DAY, "known": {"hashes": "", "since": 0}}
    entry = unfinished("ann", part="above") | {"stuck": stuck, "top": top} | {broken: "x"}
    (visit,) = plan_of(entry).visits
    assert (visit.stuck, visit.top, visit.resume, visit.whole) == (None, None, None, True)


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.INTERRUPTED])
def test_pages_read_before_a_failure_are_not_read_again(outcome: Outcome) -> None:
    end = end_event(outcome, standing=standing_of(cursor=NOW - 50))
    assert written(page_event(), end)["resume"]["cursor"] == NOW - 50


def test_a_visit_that_a_stop_ended_before_its_first_page_leaves_the_entry_alone() -> None:
    before = visited("ann", Outcome.COMPLETE, NOW - DAY, bookmark=NOW - DAY)
    assert written(end_event(Outcome.INTERRUPTED), entry=copy.deepcopy(before)) == before


def test_usernames_no_longer_asked_for_are_kept() -> None:
    state = {"partitions": [entry_of("gone", bookmark=NOW - DAY)]}
    bookmarks = Bookmarks(state, Policy(), keep_scans=True)
    bookmarks.plan(["ann"], NOW)
    bookmarks.written(end_event(Outcome.COMPLETE))
    assert [each["context"]["follower_username"] for each in state["partitions"]] == [
        "gone",
        "ann",
    ]


# Rows of the scans stream.


def rows_of(bookmarks: Bookmarks) -> list[dict[str, Any]]:
    return list(bookmarks.unsent_scans())


def test_a_row() -> None:
    bookmarks = bookmarks_of()
    standing = standing_of(
        accounts_read=9,
        accounts_sent=8,
        requests=3,
        total=12,
        cached=True,
        whole=True,
        read_until=NOW - 2,
        read_down_to=0,
    )
    visit = Visit("ann", bookmark=NOW - DAY, previous=NOW - DAY)
    bookmarks.written(end_event(Outcome.COMPLETE, visit=visit, standing=standing))
    assert rows_of(bookmarks) == [
        {
            "follower_username": "ann",
            "scanned_at": in_utc(NOW - 5),
            "previous_scanned_at": in_utc(NOW - DAY),
            "outcome": "complete",
            "reason": None,
            "whole_list": True,
            "accounts_read": 9,
            "accounts_sent": 8,
            "accounts_lost": None,
            "read_until": in_utc(NOW - 2),
            "read_down_to": None,
            "requests": 3,
            "following_total": 12,
            "cached": True,
        }
    ]


@pytest.mark.parametrize(
    ("outcome", "standing", "whole_list"),
    [
        (Outcome.COMPLETE, {"whole": True}, True),
        (Outcome.COMPLETE, {"whole": False}, False),
        (Outcome.COMPLETE, {"whole": True, "gap": "some may be missing"}, False),
        (Outcome.UNCHANGED, {"whole": False}, False),
        (Outcome.INTERRUPTED, {"whole": True}, False),
        (Outcome.FAILED, {"whole": True}, False),
        (Outcome.PRIVATE, {"whole": True}, False),
    ],
)
def test_what_was_not_read_never_passes_for_read(
    outcome: Outcome, standing: dict[str, Any], *, whole_list: bool
) -> None:
    bookmarks = bookmarks_of()
    bookmarks.written(end_event(outcome, standing=standing_of(**standing)))
    assert [row["whole_list"] for row in rows_of(bookmarks)] == [whole_list]


def test_a_reason_comes_with_the_providers_number() -> None:
    bookmarks = bookmarks_of()
    bookmarks.written(
        end_event(Outcome.PRIVATE, reason="ann is private", reference="log_id 7")
    )
    assert rows_of(bookmarks)[0]["reason"] == "ann is private (log_id 7)"


def test_a_baseline_has_no_scan_before_it() -> None:
    bookmarks = bookmarks_of()
    bookmarks.written(end_event(Outcome.COMPLETE))
    assert rows_of(bookmarks)[0]["previous_scanned_at"] is None


def test_a_row_is_kept_in_the_entry_until_the_next_one_is_asked_for() -> None:
    state: dict[str, Any] = {}
    bookmarks = Bookmarks(state, Policy(), keep_scans=True)
    bookmarks.written(end_event(Outcome.COMPLETE, "ann"))
    bookmarks.written(end_event(Outcome.COMPLETE, "ben"))
    ann, ben = state["partitions"]
    rows = bookmarks.unsent_scans()
    next(rows)
    assert ("scans" in ann, "scans" in ben) == (True, True)
    next(rows)
    assert ("scans" in ann, "scans" in ben) == (False, True)
    assert next(rows, None) is None
    assert ("scans" in ann, "scans" in ben) == (False, False)


def test_leftovers_of_an_earlier_run_come_first() -> None:
    left = {"follower_username": "old", "scanned_at": in_utc(NOW - DAY), "outcome": "complete"}
    bookmarks = bookmarks_of(entry_of("old", scans=[left]))
    bookmarks.written(end_event(Outcome.COMPLETE, "ann"))
    rows = rows_of(bookmarks)
    assert rows[0] == left
    assert rows[1]["follower_username"] == "ann"


def test_no_row_is_kept_when_the_scans_stream_is_deselected() -> None:
    bookmarks = bookmarks_of(keep_scans=False)
    bookmarks.written(end_event(Outcome.COMPLETE))
    assert rows_of(bookmarks) == []


def test_what_cannot_be_a_username_gets_a_row_and_no_entry() -> None:
    state: dict[str, Any] = {}
    bookmarks = Bookmarks(state, Policy(), keep_scans=True)
    bookmarks.invalid("a b", "is not a username", NOW)
    (row,) = rows_of(bookmarks)
    assert (row["follower_username"], row["outcome"]) == ("a b", "invalid")
    assert (row["reason"], row["whole_list"]) == ("is not a username", False)
    assert (row["requests"], row["accounts_read"]) == (0, 0)
    assert state == {"partitions": []}


# States that are older, hand-edited, null or twice.


def loaded(partitions: object) -> list[dict[str, Any]]:
    """The entries after a state with these partitions was loaded, and planned with."""
    state = sanitise({"bookmarks": {"research_following": {"partitions": partitions}}})
    stream = state["bookmarks"]["research_following"]
    bookmarks = Bookmarks(stream, Policy(), keep_scans=True)
    bookmarks.plan(["ann"], NOW)
    list(bookmarks.unsent_scans())
    return list(stream["partitions"])


@pytest.mark.parametrize("state", [None, [], "x", {}, {"bookmarks": None}, {"bookmarks": []}])
def test_a_state_that_is_none_is_an_empty_one(state: object) -> None:
    assert sanitise(state)["bookmarks"] == {}


@pytest.mark.parametrize("partitions", [None, {}, "x", 7, [None, 7, "x", [], {}]])
def test_partitions_that_are_none_are_no_entries(partitions: object) -> None:
    assert loaded(partitions) == []


@pytest.mark.parametrize(
    "context", [None, 7, {}, {"follower_username": None}, {"follower_username": 7}]
)
def test_an_entry_of_nobody_goes(context: object) -> None:
    assert loaded([{"context": context}]) == []


def test_a_stream_that_is_null_goes() -> None:
    assert sanitise({"bookmarks": {"research_following": None}}) == {"bookmarks": {}}


def test_unknown_keys_are_kept() -> None:
    state = {
        "bookmarks": {
            "research_following": {"partitions": [entry_of("ann", new="x")], "other": 1},
            "users": {"replication_key_value": "2020-01-01"},
        },
        "version": 3,
    }
    assert sanitise(copy.deepcopy(state)) == state


def test_of_a_username_that_is_there_twice_the_later_bookmark_stays() -> None:
    later = entry_of("ann", bookmark=NOW - 5)
    assert loaded([entry_of("ann", bookmark=NOW - 9), later, entry_of("ann")]) == [later]


def test_of_a_username_that_is_there_twice_no_row_is_lost() -> None:
    row = {"follower_username": "ann", "outcome": "private"}
    state = sanitise(
        {
            "bookmarks": {
                "research_following": {
                    "partitions": [
                        entry_of("ann", bookmark=NOW - 9, scans=[row]),
                        entry_of("ann", bookmark=NOW - 5),
                    ]
                }
            }
        }
    )
    bookmarks = Bookmarks(state["bookmarks"]["research_following"], Policy(), keep_scans=True)
    assert list(bookmarks.unsent_scans()) == [row]


def test_of_a_username_that_is_there_twice_no_scan_outlives_a_later_bookmark() -> None:
    left = unfinished("ann", NOW - 9 * DAY)
    done = visited("ann", Outcome.COMPLETE, NOW - DAY, bookmark=NOW - DAY)
    for entries in ([left, done], [done, left]):
        assert loaded(copy.deepcopy(entries)) == [done]


def test_usernames_in_any_case_are_one() -> None:
    assert loaded([entry_of("Ann", bookmark=NOW - 9), entry_of("ANN", bookmark=NOW - 5)]) == [
        entry_of("ann", bookmark=NOW - 5)
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"resume": None},
        {"resume": "x", "outcome": "interrupted"},
        {"resume": {"cursor": "soon"}, "outcome": "interrupted"},
        {"resume": {"scanned_at": 1}, "outcome": "interrupted"},
        {"resume": {"scanned_at": 1, "as_of": 10**12, "floor": 0, "whole": True}},
        {"known": None},
        {"known": ["x"]},
        {"known": {"hashes": 7}},
        {"replication_key_value": None},
        {"replication_key_value": 7},
        {"replication_key_value": "yesterday"},
        {"visited_at": 7, "outcome": "complete"},
        {"visited_at": "never", "outcome": "complete"},
        {"outcome": 7},
        {"outcome": "splendid"},
        {"whole_scanned_at": []},
        {"scans": None},
        {"scans": "x"},
        {"scans": [None, 7, "x"]},
        {"outcome": ["complete"]},
    ],
    ids=str,
)
def test_an_entry_edited_by_hand_is_taken_for_what_it_still_says(
    wrong: dict[str, Any],
) -> None:
    (entry,) = loaded([entry_of("ann", bookmark=NOW - DAY) | wrong])
    bookmarks = bookmarks_of(entry, refresh_after=DAY)
    (visit,) = bookmarks.plan(["ann"], NOW).visits
    assert visit.resume is None
    bookmarks.written(end_event(Outcome.COMPLETE))
    assert entry["replication_key_value"] == in_utc(NOW - 5)


@pytest.mark.parametrize("resume", [None, "x", [], {"cursor": "soon"}], ids=str)
def test_a_failure_after_a_resume_edited_by_hand_is_a_failure(resume: object) -> None:
    entry = written(end_event(Outcome.FAILED), entry=entry_of("ann", resume=resume))
    assert (entry["outcome"], entry["visited_at"]) == ("failed", in_utc(NOW))


def test_an_older_state_with_nothing_but_bookmarks_goes_on_from_them() -> None:
    (visit,) = plan_of(entry_of("ann", bookmark=NOW - 3 * DAY)).visits
    assert (visit.bookmark, visit.whole, visit.floor) == (NOW - 3 * DAY, False, NOW - 4 * DAY)
    assert visit.known == Memory()


# Times.


@pytest.mark.parametrize(
    ("text", "unix"),
    [
        ("2023-11-14T22:13:20Z", NOW),
        ("2023-11-14T22:13:20.999Z", NOW),
        ("2023-11-14T22:13:20+00:00", NOW),
        ("2023-11-14T23:13:20+01:00", NOW),
        ("2023-11-14T22:13:20", NOW),
        ("2023-11-14", NOW - 22 * HOUR - 13 * 60 - 20),
        ("yesterday", None),
        ("", None),
        (None, None),
        (NOW, None),
    ],
)
def test_times(text: object, unix: int | None) -> None:
    assert parse_time(text) == unix


def test_the_settings_make_the_policy() -> None:
    config = {
        "start_date": "2023-11-14T22:13:20Z",
        "lookback_days": 2,
        "full_scan_after_days": 30,
        "full_scan_on_loss": True,
        "rescan_after_hours": 3,
        "retry_unavailable_after_days": 4,
    }
    assert Policy.of(config) == Policy(NOW, 2 * DAY, 30 * DAY, True, 3 * HOUR, 4 * DAY)  # noqa: FBT003
