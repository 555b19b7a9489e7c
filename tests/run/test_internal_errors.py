"""An error in the tap itself: one list fails, nothing is lost, and it is no success."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox import World
from tap_tiktok_following.run.reader import Reader
from tap_tiktok_following.scan.listing import list_page
from tests.harness import bookmark, each_provider, follows_of, run, settings, truth

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

NAMES = ("ann", "bad", "cat")
CANARY = "canary-4711"


@pytest.fixture(autouse=True)
def _lists(sandbox: Sandbox) -> None:
    sandbox.world = World.of({name: follows_of(name, 12) for name in NAMES})
    sandbox.scenario.boundary = "skip"


def break_page(page: int, patch: pytest.MonkeyPatch) -> None:
    """Let the scan of one list fail at one page."""

    def broken(entry: Any, progress: Any, *others: Any) -> Any:
        if (entry.username, progress.pages) == ("bad", page - 1):
            raise KeyError(CANARY)
        return list_page(entry, progress, *others)

    patch.setattr("tap_tiktok_following.scan.step.list_page", broken)


@pytest.mark.parametrize("has_file", [False, True])
@pytest.mark.parametrize("page", [1, 2, 3])
@each_provider
def test_error_at_a_page_fails_one_list_and_loses_no_record(
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    provider: str,
    page: int,
    *,
    has_file: bool,
) -> None:
    config = settings(sandbox, NAMES, provider, page_size=4)
    if has_file:
        config["responses_path"] = str(tmp_path / "responses.db")
    with monkeypatch.context() as patch:
        break_page(page, patch)
        first = run(config)
    rows = first.scans(provider)
    assert {name: row["outcome"] for name, row in rows.items()} == {
        "ann": "complete",
        "bad": "failed",
        "cat": "complete",
    }
    assert rows["bad"]["reason"] == "an error in this tap (KeyError), please report it"
    assert rows["bad"]["requests"] == page
    assert first.exit_code == 1
    assert first.last_line.startswith(
        f"{provider}_following: could not read bad (an error in this tap (KeyError), please "
        "report it): run again"
    )
    assert CANARY not in first.text("INFO")
    assert len(first.follows(provider, "bad")) == 4 * (page - 1)
    assert bookmark(first.state, provider, "bad") is None

    second = run(config, first.state)
    assert second.exit_code == 0
    sent = {*first.follows(provider), *second.follows(provider)}
    assert sent == truth(sandbox, *NAMES)
    assert second.scans(provider)["bad"]["outcome"] == "complete"


@pytest.mark.parametrize("broken", [("bad",), NAMES], ids=["one list", "every list"])
@each_provider
def test_worker_that_dies_is_never_a_success(
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    provider: str,
    broken: tuple[str, ...],
) -> None:
    """Every list has a row, and the others are read."""

    def make_reader(entry: Any, *others: Any) -> Reader:
        if entry.username in broken:
            raise KeyError(CANARY)
        return Reader(entry, *others)

    monkeypatch.setattr("tap_tiktok_following.run.run.Reader", make_reader)
    ended = run(settings(sandbox, NAMES, provider, concurrency=2))
    outcomes = {name: row["outcome"] for name, row in ended.scans(provider).items()}
    read = set(NAMES) - set(broken)
    assert outcomes == {**dict.fromkeys(NAMES, "failed"), **dict.fromkeys(read, "complete")}
    assert set(ended.follows(provider)) == truth(sandbox, *read)
    assert ended.exit_code == 1
    assert "an error in this tap, please report it" in ended.last_line
    assert "All lists that were due were read" not in ended.text()
