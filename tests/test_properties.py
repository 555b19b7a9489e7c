"""Whatever the lists, faults and deaths: the runs of a pipeline add up to the truth.

The real tap, over real HTTP, against the sandbox. Follow times are known there, so that
windows can be checked too.
"""

from __future__ import annotations

import copy
from collections import Counter
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from sandbox import Fault, Follow, Sandbox, Scenario, World
from tap_tiktok_following.tap import TapTikTokFollowing
from tap_tiktok_following.text import HOUR, in_utc
from tests.harness import NOW, each_provider, emptied, settings, truth
from tests.lives import ages

Key = tuple[str, str, str]


NAMES = ("ann", "ben", "cat")
PASSING = ("truncated", "html_200", "reset", "short_body", "nan", "empty_body")

lives = limits(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

lists = st.fixed_dictionaries({name: st.lists(ages, max_size=30) for name in NAMES})
page_sizes = st.integers(2, 12)
boundaries = st.sampled_from(["repeat", "skip"])

budgets = st.none() | st.integers(0, 25)
"""After how many requests a run dies; None if it does not."""

saves = st.integers(-1, 60)
"""How many records the target has saved by then; -1 if it has saved no state either."""

older_states = st.integers(0, 3)
"""Which of the last states comes back instead; 0 for the one that was saved."""


class Pipeline:
    """Runs over the same lists, each from the state that came back from the target.

    Without a response file, a run is killed as soon as the target has saved its state. With
    one, it goes on, and the target loses what it then receives.

    Attributes:
        sent: Every record that was ever sent, by follower, account and time of the scan.
        loaded: The keys of those that the target has saved, in order.
        states: The states that came back, the newest last.
        is_steady: Whether no record may come twice with another content, as where neither
            lists nor settings change.
    """

    def __init__(
        self,
        server: Sandbox,
        provider: str,
        made: dict[str, list[int]],
        folder: str | None = None,
        **scenario: Any,
    ) -> None:
        self.server = emptied(server)
        server.world = World.of(
            {
                name: [Follow(f"{name}.{n}", NOW - age) for n, age in enumerate(made[name])]
                for name in NAMES
            },
            private=["dan"],
        )
        server.scenario = Scenario(**scenario)
        self.sent: dict[Key, dict[str, Any]] = {}
        self.loaded: list[Key] = []
        self.states: list[dict[str, Any]] = [{}]
        self.is_steady = False
        self._provider = provider
        self._path = Path(folder, "responses.db") if folder else None

    def run(
        self, budget: int | None = None, saved: int | None = None, older: int = 0, **more: Any
    ) -> list[tuple[str, str]]:
        """Run from the state that came back last; return who was sent."""
        more = {"concurrency": 3, "max_tries": 5, **more}
        more[f"{self._provider}_max_requests"] = budget
        if self._path:
            more["responses_path"] = str(self._path)
        config = settings(self.server, ["dan", *NAMES], self._provider, **more)
        tap = TapTikTokFollowing(config=config, state=copy.deepcopy(self.states[-1]))
        written: list[Key] = []
        has_saved = saved == -1
        stream = tap.streams[f"{self._provider}_following"]
        with closing(cast("Any", stream.get_records(None))) as records:
            for record in records:
                if len(written) == saved:
                    has_saved = True
                    self._save(tap, written)
                    if not self._path:
                        break
                written.append(self._send(record))
        assert max(Counter(written).values(), default=0) <= 1
        if not has_saved:
            self._save(tap, written)
        if 0 < older <= len(self.states):
            self.states.append(self.states[-older])
        if tap.responses is not None:
            tap.responses.close()
        return [(follower, account) for follower, account, _ in written]

    def _save(self, tap: TapTikTokFollowing, written: list[Key]) -> None:
        self.states.append(copy.deepcopy(cast("dict[str, Any]", tap.state)))
        self.loaded += written

    def _send(self, record: dict[str, Any]) -> Key:
        key = record["follower_username"], record["username"], record["scanned_at"]
        assert self.sent.get(key, record) == record or not self.is_steady
        self.sent[key] = record
        return key

    @property
    def requests(self) -> Counter[tuple[object, ...]]:
        """How often each page was requested; one of another size is another page."""
        pages = [r for r in self.server.requests if r.username]
        return Counter((r.username, r.cursor, r.count) for r in pages)

    def check(self) -> None:
        """Assert that the target has all follows and no others, each within its windows."""
        assert {(name, account) for name, account, _ in self.loaded} == truth(
            self.server, *NAMES
        )
        made = {
            follow.username: in_utc(follow.at)
            for name in NAMES
            for follow in self.server.world.truth(name)
        }
        for key in self.loaded:
            record = self.sent[key]
            at = made[record["username"]]
            assert (record["followed_at_earliest"] or "") <= at
            assert at <= record["followed_at_latest"]


@each_provider
@lives
@given(
    made=lists,
    page_size=page_sizes,
    boundary=boundaries,
    kills=st.lists(st.integers(0, 25), max_size=4),
    concurrency=st.integers(1, 3),
    hidden=st.integers(0, 10),
    faults=st.lists(st.tuples(st.sampled_from(PASSING), st.integers(1, 4)), max_size=2),
)
def test_killed_runs_add_up_to_the_truth(
    server: Sandbox,
    provider: str,
    made: dict[str, list[int]],
    page_size: int,
    boundary: str,
    kills: list[int],
    concurrency: int,
    hidden: int,
    faults: list[tuple[Any, int]],
) -> None:
    spoil = [Fault(kind=kind, page=page, times=1) for kind, page in faults]
    pipeline = Pipeline(server, provider, made, boundary=boundary, faults=spoil)
    server.world.hidden.update(f"{n}.{3 * number}" for n in NAMES for number in range(hidden))
    for saved in [*kills, None]:
        pipeline.run(saved=saved, page_size=page_size, concurrency=concurrency)
    pipeline.check()


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
    server: Sandbox,
    provider: str,
    made: dict[str, list[int]],
    page_size: int,
    boundary: str,
    budget: int,
    news: list[tuple[str, int]],
    lookback: int,
) -> None:
    """Runs with a small budget until all is read, then again after further follows."""
    pipeline = Pipeline(server, provider, made, boundary=boundary)
    config: dict[str, Any] = {"page_size": page_size, "lookback_days": lookback}
    # One after the other: a budget may end between a page and its second request.
    one_by_one = {**config, "concurrency": 1, "rescan_after_hours": 8000}
    requests = -1
    while requests != pipeline.requests.total():
        requests = pipeline.requests.total()
        server.clock.advance(HOUR)
        pipeline.run(budget, **one_by_one)
        assert pipeline.requests.total() - requests <= budget
    pipeline.check()
    assert len(pipeline.loaded) == len(truth(server, *NAMES))
    if provider == "rapidapi":  # without a total, a page that may be wrong is requested twice
        assert set(pipeline.requests.values()) == {1}

    for number, (name, how_many) in enumerate(news):
        server.clock.advance(2 * HOUR)
        now = int(server.clock.now()) - HOUR
        new = [(name, f"{name}.{number}.{place}") for place in range(how_many)]
        for place, (_, account) in enumerate(new):
            server.world.follow(name, account, at=now - 7 * place)
        sent = pipeline.run(**config)
        if page_size > 2:  # two remembered accounts do not prove that what is below is known
            assert sorted(sent) == sorted(new)
    pipeline.check()


