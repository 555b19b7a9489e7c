"""A wrong config ends in one sentence that lists every problem at once, without a secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox, World
from tests.harness import (
    COMMAND,
    PREFIX,
    Run,
    follows_of,
    run,
    run_process,
    settings,
    variables,
)

CANARY = "canary-4711"
GOOD = {"usernames": ["ann"], "rapidapi_key": CANARY}
NOT_IN_A_KEY = "contains a character that is not allowed in a key"
NO_BASE = "must be a base URL without user, query and fragment"
NO_SHARD = "must be a number and the number of shards, such as 3/8"
NO_URL = "must be a URL such as https://example.com"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("on_quota_exhausted", "Fail", "must be `fail` or `stop`"),
        ("on_username_failure", 1, "must be `fail` or `continue`"),
        ("full_scan_on_loss", "yes", "must be true or false"),
        ("usernames", ["ann", 7, 8], "must be a list of strings"),
        ("usernames", ["ann", "a b"], "contains 'a b', which is not a username"),
        ("start_date", "31.01.2026", "must be a time such as 2026-01-31T00:00:00Z"),
        ("shard", "9/8", NO_SHARD),
        ("shard", "0/8", NO_SHARD),
        ("shard", "3/8/1", NO_SHARD),
        ("user_agent", "me\r\nX: 1", "contains a character that is not allowed in a header"),
        ("research_client_key", CANARY, "is set without `research_client_secret`"),
        ("research_client_secret", CANARY, "is set without `research_client_key`"),
        ("research_access_token", f" {CANARY}", NOT_IN_A_KEY),
        ("rapidapi_key", f"{CANARY}\n", NOT_IN_A_KEY),
        ("rapidapi_key", f"{CANARY}ä", NOT_IN_A_KEY),
        ("rapidapi_key", 47_114_711, "must be a string"),
        ("rapidapi_key", {CANARY: CANARY}, "must be a string"),
        ("PAGE_SIZE", 4711, "is not a setting (did you mean `page_size`?)"),
        ("max_requests", 4711, "is not a setting (did you mean `research_max_requests`?)"),
        ("answers_path", "x", "is now called `responses_path`"),
        ("refresh_after_days", 1, "is now called `full_scan_after_days`"),
        ("REFRESH_ON_LOSS", True, "is now called `full_scan_on_loss`"),
        ("revisit_after_hours", 1, "is now called `rescan_after_hours`"),
        ("rapidapi_api_url", "http://127.0.0.1.example.com", "must start with https://"),
        ("rapidapi_api_url", "example.com", NO_URL),
        ("rapidapi_api_url", "file:///etc/passwd", NO_URL),
        ("rapidapi_api_url", "https://exämple.com", NO_URL),
        ("rapidapi_api_url", "https://example.com:99999", NO_URL),
        ("rapidapi_api_url", "https://me:4711@example.com", NO_BASE),
        ("rapidapi_api_url", "https://example.com/?x=4711", NO_BASE),
    ],
)
def test_wrong_setting(name: str, value: object, says: str) -> None:
    assert problem({name: value}) == f"`{name}` {says}"


def problem(wrong: dict[str, Any]) -> str:
    """The one problem of a config with these settings, which shows no value of them."""
    result = run({**GOOD, **wrong})
    assert (result.exit_code, result.stdout) == (1, "")
    assert "4711" not in result.stderr
    assert result.text("ERROR") == result.last_line
    return result.last_line.removeprefix("The config has a problem: ").removesuffix(".")


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("page_size", 1, 100),
        ("concurrency", 1, 64),
        ("max_tries", 1, 20),
        ("request_timeout", 1, 600),
        ("full_scan_after_days", 0, 3650),
        ("rapidapi_requests_per_second", 1, 1000),
        ("research_max_requests", 0, None),
    ],
)
def test_number_out_of_range(name: str, low: int, high: int | None) -> None:
    wanted = f"of {low} or more" if high is None else f"from {low} to {high}"
    wrong = [low - 1, "7", 1.5, True] + ([] if high is None else [high + 1])
    for value in wrong:
        assert problem({name: value}) == f"`{name}` must be a whole number {wanted}"


def test_every_problem_is_listed_at_once_before_any_request(sandbox: Sandbox) -> None:
    wrong: dict[str, Any] = {
        "page_size": 0,
        "start_date": "soon",
        "rapidapi_key": 4711,
        "research_client_secret": 4711,
        "rapidapi_api_url": "http://example.com",
        "pagesize": 3,
    }
    result = run(settings(sandbox, ["a b"], **wrong))
    assert (result.exit_code, result.stdout, sandbox.requests) == (1, "", [])
    assert result.last_line.startswith("The config has 7 problems: ")
    for name in (*wrong, "`usernames` contains 'a b'"):
        assert name in result.last_line


@pytest.mark.parametrize("start_date", ["2023-01-31T00:00:00.123+01:00", "2023-01-31", None])
def test_right_config(sandbox: Sandbox, start_date: str | None) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 2)})
    more: dict[str, Any] = {
        "page_size": None,
        "user_agent": "me/1.0 (mail@example.com)",
    }
    result = run(settings(sandbox, ["ann"], "rapidapi", start_date=start_date, **more))
    assert (result.exit_code, len(result.follows("rapidapi"))) == (0, 2)
    assert result.text("WARNING") == ""


def test_foreign_setting_is_ignored_with_a_warning(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"ann": []})
    result = run(settings(sandbox, ["ann"], "rapidapi", colour=CANARY))
    assert result.exit_code == 0
    assert result.text("WARNING") == "`colour` is not a setting and is ignored."


@pytest.mark.parametrize(
    ("variable", "value", "error"),
    [
        ("REQUESTS_CA_BUNDLE", "/nowhere/bundle.pem", "FileNotFoundError"),
        ("REQUESTS_CA_BUNDLE", __file__, "SSLError"),
        ("https_proxy", "socks5://me:4711@127.0.0.1:9", "InvalidSchema"),
    ],
)
def test_unusable_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, error: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert problem({}) == (
        f"the environment names a proxy or a CA bundle that cannot be used ({error}): check "
        "HTTPS_PROXY, ALL_PROXY, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE; a SOCKS proxy needs "
        "the package PySocks"
    )


# The command itself, as a process.


def command(*arguments: str, **config: object) -> Run:
    """Run the command with these settings as environment variables."""
    return run_process([*COMMAND, *arguments], **variables(config))


def test_environment_variables_are_settings_and_empty_ones_are_not_set(
    sandbox: Sandbox,
) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3), "ben": follows_of("ben", 2)})
    empty = ("research_client_key", "research_client_secret", "max_tries", "shard", "max_trys")
    given = {
        **sandbox.config,
        **dict.fromkeys(empty, ""),
        "usernames": ["ann", "@Ben"],
        "page_size": 2,
        "full_scan_on_loss": "False",
        "start_date": "2020-01-01T00:00:00Z",
        "loglevel": "INFO",
        "_catalog": "of Meltano",
    }
    result = command("--config=ENV", **given)
    assert result.exit_code == 0
    assert len(result.follows("rapidapi")) == 5
    assert {request.count for request in sandbox.requests} == {2}
    assert result.text("WARNING") == ""


def test_wrong_environment_variable_is_named_without_its_value() -> None:
    result = command(
        "--config=ENV",
        usernames="ann,ben",
        rapidapi_key=CANARY,
        page_size="4711x",
        max_tries="1.5",
        full_scan_on_loss="ture",
        stream_maps="{",
        concurency="4711",
    )
    assert (result.exit_code, result.stdout) == (1, "")
    assert "4711" not in result.stderr
    assert result.last_line.startswith("The config has 5 problems: ")
    for words in (
        f"{PREFIX}PAGE_SIZE must be a whole number from 1 to 100",
        f"{PREFIX}MAX_TRIES must be a whole number from 1 to 20",
        f"{PREFIX}FULL_SCAN_ON_LOSS must be true or false",
        f"{PREFIX}STREAM_MAPS must be an object",
        "`concurency` is not a setting (did you mean `concurrency`?)",
    ):
        assert words in result.last_line


def test_help_says_what_the_tap_does() -> None:
    assert "Extract who thousands of TikTok accounts follow" in command("--help").stdout


def test_no_config() -> None:
    result = command()
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.last_line == (
        "The config has 2 problems: no usernames are configured (set `usernames` or "
        "`usernames_path`); no credentials are configured (set `research_client_key` and "
        "`research_client_secret`, or `research_access_token`, or `rapidapi_key`)."
    )


NO_COMMA = b'{\n  "usernames": ["ann"]\n  "shard": "1/2"\n}'


@pytest.mark.parametrize(
    ("option", "content", "says"),
    [
        ("--config", None, "can't be read (No such file or directory)"),
        ("--config", b"7", "is not a JSON object"),
        ("--config", NO_COMMA, "is not JSON (Expecting ',' delimiter, line 3, column 3)"),
        ("--catalog", NO_COMMA, "is not JSON (Expecting ',' delimiter, line 3, column 3)"),
        ("--catalog", "{}".encode("utf-16"), "is not JSON in UTF-8"),  # as of PowerShell
        ("--catalog", b'{"streams": [{}]}', "is not a catalog as `--discover` prints it"),
    ],
)
def test_file_that_cannot_be_used(
    tmp_path: Path, option: str, content: bytes | None, says: str
) -> None:
    path, good = tmp_path / "other.json", tmp_path / "good.json"
    good.write_text(json.dumps({**GOOD, "rapidapi_max_requests": 0}), encoding="utf-8")
    if content is not None:
        path.write_bytes(content)
    config = [] if option == "--config" else [f"--config={good}"]
    result = command(*config, f"{option}={path}")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.text("ERROR") == f"{path}, given by {option}, {says}."
