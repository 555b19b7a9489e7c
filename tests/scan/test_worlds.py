"""Random worlds: lists that live for days, read from a provider that blinks."""

from __future__ import annotations

from random import Random

import pytest

from tap_tiktok_following.model import Page
from tap_tiktok_following.text import DAY, HOUR
from tests.blinks import absences, early_end, empty, false_absences, null
from tests.lives import Life, follows_of, with_and_without_totals


def live(seed: int, share: float, *, totals: bool) -> Life:
    """Let a list live for 14 days, with a run each; a share of the responses is wrong."""
    random = Random(seed)  # noqa: S311 - no secret
    length = random.randint(*random.choice([(0, 90), (90, 400), (300, 1000)]))
    life = Life(
        follows_of(length, every=random.choice([600, HOUR, 6 * HOUR, DAY])),
        repeat=random.random() < 0.5,
        full_scan_after=random.choice([0, 0, 2 * DAY, 4 * DAY]),
        full_scan_on_loss=random.random() < 0.5,
    )
    life.total = lambda total: total if totals else None
    filtered, pace = random.choice([0, 0, 0.03, 0.4]), random.choice([1, 3, 10, 40])
    life.world.hidden.update(name for name in life.listed if random.random() < filtered)

    def blink(_number: int, page: Page) -> Page:
        change = random.choice([empty, early_end, null])
        return change(page) if random.random() < share else page

    life.blink = blink
    for _ in range(14):
        life.now += DAY - HOUR
        life.follow(random.randint(0, pace), every=random.choice([1, 60, 300]))
        gone = random.randint(0, pace)
        if random.random() < 0.05:
            gone = int(len(life.listed) * random.choice([0.1, 0.3, 0.6, 1]))
        for name in random.sample(life.listed, min(gone, len(life.listed))):
            life.leave(name)
        for change in (life.refollow, life.world.hide):
            if life.listed and random.random() < 0.1:
                change(random.choice(life.listed))
        is_killed = random.random() < 0.1
        life.read(after=HOUR, killed_after=random.randint(0, 4) if is_killed else None)
    return life


@with_and_without_totals
@pytest.mark.parametrize(("share", "most"), [(0, 0), (0.05, 2), (0.2, 9)])
def test_15_lists_over_14_days_of_a_provider_that_blinks(
    share: float, most: int, *, totals: bool
) -> None:
    """Every follow is sent in the end, and a killed run claims nothing that it did not write.

    Without the rules of `scan/doubt.py`, there are hundreds of false absences.
    """
    lives = [live(seed, share, totals=totals) for seed in range(15)]
    assert sum(1 for life in lives for _ in absences(life)) > 1000
    assert sum(len(false_absences(life)) for life in lives) <= most
    for life in lives:
        life.blink = lambda _number, page: page
        life.policy["full_scan_after"] = 0
        for _ in range(2):
            life.read()
        assert set(life.listed) <= life.sent
