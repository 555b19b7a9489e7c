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

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from sandbox import Fault, Follow, Sandbox, Scenario, World
from tap_tiktok_following.tap import TapTikTokFollowing
from tap_tiktok_following.text import HOUR, in_utc
from tests.harness import NOW, PROVIDERS, emptied, settings, truth
from tests.lives import ages

Key = tuple[str, str, str]

NAMES = ("ann", "ben", "cat")
FAULTS = ("error", "truncated", "reset", "short_body", "nan")
"""An error fails a list, the others a request."""

lives = limits(
    max_examples=16,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

lists = st.fixed_dictionaries({name: st.lists(ages, max_size=30) for name in NAMES})
page_sizes = st.integers(2, 12)
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
        follows = {
            name: [Follow(f"{name}.{n}", NOW - age) for n, age in enumerate(ages_of_list)]
            for name, ages_of_list in made.items()
        }
        server.world = World.of(follows, private=["dan"])
        server.scenario = Scenario(**scenario)
        self.sent: dict[Key, dict[str, Any]] = {}
        self.loaded: list[Key] = []
        self.states: list[dict[str, Any]] = [{}]
        self.is_steady = False
        self._provider = provider
        self._path = Path(folder, "responses.db") if folder else None

    def run(
        self, budget: int | None = None, saved: int | None = None, older: int = 0, **more: Any
    ) -> None:
        """Run from the state that came back last."""
        more[f"{self._provider}_max_requests"] = budget
        if self._path:
            more["responses_path"] = str(self._path)
        config = settings(self.server, ["dan", *NAMES], self._provider, **more, max_tries=5)
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
                key = record["follower_username"], record["username"], record["scanned_at"]
                assert self.sent.get(key, record) == record or not self.is_steady
                self.sent[key] = record
                written.append(key)
        assert len(written) == len(set(written))
        if not has_saved:
            self._save(tap, written)
        if 0 < older <= len(self.states):
            self.states.append(self.states[-older])
        if tap.responses is not None:
            tap.responses.close()

    def _save(self, tap: TapTikTokFollowing, written: list[Key]) -> None:
        self.states.append(copy.deepcopy(cast("dict[str, Any]", tap.state)))
        self.loaded += written

    @property
    def requests(self) -> Counter[tuple[object, ...]]:
        """How often each page was requested; one of another size is another page."""
        pages = [r for r in self.server.requests if r.username]
        return Counter((r.username, r.cursor, r.count) for r in pages)

    def check(self) -> None:
        """Assert that the target has all follows and no others, each within its windows."""
        world = self.server.world
        made = {f.username: in_utc(f.at) for name in NAMES for f in world.truth(name)}
        loaded = {(name, account) for name, account, _ in self.loaded}
        assert loaded == truth(self.server, *NAMES)
        for key in self.loaded:
            record = self.sent[key]
            earliest, latest = record["followed_at_earliest"], record["followed_at_latest"]
            assert (earliest or "") <= made[key[1]] <= latest


@pytest.mark.parametrize("oldest", [0, 3])
@lives
@given(
    made=lists,
    page_size=page_sizes,
    deaths=st.lists(st.tuples(budgets, saves, older_states), max_size=5),
)
def test_no_record_comes_twice_with_another_content_and_no_page_is_paid_for_twice(
    server: Sandbox,
    made: dict[str, list[int]],
    page_size: int,
    deaths: list[tuple[int | None, int, int]],
    oldest: int,
) -> None:
    """The latter if no state that comes back is older than the one that a run began with."""
    how = {"page_size": page_size, "rescan_after_hours": 0 if oldest else 8000}
    alone = Pipeline(server, "rapidapi", made)
    alone.run(**how)
    expected = alone.requests
    with TemporaryDirectory() as folder:
        pipeline = Pipeline(server, "rapidapi", made, folder)
        pipeline.is_steady = True
        for budget, saved, older in deaths:
            pipeline.run(budget, saved, min(older, oldest), **how)
        pipeline.run(**how)
        pipeline.check()
        if not oldest:
            assert len(set(pipeline.loaded)) == len(alone.loaded)
            assert pipeline.requests == expected
            assert set(pipeline.requests.values()) == {1}


@lives
@given(
    provider=st.sampled_from(PROVIDERS),
    has_file=st.booleans(),
    made=lists,
    boundary=st.sampled_from(["repeat", "skip"]),
    hidden=st.integers(0, 10),
    runs=st.lists(
        st.fixed_dictionaries(
            {
                "death": st.tuples(budgets, saves, older_states),
                "how": st.fixed_dictionaries(
                    {
                        "page_size": page_sizes,
                        "concurrency": st.integers(1, 3),
                        "rescan_after_hours": st.sampled_from([0, 8000]),
                    }
                ),
                "fault": st.tuples(st.sampled_from(FAULTS), st.integers(1, 4)),
                "grows": st.sampled_from(NAMES),
                "new": st.integers(0, 9),
            }
        ),
        max_size=5,
    ),
)
def test_nothing_is_lost_whichever_state_comes_back(
    server: Sandbox,
    provider: str,
    made: dict[str, list[int]],
    boundary: str,
    hidden: int,
    runs: list[dict[str, Any]],
    *,
    has_file: bool,
) -> None:
    """Lists grow meanwhile, pages fail now and then, and each run has other settings."""
    with TemporaryDirectory() as folder:
        path = folder if has_file else None
        pipeline = Pipeline(server, provider, made, path, boundary=boundary)
        server.world.hidden.update(
            f"{n}.{3 * place}" for n in NAMES for place in range(hidden)
        )
        for number, each in enumerate(runs):
            kind, page = each["fault"]
            server.scenario.faults = [Fault(kind, page=page, times=1, value=[418, "", ""])]
            pipeline.run(*each["death"], **each["how"])
            server.clock.advance(HOUR)
            for new in range(each["new"]):
                account = f"{each['grows']}.{number}.{new}"
                server.world.follow(each["grows"], account, at=int(server.clock.now()) - new)
        server.scenario.faults = []
        for _ in range(4):
            server.clock.advance(HOUR)
            pipeline.run()
        pipeline.check()
