"""A wrong config ends in one sentence that lists every problem at once, without a secret."""

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
PREFIX = "TAP_TIKTOK_FOLLOWING_"
NO_CREDENTIALS = (
    "no credentials are configured (set `research_client_key` and "
    "`research_client_secret`, or `research_access_token`, or `rapidapi_key`)"
)


def problem(**config: Any) -> str:
    """The one problem of a config."""
    result = run({**GOOD, **config})
    assert (result.exit_code, result.stdout) == (1, "")
    assert "4711" not in result.stderr
    assert result.text("ERROR") == result.last_line
    return result.last_line.removeprefix("The config has a problem: ").removesuffix(".")


BOUNDED = {
    name: schema
    for name, schema in SETTINGS.to_dict()["properties"].items()
    if "minimum" in schema
}


@pytest.mark.parametrize("name", BOUNDED)
def test_number_out_of_range(name: str) -> None:
    low, high = BOUNDED[name]["minimum"], BOUNDED[name].get("maximum")
    wanted = f"{low} or more" if high is None else f"from {low} to {high}"
    words = f"`{name}` must be a whole number {'of ' if high is None else ''}{wanted}"
    wrong = [low - 1, "7", 1.5, True] + ([] if high is None else [high + 1])
    assert {problem(**{name: value}) for value in wrong} == {words}


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"on_quota_exhausted": "Fail"}, "`on_quota_exhausted` must be `fail` or `stop`"),
        ({"on_username_failure": 1}, "`on_username_failure` must be `fail` or `continue`"),
        ({"full_scan_on_loss": "yes"}, "`full_scan_on_loss` must be true or false"),
        ({"usernames": "ann"}, "`usernames` must be a list of strings"),
        ({"usernames": ["ann", 7]}, "`usernames` must be a list of strings"),
        ({"usernames": ["ann", "a b"]}, "`usernames` contains 'a b', which is not a username"),
        (
            {"usernames": []},
            "no usernames are configured (set `usernames` or `usernames_path`)",
        ),
        ({"rapidapi_key": ""}, NO_CREDENTIALS),
        ({"rapidapi_key": None}, NO_CREDENTIALS),
        (
            {"research_client_key": CANARY},
            "`research_client_key` is set without `research_client_secret`",
        ),
        (
            {"research_client_secret": CANARY, "rapidapi_key": None},
            "`research_client_secret` is set without `research_client_key`",
        ),
        ({"shard": "9/8"}, "`shard` must be a number and the number of shards, such as 3/8"),
        (
            {"start_date": "31.01.2026"},
            "`start_date` must be a time such as 2026-01-31T00:00:00Z",
        ),
        (
            {"user_agent": "me\r\nX-Evil: 1"},
            "`user_agent` contains a character that is not allowed in a header",
        ),
        ({"concurency": 4711}, "`concurency` is not a setting (did you mean `concurrency`?)"),
        ({"Page_Size": 4711}, "`Page_Size` is not a setting (did you mean `page_size`?)"),
        (
            {"max_requests": 4711},
            "`max_requests` is not a setting (did you mean `research_max_requests`?)",
        ),
        ({"stream_map": {}}, "`stream_map` is not a setting (did you mean `stream_maps`?)"),
        ({"answers_path": "x"}, "`answers_path` is now called `responses_path`"),
        (
            {"refresh_after_days": 1},
            "`refresh_after_days` is now called `full_scan_after_days`",
        ),
        ({"refresh_on_loss": True}, "`refresh_on_loss` is now called `full_scan_on_loss`"),
        (
            {"revisit_after_hours": 1},
            "`revisit_after_hours` is now called `rescan_after_hours`",
        ),
    ],
    ids=str,
)
def test_wrong_setting(config: dict[str, Any], says: str) -> None:
    assert problem(**config) == says


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    "value",
    [47_114_711, [CANARY], {CANARY: CANARY}, f"{CANARY}\n", f" {CANARY}", f"{CANARY}ä"],
)
def test_wrong_secret_is_named_but_not_shown(name: str, value: object) -> None:
    pair = {"research_client_key": CANARY, "research_client_secret": CANARY}
    wrong = (
        "contains a character that is not allowed in a key"
        if isinstance(value, str)
        else "must be a string"
    )
    assert problem(**{**pair, name: value}) == f"`{name}` {wrong}"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1.example.com", "must start with https://"),
        ("http://10.0.0.1", "must start with https://"),
        ("example.com", "must be a URL such as https://example.com"),
        ("", "must be a URL such as https://example.com"),
        ("file:///etc/passwd", "must be a URL such as https://example.com"),
        ("https://", "must be a URL such as https://example.com"),
        ("https://me:4711@example.com", "must be a base URL without user, query and fragment"),
        ("https://example.com/?x=4711", "must be a base URL without user, query and fragment"),
        ("https://[example.com", "must be a URL such as https://example.com"),
        ("https://example.com:99999", "must be a URL such as https://example.com"),
    ],
)
@pytest.mark.parametrize("name", ["research_api_url", "rapidapi_api_url"])
def test_wrong_url(name: str, url: str, says: str) -> None:
    assert problem(**{name: url}) == f"`{name}` {says}"


