"""The world of `make demo`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from demo.story import CHAPTER, RENAMED, Story
from sandbox import Clock
from sandbox.world import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox import Follow

BEGINS = 1_800_000_000
NOW = BEGINS + 3600


def story_at(now: float, seed: int = 1) -> Story:
    story = Story(seed)
    story.clock = Clock(now)
    return story


def lists(story: Story) -> Mapping[str, list[Follow]]:
    return {username: story.truth(username) for username in story.usernames}


def test_story_is_the_same_in_every_process() -> None:
    advanced = story_at(NOW - 3 * CHAPTER)
    lists(advanced)
    advanced.clock.advance(3 * CHAPTER)
    assert lists(advanced) == lists(story_at(NOW)) != lists(story_at(NOW, seed=2))


@pytest.mark.parametrize("start", [0, 600, CHAPTER - 300])
def test_every_ten_seconds_have_follows_and_unfollows(start: int) -> None:
    story = story_at(BEGINS + start)
    before = lists(story)
    for _ in range(20):
        story.clock.advance(10)
        now, after = story.clock.now(), lists(story)
        new = [f for name in after for f in set(after[name]) - set(before[name])]
        lost = [f for name in after for f in set(before[name]) - set(after[name])]
        assert (len(new) in range(1, 4), len(lost) in range(1, 4)) == (True, True)
        assert all(now - 10 < follow.at <= now for follow in new)
        assert all(follow.until and now - 10 < follow.until <= now for follow in lost)
        before = after


def test_lists_keep_their_length_for_years() -> None:
    lengths = [
        sum(map(len, lists(story_at(NOW + weeks * 7 * 86_400)).values()))
        for weeks in (0, 1, 10, 100)
    ]
    assert max(lengths) - min(lengths) < 100


def test_usernames_have_lists_of_every_kind() -> None:
    story = story_at(NOW)
    found = lists(story)
    statuses = [story.status(username) for username in story.usernames]
    assert [statuses.count(status) for status in Status] == [36, 2, 0, 1, 1]
    assert max(map(len, found.values())) >= 900
    for name, follows in found.items():
        names = [follow.username for follow in follows]
        assert len({name, *names}) == len(names) + 1


def test_popular_account_is_renamed_every_hour() -> None:
    story = story_at(BEGINS + CHAPTER // 2 - 1)
    old, new = RENAMED
    followers = [name for name, f in lists(story).items() if old in {x.username for x in f}]
    own, user_id = story.truth(old), story.accounts[old].user_id
    story.clock.advance(1)
    assert story.status(old) is Status.NOT_FOUND
    assert (story.truth(new), story.accounts[new].user_id) == (own, user_id)
    for name in followers:
        assert new in {follow.username for follow in story.truth(name)}
