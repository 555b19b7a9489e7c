"""`--test`: one line per provider, and no wrong key passes."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Fault, Scenario, World
from tests.harness import (
    PROVIDERS,
    Run,
    bare,
    command,
    each_provider,
    follows_of,
    settings,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Sandbox


WRONG = {
    "research": ("research_client_secret", "`research_client_secret`"),
    "rapidapi": ("rapidapi_key", "check `rapidapi_key`"),
}


def run_test(folder: Path, config: dict[str, Any]) -> Run:
    words = [*command(folder, config), "--test"]
    done = subprocess.run(
        words, env=bare(), capture_output=True, encoding="utf-8", check=False
    )
    result = Run(done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in result.stderr
    return result


def told(result: Run, level: str | None = None) -> Iterator[str]:
    """What is said of the providers."""
    for line in result.text(level).splitlines():
        if line.startswith(("research_following: ", "rapidapi_following: ")):
            yield line


def test_good_credentials_of_both_providers(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 250), "ben": []})
    result = run_test(tmp_path, settings(sandbox, ["ann", "ben"]))
    assert result.exit_code == 0
    assert result.text("ERROR") == result.text("WARNING") == ""
    assert list(told(result)) == [
        f"{provider}_following: the credentials work: "
        "read 100 accounts on the first page of ann."
        for provider in sorted(PROVIDERS)
    ]
    for provider in PROVIDERS:
        assert len(result.follows(provider)) == 1
        pages = [r for r in sandbox.requests if (r.provider, r.username) == (provider, "ann")]
        assert len(pages) == 1


def test_an_empty_list_passes_too(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.world = World.of({"ann": []})
    result = run_test(tmp_path, settings(sandbox, ["ann"], "rapidapi"))
    assert result.exit_code == 0
    assert list(told(result, "INFO")) == [
        ("rapidapi_following: the credentials work: read 0 accounts on the first page of ann.")
    ]


@each_provider
def test_the_next_username_is_tried(sandbox: Sandbox, tmp_path: Path, provider: str) -> None:
    """An unknown first one does not make good credentials look wrong."""
    sandbox.world = World.of({"ann": follows_of("ann", 1)}, private={"shut"})
    result = run_test(tmp_path, settings(sandbox, ["nobody", "shut", "ann"], provider))
    assert (result.exit_code, result.text("ERROR")) == (0, "")
    first, second = told(result, "WARNING")
    assert first.startswith(f"{provider}_following: skipped nobody: not found (")
    assert second.startswith(f"{provider}_following: skipped shut: private (")
    assert list(told(result, "INFO")) == [
        (
            f"{provider}_following: the credentials work: "
            "read 1 account on the first page of ann."
        )
    ]
    assert result.follows(provider) == [("ann", "ann.0")]


@each_provider
def test_nobody_with_a_list(sandbox: Sandbox, tmp_path: Path, provider: str) -> None:
    """It ends after ten, with good news about the credentials."""
    names = [f"shut{number}" for number in range(12)]
    sandbox.world = World.of({}, private=names)
    result = run_test(tmp_path, settings(sandbox, names, provider))
    assert (result.exit_code, result.text("ERROR")) == (0, "")
    assert list(told(result, "INFO")) == [
        (f"{provider}_following: the credentials work, but 10 usernames had no readable list.")
    ]
    assert len([r for r in sandbox.requests if r.provider == provider]) == 10


@each_provider
@pytest.mark.parametrize("names", [["ann"], ["nobody", "shut"]])
def test_a_wrong_key_never_passes(
    sandbox: Sandbox, tmp_path: Path, provider: str, names: list[str]
) -> None:
    """And the other provider is tested all the same."""
    sandbox.world = World.of({"ann": follows_of("ann", 250)}, private={"shut"})
    setting, advice = WRONG[provider]
    result = run_test(tmp_path, {**settings(sandbox, names), setting: "canary-4711"})
    [other] = {*PROVIDERS} - {provider}
    assert result.exit_code == 1
    assert list(told(result, "ERROR")) == [result.last_line]
    assert result.last_line.startswith(f"{provider}_following: ")
    assert advice in result.last_line
    [passed] = told(result, "INFO")
    assert passed.startswith(f"{other}_following: the credentials work")
    assert "4711" not in result.stderr


def test_two_wrong_keys(sandbox: Sandbox, tmp_path: Path) -> None:
    wrong = {setting: "canary-4711" for setting, _ in WRONG.values()}
    result = run_test(tmp_path, {**settings(sandbox, ["ann"]), **wrong})
    assert result.exit_code == 1
    assert result.text("ERROR") == result.last_line
    assert all(advice in result.last_line for _, advice in WRONG.values())


def test_a_provider_that_fails(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    sandbox.scenario = Scenario(faults=[Fault("status", provider="rapidapi")])
    result = run_test(tmp_path, settings(sandbox, ["ann"]))
    assert result.exit_code == 1
    assert result.last_line.startswith(
        "rapidapi_following: could not read the list of ann: HTTP 500"
    )


def test_without_a_request_nothing_is_proved(sandbox: Sandbox, tmp_path: Path) -> None:
    config = settings(sandbox, ["ann"], "rapidapi", rapidapi_max_requests=0)
    result = run_test(tmp_path, config)
    assert result.exit_code == 1
    assert "`rapidapi_max_requests`" in result.last_line
    assert sandbox.requests == []


def test_a_spent_quota_is_no_wrong_key(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    sandbox.clock.advance(200 * 24 * 3600)  # to a day whose quota no other test has spent
    sandbox.scenario = Scenario(quota=0)
    result = run_test(tmp_path, settings(sandbox, ["ann"], "rapidapi"))
    assert result.exit_code == 75
    assert "quota" in result.last_line


def test_malformed_names_are_no_error(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    path = tmp_path / "usernames.txt"
    path.write_text("a b\nc d\ne f\nann\n", encoding="utf-8")
    config = {**settings(sandbox, [], "rapidapi"), "usernames_path": str(path)}
    result = run_test(tmp_path, config)
    assert (result.exit_code, result.text("ERROR")) == (0, "")
