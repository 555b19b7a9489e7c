"""The world of `make demo`."""

from __future__ import annotations

import pytest

from demo.story import HOUR, Story
from sandbox import Clock, Follow

NOW = 1_800_000_000


def story_at(now: float) -> Story:
    story = Story()
    story.clock = Clock(now)
    return story


def follows(story: Story) -> set[tuple[str, Follow]]:
    return {(name, follow) for name in story.usernames for follow in story.truth(name)}


def test_lists_change_all_the_time_but_keep_their_length_in_every_process() -> None:
    """Private accounts are on no list."""
    story = story_at(NOW - 100 * HOUR)
    before = follows(story)
    assert story.private.isdisjoint(follow.username for _, follow in before)
    story.clock.advance(100 * HOUR)
    assert follows(story) == follows(story_at(NOW)) != before
    assert len(follows(story)) == pytest.approx(len(before), abs=2)
    for _ in range(20):
        before = follows(story)
        story.clock.advance(10)
        assert len(follows(story) - before) == len(before - follows(story)) == 2
