"""The file that examples/airflow/make_shards.py prints."""

from __future__ import annotations

import json

import pytest

from tests.scripts import run_script

SCRIPT = "examples/airflow/make_shards.py"


def test_shards_together_keep_the_limits() -> None:
    """A limit of 1 for each shard is enough."""
    limits = ("--research-requests-per-second=11", "--research-max-requests=20000")
    least = ("--rapidapi-requests-per-second=2", "--rapidapi-max-requests=3")
    printed = run_script(SCRIPT, "3", "--at-once=2", *limits, *least)
    plugins = json.loads(printed)["plugins"]
    for part, (extractor, loader) in enumerate(zip(*plugins.values(), strict=True), 1):
        name = f"{part}-of-3"
        assert loader == {"name": f"target-postgres-{name}", "inherit_from": "target-postgres"}
        assert extractor == {
            "name": f"tap-tiktok-following-{name}",
            "inherit_from": "tap-tiktok-following",
            "config": {
                "shard": f"{part}/3",
                "responses_path": f"output/{name}.responses",
                "rescan_after_hours": 12,
                "on_quota_exhausted": "stop",
                "on_username_failure": "continue",
                "research_requests_per_second": 5,
                "rapidapi_requests_per_second": 1,
                "research_max_requests": 6666,
                "rapidapi_max_requests": 1,
            },
        }
    assert len(plugins["extractors"]) == 3


@pytest.mark.parametrize(
    ("shards", "limit", "says"),
    [
        ("0", "--rapidapi-max-requests=5", "invalid positive value: '0'"),
        ("8", "--rapidapi-requests-per-second=5", "rapidapi_requests_per_second must be at "),
        ("8", "--rapidapi-max-requests=7", "rapidapi_max_requests must be at least 8, so "),
    ],
)
def test_limit_that_is_too_small_is_an_error(shards: str, limit: str, says: str) -> None:
    printed = run_script(SCRIPT, shards, "--at-once=6", limit, code=2)
    assert says in printed.splitlines()[-1]
    assert "plugins" not in printed
