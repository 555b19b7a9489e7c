"""An error in the tap itself: one list fails, nothing is lost, and it is no success."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox, World
from tests.harness import bookmark, follows_of, run, settings, truth

NAMES = ("ann", "bad", "cat")
CANARY = "canary-4711"


class Death(BaseException):
    """What no code expects: it ends the thread."""


@pytest.fixture(autouse=True)
def _lists(sandbox: Sandbox) -> None:
    sandbox.world = World.of({name: follows_of(name, 12) for name in NAMES})
    sandbox.scenario.boundary = "skip"


def break_at(accounts: set[str], error: BaseException, patch: pytest.MonkeyPatch) -> None:
    """Let the tap fail at these accounts, whose usernames it hashes."""
    real = hashlib.blake2b

    def blake2b(content: bytes, **more: Any) -> Any:
        if content.decode() in accounts:
            raise error
        return real(content, **more)

    patch.setattr(hashlib, "blake2b", blake2b)


@pytest.mark.parametrize("page", [1, 3])
def test_error_at_a_page_fails_one_list_and_loses_no_record(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """With a response file, which has that page when the next run starts."""
    path = str(tmp_path / "responses.db")
    config = settings(sandbox, NAMES, "research", page_size=4, responses_path=path)
    with monkeypatch.context() as patch:
        break_at({f"bad.{4 * page - 1}"}, KeyError(CANARY), patch)
        first = run(config)
    rows = first.scans("research")
    outcomes = {name: row["outcome"] for name, row in rows.items()}
    assert outcomes == {"ann": "complete", "bad": "failed", "cat": "complete"}
    assert rows["bad"]["reason"] == "an error in this tap (KeyError), please report it"
    assert rows["bad"]["requests"] == page
    assert first.exit_code == 1
    assert f"could not read bad ({rows['bad']['reason']}): run again" in first.last_line
    assert CANARY not in first.text("INFO")
    assert len(first.follows("research", "bad")) == 4 * (page - 1)
    assert bookmark(first.state, "research", "bad") is None

    second = run(config, first.state)
    assert second.exit_code == 0
    sent = {*first.follows("research"), *second.follows("research")}
    assert sent == truth(sandbox, *NAMES)
    assert second.scans("research")["bad"]["outcome"] == "complete"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("broken", [("bad",), NAMES], ids=["one list", "every list"])
def test_worker_that_dies_is_never_a_success(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, broken: tuple[str, ...]
) -> None:
    """Every list has a row, those that no worker was left for too; the others are read."""
    break_at({f"{name}.0" for name in broken}, Death(CANARY), monkeypatch)
    ended = run(settings(sandbox, NAMES, "research", concurrency=2))
    for thread in threading.enumerate():
        if thread.name.startswith("worker"):
            thread.join()  # else its error is reported in another test
    outcomes = {name: row["outcome"] for name, row in ended.scans("research").items()}
    read = set(NAMES) - set(broken)
    assert outcomes == {**dict.fromkeys(NAMES, "failed"), **dict.fromkeys(read, "complete")}
    assert set(ended.follows("research")) == truth(sandbox, *read)
    assert ended.exit_code == 1
    assert "an error in this tap, please report it" in ended.last_line
    assert "All lists that were due were read" not in ended.text()
