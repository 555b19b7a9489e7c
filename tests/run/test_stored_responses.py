"""Stored responses outlive a run that dies: nothing is lost or paid for twice."""

from __future__ import annotations

import random
import sqlite3
import time
import zlib
from contextlib import closing
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import Follow, World
from tap_tiktok_following.text import DAY, HOUR
from tests.run.pipeline import END, NEVER, Death, Pipeline

if TYPE_CHECKING:
    from tests.run.pipeline import Key

NOW = int(time.time()) - HOUR
"""Earlier than the local clock, so that scans start when the simulated clock says so."""
NAMES = ("ann", "ben", "cat", "eve")
PRIVATE = "dan"
ALWAYS = 8000 * HOUR

lives = settings(max_examples=15, deadline=None)


@st.composite
def lists(draw: st.DrawFn) -> dict[str, list[Follow]]:
    """Lists of up to 25 follows, many of them in the same second or hour, some long ago."""
    ages = st.one_of(st.integers(0, 5), st.integers(0, 3 * HOUR), st.integers(0, 5000 * HOUR))
    return {
        name: [
            Follow(f"{name}_{number}", NOW - age)
            for number, age in enumerate(draw(st.lists(ages, max_size=25)))
        ]
        for name in NAMES
    }


def deaths(*, older: int) -> st.SearchStrategy[list[Death]]:
    """Some deaths, after which a state so much older may come back."""
    at = st.integers(0, 40) | st.just(END)
    saved = st.integers(0, 40) | st.sampled_from([NEVER, END])
    return st.lists(st.builds(Death, at, saved, st.integers(0, older)), max_size=6)


def pipeline(
    folder: Path | str, follows: dict[str, list[Follow]], chance: int = 0, **more: Any
) -> Pipeline:
    world = World.of(follows, private=[PRIVATE])
    path = Path(folder) / "responses.db"
    return Pipeline(world, path, random.Random(chance), NOW, **more)  # noqa: S311


def unix(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp())


def check(pipe: Pipeline) -> None:
    """The target has every follow there is, no other, and each in a window that holds it."""
    loaded: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for key in pipe.loaded:
        row = pipe.sent[key]
        loaded.setdefault((row["follower_username"], row["username"]), []).append(row)
    made = {(n, f.username): f.at for n in NAMES for f in pipe.world.following(n, pipe.now)}
    assert loaded.keys() == made.keys()
    for edge, rows in loaded.items():
        assert max(unix(r["followed_at_earliest"] or "1970-01-01") for r in rows) <= made[edge]
        assert min(unix(r["followed_at_latest"]) for r in rows) >= made[edge]


@lives
@given(lists(), st.integers(2, 12), deaths(older=0), st.integers())
def test_each_page_is_paid_for_once(
    follows: dict[str, list[Follow]], page_size: int, story: list[Death], chance: int
) -> None:
    """As long as the state that comes back is not older than the one that a run began with."""
    policy = {"rescan_after": ALWAYS}
    with TemporaryDirectory() as folder:
        alone = pipeline(folder, follows, page_size=page_size, policy=policy)
        alone.run()
    with TemporaryDirectory() as folder:
        pipe = pipeline(folder, follows, chance, page_size=page_size, policy=policy)
        for death in story:
            pipe.run(death)
        pipe.run()
    check(pipe)
    assert len(pipe.loaded) == len(alone.loaded)
    assert pipe.asked - pipe.lost == alone.asked


@lives
@given(lists(), st.integers(2, 12), deaths(older=3), st.integers())
def test_no_row_comes_twice_with_another_content(
    follows: dict[str, list[Follow]], page_size: int, story: list[Death], chance: int
) -> None:
    """Whichever state comes back, as long as the lists stay as they are."""
    with TemporaryDirectory() as folder:
        pipe = pipeline(folder, follows, chance, page_size=page_size)
        for death in story:
            pipe.run(death)
        pipe.run()
    check(pipe)


