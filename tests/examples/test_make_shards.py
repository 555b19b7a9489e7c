"""The file that examples/airflow/make_shards.py prints."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.documents import ROOT

SCRIPT = ROOT / "examples" / "airflow" / "make_shards.py"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, encoding="utf-8")


def plugins(*arguments: object) -> dict[str, list[dict[str, Any]]]:
    result = run(*arguments)
    assert result.returncode == 0, result.stderr
    return yaml.safe_load(result.stdout)["plugins"]  # type: ignore[no-any-return]


def test_two_shards() -> None:
    limits = ("--research-requests-per-second", 10, "--research-max-requests", 20001)
    always = {
        "rescan_after_hours": 12,
        "on_quota_exhausted": "stop",
        "on_username_failure": "continue",
        "research_requests_per_second": 10,
        "research_max_requests": 10000,
    }
    assert plugins(2, "--at-once", 1, *limits) == {
        "extractors": [
            {
                "name": f"tap-tiktok-following-{part}-of-2",
                "inherit_from": "tap-tiktok-following",
                "config": {
                    "shard": f"{part}/2",
                    "responses_path": f"output/{part}-of-2.responses",
                    **always,
                },
            }
            for part in (1, 2)
        ],
        "loaders": [
            {"name": f"target-postgres-{part}-of-2", "inherit_from": "target-postgres"}
            for part in (1, 2)
        ],
    }


@given(
    shards=st.integers(1, 12),
    at_once=st.integers(1, 12),
    rate=st.integers(12, 1000),
    budget=st.integers(12, 100_000),
)
@settings(max_examples=10, deadline=None)
def test_shards_together_keep_the_limits(
    shards: int, at_once: int, rate: int, budget: int
) -> None:
    limits = ("--rapidapi-requests-per-second", rate, "--rapidapi-max-requests", budget)
    made = plugins(shards, "--at-once", at_once, *limits)["extractors"]
    configs = [extractor["config"] for extractor in made]
    assert len({config["shard"] for config in configs}) == shards
    assert len({config["responses_path"] for config in configs}) == shards
    assert sum(config["rapidapi_max_requests"] for config in configs) <= budget
    running = configs[:at_once]
    assert sum(config["rapidapi_requests_per_second"] for config in running) <= rate


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0, "--at-once", 1), "invalid positive value: '0'"),
        (
            (8, "--at-once", 6, "--rapidapi-requests-per-second", 5),
            "rapidapi_requests_per_second must be at least 6, so that each shard gets 1",
        ),
    ],
)
def test_limit_that_is_too_small_is_an_error(
    arguments: tuple[object, ...], sentence: str
) -> None:
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].endswith(sentence)
