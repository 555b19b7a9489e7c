"""Failures as a user meets them: rows, exit codes, and the last line of the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from sandbox import Clock, Fault, Sandbox, Scenario, World
from tests.harness import (
    LIST,
    NOW,
    PAGE,
    PAGES,
    PROVIDERS,
    bookmark,
    each_provider,
    follows_of,
    many,
    pages_asked,
    run,
    settings,
    truth,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox import LoggedRequest


def asked(sandbox: Sandbox, provider: str) -> Sequence[LoggedRequest]:
    return [request for request in sandbox.requests if request.provider == provider]


# Usernames that failed.


@each_provider
def test_failed_username_keeps_its_pages_and_continues_in_the_next_run(
    sandbox: Sandbox, provider: str
) -> None:
    sandbox.world = World.of({"bad": follows_of("bad", LIST), "good": follows_of("good", 3)})
    sandbox.scenario = Scenario(faults=[Fault("status", username="bad", page=2)])
    config = settings(sandbox, ["bad", "good"], provider, page_size=PAGE, max_tries=1)
    before = run(config)
    row = before.scans(provider)["bad"]
    assert (row["outcome"], row["requests"], row["whole_list"]) == ("failed", 2, False)
    assert "HTTP 500" in row["reason"]
    assert len(before.follows(provider, "bad")) == PAGE
    assert set(before.follows(provider, "good")) == truth(sandbox, "good")
    assert bookmark(before.state, provider, "bad") is None
    assert before.exit_code == 1
    assert "could not read bad (HTTP 500" in before.last_line
    assert "run again" in before.last_line
    sandbox.scenario = Scenario()
    after = run(config, before.state)
    pages = pages_asked(sandbox, provider, "bad")
    assert [page.cursor for page in pages[1:3]] == [pages[1].cursor] * 2
    assert len(pages) == PAGES + 1
    sent = [*before.follows(provider, "bad"), *after.follows(provider, "bad")]
    assert len(sent) == LIST
    assert set(sent) == truth(sandbox, "bad")
    continued = after.scans(provider)["bad"]
    assert continued["scanned_at"] == row["scanned_at"]
    assert (continued["outcome"], continued["requests"]) == ("complete", PAGES + 1)


def test_advice_does_not_name_a_setting_that_is_set(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    sandbox.scenario.faults.append(Fault("error", username="ann", value=[418, "tea", "Tea"]))
    ended = run(settings(sandbox, ["ann"], "research", on_username_failure="continue"))
    assert ended.exit_code == 0
    assert ended.text("WARNING").endswith(": run again to continue from the last page read.")


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        pytest.param("http://127.0.0.1:9", "connection refused", id="refused"),
        pytest.param("https://no-such-host.invalid", "name does not resolve", id="no name"),
        pytest.param("https://{sandbox}", "no TLS connection", id="no TLS"),
    ],
)
@each_provider
def test_unreachable_provider_is_one_sentence_and_does_not_stop_the_other(
    sandbox: Sandbox, provider: str, url: str, cause: str
) -> None:
    url = url.format(sandbox=sandbox.url.removeprefix("http://"))
    sandbox.world = World.of({"good": follows_of("good", 2)})
    ended = run(settings(sandbox, ["good"], max_tries=1, **{f"{provider}_api_url": url}))
    other = next(name for name in PROVIDERS if name != provider)
    assert ended.exit_code == 1
    assert set(ended.follows(other)) == truth(sandbox, "good")
    assert ended.scans(provider)["good"]["outcome"] == "failed"
    assert "HTTPConnection" not in ended.stderr
    assert "Traceback" not in ended.stderr
    host = url.partition("//")[2]
    assert ended.last_line.endswith(
        f"{provider}_following: could not read good (cannot reach {host} ({cause}) after "
        f"1 try): check network, proxy and `{provider}_api_url`."
    )


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("choice", ["fail", "continue"])
@each_provider
def test_ten_failures_in_a_row_end_the_stream(
    sandbox: Sandbox, provider: str, concurrency: int, choice: str
) -> None:
    names = many(30)
    sandbox.world = World.of({name: follows_of(name, 3) for name in names})
    sandbox.scenario = Scenario(faults=[Fault("status")])
    limits = {"max_tries": 1, "concurrency": concurrency, "on_username_failure": choice}
    ended = run(settings(sandbox, names, provider, **limits))
    assert ended.exit_code == 1
    assert 10 <= len(asked(sandbox, provider)) < 10 + 3 * concurrency
    assert "10 usernames in a row failed and nothing succeeded (HTTP 500" in ended.last_line
    assert "Traceback" not in ended.stderr


@each_provider
def test_success_between_failures_keeps_the_stream_going(
    sandbox: Sandbox, provider: str
) -> None:
    bad = many(18)
    names = [*bad[:9], "good", *bad[9:]]
    sandbox.world = World.of({name: follows_of(name, 3) for name in names})
    sandbox.scenario = Scenario(faults=[Fault("status", username=name) for name in bad])
    ended = run(settings(sandbox, names, provider, max_tries=1, concurrency=1))
    assert ended.exit_code == 1
    outcomes = [row["outcome"] for row in ended.scans(provider).values()]
    assert (outcomes.count("failed"), len(outcomes)) == (18, 19)


# Usernames that were skipped.


@each_provider
def test_skipped_usernames_have_rows_and_are_no_failures(
    sandbox: Sandbox, provider: str
) -> None:
    hidden = many(12)
    sandbox.world = World.of({"good": follows_of("good", 3)}, private={"shut"})
    sandbox.world.unavailable.add("away")
    sandbox.world.hidden_lists.update(hidden)
    outcomes = {
        "shut": "private",
        "away": "unavailable",
        "nobody": "not_found",
        **dict.fromkeys(hidden, "hidden"),
    }
    ended = run(settings(sandbox, [*outcomes, "good"], provider, concurrency=1))
    rows = ended.scans(provider)
    assert ended.exit_code == 0
    assert ended.text("ERROR") == ""
    assert set(ended.follows(provider)) == truth(sandbox, "good")
    assert {name: rows[name]["outcome"] for name in outcomes} == outcomes
    ids = {"research": "log_id ", "rapidapi": "request_id "}
    for name in outcomes:
        assert (rows[name]["requests"], rows[name]["whole_list"]) == (1, False)
        assert ids[provider] in rows[name]["reason"]
        assert bookmark(ended.state, provider, name) is None
    assert "12 hidden (" in ended.text("INFO")


@each_provider
def test_skipped_username_keeps_its_bookmark(sandbox: Sandbox, provider: str) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    config = settings(sandbox, ["ann"], provider)
    before = run(config)
    sandbox.clock.advance(3600)
    sandbox.world.private.add("ann")
    after = run(config, before.state)
    assert after.scans(provider)["ann"]["outcome"] == "private"
    assert bookmark(after.state, provider, "ann") == bookmark(before.state, provider, "ann")


@each_provider
def test_run_that_only_skips_warns(sandbox: Sandbox, provider: str) -> None:
    sandbox.world = World.of({"good": []})
    nobody = many(12)
    ended = run(settings(sandbox, nobody, provider))
    assert ended.exit_code == 0
    assert "nothing was read: all 12 usernames were skipped" in ended.text("WARNING")
    assert "nothing was read" not in run(settings(sandbox, [*nobody, "good"], provider)).stderr


def test_debug_log_names_every_username(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3), "ben": []}, private={"cat"})
    ended = run(settings(sandbox, ["ann", "ben", "cat"]), level=logging.DEBUG)
    for provider in PROVIDERS:
        for name, outcome in {"ann": "complete", "ben": "complete", "cat": "private"}.items():
            assert f"{provider}_following: {name} {outcome}" in ended.text("DEBUG")


# Streams that ended.


@each_provider
def test_wrong_secret_costs_one_request_per_worker_at_most(
    sandbox: Sandbox, provider: str
) -> None:
    names = many(20)
    sandbox.world = World.of({name: follows_of(name, 2) for name in names})
    wrong = {"research": "research_client_secret", "rapidapi": "rapidapi_key"}[provider]
    ended = run(settings(sandbox, names, provider, **{wrong: "not-the-secret"}))
    assert ended.exit_code == 1
    assert wrong in ended.last_line
    assert "not-the-secret" not in ended.stdout + ended.stderr
    if provider == "research":
        assert [request.provider for request in sandbox.requests] == ["token"]
    else:
        assert len(sandbox.requests) <= 8


@pytest.mark.parametrize(("choice", "code"), [("fail", 75), ("stop", 0)])
@each_provider
def test_run_after_the_quota_was_used_up_finishes_what_was_begun(
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
        sandbox.take_requests()
        after = run({**config, "concurrency": 1}, before.state)
        order = [request.username for request in asked(sandbox, provider)]
    assert (before.exit_code, after.exit_code) == (code, 0)
    assert "quota is used up; it resets at " in before.last_line
    rows = before.scans(provider)
    unfinished = {name for name, row in rows.items() if row["outcome"] == "interrupted"}
    assert unfinished
    assert set(list(dict.fromkeys(order))[: len(unfinished)]) == unfinished
    assert len(order) == PAGES * len(names) - 7
    sent = [*before.follows(provider), *after.follows(provider)]
    assert len(sent) == len(set(sent)) == LIST * len(names)


def test_failure_counts_more_than_a_used_up_quota(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"good": [], "bad": []})
    quota = Fault("retry_after", provider="research", value="900")
    failure = Fault("status", provider="rapidapi", username="bad")
    sandbox.scenario = Scenario(faults=[quota, failure])
    ended = run(settings(sandbox, ["good", "bad"], max_tries=1))
    assert ended.exit_code == 1
    assert "rapidapi_following: could not read bad" in ended.last_line
    assert "research_following" in ended.text("WARNING")