@lives
@given(
    lists(),
    deaths(older=3),
    st.lists(st.integers(2, 12), min_size=7, max_size=7),
    st.sampled_from([0, ALWAYS]),
    st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 9)), max_size=7),
    st.sets(st.integers(0, 24)),
    st.integers(),
)
def test_nothing_is_lost_whichever_state_comes_back(
    follows: dict[str, list[Follow]],
    story: list[Death],
    page_sizes: list[int],
    rescan: int,
    news: list[tuple[str, int]],
    broken: set[int],
    chance: int,
) -> None:
    """Lists grow meanwhile, pages fail now and then, and each run has another page size."""
    with TemporaryDirectory() as folder:
        policy = {"rescan_after": rescan}
        pipe = pipeline(folder, follows, chance, policy=policy, is_steady=False)
        times = sorted({f.at for made in follows.values() for f in made})
        for number, death in enumerate(story):
            pipe.page_size = page_sizes[number]
            pipe.broken = {at for place, at in enumerate(times) if place + number in broken}
            pipe.run(death)
            pipe.now += HOUR
            for name, many in news[number : number + 1]:
                for new in range(many):
                    pipe.world.follow(name, f"{name}_{number}_new_{new}", at=pipe.now - new)
        pipe.broken, pipe.policy = set(), {}
        for _ in range(4):
            pipe.now += HOUR
            pipe.run()
    check(pipe)


# Stored responses, one thing at a time: a run that dies without a state, and the next.

FOLLOWS = {"ann": [Follow(f"ann_{n}", NOW - 100 * n) for n in range(20)]}


class Orderly(random.Random):
    """Each page is written before the next one is asked for."""

    def random(self) -> float:
        return 0.0


def dead(folder: Path, pages: int = 2, ahead: int = 0) -> Pipeline:
    """Some pages of one list were paid for, and no state was ever saved."""
    pipe = pipeline(folder, FOLLOWS, policy={"rescan_after": ALWAYS})
    pipe.now += ahead
    pipe.chance = Orderly()
    pipe.world.private.clear()
    pipe.run(Death(at=2 * pages - 1, saved=NEVER, in_flight=0))
    assert len(pipe.asked) == pages
    return pipe


def stored_pages(pipe: Pipeline) -> list[int]:
    """Numbers of the stored pages."""
    with closing(sqlite3.connect(pipe.path)) as connection:
        query = "SELECT page FROM responses WHERE username = 'ann' ORDER BY scanned_at, page"
        return [page for (page,) in connection.execute(query)]


def spoil(pipe: Pipeline, page: int, **other: Any) -> int:
    """Change a field of a stored response; return its cursor as it was."""
    [(name, value)] = other.items()
    with closing(sqlite3.connect(pipe.path)) as connection, connection:
        where = "WHERE username = 'ann' AND page = ?"
        [(cursor,)] = connection.execute(f"SELECT cursor FROM responses {where}", (page,))  # noqa: S608
        connection.execute(f"UPDATE responses SET {name} = ? {where}", (value, page))  # noqa: S608
    return int(cursor or 0)


def times_of(rows: dict[Key, dict[str, Any]]) -> set[int]:
    return {unix(row["scanned_at"]) for row in rows.values()}


def test_rows_come_out_as_those_of_the_dead_run(tmp_path: Path) -> None:
    pipe = dead(tmp_path)
    before = dict(pipe.sent)
    pipe.now += DAY
    pipe.run()
    assert {key: pipe.sent[key] for key in before} == before
    assert times_of(pipe.sent) == times_of(before)
    assert before
    assert [row["outcome"] for row in pipe.rows] == ["complete"]
    assert pipe.rows[0]["requests"] == sum(pipe.asked.values()) == 5


def test_a_clock_that_was_ahead_when_the_run_died(tmp_path: Path) -> None:
    """It is set back: rows keep the times that they have, and later scans get later ones."""
    pipe = dead(tmp_path, ahead=2 * DAY)
    before = dict(pipe.sent)
    pipe.now -= 2 * DAY
    pipe.run()
    assert {key: pipe.sent[key] for key in before} == before
    assert len({username for _, username, _ in pipe.loaded}) == 20
    pipe.world.follow("ann", "new", at=pipe.now)
    pipe.policy = {}
    pipe.run()
    [news] = [row for row in pipe.sent.values() if row["username"] == "new"]
    assert unix(news["scanned_at"]) > max(times_of(before))


