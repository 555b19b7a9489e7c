"""Times as a state or a config may hold them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tap_tiktok_following.times import parse_time


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-01-31T00:00:00Z", 1_769_817_600),
        ("2026-01-31T00:00:00.250000Z", 1_769_817_600),
        ("2026-01-31T01:00:00+01:00", 1_769_817_600),
        ("2026-01-31T00:00:00", 1_769_817_600),
        ("2026-01-31", 1_769_817_600),
    ],
)
def test_a_time_is_utc_where_it_names_no_zone(text: str, seconds: int) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize("value", [None, 7, "", "soon", "Z", b"2026-01-31"])
def test_what_is_no_time_is_none(value: object) -> None:
    assert parse_time(value) is None


def test_a_z_is_read_without_the_sdk() -> None:
    """The SDK changes what Python 3.10 reads, once it is loaded."""
    code = (
        "import sys; from tap_tiktok_following.times import parse_time; "
        "assert 'singer_sdk' not in sys.modules; print(parse_time('1970-01-01T00:00:07Z'))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], encoding="utf-8") == "7\n"
