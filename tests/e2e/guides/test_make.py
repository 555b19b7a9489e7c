"""What the README and CONTRIBUTING.md tell to do in a clone of this repository."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.documents import ROOT, prose, runs
from tests.e2e.processes import needs_shell
from tests.e2e.project import Project
from tests.e2e.warehouses import DuckDB
from tests.harness import PROVIDERS, environment

if TYPE_CHECKING:
    from tests.documents import Section

pytestmark = needs_shell

NEWS = re.compile(r"│ \w+_\w+ |[├└]")
"""How rows of the tables of news start, and the lines around them."""

CHECKS = ("ruff check", "ruff format --check", "mypy", "pytest")


@pytest.fixture
def clone(tmp_path: Path) -> Project:
    return Project(tmp_path, {})


@runs("README.md", "Try it")
def test_the_demo(section: Section, clone: Project) -> None:
    """The rows it counts are there, and it prints what the README shows.

    How much news there is to show is up to the machine.
    """
    demo, shown, test = section
    printed = clone.reader.follow([demo])
    warehouse = DuckDB(clone.folder / "output", "sandbox.duckdb")
    for provider in PROVIDERS:
        rows = len(warehouse.rows(f"{provider}_following"))
        scans = warehouse.rows(f"{provider}_scans")
        first = [row["accounts_sent"] for row in scans if not row["previous_scanned_at"]]
        table = [0, sum(first), rows, rows - sum(first)]
        assert counts(printed, f"{provider}_following") == table
        assert counts(printed, f"{provider}_scans") == [0, 40, 80, 40]
        assert rows == sum(row["accounts_sent"] for row in scans) > 3000
    for event in ("appeared", "disappeared"):
        news = warehouse.rows("follow_events", "main_tiktok_following")
        assert [row for row in news if row["event"] == event]
    assert (clone.folder / "output" / "follows.png").read_bytes().startswith(b"\x89PNG")

    lines = iter(map(shape, printed.splitlines()))
    expected = [line for line in shown.text.splitlines() if not NEWS.match(line)]
    assert all(shape(line) in lines for line in expected)
    assert all(check in clone.reader.follow([test]) for check in CHECKS)


def counts(printed: str, stream: str) -> list[int]:
    """The numbers of a line of the table that the demo prints."""
    [line] = re.findall(rf"^  {stream} (.+)$", printed, re.MULTILINE)
    return [int(number.replace(",", "")) for number in line.split()]


def shape(line: str) -> str:
    """A line without what is different in every run: numbers and widths."""
    return re.sub(r"[\d,]+", "0", re.sub(r"─+| +", " ", line))


@runs("CONTRIBUTING.md", "Set up")
def test_setting_up(section: Section, clone: Project) -> None:
    test, hooks = section
    parts = re.findall(r"`(make \w+)`", prose(ROOT / "CONTRIBUTING.md"))[:3]
    printed = [clone.reader.type(*part.split(), "--dry-run") for part in parts]
    assert clone.reader.follow([test]) == "".join(printed)
    clone.reader.type("git", "init", "--quiet")
    clone.reader.follow([hooks])
    hook = clone.folder / ".git" / "hooks" / "pre-commit"
    assert os.access(hook, os.X_OK)
    assert "pre_commit" in hook.read_text(encoding="utf-8")


@runs("CONTRIBUTING.md", "Run some of the tests")
def test_running_some_of_the_tests(section: Section) -> None:
    """The commands find tests; they are not run once more from within."""
    one, folder, rest = map(collected, section[0].text.splitlines())
    assert one == {"tests/config/test_usernames.py"}
    assert {Path(name).parts[1] for name in folder} == {"config"}
    assert folder < rest
    assert not any(name.startswith("tests/e2e") for name in rest)


def collected(command: str) -> set[str]:
    """The files of the tests that a command would run."""
    options = "--collect-only --quiet --numprocesses 0 -p no:cacheprovider"
    done = subprocess.run(
        ["/bin/sh", "-ec", command],
        cwd=ROOT,
        env={**environment(), "PYTEST_ADDOPTS": options},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return {*re.findall(r"^(tests/\S+?)::", done.stdout, re.MULTILINE)}


def test_uv_trusts_the_certificates_of_the_system(clone: Project) -> None:
    """As pip does: a company's proxy has its certificate there."""
    printed = clone.reader.type("make", "--eval", "shown: ; @env", "shown")
    assert "UV_SYSTEM_CERTS=true" in printed.splitlines()
    assert "UV_SYSTEM_CERTS" in clone.reader.type("uv", "help", "pip", "install")


@runs("CONTRIBUTING.md", "Dependencies")
def test_pinning_the_dependencies(section: Section, clone: Project) -> None:
    pins = clone.folder / "requirements-dev.txt"
    pins.unlink()
    clone.reader.follow(section)
    assert {"singer-sdk", "pytest", "ruff", "mypy", "duckdb", "uvicorn"} <= pinned(pins)
    assert "apache-airflow" in pinned(clone.folder / "requirements-airflow.txt")


def pinned(path: Path) -> set[str]:
    return set(re.findall(r"^([\w.-]+)==", path.read_text(encoding="utf-8"), re.MULTILINE))
