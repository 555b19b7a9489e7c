"""What follows when a request fails: a table, for both providers, over real HTTP.

Many rows share a run: each has a username of its own, whose second page is spoiled.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Clock, Fault, Sandbox, Scenario, World
from tests.harness import (
    NOW,
    PROVIDERS,
    bookmark,
    entry,
    follows_of,
    pages_asked,
    run,
    settings,
    truth,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Run

PAGE = 4
LIST = 9
PAGES = 3
"""Pages of 4 that a list of 9 takes when the boundary account comes twice: 4, 3 and 3."""

each_provider = pytest.mark.parametrize("provider", PROVIDERS)


@dataclass(frozen=True)
class Row:
    """One line of a table: a username, the fault that meets it, and what is said of it.

    Attributes:
        name: The username, and the name of the test.
        kind: The fault's kind.
        value: The fault's value.
        tries: Requests sent for the spoiled page.
        said: Part of the reason in the scans stream.
        providers: Whose answers can be spoiled so.
        lost: Requests that met the end of a used connection: sent again, and not counted.
    """

    name: str
    kind: str
    value: Any = None
    tries: int = 2
    said: str = ""
    providers: tuple[str, ...] = PROVIDERS
    lost: int = 0

    def fault(self, provider: str, times: int | None) -> Fault:
        return Fault(
            kind=self.kind,  # type: ignore[arg-type]
            provider=provider,  # type: ignore[arg-type]
            username=self.name,
            page=2,
            times=times,
            value=self.value,
        )


SLOW_DOWN = {
    "research": [429, "rate_limit_exceeded", "The API rate limit was exceeded."],
    "rapidapi": [429, None, "Too many requests"],
}

PASSING = [
    Row("status_500", "status", 500, said="HTTP 500"),
    Row("status_502_html", "status", [502, "html"], said="HTTP 502"),
    Row("status_503", "status", 503, said="HTTP 503"),
    Row("status_504_html", "status", [504, "html"], said="HTTP 504"),
    Row("status_520_html", "status", [520, "html"], said="HTTP 520"),
    Row("status_408", "status", 408, said="HTTP 408"),
    Row("false_500", "error", [500, "internal_error", ""], said="HTTP 500"),
    Row("unreachable", "error", [503, None, "The API is unreachable"], said="unreachable"),
    Row("slow_down", "error", SLOW_DOWN["research"], 2, "rate limit", ("research",)),
    Row("slow_down_200", "error", [200, "rate_limit_exceeded", "Slow"], 2, "", ("research",)),
    Row("too_many", "error", SLOW_DOWN["rapidapi"], 2, "Too many", ("rapidapi",)),
    Row("too_many_html", "status", [429, "html"], said="HTTP 429"),
    Row("html_200", "html_200", said="could not be read"),
    Row("empty_body", "empty_body", said="could not be read"),
    Row("no_content", "no_content", said="could not be read"),
    Row("truncated", "truncated", said="could not be read"),
    Row("array", "array", said="could not be read"),
    Row("nan", "nan", said="could not be read"),
    Row("deep", "deep", said="could not be read"),
    Row("bad_gzip", "bad_gzip", said="decompressed"),
    Row("timeout_200", "error", [200, "timeout", "The request timed out"], said="timed out"),
    Row("try_again", "error", [400, "unknown", "Please try again later."], said="try again"),
    Row("internal_400", "error", [400, "internal_error", "Oops"], said="Oops"),
    Row("has_more_missing", "has_more_missing", said="could not be read"),
    Row("data_null", "data_null", 2, said="could not be read", providers=("research",)),
    Row("short_body", "short_body"),
    Row("reset", "reset", said="connection", lost=1),
    Row("reset_mid_body", "reset", "mid_body", said="connection"),
    Row("silent", "silent", said="did not answer in full within 2 s"),
    Row("drip", "drip", 1.2),
    Row("retry_at_once", "retry_after", "0"),
    Row("retry_negative", "retry_after", "-5"),
    Row("retry_garbage", "retry_after", "soon"),
    Row("retry_nan", "retry_after", "nan"),
    Row("retry_past", "retry_after", formatdate(NOW - 60, usegmt=True)),
    Row("retry_date", "retry_after", formatdate(NOW + 1, usegmt=True)),
]
"""Each is tried again, and no more than a second try is needed."""

LASTING = [
    Row("status_400", "error", [400, "teapot", "No tea"], 1, "No tea"),
    Row("status_403", "error", [403, "teapot", "No tea"], 1, "No tea", ("rapidapi",)),
    Row("proxy_403", "status", [403, "html"], 1, "HTTP 403"),
    Row("gateway_403", "error", [403, None, "Forbidden"], 1, "Forbidden", ("rapidapi",)),
    Row("gateway_404_html", "status", [404, "html"], 1, "HTTP 404"),
    Row("error_404", "error", [404, "404", "Not Found"], 1, "Not Found"),
    Row("status_405", "error", [405, "teapot", "No tea"], 1, "No tea"),
    Row("status_422", "error", [422, "teapot", "No tea"], 1, "No tea"),
    Row("bad_params", "error", [400, "invalid_params", "max_count"], 1, "max_count"),
    Row("wrong_host", "error", [404, None, "API doesn't exists"], 1, "", ("rapidapi",)),
    Row("status_410_html", "status", [410, "html"], 1, "HTTP 410"),
    Row("status_451_html", "status", [451, "html"], 1, "HTTP 451"),
    Row("error_200", "error", [200, "teapot", "No tea"], 1, "No tea"),
    Row("error_beside_data", "error_in_200", ["teapot", "No tea"], 1, "No tea"),
    Row("redirect", "redirect", None, 1, "redirect"),
    Row("status_301", "status", [301, "html"], 1, "HTTP 301"),
    Row("huge", "huge", None, 1, "16 MB"),
    Row("gzip_bomb", "gzip_bomb", None, 1, "16 MB"),
]
"""Each fails its username with one request: to ask again would not help."""


def of(provider: str, rows: list[Row]) -> list[Row]:
    return [row for row in rows if provider in row.providers]


def cases(rows: list[Row]) -> list[Any]:
    return [
        pytest.param(provider, row, id=f"{provider}-{row.name}")
        for provider in PROVIDERS
        for row in of(provider, rows)
    ]


@dataclass
class Shared:
    """One run that all rows of a table share.

    Attributes:
        run: The run.
        sandbox: The sandbox it ran against.
    """

    run: Run
    sandbox: Sandbox
    config: dict[str, Any]


def shared_run(provider: str, rows: list[Row], times: int | None) -> Iterator[Shared]:
    """Run all rows of a table at once: 9 workers, whose first pages part the failures."""
    names = [row.name for row in of(provider, rows)]
    world = World.of({name: follows_of(name, LIST) for name in [*names, "good"]})
    faults = [row.fault(provider, times) for row in of(provider, rows)]
    with Sandbox(world, scenario=Scenario(faults=faults), clock=Clock(NOW)) as sandbox:
        config = settings(
            sandbox,
            [*names, "good"],
            provider,
            page_size=PAGE,
            request_timeout=2,
            concurrency=9,
        )
        yield Shared(run(config), sandbox, config)


@pytest.fixture(scope="module")
def failing() -> Iterator[dict[str, Shared]]:
    """A run of each provider in which everything goes on happening."""
    runs = {p: shared_run(p, [*PASSING, *LASTING], None) for p in PROVIDERS}
    yield {provider: next(shared) for provider, shared in runs.items()}
    for shared in runs.values():
        next(shared, None)


@pytest.fixture(scope="module")
def passing() -> Iterator[dict[str, Shared]]:
    """A run of each provider in which everything passing happens once."""
    runs = {p: shared_run(p, PASSING, 1) for p in PROVIDERS}
    yield {provider: next(shared) for provider, shared in runs.items()}
    for shared in runs.values():
        next(shared, None)


@pytest.mark.parametrize(("provider", "row"), cases(PASSING))
def test_what_is_passing_is_tried_again(
    passing: dict[str, Shared], provider: str, row: Row
) -> None:
    shared = passing[provider]
    sent = shared.run.follows(provider, row.name)
    assert len(sent) == LIST
    assert set(sent) == truth(shared.sandbox, row.name)
    scan = shared.run.scans(provider)[row.name]
    asked = pages_asked(shared.sandbox, provider, row.name)
    assert (scan["outcome"], scan["whole_list"]) == ("complete", True)
    assert len(asked) == scan["requests"] + row.lost == PAGES + 1
    assert asked[1].cursor == asked[2].cursor


@each_provider
def test_what_passes_leaves_no_trace_on_the_exit_code(
    passing: dict[str, Shared], provider: str
) -> None:
    shared = passing[provider]
    assert shared.run.exit_code == 0
    assert shared.run.text("ERROR") == shared.run.text("WARNING") == ""


@pytest.mark.parametrize(("provider", "row"), cases([*PASSING, *LASTING]))
def test_what_lasts_fails_one_username_and_keeps_what_was_read(
    failing: dict[str, Shared], provider: str, row: Row
) -> None:
    shared = failing[provider]
    first_page = {(row.name, f"{row.name}.{place}") for place in range(PAGE)}
    assert set(shared.run.follows(provider, row.name)) == first_page
    scan = shared.run.scans(provider)[row.name]
    assert scan["outcome"] == "failed"
    assert not scan["whole_list"]
    assert row.said in scan["reason"]
    assert "error of this tap" not in scan["reason"]
    asked = pages_asked(shared.sandbox, provider, row.name)
    assert len(asked) - row.lost == scan["requests"] == 1 + row.tries
    assert scan["reason"].count(" after 2 tries") == (row.tries == 2)
    assert bookmark(shared.run.state, provider, row.name) is None
    assert entry(shared.run.state, provider, row.name)["resume"]["cursor"] == asked[1].cursor


@each_provider
def test_failed_usernames_are_named_and_the_others_go_on(
    failing: dict[str, Shared], provider: str
) -> None:
    ended = failing[provider].run
    rows = of(provider, [*PASSING, *LASTING])
    assert ended.exit_code == 1
    assert len(ended.follows(provider, "good")) == LIST
    outcomes = [row["outcome"] for row in ended.scans(provider).values()]
    assert outcomes.count("failed") == len(rows)
    assert "run again" in ended.last_line
    assert any(row.name in ended.last_line for row in rows)
    assert "Traceback" not in ended.stderr


@each_provider
def test_a_failed_username_goes_on_where_it_stood(sandbox: Sandbox, provider: str) -> None:
    sandbox.world = World.of({"bad": follows_of("bad", LIST)})
    sandbox.scenario = Scenario(faults=[Fault("status", username="bad", page=2)])
    config = settings(sandbox, ["bad"], provider, page_size=PAGE)
    before = run(config)
    sandbox.scenario = Scenario()
    after = run(config, before.state)
    asked = pages_asked(sandbox, provider, "bad")
    assert [r.cursor for r in asked[1:4]] == [asked[1].cursor] * 3
    assert len(asked) == PAGES + 2
    sent = [*before.follows(provider), *after.follows(provider)]
    assert len(sent) == LIST
    assert set(sent) == truth(sandbox, "bad")
    row = after.scans(provider)["bad"]
    assert row["scanned_at"] == before.scans(provider)["bad"]["scanned_at"]
    assert (row["outcome"], row["accounts_read"], row["whole_list"]) == (
        "complete",
        LIST,
        True,
    )
    assert row["requests"] == len(asked)


@pytest.mark.parametrize(("choice", "code"), [("fail", 1), ("continue", 0)])
@each_provider
def test_on_username_failure(sandbox: Sandbox, provider: str, choice: str, code: int) -> None:
    sandbox.world = World.of({"bad": follows_of("bad", 3), "good": follows_of("good", 3)})
    sandbox.scenario = Scenario(faults=[Fault("status", username="bad")])
    config = settings(sandbox, ["bad", "good"], provider, on_username_failure=choice)
    ended = run(config)
    assert ended.exit_code == code
    assert set(ended.follows(provider)) == truth(sandbox, "good")
    assert ended.scans(provider)["bad"]["outcome"] == "failed"
    assert "bad" in ended.last_line


# This username has no list to give.

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


# The provider is down.


def many(how_many: int) -> list[str]:
    return [f"user{number:02}" for number in range(how_many)]


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


# Configuration.

WRONG_CONFIG = [
    ("rapidapi", "bad_key", [401, None, "Invalid API key."], "rapidapi_key"),
    ("rapidapi", "403", [403, None, "You are not subscribed to this API."], "subscribe"),
    ("rapidapi", "401", [401, None, "You are not subscribed to this API."], "subscribe"),
    ("research", "401", [401, "scope_not_authorized", "Scope"], "research.data.basic"),
    ("research", "403", [403, "scope_not_authorized", "Scope"], "research.data.basic"),
    (
        "research",
        "403_missed",
        [403, "scope_permission_missed", "Scope"],
        "research.data.basic",
    ),
    ("research", "401_loop", [401, "access_token_invalid", "Bad"], "research_client_secret"),
]


@pytest.mark.parametrize(
    ("provider", "answer", "advice"),
    [
        pytest.param(p, answer, advice, id=f"{p}-{name}")
        for p, name, answer, advice in WRONG_CONFIG
    ],
)
def test_wrong_configuration_stops_its_stream_at_once(
    sandbox: Sandbox, provider: str, answer: list[Any], advice: str
) -> None:
    """And the other provider still runs."""
    names = many(20)
    sandbox.world = World.of({name: follows_of(name, 2) for name in names})
    fault = Fault("error", provider=provider, value=answer)  # type: ignore[arg-type]
    sandbox.scenario = Scenario(faults=[fault])
    ended = run(settings(sandbox, names, concurrency=4))
    other = next(name for name in PROVIDERS if name != provider)
    asked = [request for request in sandbox.requests if request.provider == provider]
    assert ended.exit_code == 1
    assert ended.follows(provider) == []
    assert set(ended.follows(other)) == truth(sandbox, *names)
    assert len(asked) <= 2 * 4
    assert advice in ended.last_line
    assert answer[2] in ended.last_line
    assert "Traceback" not in ended.stderr


@each_provider
def test_a_wrong_secret_costs_one_request(sandbox: Sandbox, provider: str) -> None:
    """Of a worker that asks first; the others' requests of that moment may be on their way."""
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


