from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
import requests

from sandbox import Clock, Follow, Sandbox, Story
from sandbox.story import CHAPTER, RENAMED, SPAN
from sandbox.world import Standing
from tests.sandbox.client import PROVIDERS, Client

if TYPE_CHECKING:
    from collections.abc import Mapping


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
@pytest.mark.parametrize("start", [0, 600, CHAPTER - 300])
def test_any_ten_seconds_bring_follows_and_unfollows(seed: int, start: int) -> None:
    story = story_at(CHAPTER_BEGINS + start, seed=seed)
    before = everything(story)
    for _ in range(20):
        story.clock.advance(10)
        now = story.clock.now()
        after = everything(story)
        new = [f for name in after for f in set(after[name]) - set(before[name])]
        gone = [f for name in after for f in set(before[name]) - set(after[name])]
        assert (len(new) in range(1, 4), len(gone) in range(1, 4)) == (True, True)
        assert all(now - 10 < follow.at <= now for follow in new)
        assert all(follow.until and now - 10 < follow.until <= now for follow in gone)
        assert all(follow.at < CHAPTER_BEGINS for follow in gone)
        before = after


def test_history_tells_every_follow_and_unfollow_of_the_chapter() -> None:
    story = story_at(CHAPTER_BEGINS)
    seen = {(name, follow) for name, found in everything(story).items() for follow in found}
    for _ in range(10):
        story.clock.advance(10)
        seen |= {(name, f) for name, found in everything(story).items() for f in found}
    told = {(name, follow) for name in story.usernames for follow in story.history(name)}
    assert seen == {pair for pair in told if pair[1].username not in story.hidden}
    now = story.clock.now()
    ended = {pair for pair in told if pair[1].until and pair[1].until <= now}
    assert seen - ended == {
        (name, follow) for name, found in everything(story).items() for follow in found
    }
    assert len(ended) in range(15, 25)


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
    assert sizes[-1] >= 900
    assert sum(size >= 100 for size in sizes) >= 5
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


def test_the_crowd_have_still_lists_and_some_of_them_none() -> None:
    story = story_at(NOW)
    met = {follow.username for found in everything(story).values() for follow in found}
    crowd = sorted(name for name in met - set(story.usernames) if name.count(".") == 1)[::5]
    lists = {name: story.truth(name) for name in crowd}
    standings = [story.standing(name) for name in crowd]
    assert len(crowd) > 300
    assert standings.count(Standing.PRIVATE) in range(len(crowd) // 20, len(crowd) // 5)
    assert standings.count(Standing.HIDDEN) in range(1, len(crowd) // 25)
    assert {len(found) for found in lists.values()} <= set(range(3, 121))
    assert sum(map(len, lists.values())) > 50 * len(crowd)
    assert not [name for name in crowd if name in {f.username for f in lists[name]}]
    private = {name for name in crowd if story.standing(name) is Standing.PRIVATE}
    assert private == {name for name in crowd if story.accounts[name].is_private}
    story.clock.advance(CHAPTER // 2 - 1)
    assert {name: story.truth(name) for name in crowd} == lists
    later = story_at(NOW + 50 * CHAPTER)
    assert {name: later.truth(name) for name in crowd} == lists


@pytest.mark.parametrize("seed", [1, 2, 7])
def test_a_dozen_of_the_crowd_are_followed_by_many(seed: int) -> None:
    story = story_at(NOW, seed)
    followed = Counter(f.username for found in everything(story).values() for f in found)
    crowd = [(n, name) for name, n in followed.most_common() if name not in story.usernames]
    assert crowd[11][0] >= 6 > crowd[12][0]
    assert crowd[0][0] >= 20
    standings = {story.standing(name) for _, name in crowd[:12]}
    assert standings == {Standing.LISTED, Standing.PRIVATE, Standing.HIDDEN}


def test_an_account_is_renamed_in_the_middle_of_a_chapter() -> None:
    story = story_at(CHAPTER_BEGINS + CHAPTER // 2 - 1)
    old, new = RENAMED
    follower = next(
        name for name in story.usernames if old in {f.username for f in story.truth(name)}
    )
    [follow] = [follow for follow in story.truth(follower) if follow.username == old]
    own = story.truth(old)
    assert (story.standing(new), story.truth(new)) == (Standing.NOT_FOUND, [])
    story.clock.advance(1)
    assert (story.standing(old), story.truth(old)) == (Standing.NOT_FOUND, [])
    assert story.truth(new) == own
    [same] = [same for same in story.truth(follower) if same.username in RENAMED]
    assert same == Follow(new, follow.at)
    assert story.accounts[new].user_id == story.accounts[old].user_id
    assert story.accounts[new].username == new


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
