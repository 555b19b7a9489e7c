"""The world of `make demo`."""

from __future__ import annotations

from itertools import pairwise

import pytest

from demo.story import HOUR, Story
from sandbox import Clock, Follow

NOW = 1_800_000_000


def listed(now: float) -> set[tuple[str, Follow]]:
    story = Story()
    story.clock = Clock(now)
    follows = {(name, follow) for name in story.usernames for follow in story.truth(name)}
    assert story.private.isdisjoint(follow.username for _, follow in follows)
    return follows


def test_lists_change_all_the_time_but_keep_their_length() -> None:
    lists = [listed(NOW + seconds) for seconds in (0, 10, 20, 100 * HOUR)]
    for before, after in pairwise(lists[:3]):
        assert len(after - before) == len(before - after) == 2
    assert len(lists[-1]) == pytest.approx(len(lists[0]), abs=2)
