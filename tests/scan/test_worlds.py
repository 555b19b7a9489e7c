"""Random worlds: lists that live for days, read from a provider that blinks."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from tap_tiktok_following.model import Page
from tap_tiktok_following.text import DAY, HOUR
from tests.blinks import absences, early_end, empty, false_absences, null
from tests.lives import Life, follows_of, with_and_without_totals


class Story:
    """One list and what happens to it.

    With totals it is RapidAPI's list, where a renamed account keeps its key; without, it is
    the Research API's, where it becomes another account.

    Args:
        seed: Decides everything that happens.
        totals: Whether the provider gives totals.
        blinks: Share of the responses that are wrong.
    """

    def __init__(self, seed: int, *, totals: bool, blinks: float) -> None:
        self._random = random = Random(seed)  # noqa: S311 - no secret
        self._blinks = Random(seed)  # noqa: S311
        self._share = blinks
        self._pace = random.choice([1, 3, 10, 40])
        self._totals = totals
        self._old_totals: list[int] = []
        length = random.randint(*random.choice([(0, 90), (90, 400), (300, 1000)]))
        every = random.choice([600, HOUR, 6 * HOUR, DAY])
        self.life = Life(
            follows_of(length, every=every),
            repeat=random.random() < 0.5,
            full_scan_after=random.choice([0, 0, 2 * DAY, 4 * DAY]),
            full_scan_on_loss=random.random() < 0.5,
        )
        self.life.total = lambda total: total if totals else None
        self.life.blink = self._blink
        filtered = random.choice([0, 0, 0.03, 0.4])
        hidden = {name for name in self.life.listed if random.random() < filtered}
        self.life.world.hidden.update(hidden)

    def live(self, days: int) -> None:
        """Let days pass, with one run each; some runs are killed."""
        for _ in range(days):
            self.life.now += DAY - HOUR
            self._old_totals.append(len(self.life.world.following("ann", self.life.now)))
            self._follow_and_unfollow()
            is_killed = self._random.random() < 0.1
            killed_after = self._random.randint(0, 4) if is_killed else None
            self.life.read(after=HOUR, killed_after=killed_after)

    def end(self) -> None:
        """Read the list twice more, in full, while nothing blinks."""
        self.life.blink = lambda _number, page: page
        self.life.policy["full_scan_after"] = 0
        for _ in range(2):
            self.life.read()

    def _follow_and_unfollow(self) -> None:
        random, life = self._random, self.life
        many = random.randint(50, 250) if random.random() < 0.05 else self._pace
        life.follow(random.randint(0, many), every=random.choice([1, 60, 300]))
        listed = life.listed
        gone = random.randint(0, self._pace)
        if random.random() < 0.05:
            gone = int(len(listed) * random.choice([0.1, 0.3, 0.6, 1]))
        for name in random.sample(listed, min(gone, len(listed))):
            life.leave(name)
        for change in (life.refollow, life.world.hide, self._rename):
            if life.listed and random.random() < 0.1:
                change(random.choice(life.listed))

    def _rename(self, name: str) -> None:
        if not self._totals:
            self.life.world.rename(name, f"{name}.renamed")

    def _blink(self, _number: int, page: Page) -> Page:
        random = self._blinks
        if random.random() >= self._share:
            return page
        if self._totals and random.random() < 0.15:
            return replace(page, total=random.choice(self._old_totals))
        return random.choice([empty, early_end, null])(page)


@with_and_without_totals
@pytest.mark.parametrize(("blinks", "most"), [(0, 0), (0.05, 9), (0.2, 99)])
def test_15_lists_over_14_days_of_a_provider_that_blinks(
    blinks: float, most: int, *, totals: bool
) -> None:
    """Every follow is sent in the end, and a killed run claims nothing that it did not write.

    Without the rules of `scan/doubt.py`, there are hundreds of false absences.
    """
    real, false = 0, 0
    for seed in range(15):
        story = Story(seed, totals=totals, blinks=blinks)
        story.live(14)
        real += sum(1 for _ in absences(story.life))
        false += len(false_absences(story.life))
        story.end()
        assert set(story.life.listed) <= story.life.sent
    assert real > 500
    assert false <= most
