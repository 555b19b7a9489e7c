"""Shards: every username in exactly one, by a hash that never changes."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import World
from tap_tiktok_following.config.usernames import collect
from tap_tiktok_following.shards import Shard, shard_of
from tests.harness import PROVIDERS, follows_of, run, settings

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

NAMES = [f"user{number}" for number in range(40)]
counts = st.integers(1, 9999)


@pytest.mark.parametrize(
    ("text", "count", "number"),
    [
        ("charlidamelio", 8, 1),
        ("khaby.lame", 8, 5),
        ("khaby.lame", 9999, 6057),
        ("a b", 8, 1),
        ("b\u00f6b", 8, 1),
        ("anyone", 1, 1),
    ],
)
def test_the_hash_is_the_one_that_states_were_split_by(
    text: str, count: int, number: int
) -> None:
    """To change one of these numbers is to pay for every list again."""
    assert shard_of(text, count) == number


@given(text=st.text(), count=counts)
def test_every_text_is_in_exactly_one_shard(text: str, count: int) -> None:
    number = shard_of(text, count)
    assert 1 <= number <= count
    assert text in Shard(number, count)
    assert text not in Shard(number % count + 1, count) or count == 1


def test_shards_are_of_about_the_same_size() -> None:
    sizes = Counter(shard_of(f"user.{number}", 8) for number in range(80_000))
    assert min(sizes.values()) > 9_700
    assert max(sizes.values()) < 10_300


@given(number=counts, count=counts)
def test_ways_to_write_a_shard(number: int, count: int) -> None:
    shard = Shard.parse(f"{number}/{count}")
    assert shard == (Shard(number, count) if number <= count else None)
    assert shard is None or str(shard) == f"{number}/{count}"


@pytest.mark.parametrize(
    "text",
    ["0/8", "9/8", "3/0", "3", "3/", "/8", "3-8", "3/8/1", "-1/8", "03/8", "3/10000", " 3/8"],
)
def test_what_is_no_shard(text: str) -> None:
    assert Shard.parse(text) is None


@given(
    names=st.lists(st.sampled_from(NAMES), unique=True),
    more=st.lists(st.sampled_from(NAMES)),
    count=st.integers(1, 12),
)
def test_shards_are_the_whole_list_and_more_names_move_nobody(
    names: list[str], more: list[str], count: int
) -> None:
    for number in range(1, count + 1):
        shard = f"{number}/{count}"
        before = collect({"usernames": names, "shard": shard}).names
        after = collect({"usernames": [*more, *names], "shard": shard}).names
        assert set(before) == set(after) & set(names)
        assert before == [name for name in names if shard_of(name, count) == number]


def test_a_list_in_three_shards(sandbox: Sandbox, tmp_path: Path) -> None:
    """Every list is read by one, every malformed line is reported by one."""
    sandbox.world = World.of({name: follows_of(name, 2) for name in NAMES})
    malformed = [f"a {number}" for number in range(10)]
    path = tmp_path / "usernames.txt"
    path.write_text("\n".join([*NAMES, *malformed]), encoding="utf-8")
    read: Counter[tuple[str, str, str]] = Counter()
    for shard in ("1/3", "2/3", "3/3"):
        config = settings(sandbox, [], shard=shard, usernames_path=str(path))
        ended = run(config)
        assert ended.exit_code == 0
        for provider in PROVIDERS:
            scans = ended.scans(provider)
            read.update((provider, name, row["outcome"]) for name, row in scans.items())
            said = ended.text("INFO")
            names = [name for name in scans if name in NAMES]
            estimate = f"{len(names)} usernames of shard {shard}: {len(names)} new"
            assert f"{provider}_following: {estimate}" in said
            row = rf"^{provider} {shard} +{len(scans)} "
            assert re.search(row, ended.stderr, re.MULTILINE)
    assert read == {
        **{(provider, name, "complete"): 1 for provider in PROVIDERS for name in NAMES},
        **{(provider, text, "invalid"): 1 for provider in PROVIDERS for text in malformed},
    }


def test_a_shard_may_be_empty(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "usernames.txt"
    path.write_text("khaby.lame\n", encoding="utf-8")
    config = settings(sandbox, [], shard="1/8", usernames_path=str(path))
    ended = run(config)
    assert (ended.exit_code, sandbox.requests) == (0, [])
    assert "0 usernames of shard 1/8: " in ended.text("INFO")
