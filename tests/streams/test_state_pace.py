"""How often a state is written: the more rarely, the larger it is and the longer it takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_tiktok_following.streams.following import pause_after_state

MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    ("size", "took", "pause"),
    [
        (0, 0, 2),
        (MEGABYTE // 2, 0.01, 2),
        (10 * MEGABYTE, 0.05, 30),
        (50 * MEGABYTE, 0.3, 150),
        (1000, 3, 60),
    ],
)
def test_the_pause(size: int, took: float, pause: float) -> None:
    assert pause_after_state(size, took) == pytest.approx(pause)


@given(
    size=st.integers(0, 100 * MEGABYTE),
    took=st.floats(0, 100),
)
def test_writing_states_takes_at_most_a_twentieth_of_the_time(size: int, took: float) -> None:
    pause = pause_after_state(size, took)
    assert pause >= 2
    assert took <= (took + pause) / 20
    assert size / pause <= 10 * MEGABYTE / 30 * 1.001
