"""Secrets are in no output, whatever goes wrong, at debug level too."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Fault, Sandbox, Scenario, World
from sandbox.faults import KINDS
from tests.harness import PROVIDERS, Run, bare, finish, follows_of, run, settings, start

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "c4nary-S3CRET/+&=\"'%<é>"
"""With letters that JSON, URLs and `repr` each write in another way."""
ASCII_CANARY = "c4nary-S3CRET/+&=\"'%<>"

TOKEN = re.compile(r"clt\.[0-9a-f]+")
"""An access token of the sandbox."""

each_kind = pytest.mark.parametrize("kind", KINDS)


def check_nothing_leaks(ended: Run, *secrets: str) -> None:
    """No secret, no token and no header that holds one is in any output."""
    output = ended.stdout + ended.stderr
    for secret in secrets:
        assert secret not in output
        assert secret[:12] not in output
    assert TOKEN.search(output) is None
    assert "authorization" not in output.lower()
    assert "x-rapidapi-key" not in output.lower()


def secrets_of(sandbox: Sandbox) -> tuple[str, str]:
    return sandbox.config["research_client_secret"], sandbox.config["rapidapi_key"]


def test_the_check_sees_a_leak(sandbox: Sandbox) -> None:
    """As a scanner of empty output it would pass whatever happens."""
    leak = Run(0, "", "Bearer " + secrets_of(sandbox)[0])
    with pytest.raises(AssertionError):
        check_nothing_leaks(leak, *secrets_of(sandbox))


def test_no_secret_in_a_debug_log_under_any_fault(sandbox: Sandbox, tmp_path: Path) -> None:
    """A username for each fault of the sandbox, both providers, as a process."""
    names = {kind: f"u.{kind}"[:24] for kind in KINDS}
    sandbox.world = World.of({name: follows_of(name, 7) for name in [*names.values(), "good"]})
    sandbox.scenario = Scenario(
        faults=[
            Fault(kind, username=name, page=2, value=values_of(sandbox).get(kind))
            for kind, name in names.items()
            if kind != "token_revoked"
        ]
    )
    config = settings(
        sandbox, [*names.values(), "good"], page_size=4, request_timeout=1, concurrency=5
    )
    ended = finish(start(tmp_path, config, TAP_TIKTOK_FOLLOWING_LOGLEVEL="DEBUG"))
    assert ended.text("DEBUG")
    assert all(
        ended.scans(provider)["good"]["outcome"] == "complete" for provider in PROVIDERS
    )
    check_nothing_leaks(ended, *secrets_of(sandbox))


def values_of(sandbox: Sandbox) -> dict[str, Any]:
    """Faults that hand the secrets back, where a fault has words of its own."""
    said = " and ".join(secrets_of(sandbox))
    return {
        "error": [400, said, f"Nobody may use {said} here"],
        "error_in_200": [said, f"Nobody may use {said} here"],
        "redirect": f"http://127.0.0.1:9/?key={secrets_of(sandbox)[1]}",
        "retry_after": "0",
    }


@each_kind
def test_no_secret_in_a_debug_log_under_any_fault_of_the_token_endpoint(
    sandbox: Sandbox, kind: Any
) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    value = values_of(sandbox).get(kind)
    sandbox.scenario = Scenario(faults=[Fault(kind, provider="token", value=value)])
    config = settings(sandbox, ["ann"], request_timeout=1, max_tries=1)
    ended = run(config, level=logging.DEBUG)
    check_nothing_leaks(ended, *secrets_of(sandbox))
    assert "error in this tap" not in ended.stderr


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500])
@pytest.mark.parametrize("setting", ["rapidapi_key", "research_client_secret"])
def test_a_provider_that_repeats_the_secret(
    sandbox: Sandbox, setting: str, status: int
) -> None:
    """In its message, in its code, and as JSON would escape it."""
    secret = sandbox.config[setting]
    sandbox.world = World.of({"ann": []})
    said = f"{secret} ({secret}) is no good: key={secret}"
    where = "rapidapi" if setting == "rapidapi_key" else "token"
    fault = Fault("error", provider=where, value=[status, f"code_{secret}", said])  # type: ignore[arg-type]
    sandbox.scenario = Scenario(faults=[fault])
    ended = run(settings(sandbox, ["ann"], max_tries=1), level=logging.DEBUG)
    assert "is no good" in ended.stderr
    check_nothing_leaks(ended, secret)


@pytest.mark.parametrize("before", [276, 285, 290, 295])
def test_a_secret_that_is_cut_off_with_a_long_message(sandbox: Sandbox, before: int) -> None:
    """Half a secret is one too."""
    secret = sandbox.config["rapidapi_key"]
    sandbox.world = World.of({"ann": []})
    said = "x" * (before - len("code: ")) + secret
    value = [400, "code", said]
    sandbox.scenario = Scenario(faults=[Fault("error", provider="rapidapi", value=value)])
    ended = run(settings(sandbox, ["ann"], "rapidapi"), level=logging.DEBUG)
    assert "xxxx" in ended.stderr
    assert secret[:4] not in re.sub(r"x-rapidapi|tap-tiktok", "", ended.stdout + ended.stderr)


def test_a_revoked_token_is_in_no_log(sandbox: Sandbox) -> None:
    names = [f"user{number}" for number in range(6)]
    sandbox.world = World.of({name: follows_of(name, 3) for name in names})
    sandbox.scenario = Scenario(faults=[Fault("token_revoked", username="user3", times=1)])
    ended = run(settings(sandbox, names, "research", concurrency=1), level=logging.DEBUG)
    assert ended.exit_code == 0
    check_nothing_leaks(ended, *secrets_of(sandbox))


@pytest.mark.parametrize(
    "setting", ["research_access_token", "research_client_secret", "rapidapi_key"]
)
def test_a_secret_that_the_provider_refuses(
    sandbox: Sandbox, tmp_path: Path, setting: str
) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    config = settings(sandbox, ["ann"], **{setting: ASCII_CANARY})
    ended = finish(start(tmp_path, config, TAP_TIKTOK_FOLLOWING_LOGLEVEL="DEBUG"))
    assert ended.exit_code == 1
    check_nothing_leaks(ended, ASCII_CANARY, json.dumps(ASCII_CANARY)[1:-1])


WRONG = [
    pytest.param(setting, wrong, id=f"{setting}-{kind}")
    for setting in ("research_access_token", "research_client_secret", "rapidapi_key")
    for kind, wrong in (
        ("other letters", CANARY),
        ("a space", "c4nary-S3CRET with a space"),
        ("a line break", "c4nary-S3CRET\nand more"),
        ("a number", 735_102_936_481),
        ("a list", ["c4nary-S3CRET"]),
        ("an object", {"c4nary-S3CRET": "c4nary-S3CRET"}),
        ("a boolean", True),
    )
]


@pytest.mark.parametrize(("setting", "wrong"), WRONG)
def test_a_wrong_setting_is_named_without_its_value(
    sandbox: Sandbox, setting: str, wrong: object
) -> None:
    sandbox.world = World.of({"ann": []})
    config = {**settings(sandbox, ["ann"]), setting: wrong}
    ended = run(config, level=logging.DEBUG)
    assert ended.exit_code == 1
    assert f"`{setting}`" in ended.last_line
    assert "c4nary" not in ended.stdout + ended.stderr
    assert "735102936481" not in ended.stdout + ended.stderr
    assert sandbox.requests == []


@pytest.mark.parametrize("setting", ["rapidapi_api_url", "research_api_url"])
def test_a_url_with_a_password_is_refused_without_showing_it(
    sandbox: Sandbox, setting: str
) -> None:
    url = "https://user:c4nary-S3CRET@example.com/"
    ended = run(settings(sandbox, ["ann"], **{setting: url}), level=logging.DEBUG)
    assert ended.exit_code == 1
    assert f"`{setting}`" in ended.last_line
    assert "c4nary" not in ended.stderr


def test_secrets_from_environment_variables(sandbox: Sandbox, tmp_path: Path) -> None:
    """The way Meltano gives them."""
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    path = tmp_path / "names.txt"
    path.write_text("ann\n", encoding="utf-8")
    variables = {
        **sandbox.env,
        "TAP_TIKTOK_FOLLOWING_USERNAMES_PATH": str(path),
        "TAP_TIKTOK_FOLLOWING_LOGLEVEL": "DEBUG",
    }
    arguments = [sys.executable, "-m", "tap_tiktok_following", "--config=ENV"]
    done = subprocess.run(
        arguments,
        env=bare(**variables),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    ended = Run(done.returncode, done.stdout, done.stderr)
    assert ended.exit_code == 0
    assert len(ended.follows("research")) == len(ended.follows("rapidapi")) == 3
    check_nothing_leaks(ended, *secrets_of(sandbox))
    assert ended.text("DEBUG")


def test_a_redirect_does_not_take_the_key_along(sandbox: Sandbox) -> None:
    """To another host, which is the sandbox's own second server."""
    sandbox.world = World.of({"ann": []})
    with Sandbox(World.of({"ann": []})) as elsewhere:
        to = f"{elsewhere.url}/api/v1/users/ann/following"
        sandbox.scenario = Scenario(faults=[Fault("redirect", value=to)])
        ended = run(settings(sandbox, ["ann"]), level=logging.DEBUG)
        assert elsewhere.requests == []
    assert ended.exit_code == 1
    check_nothing_leaks(ended, *secrets_of(sandbox))


def test_the_netrc_is_not_read(sandbox: Sandbox, tmp_path: Path) -> None:
    """requests would put its password in the place of the access token."""
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password c4nary-S3CRET\n", encoding="utf-8")
    netrc.chmod(0o600)
    ended = finish(
        start(
            tmp_path,
            settings(sandbox, ["ann"]),
            HOME=str(tmp_path),
            NETRC=str(netrc),
            TAP_TIKTOK_FOLLOWING_LOGLEVEL="DEBUG",
        )
    )
    assert ended.exit_code == 0
    assert "c4nary" not in ended.stdout + ended.stderr
