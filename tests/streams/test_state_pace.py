"""How often a state is written: the more rarely, the larger it is and the longer it takes."""

from __future__ import annotations

import pytest

from tap_tiktok_following.streams.following import pause_after_state


@pytest.mark.parametrize(
    ("size", "took", "pause"), [(1000, 0.01, 2), (1000, 3, 60), (50_000_000, 0.3, 150)]
)
def test_writing_states_takes_at_most_a_twentieth_of_the_time(
    size: int, took: float, pause: float
) -> None:
    """Of the tap's own time; a target takes ten times as long."""
    assert pause_after_state(size, took) == pytest.approx(pause)
