"""The world of `make demo`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from demo.story import HOUR, Story
from sandbox import Clock
from sandbox.world import Status

if TYPE_CHECKING:
    from sandbox import Follow

NOW = 1_800_000_000


def story_at(now: float) -> Story:
    story = Story()
    story.clock = Clock(now)
    return story


def follows(story: Story) -> set[tuple[str, Follow]]:
    return {(name, follow) for name in story.usernames for follow in story.truth(name)}


def test_lists_are_the_same_in_every_process_and_keep_their_length() -> None:
    story = story_at(NOW - 100 * HOUR)
    before = follows(story)
    story.clock.advance(100 * HOUR)
    assert follows(story) == follows(story_at(NOW)) != before
    assert len(follows(story)) == pytest.approx(len(before), abs=2)


def test_every_ten_seconds_have_follows_and_unfollows() -> None:
    story = story_at(NOW)
    before = follows(story)
    for _ in range(20):
        story.clock.advance(10)
        after = follows(story)
        assert (len(after - before), len(before - after)) == (2, 2)
        before = after


def test_usernames_have_lists_of_every_kind() -> None:
    story = story_at(NOW)
    statuses = [story.status(username) for username in story.usernames]
    assert [statuses.count(status) for status in Status] == [36, 2, 0, 1, 1]
    lengths = [len(story.truth(username)) for username in story.usernames]
    assert (max(lengths) > 1000, lengths.count(0)) == (True, 7)
    for name in story.usernames:
        names = [follow.username for follow in story.truth(name)]
        assert len({name, *names}) == len(names) + 1