def test_an_access_token_of_the_user_s_that_is_no_good(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"good": []})
    config = settings(sandbox, ["good"], "rapidapi", research_access_token="act.old")
    del config["rapidapi_key"]
    ended = run(config)
    assert ended.exit_code == 1
    assert "research_access_token" in ended.last_line
    assert [request.provider for request in sandbox.requests] == ["research"]


# Tokens.


def test_one_token_for_all_workers(sandbox: Sandbox) -> None:
    names = many(40)
    sandbox.world = World.of({name: follows_of(name, 2) for name in names})
    ended = run(settings(sandbox, names, "research", concurrency=16))
    assert ended.exit_code == 0
    assert [r.provider for r in sandbox.requests].count("token") == 1


def test_a_revoked_token_is_renewed_once(sandbox: Sandbox) -> None:
    names = many(30)
    sandbox.world = World.of({name: follows_of(name, 2) for name in names})
    faults = [Fault("token_revoked", username="user10", times=1)]
    sandbox.scenario = Scenario(faults=faults)
    ended = run(settings(sandbox, names, "research", concurrency=1))
    assert ended.exit_code == 0
    assert set(ended.follows("research")) == truth(sandbox, *names)
    assert [r.provider for r in sandbox.requests].count("token") == 2
    assert len(pages_asked(sandbox, "research", "user10")) == 2


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        pytest.param("status", 500, id="500"),
        pytest.param("status", [503, "html"], id="503 html"),
        pytest.param("html_200", None, id="html 200"),
        pytest.param("truncated", None, id="truncated"),
        pytest.param("empty_body", None, id="empty body"),
        pytest.param("reset", None, id="reset"),
        pytest.param("retry_after", "0", id="slow down"),
        pytest.param("error", [200, "internal_error", "Try again"], id="error with 200"),
    ],
)
def test_a_passing_fault_of_the_token_endpoint(
    sandbox: Sandbox, kind: str, value: object
) -> None:
    sandbox.world = World.of({"good": follows_of("good", 2)})
    fault = Fault(kind, provider="token", value=value, times=1)  # type: ignore[arg-type]
    sandbox.scenario = Scenario(faults=[fault])
    ended = run(settings(sandbox, ["good"], "research"))
    assert ended.exit_code == 0
    assert set(ended.follows("research")) == truth(sandbox, "good")
    assert [r.provider for r in sandbox.requests] == ["token", "token", "research"]


