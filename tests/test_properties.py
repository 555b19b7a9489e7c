"""Whatever the lists, page sizes, faults and interruptions: runs add up to the truth.

The real tap, over real HTTP, against the sandbox. Follow times are known there, so that
windows can be checked too.
"""

from __future__ import annotations

import copy
from collections import Counter
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from sandbox import Fault, Follow, Scenario, World
from tap_tiktok_following.tap import TapTikTokFollowing
from tap_tiktok_following.text import HOUR, in_utc
from tests.harness import NOW, each_provider, emptied, settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox import Sandbox

NAMES = ("ann", "ben", "cat")
KEYS = {"research": "username", "rapidapi": "user_id"}
PASSING = ("truncated", "html_200", "reset", "short_body", "nan", "empty_body")

lives = limits(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

ages = st.integers(0, 5) | st.integers(0, 3 * HOUR) | st.integers(0, 5000 * HOUR)
lists = st.fixed_dictionaries({name: st.lists(ages, max_size=30) for name in NAMES})
"""The ages of follows, many of the same second or hour, some of long ago."""

page_sizes = st.integers(2, 12)
boundaries = st.sampled_from(["repeat", "skip"])


class Story:
    """Several runs over one world.

    Attributes:
        records: All records so far.
    """

    def __init__(
        self, sandbox: Sandbox, provider: str, made: dict[str, list[int]], **scenario: Any
    ) -> None:
        emptied(sandbox)
        sandbox.world = World.of(
            {
                name: [
                    Follow(f"{name}_{number}", NOW - age) for number, age in enumerate(ages)
                ]
                for name, ages in made.items()
            }
        )
        sandbox.world.clock = sandbox.clock
        sandbox.scenario = Scenario(**scenario)
        self.records: list[dict[str, Any]] = []
        self._sandbox = sandbox
        self._provider = provider
        self._state: dict[str, Any] = {}

    def run(self, most: int | None = None, **config: Any) -> list[tuple[str, str]]:
        """Return what a run sends; it is killed after `most` records."""
        config = settings(self._sandbox, NAMES, self._provider, **config, max_tries=5)
        tap = TapTikTokFollowing(config=config, state=copy.deepcopy(self._state))
        stream = tap.streams[f"{self._provider}_following"]
        with closing(cast("Any", stream.get_records(None))) as records:
            new = list(islice(records, most))
        self._state = copy.deepcopy(cast("dict[str, Any]", tap.state))
        self.records += new
        key = KEYS[self._provider]
        keys = [(r["follower_username"], r[key], r["scanned_at"]) for r in new]
        assert repeated(keys) == []
        return edges(new)

    def pages(self) -> list[tuple[Any, ...]]:
        """Return every request for a page so far: whose, from where, and how large."""
        return [(r.username, r.cursor, r.count) for r in self._sandbox.requests if r.username]

    def check(self) -> None:
        """Assert that all follows and no others were sent, each within its windows."""
        made = {
            (name, follow.username): in_utc(follow.at)
            for name in NAMES
            for follow in self._sandbox.world.truth(name)
        }
        assert set(edges(self.records)) == set(made)
        for edge, record in zip(edges(self.records), self.records, strict=True):
            assert (record["followed_at_earliest"] or "") <= made[edge]
            assert made[edge] <= record["followed_at_latest"]


def edges(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(record["follower_username"], record["username"]) for record in records]


def repeated(items: Iterable[Any]) -> list[Any]:
    return [item for item, times in Counter(items).items() if times > 1]


@each_provider
@lives
@given(
    made=lists,
    page_size=page_sizes,
    boundary=boundaries,
    kills=st.lists(st.integers(1, 25), max_size=4),
    concurrency=st.integers(1, 3),
    hidden=st.integers(0, 10),
    faults=st.lists(st.tuples(st.sampled_from(PASSING), st.integers(1, 4)), max_size=2),
)
def test_interrupted_runs_add_up_to_the_truth(
    sandbox: Sandbox,
    provider: str,
    made: dict[str, list[int]],
    page_size: int,
    boundary: str,
    kills: list[int],
    concurrency: int,
    hidden: int,
    faults: list[tuple[Any, int]],
) -> None:
    """Killed at any record, and gone on from the state of that moment."""
    spoil = [Fault(kind=kind, page=page, times=1) for kind, page in faults]
    story = Story(sandbox, provider, made, boundary=boundary, faults=spoil)
    sandbox.world.hidden.update(f"{n}_{3 * number}" for n in NAMES for number in range(hidden))
    for most in [*kills, None]:
        story.run(most, page_size=page_size, concurrency=concurrency)
    story.check()


@each_provider
@lives
@given(
    made=lists,
    page_size=page_sizes,
    boundary=boundaries,
    budget=st.integers(3, 6),
    news=st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 40)), max_size=3),
    lookback=st.integers(0, 2),
)
def test_budget_is_never_spent_twice_and_only_new_follows_are_sent(
    sandbox: Sandbox,
    provider: str,
    made: dict[str, list[int]],
    page_size: int,
    boundary: str,
    budget: int,
    news: list[tuple[str, int]],
    lookback: int,
) -> None:
    """Runs with a small budget until all is read, then again after further follows."""
    story = Story(sandbox, provider, made, boundary=boundary)
    config: dict[str, Any] = {"page_size": page_size, "lookback_days": lookback}
    # One after the other: a budget may end between a page and its second request.
    small = {f"{provider}_max_requests": budget, "concurrency": 1, "rescan_after_hours": 8000}
    requests = -1
    while requests != len(story.pages()):
        requests = len(story.pages())
        sandbox.clock.advance(HOUR)
        story.run(**config, **small)
        assert len(story.pages()) - requests <= budget
    story.check()
    assert repeated(edges(story.records)) == []
    if provider == "rapidapi":  # without a total, a page that may be wrong is requested twice
        assert repeated(story.pages()) == []

    for number, (name, how_many) in enumerate(news):
        sandbox.clock.advance(2 * HOUR)
        now = int(sandbox.clock.now()) - HOUR
        new = [(name, f"{name}_{number}_new_{place}") for place in range(how_many)]
        for place, (_, account) in enumerate(new):
            sandbox.world.follow(name, account, at=now - 7 * place)
        sent = story.run(**config)
        if page_size > 2:  # two remembered accounts do not prove that what is below is known
            assert sorted(sent) == sorted(new)
    story.check()