def test_every_problem_is_listed_at_once_before_any_request(sandbox: Sandbox) -> None:
    config = {
        **settings(sandbox, ["a b"]),
        "page_size": 0,
        "start_date": "soon",
        "rapidapi_key": 4711,
        "research_client_secret": None,
        "rapidapi_api_url": "http://example.com",
        "pagesize": 3,
    }
    result = run(config)
    assert (result.exit_code, result.stdout, sandbox.requests) == (1, "", [])
    assert result.last_line.startswith("The config has 7 problems: ")
    for name in (*config.keys() - settings(sandbox, []).keys(), "`usernames` contains 'a b'"):
        assert name in result.last_line


@pytest.mark.parametrize(
    "more",
    [
        {"start_date": "2023-01-31T00:00:00.123+01:00"},
        {"start_date": "2023-01-31"},
        {"full_scan_after_days": None, "start_date": None, "user_agent": None},
        {"user_agent": "me/1.0 (mail@example.com)", "stream_maps": {}},
    ],
    ids=str,
)
def test_right_config(sandbox: Sandbox, more: dict[str, Any]) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 2)})
    result = run(settings(sandbox, ["ann"], "rapidapi", **more))
    assert (result.exit_code, len(result.follows("rapidapi"))) == (0, 2)
    assert result.text("WARNING") == ""


def test_foreign_setting_is_ignored_with_a_warning(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"ann": []})
    result = run(settings(sandbox, ["ann"], "rapidapi", colour=CANARY))
    assert result.exit_code == 0
    assert result.text("WARNING") == "`colour` is not a setting and is ignored."


# The command itself, as a process.


def command(*arguments: str, **variables: str) -> Run:
    words = [sys.executable, "-m", "tap_tiktok_following", *arguments]
    done = subprocess.run(
        words, env=bare(**variables), capture_output=True, encoding="utf-8", check=False
    )
    return Run(done.returncode, done.stdout, done.stderr)


def sentence(result: Run) -> str:
    """The one sentence with which a run ended, and nothing else."""
    assert "Traceback" not in result.stderr
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.text("ERROR") == result.last_line
    assert result.last_line.endswith(".")
    return result.last_line


def test_environment_variables_are_settings_and_empty_ones_are_not_set(
    sandbox: Sandbox,
) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3), "ben": follows_of("ben", 2)})
    variables = {
        **sandbox.env,
        f"{PREFIX}USERNAMES": '["ann", "@Ben"]',
        f"{PREFIX}PAGE_SIZE": "2",
        f"{PREFIX}FULL_SCAN_ON_LOSS": "False",
        f"{PREFIX}START_DATE": "2020-01-01T00:00:00Z",
        **{
            f"{PREFIX}{name}": "" for name in ("RESEARCH_CLIENT_KEY", "RESEARCH_CLIENT_SECRET")
        },
        **{
            f"{PREFIX}{name}": "" for name in ("MAX_TRIES", "STREAM_MAPS", "SHARD", "MAX_TRYS")
        },
        f"{PREFIX}LOGLEVEL": "INFO",
        f"{PREFIX}_CATALOG": "of Meltano",
    }
    result = command("--config=ENV", **variables)
    assert result.exit_code == 0
    assert len(result.follows("rapidapi")) == 5
    assert {request.count for request in sandbox.requests} == {2}
    assert result.text("WARNING") == ""