def test_what_is_new_since_then_is_found_by_the_next_scan(tmp_path: Path) -> None:
    pipe = dead(tmp_path, pages=5)
    pipe.now += DAY
    pipe.world.follow("ann", "new", at=pipe.now - HOUR)
    pipe.run()
    assert sum(pipe.asked.values()) == 5
    before = dict(pipe.sent)
    pipe.policy = {}
    pipe.run()
    [news] = [row for key, row in pipe.sent.items() if key not in before]
    assert news["username"] == "new"
    assert unix(news["scanned_at"]) > max(times_of(before))


def test_username_that_is_not_configured_keeps_its_stored_responses(tmp_path: Path) -> None:
    pipe = dead(tmp_path)
    pipe.world.follow("ben", "x", at=NOW - 50)
    pipe.run(names=["ben"])
    assert len(stored_pages(pipe)) == 2
    pipe.run(names=["ann", "ben"])
    assert pipe.asked["ann", None, 5] == 1


def test_responses_that_the_state_covers_leave_the_file(tmp_path: Path) -> None:
    pipe = dead(tmp_path)
    pipe.run()
    assert len(stored_pages(pipe)) == 5
    pipe.run()
    assert stored_pages(pipe) == []


def test_response_waits_whose_predecessors_are_gone(tmp_path: Path) -> None:
    """A state comes back that is older than the one with which the last run began."""
    pipe = dead(tmp_path)
    pipe.run(Death(at=2 + 3, saved=2, in_flight=0))
    pipe.run(Death(at=0, saved=NEVER, older=2, in_flight=0))
    waiting = stored_pages(pipe)
    assert waiting
    assert min(waiting) > 1
    pipe.run()
    assert pipe.asked["ann", None, 5] == 2
    assert len({username for _, username, _ in pipe.loaded}) == 20
    pipe.run()
    assert stored_pages(pipe) == []


def test_another_cursor_is_not_served(tmp_path: Path) -> None:
    pipe = dead(tmp_path)
    second = spoil(pipe, 2, cursor=NOW - 12345)
    pipe.run()
    assert [count for asked, count in pipe.asked.items() if asked[1] == second] == [2]


def test_responses_of_an_older_start_date_end_at_the_new_one(tmp_path: Path) -> None:
    """The recovered scan ends where this run's settings say."""
    pipe = dead(tmp_path, pages=4)
    pipe.policy["start_date"] = NOW - 1000
    pipe.run()
    assert len(pipe.rows) == 1
    assert pipe.rows[0]["accounts_read"] < 20
    assert sum(pipe.asked.values()) == 4


def test_tries_are_counted(tmp_path: Path) -> None:
    pipe = dead(tmp_path)
    spoil(pipe, 1, requests=4)
    pipe.run()
    assert pipe.rows[0]["requests"] == 5 + 3


def test_a_page_on_which_the_cursor_stood_still_is_read_as_it_was_asked_for(
    tmp_path: Path,
) -> None:
    """Asked for twice, with two counts; this run has another page size."""
    follows = {"ann": [Follow(f"ann_{n}", NOW - 50) for n in range(30)]}
    pipe = pipeline(tmp_path, follows, policy={"rescan_after": ALWAYS}, page_size=10)
    pipe.world.private.clear()
    pipe.run(Death(saved=NEVER))
    assert {count for _, _, count in pipe.asked} == {10, 100}
    asked = sum(pipe.asked.values())
    pipe.page_size = 100
    pipe.run()
    assert sum(pipe.asked.values()) == asked
    assert len({username for _, username, _ in pipe.loaded}) == 30


def test_body_that_can_no_longer_be_read_is_requested_again(tmp_path: Path) -> None:
    pipe = dead(tmp_path)
    second = spoil(pipe, 2, body=zlib.compress(b"<html>"))
    pipe.run()
    assert pipe.asked["ann", second, 5] == 2
    assert pipe.rows[0]["outcome"] == "complete"
    assert len(pipe.loaded) == 20


def test_a_skip_is_paid_for_once(tmp_path: Path) -> None:
    pipe = pipeline(tmp_path, {}, policy={"rescan_after": ALWAYS})
    pipe.run(Death(saved=NEVER))
    pipe.run()
    assert pipe.asked == {(PRIVATE, None, 5): 1}
    assert [row["outcome"] for row in pipe.rows] == ["private"]
