"""Answers outlive a run that dies: whichever state comes back, nothing is lost or paid twice.

The real tap, over real HTTP, against the sandbox. A target saves a state with the rows that
came before it; of a run that dies it may have saved any of its states, or none.
"""

from __future__ import annotations

import copy
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import Clock, Follow, Sandbox, Scenario, World
from tap_tiktok_following.tap import TapTikTokFollowing
from tests.harness import settings as settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
State = dict[str, Any]
Key = tuple[str, str, str]

START = 1_700_000_000
HOUR = 60 * 60
NAMES = ("ann", "ben", "cat")
SKIPPED = "dan"
KEYS = {"research": "username", "rapidapi": "user_id"}

lives = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World.of({}), clock=Clock(START)) as server:
        yield server


@st.composite
def lists(draw: st.DrawFn) -> dict[str, list[Follow]]:
    """Lists of up to 25 follows, many of them in the same second or hour, some long ago."""
    ages = st.one_of(st.integers(0, 5), st.integers(0, 3 * HOUR), st.integers(0, 5000 * HOUR))
    return {
        name: [
            Follow(f"{name}_{number}", START - age)
            for number, age in enumerate(draw(st.lists(ages, max_size=25)))
        ]
        for name in NAMES
    }


@dataclass(frozen=True)
class Death:
    """How a run ends.

    Attributes:
        at: How many records it writes; `END` for all.
        saved: The last of its states that the target saves, counted in records written before
            it; `NEVER` for none, so that the state with which it began comes back.
        older: Which of all states so far comes back instead, from the newest; 0 for none.
    """

    at: int
    saved: int
    older: int = 0


END = sys.maxsize
NEVER = -1


def deaths(*, older: int) -> st.SearchStrategy[Death]:
    """Any death, after which a state so much older may come back."""
    at = st.integers(0, 40) | st.just(END)
    saved = st.integers(0, 40) | st.sampled_from([NEVER, END])
    return st.builds(Death, at, saved, st.integers(0, older))


@dataclass
class Story:
    """Runs of one pipeline, and what its target has saved.

    Attributes:
        rows: What every record of every run said, by its key.
        loaded: The keys of the records that the target has saved.
        states: All states that came back, the newest last.
    """

    sandbox: Sandbox
    provider: str
    config: dict[str, Any]
    rows: dict[Key, dict[str, Any]] = field(default_factory=dict)
    loaded: set[Key] = field(default_factory=set)
    states: list[State] = field(default_factory=lambda: [{}])

    def run(self, death: Death, **config: Any) -> None:
        """Run once from the last state."""
        tap = TapTikTokFollowing(
            config={**self.config, **config}, state=copy.deepcopy(self.states[-1])
        )
        written: list[Key] = []
        records = cast("Any", tap.streams[f"{self.provider}_following"]).get_records(None)
        with closing(records):
            for number, record in enumerate(records):
                if number == death.saved:
                    self._save(tap, written)
                if number == death.at:
                    break
                written.append(self._take(record))
            else:
                if death.saved == END:
                    self._save(tap, written)
        if tap.answers is not None:
            tap.answers.close()
        if 0 < death.older <= len(self.states):
            self.states.append(self.states[-death.older])

    def _save(self, tap: TapTikTokFollowing, written: list[Key]) -> None:
        self.states.append(copy.deepcopy(cast("State", tap.state)))
        self.loaded.update(written)

    def _take(self, record: dict[str, Any]) -> Key:
        key = (
            record["follower_username"],
            record[KEYS[self.provider]],
            record["scanned_at"],
        )
        assert self.rows.setdefault(key, record) == record
        return key

    def end(self, **config: Any) -> None:
        """Run to the end."""
        self.run(Death(END, END), **config)

    def check(self) -> None:
        """The target has every follow, and no other."""
        loaded = {(f, self.rows[f, u, s]["username"]) for f, u, s in self.loaded}
        world = self.sandbox.world
        assert loaded == {(n, f.username) for n in NAMES for f in world.truth(n)}

    @property
    def asked(self) -> Counter[tuple[Any, ...]]:
        """How often each page has been asked for since this story began."""
        requests = self.sandbox.requests
        return Counter((r.username, r.cursor, r.count) for r in requests if r.username)


def begin(
    sandbox: Sandbox, provider: str, follows: dict[str, list[Follow]], **config: Any
) -> Story:
    """A new world in the sandbox, at the same time as ever."""
    sandbox.clock = Clock(START)
    sandbox.world = World.of(follows, private=[SKIPPED])
    sandbox.world.clock = sandbox.clock
    sandbox.scenario = Scenario()
    sandbox.requests.clear()
    settings = settings_for(sandbox, [*NAMES, SKIPPED], provider, **config)
    return Story(sandbox, provider, settings)


@pytest.mark.parametrize("provider", ["research", "rapidapi"])
@lives
@given(
    follows=lists(),
    page_size=st.integers(2, 12),
    boundary=st.sampled_from(["repeat", "skip"]),
    story=st.lists(deaths(older=0), max_size=5),
    concurrency=st.integers(1, 3),
)
def test_each_page_is_paid_once(
    sandbox: Sandbox,
    tmp_path: Path,
    provider: str,
    follows: dict[str, list[Follow]],
    page_size: int,
    boundary: str,
    story: list[Death],
    concurrency: int,
) -> None:
    """The state that comes back is of the run that died, or the one that it began with."""
    path = tmp_path / "answers"
    how: Any = {
        "page_size": page_size,
        "concurrency": concurrency,
        "revisit_after_hours": 8000,
    }
    alone = begin(sandbox, provider, follows, **how)
    sandbox.scenario = Scenario(boundary=boundary)  # type: ignore[arg-type]
    alone.end()
    asked_alone = alone.asked
    path.unlink(missing_ok=True)
    told = begin(sandbox, provider, follows, **how, answers_path=str(path))
    sandbox.scenario = Scenario(boundary=boundary)  # type: ignore[arg-type]
    for death in story:
        told.run(death)
    told.end()
    told.check()
    assert told.loaded == alone.loaded
    assert told.rows == alone.rows
    assert told.asked.keys() == asked_alone.keys()
    twice = sum((told.asked - asked_alone).values())
    assert twice <= concurrency * sum(death.at != END for death in story)


@pytest.mark.parametrize("provider", ["research", "rapidapi"])
@lives
@given(
    follows=lists(),
    page_size=st.integers(2, 12),
    story=st.lists(deaths(older=3), max_size=6),
    concurrency=st.integers(1, 3),
    revisit=st.sampled_from([0, 8000]),
)
def test_nothing_is_lost_whichever_state_comes_back(
    sandbox: Sandbox,
    tmp_path: Path,
    provider: str,
    follows: dict[str, list[Follow]],
    page_size: int,
    story: list[Death],
    concurrency: int,
    revisit: int,
) -> None:
    path = tmp_path / "answers"
    path.unlink(missing_ok=True)
    told = begin(
        sandbox,
        provider,
        follows,
        page_size=page_size,
        concurrency=concurrency,
        revisit_after_hours=revisit,
        answers_path=str(path),
    )
    for death in story:
        told.run(death)
    told.end()
    told.check()
