"""Secrets are in no output, whatever goes wrong, at debug level too."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest

from sandbox import Fault, Sandbox, Scenario, World
from sandbox.faults import FAULTS
from tests.harness import COMMAND, Run, follows_of, run, run_process, settings, variables
from tests.server import Received, Reply, Server

LETTERS = "/+&=\"'%<>"
"""Which JSON, URLs and `repr` each write in another way."""


def check_nothing_leaks(ended: Run, *secrets: str) -> None:
    """No secret, no token of the sandbox and no header with one is in a debug run's output."""
    output = ended.stdout + ended.stderr
    assert not any(secret[:12] in output for secret in secrets)
    assert re.search(r"(?i)clt\.[0-9a-f]|authorization|x-rapidapi-key", output) is None
    assert ended.text("DEBUG")


def test_no_fault_shows_a_secret_that_came_from_an_environment_variable(
    sandbox: Sandbox,
) -> None:
    """A username for each fault of the sandbox, and both providers."""
    secrets = sandbox.config["research_client_secret"], sandbox.config["rapidapi_key"]
    said = " and ".join(secrets)
    values = {
        "error": [400, said, f"Nobody may use {said} here"],
        "error_in_200": [said, f"Nobody may use {said} here"],
        "redirect": f"http://127.0.0.1:9/?key={secrets[1]}",
        "retry_after": "0",
    }
    names = {f"u.{kind}"[:24]: kind for kind in FAULTS if kind != "token_revoked"}
    sandbox.world = World.of({name: follows_of(name, 7) for name in [*names, "good"]})
    faults = [
        Fault(kind, username=name, page=2, value=values.get(kind))
        for name, kind in names.items()
    ]
    faults.append(Fault("token_revoked", provider="research", page=2, times=1))
    sandbox.scenario = Scenario(faults=faults)
    limits: dict[str, Any] = {"page_size": 4, "request_timeout": 5, "max_tries": 1}
    config = settings(sandbox, [*names, "good"], **limits, loglevel="DEBUG")
    ended = run_process([*COMMAND, "--config=ENV"], **variables(config))
    for provider in ("research", "rapidapi"):
        assert ended.scans(provider)["good"]["outcome"] == "complete"
    check_nothing_leaks(ended, *secrets)


@pytest.mark.parametrize("status", [200, 401, 500])
@pytest.mark.parametrize(
    "whose",
    ["rapidapi_key", "research_access_token", "research_client_secret", "access_token"],
)
def test_response_that_repeats_the_secret(whose: str, status: int) -> None:
    """In its message and in its code. The last secret is a token that TikTok has sent."""
    secret = f"c4nary-{whose}-{status}{LETTERS}"
    code, message = f"code_{secret}", f"{secret} ({secret}) is no good: key={secret}"
    no_list = {"error": {"code": code, "message": message}}
    to_client = {
        "research_client_secret": {"error": code, "error_description": message},
        "access_token": {"access_token": secret},
    }
    config: dict[str, Any] = {"usernames": ["ann"], "max_tries": 1}
    if whose in to_client:
        config |= {"research_client_key": "a-key", "research_client_secret": "a-client-secret"}
    if whose != "access_token":
        config[whose] = secret

    def answer(request: Received) -> Reply:
        body = to_client[whose] if "oauth" in request.target else no_list
        return Reply(status, json.dumps(body).encode())

    with Server(answer) as server:
        urls = {"rapidapi_api_url": server.url, "research_api_url": server.url}
        ended = run({**config, **urls}, level=logging.DEBUG)
    assert "is no good" in ended.stderr
    check_nothing_leaks(ended, secret, json.dumps(secret)[1:-1])
