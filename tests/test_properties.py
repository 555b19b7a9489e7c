"""Whatever the lists, page sizes, faults and interruptions: runs add up to the truth.

The real tap, over real HTTP, against the sandbox. Follow times are known there, so that bounds
can be checked too.
"""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import Clock, Fault, Follow, Sandbox, Scenario, World
from tap_tiktok_following.tap import TapTikTokFollowing
from tap_tiktok_following.text import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

State = dict[str, Any]

START = 1_700_000_000
NAMES = ("ann", "ben", "cat")
KEYS = {"research_following": "username", "rapidapi_following": "user_id"}

PASSING = ("truncated", "html_200", "reset", "short_body", "nan", "empty_body")

lives = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World.of({}), clock=Clock(START)) as server:
        yield server


@st.composite
def lists(draw: st.DrawFn) -> dict[str, list[Follow]]:
    """Lists of up to 30 follows, many of them in the same second or hour, some long ago."""
    ages = st.one_of(st.integers(0, 5), st.integers(0, 3 * HOUR), st.integers(0, 5000 * HOUR))
    return {
        name: [
            Follow(f"{name}_{number}", START - age)
            for number, age in enumerate(draw(st.lists(ages, max_size=30)))
        ]
        for name in NAMES
    }


@dataclass
class Story:
    """What several runs over one world have emitted.

    Attributes:
        windows: By edge, the bounds of every row.
        scans: By username, the times of scan of every row; one account once a scan.
        sent: Edges in the order they were sent, a list a run.
    """

    stream: str
    windows: dict[tuple[str, str], list[tuple[int, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    sent: list[list[tuple[str, str]]] = field(default_factory=list)

    def take(self, records: list[dict[str, Any]]) -> None:
        """Take the records of one run, checking that each account came once a scan."""
        key = KEYS[self.stream]
        assert (
            repeated((r["follower_username"], r[key], r["scanned_at"]) for r in records) == []
        )
        edges = [(r["follower_username"], r["username"]) for r in records]
        self.sent.append(edges)
        for edge, record in zip(edges, records, strict=True):
            earliest, latest = record["followed_at_earliest"], record["followed_at_latest"]
            window = (unix(earliest) if earliest else 0, unix(latest))
            self.windows[edge].append(window)

    def check(self, truth: dict[str, list[Follow]]) -> None:
        """Everything there is was sent, nothing else, and every follow is in its window."""
        expected = {(name, f.username): f.at for name, made in truth.items() for f in made}
        assert set(self.windows) == set(expected)
        for edge, windows in self.windows.items():
            assert (
                max(low for low, _ in windows) <= expected[edge] <= min(h for _, h in windows)
            )


def repeated(items: Iterable[Any]) -> list[Any]:
    return [item for item, times in Counter(items).items() if times > 1]


def unix(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp())


def begin(sandbox: Sandbox, follows: dict[str, list[Follow]], scenario: Scenario) -> None:
    """A new world in the sandbox, at the same time as ever."""
    sandbox.clock = Clock(START)
    sandbox.world = World.of(follows)
    sandbox.world.clock = sandbox.clock
    sandbox.scenario = scenario
    sandbox.take_requests()


def tap_for(
    sandbox: Sandbox, provider: str, state: State, **config: Any
) -> TapTikTokFollowing:
    credentials = {
        name: value
        for name, value in sandbox.config.items()
        if not name.endswith(("key", "secret"))
    }
    keys = [name for name in sandbox.config if name.startswith(provider)]
    credentials |= {name: sandbox.config[name] for name in keys}
    everything = {
        "usernames": list(NAMES),
        "research_requests_per_second": 1000,
        "rapidapi_requests_per_second": 1000,
        **credentials,
        **config,
    }
    return TapTikTokFollowing(config=everything, state=copy.deepcopy(state))


def read(
    tap: TapTikTokFollowing, stream: str, most: int | None = None
) -> list[dict[str, Any]]:
    """The records of a stream; the run is killed after `most` of them."""
    with closing(cast("Any", tap.streams[stream].get_records(None))) as pages:
        return list(islice(pages, most))


def pages_asked(sandbox: Sandbox) -> list[tuple[Any, ...]]:
    """Every request for a page so far: whose, from where, and how large."""
    return [(r.username, r.cursor, r.count) for r in sandbox.requests if r.username]


@pytest.mark.parametrize("provider", ["research", "rapidapi"])
@lives
@given(
    follows=lists(),
    page_size=st.integers(2, 12),
    boundary=st.sampled_from(["repeat", "skip"]),
    kills=st.lists(st.integers(1, 25), max_size=4),
    concurrency=st.integers(1, 3),
    hidden=st.integers(0, 10),
    faults=st.lists(st.tuples(st.sampled_from(PASSING), st.integers(1, 4)), max_size=2),
)
def test_interrupted_runs_add_up_to_the_truth(
    sandbox: Sandbox,
    provider: str,
    follows: dict[str, list[Follow]],
    page_size: int,
    boundary: str,
    kills: list[int],
    concurrency: int,
    hidden: int,
    faults: list[tuple[str, int]],
) -> None:
    """Killed at any record, and gone on from the state of that moment."""
    spoil = [Fault(kind=k, page=page, times=1) for k, page in faults]
    begin(sandbox, follows, Scenario(boundary=boundary, faults=spoil))  # type: ignore[arg-type]
    for name in NAMES:
        for number in range(hidden):
            sandbox.world.hide(f"{name}_{number * 3}")
    stream, state = f"{provider}_following", State()
    story = Story(stream)
    for most in [*kills, None]:
        tap = tap_for(sandbox, provider, state, page_size=page_size, concurrency=concurrency)
        story.take(read(tap, stream, most))
        state = copy.deepcopy(cast("State", tap.state))
    story.check({name: sandbox.world.truth(name) for name in NAMES})


@pytest.mark.parametrize("provider", ["research", "rapidapi"])
@lives
@given(
    follows=lists(),
    page_size=st.integers(2, 12),
    boundary=st.sampled_from(["repeat", "skip"]),
    budget=st.integers(3, 6),
    news=st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 40)), max_size=3),
    lookback=st.integers(0, 2),
)
def test_a_budget_is_never_spent_twice_and_only_news_are_sent(
    sandbox: Sandbox,
    provider: str,
    follows: dict[str, list[Follow]],
    page_size: int,
    boundary: str,
    budget: int,
    news: list[tuple[str, int]],
    lookback: int,
) -> None:
    """Runs with a small budget until all is read, then again after further follows."""
    begin(sandbox, follows, Scenario(boundary=boundary))  # type: ignore[arg-type]
    stream, state = f"{provider}_following", State()
    story = Story(stream)

    def run(**config: Any) -> None:
        nonlocal state
        sandbox.clock.advance(HOUR)
        tap = tap_for(
            sandbox, provider, state, page_size=page_size, lookback_days=lookback, **config
        )
        story.take(read(tap, stream))
        state = copy.deepcopy(cast("State", tap.state))

    asked = -1
    while asked != len(pages_asked(sandbox)):
        asked = len(pages_asked(sandbox))
        # One after the other: a budget may end between a page and its second request.
        limits = {f"{provider}_max_requests": budget, "concurrency": 1}
        run(**limits, rescan_after_hours=8000)
        assert len(pages_asked(sandbox)) - asked <= budget
    story.check({name: sandbox.world.truth(name) for name in NAMES})
    assert repeated(edge for run in story.sent for edge in run) == []
    if provider == "rapidapi":  # without a total, a page that may be wrong is requested twice
        assert repeated(pages_asked(sandbox)) == []

    for number, (name, how_many) in enumerate(news):
        sandbox.clock.advance(HOUR)
        for new in range(how_many):
            at = int(sandbox.clock.now()) - new * 7
            sandbox.world.follow(name, f"{name}_{number}_new_{new}", at=at)
        run()
        assert sorted(story.sent[-1]) == sorted(
            (name, f"{name}_{number}_new_{new}") for new in range(how_many)
        )
    story.check({name: sandbox.world.truth(name) for name in NAMES})
