"""Failures as a user meets them: rows, exit codes, and the last line of the log."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from sandbox import Fault, Sandbox, Scenario, World
from tests.harness import (
    PROVIDERS,
    bookmark,
    each_provider,
    finish,
    follows_of,
    many,
    pages_asked,
    run,
    settings,
    start,
    truth,
)

PAGE, LIST, PAGES = 4, 9, 3
"""A list of 9 takes 3 pages of 4 when the boundary account comes twice: 4, 3 and 3."""

TEAPOT = Fault("error", username="bad", value=[418, "teapot", "I am a teapot"])
WAIT = Fault("retry_after", provider="research", value="900")
REFUSED = Fault("error", provider="rapidapi", value=[401, None, "no"])


# How a run ends.


@pytest.mark.parametrize(
    ("faults", "more", "code", "words"),
    [
        ([], {}, 0, "All lists that were due were read"),
        ([TEAPOT], {}, 1, "could not read bad (HTTP 418, teapot: I am a teapot): run again"),
        ([TEAPOT], {"on_username_failure": "continue"}, 0, "from the last page read."),
        ([WAIT], {}, 75, "set to `stop` makes this exit code 0."),
        ([WAIT], {"on_quota_exhausted": "stop"}, 0, "unfinished lists are read first."),
        ([WAIT, TEAPOT], {}, 1, "rapidapi_following: could not read bad"),
        ([WAIT, REFUSED], {}, 1, "rapidapi_following: RapidAPI does not accept the key"),
    ],
    ids=str,
)
def test_exit_code_and_last_line(
    sandbox: Sandbox, faults: list[Fault], more: dict[str, Any], code: int, words: str
) -> None:
    sandbox.world = World.of({"good": follows_of("good", 3), "bad": follows_of("bad", 3)})
    sandbox.scenario = Scenario(faults=faults)
    ended = run(settings(sandbox, ["bad", "good"], **more))
    assert ended.exit_code == code
    assert words in ended.last_line
    assert (ended.log[-1][0] == "ERROR") == bool(code)


@pytest.mark.parametrize(("more", "code"), [({}, 75), ({"rapidapi_key": 1234567}, 1)])
def test_process_ends_with_this_code_and_its_error_is_the_last_line(
    sandbox: Sandbox, tmp_path: Path, more: dict[str, Any], code: int
) -> None:
    sandbox.world = World.of({"ann": []})
    sandbox.scenario = Scenario(faults=[WAIT])
    ended = finish(start(tmp_path, settings(sandbox, ["ann"], **more)))
    assert (ended.exit_code, ended.log[-1]) == (code, ("ERROR", ended.last_line))


@pytest.mark.parametrize(
    ("code", "value", "url", "words"),
    [
        (1, [401, None, "no"], "{sandbox}", "(HTTP 401, "),
        (75, [429, "daily_quota_limit_exceeded", "exceeded the DAILY quota"], "{sandbox}", ""),
        (
            1,
            None,
            "http://127.0.0.1:9",
            (
                "could not read ann (cannot reach 127.0.0.1:9 (connection refused) after "
                "1 try): check network, proxy and `{provider}_api_url`."
            ),
        ),
    ],
)
@each_provider
def test_one_providers_trouble_does_not_stop_the_other(
    sandbox: Sandbox, provider: Any, code: int, value: Any, url: str, words: str
) -> None:
    """Its rows and its state are as if it had run alone."""
    other = next(name for name in PROVIDERS if name != provider)
    sandbox.world = World.of({"ann": follows_of("ann", LIST)})
    sandbox.scenario = Scenario(faults=[Fault("error", provider=provider, value=value)])
    urls = {f"{provider}_api_url": url.format(sandbox=sandbox.url)}
    ended = run(settings(sandbox, ["ann"], page_size=PAGE, max_tries=1, **urls))
    assert ended.exit_code == code
    assert ended.follows(provider) == []
    assert set(ended.follows(other)) == truth(sandbox, "ann")
    assert ended.scans(other)["ann"]["outcome"] == "complete"
    assert bookmark(ended.state, other, "ann")
    assert ended.last_line.startswith(f"{provider}_following: ")
    assert words.format(provider=provider) in ended.last_line


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
    assert len(before.follows(provider, "bad")) == PAGE
    assert set(before.follows(provider, "good")) == truth(sandbox, "good")
    assert bookmark(before.state, provider, "bad") is None
    sandbox.scenario = Scenario()
    after = run(config, before.state)
    pages = pages_asked(sandbox, provider, "bad")
    assert len(pages) == PAGES + 1
    assert pages[1].cursor == pages[2].cursor
    sent = [*before.follows(provider, "bad"), *after.follows(provider, "bad")]
    assert sorted(sent) == sorted(truth(sandbox, "bad"))
    continued = after.scans(provider)["bad"]
    assert continued["scanned_at"] == row["scanned_at"]
    assert (continued["outcome"], continued["requests"]) == ("complete", PAGES + 1)


@pytest.mark.parametrize(("concurrency", "choice"), [(1, "fail"), (8, "continue")])
@each_provider
def test_ten_failures_in_a_row_end_the_stream_but_not_nine(
    sandbox: Sandbox, provider: str, concurrency: int, choice: str
) -> None:
    bad = many(30)
    sandbox.world = World.of({name: follows_of(name, 3) for name in [*bad, "good"]})
    sandbox.scenario = Scenario(faults=[Fault("status", username=name) for name in bad])
    limits = {"max_tries": 1, "concurrency": concurrency, "on_username_failure": choice}
    ended = run(settings(sandbox, bad, provider, **limits))
    asked = sum(request.provider == provider for request in sandbox.requests)
    assert ended.exit_code == 1
    assert 10 <= asked < 10 + 3 * concurrency
    assert "10 usernames in a row failed and nothing succeeded (HTTP 500" in ended.last_line
    names = [*bad[:9], "good", *bad[9:18]]
    config = settings(sandbox, names, provider, max_tries=1, concurrency=1)
    assert len(run(config).scans(provider)) == 19


# Usernames that were skipped.


@each_provider
def test_skipped_usernames_have_rows_keep_their_bookmark_and_are_no_failures(
    sandbox: Sandbox, provider: str
) -> None:
    sandbox.world = World.of({"good": follows_of("good", 3), "shut": follows_of("shut", 3)})
    before = run(settings(sandbox, ["shut"], provider))
    sandbox.clock.advance(3600)
    sandbox.world.private.add("shut")
    sandbox.world.unavailable.add("away")
    sandbox.world.hidden_lists.update(many(12))
    outcomes = {
        "shut": "private",
        "away": "unavailable",
        "nobody": "not_found",
        **dict.fromkeys(many(12), "hidden"),
    }
    config = settings(sandbox, [*outcomes, "good"], provider, concurrency=1)
    ended = run(config, before.state, level=logging.DEBUG)
    rows = ended.scans(provider)
    assert ended.exit_code == 0
    assert ended.text("ERROR") == ""
    assert set(ended.follows(provider)) == truth(sandbox, "good")
    for name, outcome in outcomes.items():
        assert (rows[name]["outcome"], rows[name]["requests"]) == (outcome, 1)
        assert not rows[name]["whole_list"]
        assert {"research": "log_id ", "rapidapi": "request_id "}[provider] in rows[name][
            "reason"
        ]
        marks = [bookmark(one.state, provider, name) for one in (before, ended)]
        assert marks[0] == marks[1]
        assert f"{provider}_following: {name} {outcome}" in ended.text("DEBUG")
    assert "12 hidden (" in ended.text("INFO")


@pytest.mark.parametrize(
    ("names", "subject"),
    [(["ann"], "the only username was"), (many(12), "all 12 usernames were")],
)
def test_run_that_only_skips_warns(sandbox: Sandbox, names: list[str], subject: str) -> None:
    ended = run(settings(sandbox, names, "research"))
    assert ended.exit_code == 0
    assert f"nothing was read: {subject} skipped; check the usernames" in ended.text("WARNING")
    sandbox.world = World.of({"good": []})
    assert (
        "nothing was read" not in run(settings(sandbox, [*names, "good"], "research")).stderr
    )


# Streams that ended.


@each_provider
def test_run_after_the_quota_was_used_up_finishes_what_was_begun(
    sandbox: Sandbox, provider: str
) -> None:
    names = many(6)
    sandbox.world = World.of({name: follows_of(name, LIST) for name in names})
    sandbox.scenario = Scenario(quota=7)
    config = settings(sandbox, names, provider, page_size=PAGE, rescan_after_hours=1)
    before = run({**config, "concurrency": 2})
    sandbox.scenario = Scenario()
    sandbox.take_requests()
    after = run({**config, "concurrency": 1}, before.state)
    order = [request.username for request in sandbox.requests if request.username]
    assert (before.exit_code, after.exit_code) == (75, 0)
    assert "quota is used up; it resets at " in before.last_line
    rows = before.scans(provider)
    unfinished = {name for name, row in rows.items() if row["outcome"] == "interrupted"}
    assert unfinished
    assert set(list(dict.fromkeys(order))[: len(unfinished)]) == unfinished
    assert len(order) == PAGES * len(names) - 7
    sent = [*before.follows(provider), *after.follows(provider)]
    assert len(sent) == len(set(sent)) == LIST * len(names)
