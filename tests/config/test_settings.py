"""What can be wrong with a config: said in one sentence, all at once, without a secret."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import World
from tap_tiktok_following.config.settings import SECRETS, SETTINGS
from tests.harness import Run, bare, follows_of, run, settings

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

CANARY = "canary-4711"
GOOD = {"usernames": ["ann"], "rapidapi_key": CANARY}
WHOLE_NUMBERS = {
    "lookback_days": (0, 3650),
    "full_scan_after_days": (0, 3650),
    "rescan_after_hours": (0, 87600),
    "retry_unavailable_after_days": (0, 3650),
    "page_size": (1, 100),
    "concurrency": (1, 64),
    "research_requests_per_second": (1, 1000),
    "rapidapi_requests_per_second": (1, 1000),
    "max_tries": (1, 20),
    "request_timeout": (1, 600),
}


def problem(**config: Any) -> str:
    """What the tap says about a config with this one problem."""
    result = run({**GOOD, **config})
    assert (result.exit_code, result.stdout) == (1, "")
    assert CANARY not in result.stderr
    assert "Traceback" not in result.stderr
    (line,) = [text for level, text in result.log if level == "ERROR"]
    assert result.last_line == line
    return line.removeprefix("The config has a problem: ")


# One problem.


@pytest.mark.parametrize(
    "wrong",
    [
        *((name, low - 1) for name, (low, _) in WHOLE_NUMBERS.items()),
        *((name, high + 1) for name, (_, high) in WHOLE_NUMBERS.items()),
    ],
    ids=str,
)
def test_a_number_out_of_range(wrong: tuple[str, int]) -> None:
    name, value = wrong
    low, high = WHOLE_NUMBERS[name]
    said = problem(**{name: value})
    assert said == f"`{name}` must be a whole number from {low} to {high}."


@pytest.mark.parametrize("value", ["100", 1.5, True, [100], {}, ""], ids=repr)
def test_a_number_that_is_none(value: object) -> None:
    said = problem(page_size=value)
    assert said == "`page_size` must be a whole number from 1 to 100."


@pytest.mark.parametrize("name", ["research_max_requests", "rapidapi_max_requests"])
def test_a_negative_budget(name: str) -> None:
    assert problem(**{name: -1}) == f"`{name}` must be a whole number of 0 or more."


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("on_quota_exhausted", "`fail` or `stop`"),
        ("on_username_failure", "`fail` or `continue`"),
    ],
)
@pytest.mark.parametrize("value", ["Fail", "", 1])
def test_a_choice_that_is_none(name: str, choices: str, value: object) -> None:
    assert problem(**{name: value}) == f"`{name}` must be {choices}."


@pytest.mark.parametrize("name", [*SECRETS, "research_client_key"])
@pytest.mark.parametrize("value", [47_114_711, [CANARY], {"x": CANARY}], ids=repr)
def test_a_secret_of_the_wrong_type_is_not_shown(name: str, value: object) -> None:
    pair = {"research_client_key": CANARY, "research_client_secret": CANARY}
    result = run({**GOOD, **pair, name: value})
    assert result.exit_code == 1
    assert f"`{name}` must be a string" in result.last_line
    assert "4711" not in result.stderr


@pytest.mark.parametrize("name", ["rapidapi_key", "research_access_token"])
@pytest.mark.parametrize(
    "value", [f"{CANARY}\n", f" {CANARY}", f"{CANARY}\u00e4", f"{CANARY}\x00"]
)
def test_a_secret_that_no_header_can_carry_is_not_shown(name: str, value: str) -> None:
    said = problem(**{name: value})
    assert said == f"`{name}` contains a character that is not allowed in a key."


def test_credentials_missing() -> None:
    said = problem(rapidapi_key=None)
    assert said == (
        "no credentials are configured (set `research_client_key` and "
        "`research_client_secret`, or `research_access_token`, or `rapidapi_key`)."
    )


@pytest.mark.parametrize("value", ["", None])
def test_credentials_that_are_empty_are_missing(value: str | None) -> None:
    assert problem(rapidapi_key=value).startswith("no credentials are configured")


@pytest.mark.parametrize("more", [{}, {"rapidapi_key": None}], ids=["rapidapi too", "alone"])
@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("research_client_key", "research_client_secret"),
        ("research_client_secret", "research_client_key"),
    ],
)
def test_one_half_of_the_credentials(given: str, missing: str, more: dict[str, Any]) -> None:
    said = problem(**{given: CANARY, **more})
    assert said == f"`{given}` is set without `{missing}`."


@pytest.mark.parametrize("value", [[], None])
def test_nobody_to_ask_about(value: object) -> None:
    said = problem(usernames=value)
    assert said == "no usernames are configured (set `usernames` or `usernames_path`)."


def test_a_username_that_can_not_be_one() -> None:
    said = problem(usernames=["ann", "a b"])
    assert said == "`usernames` contains 'a b', which is not a username."


def test_usernames_that_are_no_list() -> None:
    assert problem(usernames="ann") == "`usernames` must be a list of strings."


def test_a_username_that_is_no_text() -> None:
    assert problem(usernames=["ann", 7]) == "`usernames` must be a list of strings."


def test_a_file_of_usernames_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "none.txt"
    assert problem(usernames_path=str(path)) == f"`usernames_path` ({path}) does not exist."


def test_a_file_without_a_username(tmp_path: Path) -> None:
    path = tmp_path / "none.txt"
    path.write_text("# nobody\n", encoding="utf-8")
    said = problem(usernames=None, usernames_path=str(path))
    assert said == f"`usernames_path` ({path}) contains no username."


@pytest.mark.parametrize("value", ["yesterday", "2026-13-01", "31.01.2026"])
def test_a_start_date_that_is_none(value: str) -> None:
    said = problem(start_date=value)
    assert said == "`start_date` must be a time such as 2026-01-31T00:00:00Z."


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://example.com", "must start with https://"),
        ("http://127.0.0.1.example.com", "must start with https://"),
        ("http://10.0.0.1", "must start with https://"),
        ("example.com", "must be a URL such as https://example.com"),
        ("", "must be a URL such as https://example.com"),
        ("ftp://example.com", "must be a URL such as https://example.com"),
        ("file:///etc/passwd", "must be a URL such as https://example.com"),
        ("https://", "must be a URL such as https://example.com"),
        ("https://me:pw@example.com", "must be a base URL"),
        ("https://example.com/?x=1", "must be a base URL"),
        ("https://example.com/#x", "must be a base URL"),
        ("https://[example.com", "is not a URL"),
        ("https://example.com:99999", "is not a URL"),
    ],
)
@pytest.mark.parametrize("name", ["research_api_url", "rapidapi_api_url"])
def test_a_url_that_is_none(name: str, url: str, says: str) -> None:
    assert problem(**{name: url}).startswith(f"`{name}` {says}")


def test_a_user_agent_that_no_header_can_carry() -> None:
    said = problem(user_agent="me\r\nX-Evil: 1")
    assert said == "`user_agent` contains a character that is not allowed in a header."


# Several problems.


def test_every_problem_is_listed_at_once_before_any_request(sandbox: Sandbox) -> None:
    config = {
        **settings(sandbox, ["a b"]),
        "page_size": 0,
        "on_quota_exhausted": "perhaps",
        "start_date": "soon",
        "rapidapi_key": 4711,
        "research_client_secret": None,
        "rapidapi_api_url": "http://example.com",
    }
    result = run(config)
    assert (result.exit_code, result.stdout, sandbox.requests) == (1, "", [])
    start, _, listed = result.last_line.partition(": ")
    assert start == "The config has 7 problems"
    assert sorted(listed.rstrip(".").split("; ")) == sorted(
        [
            "`page_size` must be a whole number from 1 to 100",
            "`on_quota_exhausted` must be `fail` or `stop`",
            "`rapidapi_key` must be a string",
            "`usernames` contains 'a b', which is not a username",
            "`research_client_key` is set without `research_client_secret`",
            "`start_date` must be a time such as 2026-01-31T00:00:00Z",
            "`rapidapi_api_url` must start with https://",
        ]
    )


# No problem.


@pytest.mark.parametrize(
    "more",
    [
        {"start_date": "2023-01-31T00:00:00Z"},
        {"start_date": "2023-01-31T00:00:00.123+01:00"},
        {"start_date": "2023-01-31"},
        {"full_scan_after_days": None, "start_date": None, "user_agent": None},
        {"rapidapi_requests_per_second": 1000},
        {"user_agent": "me/1.0 (mail@example.com)"},
        {"stream_maps": {}},
    ],
    ids=str,
)
def test_configs_that_are_right(sandbox: Sandbox, more: dict[str, Any]) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 2)})
    result = run(settings(sandbox, ["ann"], "rapidapi", **more))
    assert result.exit_code == 0
    assert len(result.follows("rapidapi")) == 2
    assert "is not a setting" not in result.stderr


def test_an_unknown_setting_is_warned_of(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"ann": []})
    result = run(settings(sandbox, ["ann"], "rapidapi", usrnames=["x"], colour=CANARY))
    assert result.exit_code == 0
    assert result.text("WARNING").splitlines() == [
        "`colour` is not a setting and is ignored.",
        "`usrnames` is not a setting and is ignored; did you mean `usernames`?",
    ]


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("username", "usernames"),
        ("concurency", "concurrency"),
        ("RAPIDAPI_KEY", "rapidapi_key"),
        ("pagesize", "page_size"),
        ("stream_map", "stream_maps"),
    ],
)
def test_a_misspelt_setting_says_which_was_meant(wrong: str, meant: str) -> None:
    """Beside what is wrong without it."""
    result = run({"rapidapi_key": CANARY, wrong: 4711})
    assert result.exit_code == 1
    assert result.text("WARNING") == (
        f"`{wrong}` is not a setting and is ignored; did you mean `{meant}`?"
    )
    assert "no usernames are configured" in result.last_line
    assert "4711" not in result.stderr


def test_malformed_names_in_a_file_are_skipped(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 2)})
    path = tmp_path / "usernames.txt"
    path.write_text("a b\nann\nhttps://[tiktok.com/@bob\n", encoding="utf-8")
    result = run({**settings(sandbox, [], "rapidapi"), "usernames_path": str(path)})
    assert result.exit_code == 0
    assert {name: row["outcome"] for name, row in result.scans("rapidapi").items()} == {
        "a b": "invalid",
        "https://[tiktok.com/@bob": "invalid",
        "ann": "complete",
    }
    assert "a b" in result.text("WARNING")


# The command itself, as a process.


def command(*arguments: str, **variables: str) -> Run:
    words = [sys.executable, "-m", "tap_tiktok_following", *arguments]
    done = subprocess.run(
        words, env=bare(**variables), capture_output=True, encoding="utf-8", check=False
    )
    return Run(done.returncode, done.stdout, done.stderr)


def is_one_sentence(result: Run) -> bool:
    """Whether a run ended with exit code 1, one sentence and nothing else."""
    assert "Traceback" not in result.stderr
    assert (result.exit_code, result.stdout) == (1, "")
    errors = [text for level, text in result.log if level == "ERROR"]
    return errors == [result.last_line] and result.last_line.endswith(".")


def test_environment_variables_are_settings(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3), "ben": follows_of("ben", 2)})
    prefix = "TAP_TIKTOK_FOLLOWING_"
    variables = {
        **sandbox.env,
        f"{prefix}USERNAMES": '["ann", "@Ben"]',
        f"{prefix}PAGE_SIZE": "2",
        f"{prefix}START_DATE": "2020-01-01T00:00:00Z",
        f"{prefix}RESEARCH_CLIENT_KEY": "",
        f"{prefix}RESEARCH_CLIENT_SECRET": "",
    }
    result = command("--config=ENV", **variables)
    assert result.exit_code == 0
    assert len(result.follows("rapidapi")) == 5
    assert {request.count for request in sandbox.requests} == {2}


def test_variables_that_are_no_number_are_named_without_their_value() -> None:
    result = command(
        "--config=ENV",
        TAP_TIKTOK_FOLLOWING_PAGE_SIZE="many",
        TAP_TIKTOK_FOLLOWING_MAX_TRIES="1.5",
        TAP_TIKTOK_FOLLOWING_RAPIDAPI_KEY=CANARY,
    )
    assert is_one_sentence(result)
    assert "TAP_TIKTOK_FOLLOWING_PAGE_SIZE" in result.last_line
    assert "TAP_TIKTOK_FOLLOWING_MAX_TRIES" in result.last_line
    assert "many" not in result.stderr


def test_a_misspelt_variable_says_which_was_meant(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"ann": []})
    prefix = "TAP_TIKTOK_FOLLOWING_"
    variables = {
        **sandbox.env,
        f"{prefix}USERNAMES": '["ann"]',
        f"{prefix}CONCURENCY": "4711",
        f"{prefix}LOGLEVEL": "INFO",
        f"{prefix}_CATALOG": "of Meltano",
    }
    result = command("--config=ENV", **variables)
    assert result.exit_code == 0
    assert result.text("WARNING") == (
        "`concurency` is not a setting and is ignored; did you mean `concurrency`?"
    )


@pytest.mark.parametrize("value", ["{", "two", ""])
def test_a_variable_that_is_no_object(value: str) -> None:
    result = command("--config=ENV", TAP_TIKTOK_FOLLOWING_STREAM_MAPS=value)
    assert is_one_sentence(result)
    assert result.last_line == "TAP_TIKTOK_FOLLOWING_STREAM_MAPS must be an object."


def test_no_config_at_all() -> None:
    result = command()
    assert is_one_sentence(result)
    assert "no usernames are configured" in result.last_line
    assert "no credentials are configured" in result.last_line


@pytest.mark.parametrize("option", ["--config", "--state", "--catalog"])
def test_a_file_that_is_not_there(option: str, tmp_path: Path) -> None:
    result = _with_file(tmp_path, option, None)
    assert "Traceback" not in result.stderr
    assert result.exit_code != 0
    assert "other.json" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("option", "content"),
    [
        ("--config", "{"),
        ("--config", "null"),
        ("--config", "[]"),
        ("--state", ""),
        ("--state", "{"),
        ("--state", "[]"),
        ("--state", "null"),
        ("--catalog", "{"),
        ("--catalog", "[]"),
    ],
)
def test_a_file_that_is_broken(option: str, content: str, tmp_path: Path) -> None:
    assert is_one_sentence(_with_file(tmp_path, option, content))


@pytest.mark.parametrize("option", ["--config", "--catalog"])
def test_a_file_in_another_encoding(option: str, tmp_path: Path) -> None:
    """As PowerShell writes it."""
    result = _with_file(tmp_path, option, "{}", encoding="utf-16")
    assert is_one_sentence(result)
    assert f"other.json, given by {option}, is not JSON in UTF-8." in result.last_line


def _with_file(folder: Path, option: str, content: str | None, encoding: str = "utf-8") -> Run:
    """Run the tap, which may send no request, with this file; None for no file at all."""
    good, other = folder / "good.json", folder / "other.json"
    good.write_text(json.dumps({**GOOD, "rapidapi_max_requests": 0}), encoding="utf-8")
    if content is not None:
        other.write_text(content, encoding=encoding)
    config = [] if option == "--config" else ["--config", str(good)]
    return command(*config, option, str(other))


def test_every_setting_says_what_it_is_for() -> None:
    for name, schema in SETTINGS.to_dict()["properties"].items():
        assert schema["description"].endswith("."), name
        assert schema["title"], name


def test_secrets_are_marked_as_such() -> None:
    properties = SETTINGS.to_dict()["properties"]
    marked = {name for name, schema in properties.items() if schema.get("secret")}
    assert marked == set(SECRETS)
