from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from sandbox import Clock, Sandbox, Story
from sandbox.story import CHAPTER, SPAN
from sandbox.world import Standing
from tests.sandbox.client import PROVIDERS, Client

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox import Follow

CHAPTER_BEGINS = 1_800_000_000
NOW = CHAPTER_BEGINS + 3600


def story_at(now: float, seed: int = 1, usernames: int = 40) -> Story:
    story = Story(seed, usernames)
    story.clock = Clock(now)
    return story


def everything(story: Story) -> Mapping[str, list[Follow]]:
    return {username: story.truth(username) for username in story.usernames}


def test_a_story_is_the_same_however_it_is_come_to() -> None:
    advanced = story_at(NOW - 3 * CHAPTER)
    everything(advanced)
    advanced.clock.advance(3 * CHAPTER)
    assert everything(advanced) == everything(story_at(NOW))


def test_another_seed_is_another_story() -> None:
    assert everything(story_at(NOW, seed=2)) != everything(story_at(NOW, seed=1))


@pytest.mark.parametrize("seed", [1, 2, 7])
def test_something_is_new_after_any_ten_seconds_and_nothing_is_lost(seed: int) -> None:
    story = story_at(CHAPTER_BEGINS, seed=seed)
    before = everything(story)
    for _ in range(20):
        story.clock.advance(10)
        after = everything(story)
        new = {name: set(after[name]) - set(before[name]) for name in after}
        assert any(new.values())
        assert all(set(before[name]) <= set(after[name]) for name in after)
        since = story.clock.now() - 10
        assert all(
            since < follow.at <= since + 10 for found in new.values() for follow in found
        )
        before = after


def test_lists_keep_their_size_as_the_story_goes_on() -> None:
    sizes = [
        sum(map(len, everything(story_at(NOW + weeks * 7 * 86_400)).values()))
        for weeks in (0, 1, 10, 100)
    ]
    assert max(sizes) - min(sizes) < 100


def test_the_cast_has_lists_of_every_kind() -> None:
    story = story_at(NOW)
    sizes = sorted(len(found) for found in everything(story).values())
    standings = [story.standing(username) for username in story.usernames]
    assert len(set(story.usernames)) == 40
    assert sizes[-1] >= 1170
    assert sum(size >= 200 for size in sizes) >= 5
    assert sum(size == 0 for size in sizes) == 7
    assert [standings.count(standing) for standing in Standing] == [36, 2, 0, 1, 1]


def test_no_list_holds_an_account_twice_or_its_owner() -> None:
    story = story_at(NOW)
    for username in story.usernames:
        names = [follow.username for follow in story.following(username, NOW)]
        assert len(set(names)) == len(names)
        assert username not in names


def test_the_cast_follow_each_other_and_reach_back_two_years() -> None:
    lists = everything(story_at(NOW))
    cast = set(lists)
    among = [follow for found in lists.values() for follow in found if follow.username in cast]
    oldest = min(follow.at for found in lists.values() for follow in found)
    assert len(among) > 100
    assert NOW - SPAN < oldest < NOW - 0.9 * SPAN


def test_names_and_counts_are_hard_to_carry() -> None:
    story = story_at(NOW)
    followed = {follow.username for found in everything(story).values() for follow in found}
    accounts = [story.accounts[name] for name in followed]
    letters = {letter for account in accounts for letter in account.display_name}
    assert {"🦊", "ن", "ש", "𠮷", "\u200d"} <= letters
    assert max(account.total_likes for account in accounts) == 11_000_000_000
    assert all(len(name) <= 24 for name in followed)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_reader_of_all_pages_finds_the_truth(provider: str) -> None:
    story = Story()
    with Sandbox(story, clock=Clock(NOW)) as sandbox, requests.Session() as session:
        client = Client(sandbox, session)
        client.fetch_token()
        lengths = set()
        for username in story.usernames[:8]:
            pages = client.pages(provider, username, 100)
            found = {name for page in pages for name in page.usernames}
            assert found == {follow.username for follow in story.truth(username)}
            lengths |= {len(page.usernames) for page in pages[:-1]}
    assert 0 in lengths


def test_a_story_can_have_any_number_of_usernames() -> None:
    story = story_at(NOW, usernames=5000)
    assert len(set(story.usernames)) == 5000
    assert len(story.truth(story.usernames[40])) > 1000