@pytest.mark.parametrize("status", [200, 400, 401])
def test_a_token_error_ends_the_stream_whatever_its_status(
    sandbox: Sandbox, status: int
) -> None:
    sandbox.world = World.of({"good": follows_of("good", 2)})
    value = [status, "invalid_client", "Client key or secret is incorrect."]
    sandbox.scenario = Scenario(faults=[Fault("error", provider="token", value=value)])
    ended = run(settings(sandbox, ["good"]))
    assert ended.exit_code == 1
    assert "Client key or secret is incorrect." in ended.last_line
    assert "research_client_secret" in ended.last_line
    assert "log_id" in ended.last_line
    assert set(ended.follows("rapidapi")) == truth(sandbox, "good")


# Quota and budget.


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
            revisit_after_hours=1,
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
    assert "error of this tap" not in ended.stderr
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


@each_provider
def test_max_tries_counts_all_tries(sandbox: Sandbox, provider: str) -> None:
    sandbox.world = World.of({"bad": follows_of("bad", 3)})
    sandbox.scenario = Scenario(faults=[Fault("retry_after", value="0")])
    ended = run(settings(sandbox, ["bad"], provider, max_tries=4))
    assert ended.exit_code == 1
    assert len(pages_asked(sandbox, provider, "bad")) == 4


