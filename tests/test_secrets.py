"""Secrets are in no output, whatever goes wrong, at debug level too."""

from __future__ import annotations

import json
import logging
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox import Fault, Sandbox, Scenario, World
from sandbox.faults import FAULTS
from tests.harness import (
    PROVIDERS,
    QUICK,
    Run,
    finish,
    follows_of,
    launch,
    run,
    settings,
)

CANARY = "c4nary-S3CRET/+&=\"'%<>"
"""With letters that JSON, URLs and `repr` each write in another way."""

TOKEN = re.compile(r"clt\.[0-9a-f]+")
"""An access token of the sandbox."""


def check_nothing_leaks(ended: Run, *secrets: str) -> None:
    """No secret, no token and no header that holds one is in any output of a debug run."""
    output = ended.stdout + ended.stderr
    for secret in secrets:
        assert secret[:12] not in output
    assert TOKEN.search(output) is None
    assert "authorization" not in output.lower()
    assert "x-rapidapi-key" not in output.lower()
    assert ended.text("DEBUG")


def secrets_of(sandbox: Sandbox) -> tuple[str, str]:
    return sandbox.config["research_client_secret"], sandbox.config["rapidapi_key"]


def test_no_fault_shows_a_secret_that_came_from_an_environment_variable(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """A username for each fault of the sandbox, both providers, as Meltano runs the tap."""
    said = " and ".join(secrets_of(sandbox))
    values = {
        "error": [400, said, f"Nobody may use {said} here"],
        "error_in_200": [said, f"Nobody may use {said} here"],
        "redirect": f"http://127.0.0.1:9/?key={secrets_of(sandbox)[1]}",
        "retry_after": "0",
    }
    names = {f"u.{kind}"[:24]: kind for kind in FAULTS}
    sandbox.world = World.of({name: follows_of(name, 7) for name in [*names, "good"]})
    faults = [
        Fault(kind, username=name, page=2, value=values.get(kind))
        for name, kind in names.items()
        if kind != "token_revoked"
    ]
    faults.append(Fault("token_revoked", provider="research", page=2, times=1))
    sandbox.scenario = Scenario(faults=faults)
    path = tmp_path / "names.txt"
    path.write_text("\n".join([*names, "good"]), encoding="utf-8")
    limits = {**QUICK, "page_size": 4, "request_timeout": 5, "max_tries": 1}
    more = {"usernames_path": path, **limits}
    variables = {
        f"TAP_TIKTOK_FOLLOWING_{name.upper()}": str(value) for name, value in more.items()
    }
    variables |= {**sandbox.env, "TAP_TIKTOK_FOLLOWING_LOGLEVEL": "DEBUG"}
    words = [sys.executable, "-m", "tap_tiktok_following", "--config=ENV"]
    ended = finish(launch(words, **variables))
    for provider in PROVIDERS:
        assert ended.scans(provider)["good"]["outcome"] == "complete"
    check_nothing_leaks(ended, *secrets_of(sandbox))


@pytest.mark.parametrize("status", [200, 401, 500])
@pytest.mark.parametrize("provider", ["rapidapi", "token"])
def test_provider_that_repeats_the_secret(
    sandbox: Sandbox, provider: Any, status: int
) -> None:
    """In its message and in its code."""
    secret = secrets_of(sandbox)[provider == "rapidapi"]
    sandbox.world = World.of({"ann": []})
    value = [status, f"code_{secret}", f"{secret} ({secret}) is no good: key={secret}"]
    sandbox.scenario = Scenario(faults=[Fault("error", provider=provider, value=value)])
    ended = run(settings(sandbox, ["ann"], max_tries=1), level=logging.DEBUG)
    assert "is no good" in ended.stderr
    check_nothing_leaks(ended, secret)


def test_secret_that_is_cut_off_with_a_long_message(sandbox: Sandbox) -> None:
    """Half a secret is one too."""
    secret = sandbox.config["rapidapi_key"]
    sandbox.world = World.of({"ann": []})
    value = [400, "code", "x" * 290 + secret]
    sandbox.scenario = Scenario(faults=[Fault("error", value=value)])
    ended = run(settings(sandbox, ["ann"], "rapidapi"), level=logging.DEBUG)
    assert "xxxx" in ended.stderr
    assert f"x{secret[:4]}" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    "setting", ["research_access_token", "research_client_secret", "rapidapi_key"]
)
def test_secret_that_the_provider_refuses(sandbox: Sandbox, setting: str) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    ended = run(settings(sandbox, ["ann"], **{setting: CANARY}), level=logging.DEBUG)
    assert ended.exit_code == 1
    check_nothing_leaks(ended, CANARY, json.dumps(CANARY)[1:-1])
