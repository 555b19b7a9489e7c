"""Failures as a user meets them: rows, exit codes, and the last line of the log."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from sandbox import Fault, Sandbox, Scenario, World
from tests.harness import (
    NOW,
    PROVIDERS,
    REFERENCES,
    bookmark,
    each_provider,
    finish,
    follows_of,
    many,
    run,
    settings,
    start,
    truth,
    unix,
)
from tests.stopping import start_after

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


def test_end_of_a_stream_ends_the_waits_of_its_other_workers(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.world = World.of({name: follows_of(name, 9) for name in ("ann", "ben")})
    waits = Fault("retry_after", username="ann", value=[250, 500])
    refused = Fault("error", username="ben", page=3, value=[401, None, "no"])
    sandbox.scenario = Scenario(faults=[waits, refused])
    process = start(tmp_path, settings(sandbox, ["ann", "ben"], "rapidapi", page_size=3))
    ended = finish(process, within=60)
    assert "does not accept the key" in ended.last_line


BROKEN = """
import hashlib
def broken(*_, **__): raise KeyError("a mistake")
hashlib.blake2b = broken
"""


def test_error_that_nothing_expects_is_no_success(sandbox: Sandbox, tmp_path: Path) -> None:
    """The tap hashes usernames and states."""
    ended = finish(start_after(BROKEN, tmp_path, settings(sandbox, ["ann"])))
    assert (ended.exit_code, ended.last_line) == (1, "KeyError: 'a mistake'")


@each_provider
def test_one_providers_trouble_does_not_stop_the_other(
    sandbox: Sandbox, provider: str
) -> None:
    """Its rows and its state are as if it had run alone."""
    other = next(name for name in PROVIDERS if name != provider)
    sandbox.world = World.of({"ann": follows_of("ann", 9)})
    nowhere: dict[str, Any] = {f"{provider}_api_url": "http://127.0.0.1:9"}
    ended = run(settings(sandbox, ["ann"], page_size=4, max_tries=1, **nowhere))
    assert ended.exit_code == 1
    assert ended.follows(provider) == []
    assert set(ended.follows(other)) == truth(sandbox, "ann")
    assert ended.scans(other)["ann"]["outcome"] == "complete"
    assert bookmark(ended.state, other, "ann")
    assert ended.last_line == (
        f"{provider}_following: could not read ann (cannot reach 127.0.0.1:9 (connection "
        f"refused) after 1 try): check network, proxy and `{provider}_api_url`."
    )


# Usernames that failed.


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
    rows = run(config).scans(provider)
    assert len(rows) == 19
    assert f"after 1 try ({REFERENCES[provider]}" in rows["user00"]["reason"]
    assert NOW - 60 < unix(rows["user00"]["scanned_at"]) <= NOW


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
    outcomes = {"shut": "private", "away": "unavailable", "nobody": "not_found"}
    outcomes |= dict.fromkeys(many(12), "hidden")
    config = settings(sandbox, [*outcomes, "good"], provider, concurrency=1)
    ended = run(config, before.state, level=logging.DEBUG)
    rows = ended.scans(provider)
    assert (ended.exit_code, ended.text("ERROR")) == (0, "")
    assert set(ended.follows(provider)) == truth(sandbox, "good")
    for name, outcome in outcomes.items():
        assert (rows[name]["outcome"], rows[name]["whole_list"]) == (outcome, False)
        assert REFERENCES[provider] in rows[name]["reason"]
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
    ended = run(settings(sandbox, [*names, "good"], "research"))
    assert "nothing was read" not in ended.stderr