# Nothing answers at all.


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


# Which exit code is the run's.


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


# Fields that are not as they should be, on pages that can be read.


@pytest.mark.parametrize(
    "kind", ["bom", "duplicate_keys", "big_int", "extra_field", "missing_field"]
)
@each_provider
def test_odd_pages_that_can_be_read(sandbox: Sandbox, provider: str, kind: str) -> None:
    sandbox.world = World.of({"good": follows_of("good", 3)})
    sandbox.scenario = Scenario(faults=[Fault(kind)])  # type: ignore[arg-type]
    ended = run(settings(sandbox, ["good"], provider))
    assert ended.exit_code == 0
    assert set(ended.follows(provider)) == truth(sandbox, "good")
    assert len(pages_asked(sandbox, provider, "good")) == 1
    if kind == "missing_field":
        records = ended.records(f"{provider}_following")
        assert [record["display_name"] for record in records] == [None] * 3


@pytest.mark.parametrize(
    ("kind", "ending"),
    [("surrogate", "\N{REPLACEMENT CHARACTER}"), ("nul", "\N{REPLACEMENT CHARACTER}")],
)
@each_provider
def test_text_that_no_target_takes_is_mended(
    sandbox: Sandbox, provider: str, kind: str, ending: str
) -> None:
    sandbox.world = World.of({"good": follows_of("good", 3)})
    sandbox.scenario = Scenario(faults=[Fault(kind)])  # type: ignore[arg-type]
    ended = run(settings(sandbox, ["good"], provider))
    names = {r["display_name"] for r in ended.records(f"{provider}_following")}
    assert names == {
        sandbox.world.accounts[f"good.{n}"].display_name + ending for n in range(3)
    }


