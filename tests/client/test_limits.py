"""Quotas, waits, rates and budgets, and which exit code is the run's."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import pytest

from sandbox import Clock, Fault, Sandbox, Scenario, World
from tests.harness import (
    LIST,
    NOW,
    PAGE,
    PAGES,
    each_provider,
    follows_of,
    many,
    pages_asked,
    run,
    settings,
    truth,
)


@pytest.mark.parametrize(("choice", "code"), [("fail", 75), ("stop", 0)])
@each_provider
def test_a_spent_quota_ends_the_stream_and_the_next_run_goes_on(
    provider: str, choice: str, code: int
) -> None:
    names = many(6)
    world = World.of({name: follows_of(name, LIST) for name in names})
    with Sandbox(world, scenario=Scenario(quota=7), clock=Clock(NOW)) as sandbox:
        config = settings(
            sandbox,
            names,
            provider,
            page_size=PAGE,
            concurrency=2,
            on_quota_exhausted=choice,
            rescan_after_hours=1,
        )
        before = run(config)
        sandbox.scenario = Scenario()
        sandbox.requests.clear()
        after = run({**config, "concurrency": 1}, before.state)
        asked = [r.username for r in sandbox.requests if r.provider == provider]
    assert (before.exit_code, after.exit_code) == (code, 0)
    assert "quota is used up; it resets at " in before.last_line
    assert "resets at" in before.last_line
    scans = before.scans(provider)
    unfinished = {name for name, scan in scans.items() if scan["outcome"] == "interrupted"}
    assert unfinished
    assert set(list(dict.fromkeys(asked))[: len(unfinished)]) == unfinished
    assert len(asked) == PAGES * len(names) - 7
    sent = [*before.follows(provider), *after.follows(provider)]
    assert len(sent) == len(set(sent)) == LIST * len(names)


QUOTA_ANSWERS: dict[str, list[list[Any]]] = {
    "research": [[429, "daily_quota_limit_exceeded", "The daily quota is exceeded"]],
    "rapidapi": [
        [429, None, "You have exceeded the MONTHLY quota for Requests on your current plan"],
        [429, None, "You have exceeded the DAILY quota for Requests on your current plan"],
        [429, None, "You have exceeded the HOURLY quota for Requests on your current plan"],
        [403, None, "You have exceeded the MONTHLY quota for Requests on your current plan"],
    ],
}


@pytest.mark.parametrize(
    ("provider", "answer"),
    [
        pytest.param(provider, answer, id=f"{provider}-{answer[0]}-{answer[2][:34]}")
        for provider, answers in QUOTA_ANSWERS.items()
        for answer in answers
    ],
)
def test_quota_answers_are_told_from_slow_down(
    sandbox: Sandbox, provider: str, answer: list[Any]
) -> None:
    names = many(20)
    sandbox.world = World.of({name: [] for name in names})
    sandbox.scenario = Scenario(faults=[Fault("error", value=answer)])
    ended = run(settings(sandbox, names, provider, concurrency=1))
    assert ended.exit_code == 75
    assert len([r for r in sandbox.requests if r.provider == provider]) == 1
    assert answer[2] in ended.last_line
    assert "quota is used up" in ended.last_line
    assert "on_quota_exhausted" in ended.last_line


def test_the_research_quota_resets_at_midnight(sandbox: Sandbox) -> None:
    sandbox.clock = Clock()
    sandbox.world = World.of({"good": []})
    answer = [429, "daily_quota_limit_exceeded", "The daily quota is exceeded"]
    sandbox.scenario = Scenario(faults=[Fault("error", value=answer)])
    assert "00:00 UTC" in run(settings(sandbox, ["good"], "research")).last_line


@pytest.mark.parametrize(
    "header",
    [
        "301",
        "86400",
        formatdate(NOW + 3600, usegmt=True),
        "99999999999999999999",
        "1e300",
        "inf",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ],
)
@each_provider
def test_a_retry_after_beyond_five_minutes_ends_the_stream(
    sandbox: Sandbox, provider: str, header: str
) -> None:
    sandbox.world = World.of({"good": [], "other": []})
    sandbox.scenario = Scenario(faults=[Fault("retry_after", value=header)])
    ended = run(settings(sandbox, ["good", "other"], provider, concurrency=1))
    assert ended.exit_code == 75
    assert len([r for r in sandbox.requests if r.provider == provider]) == 1
    assert "error in this tap" not in ended.stderr
    assert "the provider asks to wait" in ended.last_line
    assert "quota is" not in ended.last_line
    assert "on_quota_exhausted" in ended.last_line


@pytest.mark.parametrize("choice", ["fail", "stop"])
@each_provider
def test_a_server_error_that_asks_to_wait_long_is_a_provider_that_is_down(
    sandbox: Sandbox, provider: str, choice: str
) -> None:
    sandbox.world = World.of({"good": [], "other": []})
    sandbox.scenario = Scenario(faults=[Fault("retry_after", value=["3600", 503])])
    config = settings(sandbox, ["good", "other"], provider, concurrency=1)
    ended = run({**config, "on_quota_exhausted": choice})
    assert ended.exit_code == 1
    assert len([r for r in sandbox.requests if r.provider == provider]) == 1
    assert "the provider is down and asks to wait until 20" in ended.last_line
    assert "quota" not in ended.last_line
    assert "HTTP 503" in ended.last_line


@each_provider
def test_retry_after_holds_all_workers(sandbox: Sandbox, provider: str) -> None:
    names = many(12)
    sandbox.world = World.of({name: [] for name in names})
    sandbox.scenario = Scenario(
        latency=0.1, faults=[Fault("retry_after", username="user03", times=1, value="2")]
    )
    ended = run(settings(sandbox, names, provider, concurrency=4))
    asked = [request for request in sandbox.requests if request.provider == provider]
    refused = next(request for request in asked if request.status == 429)
    assert ended.exit_code == 0
    later = [request.at - refused.at for request in asked if request.at > refused.at + 0.5]
    assert 6 <= len(later) <= 9  # three more may have been on their way
    assert min(later) >= 2
    assert max(later) < 3


@each_provider
def test_a_rate_below_ours_is_kept_to(sandbox: Sandbox, provider: str) -> None:
    """Whatever is answered with 429 is asked for again, and nothing is lost."""
    names = many(12)
    sandbox.world = World.of({name: follows_of(name, 2) for name in names})
    sandbox.scenario = Scenario(rate=6, retry_after="1")
    ended = run(settings(sandbox, names, provider, concurrency=4, max_tries=10))
    assert ended.exit_code == 0
    assert set(ended.follows(provider)) == truth(sandbox, *names)


@pytest.mark.parametrize("budget", [0, 1, 7, 18])
@each_provider
def test_the_budget_is_never_overdrawn(sandbox: Sandbox, provider: str, budget: int) -> None:
    names = many(6)
    sandbox.world = World.of({name: follows_of(name, LIST) for name in names})
    config = settings(
        sandbox, names, provider, page_size=PAGE, **{f"{provider}_max_requests": budget}
    )
    ended = run(config)
    asked = [request for request in sandbox.requests if request.provider == provider]
    assert (ended.exit_code, len(asked)) == (0, budget)
    if budget == PAGES * len(names):
        assert ended.text("WARNING") == ""
        assert len(ended.follows(provider)) == LIST * len(names)
    else:
        assert f"`{provider}_max_requests` ({budget})" in ended.last_line


@each_provider
def test_tries_count_towards_the_budget(sandbox: Sandbox, provider: str) -> None:
    sandbox.world = World.of({"bad": follows_of("bad", 3)})
    sandbox.scenario = Scenario(faults=[Fault("retry_after", value="0")])
    budget = {f"{provider}_max_requests": 3}
    ended = run(settings(sandbox, ["bad"], provider, max_tries=9, **budget))
    assert ended.exit_code == 0
    assert len(pages_asked(sandbox, provider, "bad")) == 3


def test_a_failure_counts_more_than_a_spent_quota(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"good": [], "bad": []})
    quota = Fault("retry_after", provider="research", value="900")
    sandbox.scenario = Scenario(
        faults=[quota, Fault("status", provider="rapidapi", username="bad")]
    )
    ended = run(settings(sandbox, ["good", "bad"], max_tries=1))
    assert ended.exit_code == 1
    assert "bad" in ended.last_line
    assert "rapidapi_following" in ended.last_line
    assert "research_following" in ended.text("WARNING")


def test_a_spent_quota_counts_more_than_a_spent_budget(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"good": [], "bad": []})
    quota = Fault("retry_after", provider="rapidapi", value="900")
    sandbox.scenario = Scenario(faults=[quota])
    ended = run(settings(sandbox, ["good", "bad"], research_max_requests=1))
    assert ended.exit_code == 75
    assert "rapidapi_following" in ended.last_line
