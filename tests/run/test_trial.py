"""`--test`: one line per provider, and no wrong key passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox import Fault, Sandbox, World
from tests.harness import PROVIDERS, Run, command, follows_of, run, run_process, settings

WRONG = {"research": "research_client_secret", "rapidapi": "rapidapi_key"}


@pytest.fixture(autouse=True)
def _lists(sandbox: Sandbox) -> None:
    lists = {"ann": follows_of("ann", 250), "empty": []}
    sandbox.world = World.of(lists, private={"shut"})


def try_out(sandbox: Sandbox, usernames: list[str], *args: Any, **more: Any) -> Run:
    return run(settings(sandbox, usernames, *args, **more), test=True)


def told(result: Run, level: str) -> list[str]:
    """Return what is said of the providers, that of RapidAPI first."""
    names = tuple(f"{provider}_following: " for provider in PROVIDERS)
    return sorted(line for line in result.text(level).splitlines() if line.startswith(names))


def of_both(words: str) -> list[str]:
    return [f"{provider}_following: {words}" for provider in sorted(PROVIDERS)]


def requests_for_lists(sandbox: Sandbox) -> int:
    return sum(request.username is not None for request in sandbox.requests)


def test_command_reads_one_page_of_each_provider(sandbox: Sandbox, tmp_path: Path) -> None:
    words = [*command(tmp_path, settings(sandbox, ["ann", "empty"])), "--test"]
    ended = run_process(words)
    assert ended.exit_code == 0
    for line in of_both("the credentials work: read 100 accounts on the first page of ann."):
        assert line in ended.stderr
    assert "ERROR" not in ended.stderr
    assert "WARNING" not in ended.stderr
    assert ended.stdout.count('"type":"RECORD"') == 2
    assert requests_for_lists(sandbox) == 2


def test_usernames_are_tried_until_one_has_a_list(sandbox: Sandbox, tmp_path: Path) -> None:
    """An unknown or malformed one does not make good credentials look wrong."""
    path = tmp_path / "usernames.txt"
    path.write_text("no name", encoding="utf-8")
    result = try_out(sandbox, ["nobody", "shut", "empty"], usernames_path=str(path))
    assert (result.exit_code, result.text("ERROR")) == (0, "")
    skipped = [line.partition(" (")[0] for line in told(result, "WARNING")]
    assert skipped == sorted(
        of_both("skipped nobody: not found") + of_both("skipped shut: private")
    )
    words = "the credentials work: read 0 accounts on the first page of empty."
    assert told(result, "INFO") == of_both(words)


def test_ten_usernames_without_a_list_are_good_news_about_the_credentials(
    sandbox: Sandbox,
) -> None:
    result = try_out(sandbox, [f"nobody{number}" for number in range(12)])
    assert (result.exit_code, result.text("ERROR")) == (0, "")
    words = "the credentials work, but 10 usernames had no readable list."
    assert told(result, "INFO") == of_both(words)
    assert requests_for_lists(sandbox) == 20


@pytest.mark.parametrize("provider", [*PROVIDERS, None], ids=str)
@pytest.mark.parametrize("names", [["ann"], ["nobody", "shut"]])
def test_wrong_key_never_passes(
    sandbox: Sandbox, names: list[str], provider: str | None
) -> None:
    """And the other provider is tested all the same."""
    wrong = [provider] if provider else sorted(PROVIDERS)
    secrets = {WRONG[name]: "canary-4711" for name in wrong}
    result = try_out(sandbox, names, **secrets)
    assert result.exit_code == 1
    assert result.text("ERROR") == result.last_line
    for name in wrong:
        assert f"{name}_following: " in result.last_line
        assert f"`{WRONG[name]}`" in result.last_line
    passed = [
        line.partition(":")[0] for line in told(result, "INFO") if "credentials work" in line
    ]
    assert passed == [f"{name}_following" for name in sorted({*PROVIDERS} - {*wrong})]
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
