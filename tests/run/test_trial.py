"""`--test`: one line per provider, and no wrong key passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox import Fault, Sandbox, World
from tests.harness import PROVIDERS, Run, command, follows_of, run, run_process, settings

WRONG = {"research": "research_client_secret", "rapidapi": "rapidapi_key"}
WORK = "rapidapi_following: the credentials work"


@pytest.fixture(autouse=True)
def _lists(sandbox: Sandbox) -> None:
    lists = {"ann": follows_of("ann", 250), "empty": []}
    sandbox.world = World.of(lists, private={"shut"})


def try_out(sandbox: Sandbox, usernames: list[str], *args: Any, **more: Any) -> Run:
    return run(settings(sandbox, usernames, *args, **more), test=True)


def test_command_reads_one_page_of_each_provider(sandbox: Sandbox, tmp_path: Path) -> None:
    words = [*command(tmp_path, settings(sandbox, ["ann", "empty"])), "--test"]
    ended = run_process(words)
    assert ended.exit_code == 0
    found = "the credentials work: read 100 accounts on the first page of ann."
    assert all(f"{provider}_following: {found}" in ended.stderr for provider in PROVIDERS)
    assert "ERROR" not in ended.stderr
    assert "WARNING" not in ended.stderr
    assert ended.stdout.count('"type":"RECORD"') == 2
    assert [r.username for r in sandbox.requests if r.username] == ["ann", "ann"]


def test_usernames_are_tried_until_one_has_a_list(sandbox: Sandbox, tmp_path: Path) -> None:
    """An unknown or malformed one does not make good credentials look wrong."""
    path = tmp_path / "usernames.txt"
    path.write_text("no name", encoding="utf-8")
    names = ["nobody", "shut", "empty"]
    result = try_out(sandbox, names, "rapidapi", usernames_path=str(path))
    assert (result.exit_code, result.text("ERROR")) == (0, "")
    for skipped in ("skipped nobody: not found (", "skipped shut: private ("):
        assert f"rapidapi_following: {skipped}" in result.text("WARNING")
    assert f"{WORK}: read 0 accounts on the first page of empty." in result.text("INFO")


def test_ten_usernames_without_a_list_are_good_news_about_the_credentials(
    sandbox: Sandbox,
) -> None:
    result = try_out(sandbox, [f"nobody{number}" for number in range(12)], "rapidapi")
    assert (result.exit_code, result.text("ERROR")) == (0, "")
    assert f"{WORK}, but 10 usernames had no readable list." in result.text("INFO")
    assert len(sandbox.requests) == 10


@pytest.mark.parametrize("wrong", [["research"], ["rapidapi"], [*PROVIDERS]], ids=str)
@pytest.mark.parametrize("names", [["ann"], ["nobody", "shut"]])
def test_wrong_key_never_passes(sandbox: Sandbox, names: list[str], wrong: list[str]) -> None:
    """And the other provider is tested all the same."""
    result = try_out(sandbox, names, **{WRONG[name]: "canary-4711" for name in wrong})
    assert result.exit_code == 1
    assert result.text("ERROR") == result.last_line
    for name in PROVIDERS:
        is_wrong = name in wrong
        assert (f"{name}_following: " in result.last_line) == is_wrong
        assert (f"`{WRONG[name]}`" in result.last_line) == is_wrong
        has_passed = f"{name}_following: the credentials work" in result.text("INFO")
        assert has_passed != is_wrong
    assert "4711" not in result.stderr


@pytest.mark.parametrize(
    ("fault", "more", "code", "says"),
    [
        (Fault("status"), {}, 1, "could not read the list of ann: HTTP 500"),
        (None, {"rapidapi_max_requests": 0}, 1, "`rapidapi_max_requests` (0) is reached"),
        (Fault("retry_after", value="900"), {}, 75, "the provider asks to wait until"),
        (None, {"shard": "1/2"}, 1, "there is no username to test the credentials with"),
    ],
    ids=["server error", "no request", "long wait", "no username in the shard"],
)
def test_what_else_does_not_pass(
    sandbox: Sandbox, fault: Fault | None, more: dict[str, Any], code: int, says: str
) -> None:
    sandbox.scenario.faults = [fault] if fault else []
    result = try_out(sandbox, ["ann"], "rapidapi", **more)
    assert result.exit_code == code
    assert says in result.last_line
