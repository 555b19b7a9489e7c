"""Usernames that have no list to give, and providers that have none for anybody."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Fault, Scenario, World
from tests.harness import (
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
    from sandbox import Sandbox


SKIPS: dict[str, list[tuple[str, list[Any]]]] = {
    "research": [
        ("private", [400, "invalid_params", "Username x is private"]),
        ("private", [400, "invalid_params", "The user x IS PRIVATE."]),
        ("private", [400, "bad_request", "Username x is private"]),
        ("private", [403, "access_denied", "Username x is private"]),
        ("hidden", [400, "invalid_params", "Profile user is hiding following list"]),
        ("hidden", [200, "privacy", "Profile user is hiding following list"]),
        ("hidden", [403, "forbidden", "Profile user is hiding following list"]),
        ("not_found", [400, "invalid_params", "Username x is invalid: cannot find the user"]),
        ("not_found", [404, "not_found", "No such user"]),
        ("not_found", [500, "unknown", "cannot find the user"]),
        ("not_found", [404, "resource_missing", "Gone"]),
        ("unavailable", [403, "teapot", "No tea"]),
        ("unavailable", [400, "unknown", "API cannot return this user's information"]),
        ("unavailable", [400, "invalid_params", "The user's information cannot be returned"]),
        ("unavailable", [400, "invalid_params", "API cannot return this user's information"]),
    ],
    "rapidapi": [
        ("private", [403, "PRIVATE_ACCOUNT", "This account is private."]),
        ("private", [200, "PRIVATE_ACCOUNT", "This account is private."]),
        ("private", [400, "BAD_REQUEST", "This account is private."]),
        ("hidden", [403, "FOLLOWING_HIDDEN", "Profile user is hiding following list"]),
        ("hidden", [400, "BAD_REQUEST", "Profile user is hiding following list"]),
        ("not_found", [404, "NOT_FOUND", "The requested resource was not found."]),
        ("not_found", [404, "MISSING", "Gone"]),
        ("not_found", [400, "BAD_REQUEST", "User does not exist"]),
        ("not_found", [200, "NOT_FOUND", "The requested resource was not found."]),
        ("unavailable", [403, "ACCOUNT_UNAVAILABLE", "The information cannot be returned."]),
        ("unavailable", [400, "BAD_REQUEST", "The user's information cannot be returned."]),
    ],
}


@pytest.mark.parametrize(
    ("provider", "outcome", "answer"),
    [
        pytest.param(
            provider, outcome, answer, id="-".join([provider, outcome, *map(str, answer)])
        )
        for provider, rows in SKIPS.items()
        for outcome, answer in rows
    ],
)
def test_without_a_list_a_username_is_skipped(
    sandbox: Sandbox, provider: str, outcome: str, answer: list[Any]
) -> None:
    sandbox.world = World.of({"bad": follows_of("bad", 3), "good": follows_of("good", 3)})
    config = settings(sandbox, ["bad", "good"], provider)
    before = run(config)
    sandbox.clock.advance(3600)
    sandbox.requests.clear()
    sandbox.scenario = Scenario(faults=[Fault("error", username="bad", value=answer)])
    after = run(config, before.state)
    assert after.exit_code == 0
    row = after.scans(provider)["bad"]
    assert (row["outcome"], row["requests"], row["whole_list"]) == (outcome, 1, False)
    assert answer[2] in row["reason"]
    assert len(pages_asked(sandbox, provider, "bad")) == 1
    assert bookmark(after.state, provider, "bad") == bookmark(before.state, provider, "bad")
    assert bookmark(after.state, provider, "good") != bookmark(before.state, provider, "good")
    assert f"1 {outcome}" in after.text("INFO")
    assert after.text("ERROR") == ""


@each_provider
def test_the_sandbox_s_own_skips(sandbox: Sandbox, provider: str) -> None:
    sandbox.world = World.of({"good": []}, private={"shut"}, unavailable={"away"})
    sandbox.world.hidden_lists.add("shy")
    names = {
        "shut": "private",
        "shy": "hidden",
        "away": "unavailable",
        "nobody": "not_found",
    }
    ended = run(settings(sandbox, ["good", *names], provider))
    scans = ended.scans(provider)
    assert ended.exit_code == 0
    assert {name: scans[name]["outcome"] for name in names} == names
    assert scans["good"]["outcome"] in {"complete", "unchanged"}
    assert bookmark(ended.state, provider, "good") is not None
    ids = {"research": "log_id ", "rapidapi": "request_id "}
    assert all(ids[provider] in scans[name]["reason"] for name in names)
    assert all(bookmark(ended.state, provider, name) is None for name in names)


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("choice", ["fail", "continue"])
@each_provider
def test_ten_failures_in_a_row_stop_the_stream(
    sandbox: Sandbox, provider: str, concurrency: int, choice: str
) -> None:
    names = many(30)
    sandbox.world = World.of({name: follows_of(name, 3) for name in names})
    sandbox.scenario = Scenario(faults=[Fault("status")])
    ended = run(
        settings(
            sandbox,
            names,
            provider,
            max_tries=1,
            concurrency=concurrency,
            on_username_failure=choice,
        )
    )
    asked = [request for request in sandbox.requests if request.provider == provider]
    assert ended.exit_code == 1
    assert 10 <= len(asked) < 10 + 3 * concurrency
    assert "10 usernames in a row failed" in ended.last_line
    assert "HTTP 500" in ended.last_line
    assert "Traceback" not in ended.stderr


@each_provider
def test_nine_failures_a_success_and_nine_more_are_not_ten_in_a_row(
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


@each_provider
def test_a_skip_is_no_failure(sandbox: Sandbox, provider: str) -> None:
    names = many(25)
    sandbox.world = World.of({"good": follows_of("good", 3)}, private=names[:6])
    sandbox.world.hidden_lists.update(names[6:18])
    ended = run(settings(sandbox, [*names, "good"], provider, concurrency=1))
    assert ended.exit_code == 0
    assert len(ended.scans(provider)) == 26
    assert set(ended.follows(provider)) == truth(sandbox, "good")


@each_provider
def test_a_run_that_reads_nothing_and_only_skips_warns(
    sandbox: Sandbox, provider: str
) -> None:
    sandbox.world = World.of({"good": []})
    nobody = many(12)
    ended = run(settings(sandbox, nobody, provider))
    assert ended.exit_code == 0
    assert "nothing was read, and all usernames visited (12) were" in ended.text("WARNING")
    assert "nothing was read" not in run(settings(sandbox, [*nobody, "good"], provider)).stderr


def test_at_debug_level_every_username_is_named(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3), "ben": []}, private={"cat"})
    ended = run(settings(sandbox, ["ann", "ben", "cat"]), level=logging.DEBUG)
    for provider in PROVIDERS:
        for name, outcome in {"ann": "complete", "ben": "complete", "cat": "private"}.items():
            assert f"{provider}_following: {name} {outcome}" in ended.text("DEBUG")


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        pytest.param("http://127.0.0.1:9", "connection refused", id="refused"),
        pytest.param(
            "https://no-such-host.invalid", "name does not resolve", id="no such name"
        ),
        pytest.param("https://{sandbox}", "no TLS connection", id="no TLS"),
    ],
)
@each_provider
def test_a_provider_that_cannot_be_reached(
    sandbox: Sandbox, provider: str, url: str, cause: str
) -> None:
    """One provider's trouble is in one sentence, and does not stop the other."""
    url = url.format(sandbox=sandbox.url.removeprefix("http://"))
    sandbox.world = World.of({"good": follows_of("good", 2)})
    ended = run(settings(sandbox, ["good"], **{f"{provider}_api_url": url}))
    other = next(name for name in PROVIDERS if name != provider)
    assert ended.exit_code == 1
    assert set(ended.follows(other)) == truth(sandbox, "good")
    assert ended.scans(provider)["good"]["outcome"] == "failed"
    assert "HTTPConnection" not in ended.stderr
    assert "Traceback" not in ended.stderr
    host = url.partition("//")[2]
    assert ended.last_line.endswith(
        f"{provider}_following: could not read good (cannot reach {host} ({cause}) after "
        f"2 tries): check network, proxy and `{provider}_api_url`."
    )