@each_provider
def test_an_account_without_its_key_is_counted_and_warned_of(
    sandbox: Sandbox, provider: str
) -> None:
    sandbox.world = World.of({"good": follows_of("good", 3)})
    sandbox.scenario = Scenario(faults=[Fault("key_missing")])
    ended = run(settings(sandbox, ["good"], provider))
    assert ended.exit_code == 0
    assert ended.follows(provider) == [("good", "good.1"), ("good", "good.2")]
    assert not ended.scans(provider)["good"]["whole_list"]
    assert "1 account" in ended.text("WARNING")


@pytest.mark.parametrize("wrong", [{"not": 1}, [1], 7, True], ids=str)
@each_provider
def test_a_field_of_a_wrong_type_becomes_null_with_a_warning(
    sandbox: Sandbox, provider: str, wrong: object
) -> None:
    sandbox.world = World.of({"good": follows_of("good", 3)})
    sandbox.scenario = Scenario(faults=[Fault("wrong_type", value=["display_name", wrong])])
    ended = run(settings(sandbox, ["good"], provider))
    records = ended.records(f"{provider}_following")
    assert ended.exit_code == 0
    assert [record["display_name"] for record in records] == [None] * 3
    assert ended.scans(provider)["good"]["whole_list"]
    assert "3 fields" in ended.text("WARNING")


