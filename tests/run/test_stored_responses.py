"""Stored responses outlive a run that dies: nothing is lost or paid for twice."""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from sandbox import Fault, Follow, World
from tap_tiktok_following.tap import TapTikTokFollowing
from tap_tiktok_following.text import HOUR
from tests.harness import NOW, emptied, settings, truth, unix

if TYPE_CHECKING:
    from sandbox import Sandbox

NAMES = ("ann", "ben", "cat", "eve")

AGES = st.integers(0, 5) | st.integers(0, 3 * HOUR) | st.integers(0, 5000 * HOUR)
LISTS = st.fixed_dictionaries({name: st.lists(AGES, max_size=25) for name in NAMES})
"""When the follows of each list were made: many in one second or hour, some long ago."""

BUDGETS = st.none() | st.integers(0, 25)
"""After how many requests a run dies; None if it does not."""

SAVED = st.integers(-1, 60)
"""How many rows the target has saved by then; -1 if it has saved no state either."""

OLDER = st.integers(0, 3)
"""Which of the last states comes back instead; 0 for the one that was saved."""

lives = hypothesis.settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)


class Pipeline:
    """Runs over the same lists with one response file, most of which die.

    Attributes:
        sent: Every row that was ever sent, by follower, account and time of the scan.
        loaded: The keys of those that the target has saved.
        states: The states that came back, the newest last.
        is_steady: Whether no row may come twice with another content, as where neither lists
            nor settings change.
    """

    def __init__(self, sandbox: Sandbox, folder: str, ages: dict[str, list[int]]) -> None:
        self.sandbox = emptied(sandbox)
        sandbox.world = World.of(
            {
                name: [Follow(f"{name}.{n}", NOW - age) for n, age in enumerate(ages[name])]
                for name in NAMES
            },
            private=["dan"],
        )
        self.sent: dict[tuple[str, ...], dict[str, Any]] = {}
        self.loaded: set[tuple[str, ...]] = set()
        self.states: list[dict[str, Any]] = [{}]
        self.is_steady = True
        self._path = str(Path(folder, "responses.db"))

    def run(
        self, budget: int | None = None, saved: int | None = None, older: int = 0, **more: Any
    ) -> None:
        """Run from the state that came back last; to its end unless a budget is given."""
        more |= {"responses_path": self._path, "rapidapi_max_requests": budget}
        config = settings(self.sandbox, ["dan", *NAMES], "rapidapi", concurrency=3, **more)
        tap = TapTikTokFollowing(config=config, state=copy.deepcopy(self.states[-1]))
        written: list[tuple[str, ...]] = []
        state = None
        for record in tap.streams["rapidapi_following"].get_records(None):
            if len(written) == saved:
                state = self._save(tap, written)
            written.append(self._send(cast("dict[str, Any]", record)))
        if state is None and saved != -1:
            self._save(tap, written)
        if 0 < older <= len(self.states):
            self.states.append(self.states[-older])
        assert tap.responses is not None
        tap.responses.close()

    def _save(self, tap: TapTikTokFollowing, written: list[tuple[str, ...]]) -> object:
        self.states.append(copy.deepcopy(cast("dict[str, Any]", tap.state)))
        self.loaded.update(written)
        return tap.state

    def _send(self, row: dict[str, Any]) -> tuple[str, ...]:
        key = row["follower_username"], row["username"], row["scanned_at"]
        assert self.sent.get(key, row) == row or not self.is_steady
        self.sent[key] = row
        return key

    @property
    def requests(self) -> Counter[tuple[object, ...]]:
        """How often each page was requested; one of another size is another page."""
        pages = [r for r in self.sandbox.requests if r.username]
        return Counter((r.username, r.cursor, r.count) for r in pages)

    def check(self) -> None:
        """The target has every follow there is, no other, and each in its window."""
        assert {(name, account) for name, account, _ in self.loaded} == truth(
            self.sandbox, *NAMES
        )
        made = {f.username: f.at for name in NAMES for f in self.sandbox.world.truth(name)}
        for key in self.loaded:
            row = self.sent[key]
            earliest = row["followed_at_earliest"] or "1970-01-01T00:00:00+00:00"
            assert unix(earliest) <= made[row["username"]] <= unix(row["followed_at_latest"])


@lives
@given(LISTS, st.integers(2, 12), st.lists(st.tuples(BUDGETS, SAVED), max_size=5))
def test_each_page_is_paid_for_once(
    server: Sandbox,
    ages: dict[str, list[int]],
    page_size: int,
    deaths: list[tuple[int | None, int]],
) -> None:
    """As long as the state that comes back is not older than the one that a run began with."""
    how = {"page_size": page_size, "rescan_after_hours": 8000}
    with TemporaryDirectory() as folder:
        alone = Pipeline(server, folder, ages)
        alone.run(**how)
        expected = alone.requests
    with TemporaryDirectory() as folder:
        pipeline = Pipeline(server, folder, ages)
        for budget, saved in deaths:
            pipeline.run(budget, saved, **how)
        pipeline.run(**how)
        pipeline.check()
        assert len(pipeline.loaded) == len(alone.loaded)
        assert pipeline.requests == expected
        assert set(pipeline.requests.values()) == {1}


@lives
@given(LISTS, st.integers(2, 12), st.lists(st.tuples(BUDGETS, SAVED, OLDER), max_size=5))
def test_no_row_comes_twice_with_another_content(
    server: Sandbox,
    ages: dict[str, list[int]],
    page_size: int,
    deaths: list[tuple[int | None, int, int]],
) -> None:
    """Whichever state comes back, as long as the lists stay as they are."""
    with TemporaryDirectory() as folder:
        pipeline = Pipeline(server, folder, ages)
        for death in deaths:
            pipeline.run(*death, page_size=page_size)
        pipeline.run(page_size=page_size)
        pipeline.check()


RUNS = st.lists(
    st.fixed_dictionaries(
        {
            "death": st.tuples(BUDGETS, SAVED, OLDER),
            "page_size": st.integers(2, 12),
            "broken_page": st.none() | st.integers(1, 4),
            "grows": st.sampled_from(NAMES),
            "new": st.integers(0, 9),
        }
    ),
    max_size=5,
)


@lives
@given(LISTS, RUNS, st.sampled_from([0, 8000]))
def test_nothing_is_lost_whichever_state_comes_back(
    server: Sandbox, ages: dict[str, list[int]], runs: list[dict[str, Any]], rescan: int
) -> None:
    """Lists grow meanwhile, pages fail now and then, and each run has another page size."""
    with TemporaryDirectory() as folder:
        pipeline = Pipeline(server, folder, ages)
        pipeline.is_steady = False
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