@lives
@given(lists, page_sizes, st.lists(st.tuples(budgets, saves), max_size=5))
def test_each_stored_page_is_paid_for_once(
    server: Sandbox,
    made: dict[str, list[int]],
    page_size: int,
    deaths: list[tuple[int | None, int]],
) -> None:
    """As long as the state that comes back is not older than the one that a run began with."""
    how = {"page_size": page_size, "rescan_after_hours": 8000}
    alone = Pipeline(server, "rapidapi", made)
    alone.run(**how)
    expected = alone.requests
    with TemporaryDirectory() as folder:
        pipeline = Pipeline(server, "rapidapi", made, folder)
        for death in deaths:
            pipeline.run(*death, **how)
        pipeline.run(**how)
        pipeline.check()
        assert len(set(pipeline.loaded)) == len(alone.loaded)
        assert pipeline.requests == expected
        assert set(pipeline.requests.values()) == {1}


@lives
@given(lists, page_sizes, st.lists(st.tuples(budgets, saves, older_states), max_size=5))
def test_no_record_comes_twice_with_another_content(
    server: Sandbox,
    made: dict[str, list[int]],
    page_size: int,
    deaths: list[tuple[int | None, int, int]],
) -> None:
    """Whichever state comes back, as long as the lists stay as they are."""
    with TemporaryDirectory() as folder:
        pipeline = Pipeline(server, "rapidapi", made, folder)
        pipeline.is_steady = True
        for death in deaths:
            pipeline.run(*death, page_size=page_size)
        pipeline.run(page_size=page_size)
        pipeline.check()


@lives
@given(
    made=lists,
    runs=st.lists(
        st.fixed_dictionaries(
            {
                "death": st.tuples(budgets, saves, older_states),
                "page_size": page_sizes,
                "broken_page": st.none() | st.integers(1, 4),
                "grows": st.sampled_from(NAMES),
                "new": st.integers(0, 9),
            }
        ),
        max_size=5,
    ),
    rescan=st.sampled_from([0, 8000]),
)
def test_nothing_is_lost_whichever_state_comes_back(
    server: Sandbox, made: dict[str, list[int]], runs: list[dict[str, Any]], rescan: int
) -> None:
    """Lists grow meanwhile, pages fail now and then, and each run has another page size."""
    with TemporaryDirectory() as folder:
        pipeline = Pipeline(server, "rapidapi", made, folder)
        for number, each in enumerate(runs):
            if page := each["broken_page"]:
                server.scenario.faults = [Fault("error", page=page, value=[418, "", ""])]
            how = {"page_size": each["page_size"], "rescan_after_hours": rescan}
            pipeline.run(*each["death"], **how)
            server.scenario.faults = []
            server.clock.advance(HOUR)
            for new in range(each["new"]):
                account = f"{each['grows']}.{number}.{new}"
                server.world.follow(each["grows"], account, at=int(server.clock.now()) - new)
        for _ in range(4):
            server.clock.advance(HOUR)
            pipeline.run()
        pipeline.check()