def test_a_user_id_given_as_a_number_is_the_same_id(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"good": follows_of("good", 1)})
    sandbox.scenario = Scenario(
        faults=[Fault("wrong_type", value=["user_id", 7012345678901234567])]
    )
    ended = run(settings(sandbox, ["good"], "rapidapi"))
    (record,) = ended.records("rapidapi_following")
    assert record["user_id"] == "7012345678901234567"


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (11_000_000_000, 11_000_000_000),
        (2**63 - 1, 2**63 - 1),
        (2**63, None),
        (-(2**63) - 1, None),
        (2**64 - 1, None),
        (1.5, None),
        ("many", None),
        (True, None),
    ],
)
def test_counts_are_64_bit_integers_or_null(
    sandbox: Sandbox, count: object, expected: int | None
) -> None:
    sandbox.world = World.of({"good": follows_of("good", 1)})
    sandbox.scenario = Scenario(faults=[Fault("wrong_type", value=["followers", count])])
    ended = run(settings(sandbox, ["good"], "rapidapi"))
    (record,) = ended.records("rapidapi_following")
    assert record["followers"] == expected


def test_at_debug_level_every_username_is_named(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3), "ben": []}, private={"cat"})
    ended = run(settings(sandbox, ["ann", "ben", "cat"]), level=logging.DEBUG)
    for provider in PROVIDERS:
        for name, outcome in {"ann": "complete", "ben": "complete", "cat": "private"}.items():
            assert f"{provider}_following: {name} {outcome}" in ended.text("DEBUG")


def test_who_goes_on_after_a_failure_is_not_told_to(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    sandbox.scenario.faults.append(Fault("error", username="ann", value=[418, "tea", "Tea"]))
    config = settings(sandbox, ["ann"], "research", on_username_failure="continue")
    ended = run(config)
    assert ended.exit_code == 0
    assert ended.text("WARNING").endswith("goes on from its last page read.")