def test_wrong_environment_variable_is_named_without_its_value() -> None:
    wrong = {
        "PAGE_SIZE": "4711x",
        "MAX_TRIES": "1.5",
        "FULL_SCAN_ON_LOSS": "ture",
        "STREAM_MAPS": "{",
        "CONCURENCY": "4711",
    }
    given = {"USERNAMES": "ann,ben", "RAPIDAPI_KEY": CANARY, **wrong}
    result = command("--config=ENV", **{PREFIX + name: value for name, value in given.items()})
    assert "4711" not in result.stderr
    said = sentence(result)
    assert said.startswith("The config has 5 problems: ")
    assert f"{PREFIX}PAGE_SIZE must be a whole number from 1 to 100" in said
    assert f"{PREFIX}MAX_TRIES must be a whole number from 1 to 20" in said
    assert f"{PREFIX}FULL_SCAN_ON_LOSS must be true or false" in said
    assert f"{PREFIX}STREAM_MAPS must be an object" in said
    assert "`concurency` is not a setting (did you mean `concurrency`?)" in said


def test_no_config() -> None:
    said = sentence(command())
    assert "no usernames are configured" in said
    assert NO_CREDENTIALS in said


def with_file(folder: Path, option: str, content: bytes | None) -> Run:
    """Run the tap, which may send no request, with this file; None for no file."""
    good, other = folder / "good.json", folder / "other.json"
    good.write_text(json.dumps({**GOOD, "rapidapi_max_requests": 0}), encoding="utf-8")
    if content is not None:
        other.write_bytes(content)
    config = [] if option == "--config" else ["--config", str(good)]
    return command(*config, option, str(other))


@pytest.mark.parametrize("option", ["--config", "--state", "--catalog"])
def test_missing_file(option: str, tmp_path: Path) -> None:
    result = with_file(tmp_path, option, None)
    assert "Traceback" not in result.stderr
    assert result.exit_code != 0
    assert "other.json" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("option", ["--config", "--state", "--catalog"])
@pytest.mark.parametrize("content", [b"", b"{", b"7"])
def test_broken_file(option: str, content: bytes, tmp_path: Path) -> None:
    assert f"other.json, given by {option}, " in sentence(with_file(tmp_path, option, content))


@pytest.mark.parametrize("option", ["--config", "--catalog"])
def test_json_error_names_line_and_column(option: str, tmp_path: Path) -> None:
    result = with_file(tmp_path, option, b'{\n  "usernames": ["ann"]\n  "shard": "1/2"\n}')
    words = "is not JSON (Expecting ',' delimiter, line 3, column 3)."
    assert sentence(result).endswith(f"other.json, given by {option}, {words}")


@pytest.mark.parametrize("option", ["--config", "--catalog"])
def test_file_in_another_encoding(option: str, tmp_path: Path) -> None:
    """As PowerShell writes it."""
    result = with_file(tmp_path, option, "{}".encode("utf-16"))
    assert sentence(result).endswith(f"given by {option}, is not JSON in UTF-8.")


def test_missing_package_for_a_socks_proxy_is_named(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    config = {
        **settings(sandbox, ["ann"], "rapidapi"),
        "rapidapi_api_url": "https://a.example",
        "page_size": 0,
    }
    path.write_text(json.dumps(config), encoding="utf-8")
    result = command("--config", str(path), HTTPS_PROXY="socks5://127.0.0.1:9")
    assert sentence(result).startswith("The config has 2 problems: ")
    assert result.last_line.endswith("a SOCKS proxy needs the package PySocks.")


def test_every_setting_is_described_and_secrets_are_marked() -> None:
    properties = SETTINGS.to_dict()["properties"]
    assert all(s["title"] and s["description"].endswith(".") for s in properties.values())
    assert {name for name, schema in properties.items() if schema.get("secret")} == {*SECRETS}
