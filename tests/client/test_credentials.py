"""Credentials that are not accepted, and access tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Fault, Scenario, World
from tests.harness import (
    PROVIDERS,
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
    fault = Fault(kind, provider="token", value=value, times=1)
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
