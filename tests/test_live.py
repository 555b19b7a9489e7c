"""What a person sees who watches a run: a bar on a terminal, and a table at the end."""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

import pytest

from sandbox import Fault, Scenario, World
from tests.harness import finish, follows_of, settings, start, truth

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

if os.name == "nt":
    pytest.skip("there are no pseudo-terminals", allow_module_level=True)

from tests.terminal import Terminal

NAMES = ["ann", "ben", "cat"]


@pytest.fixture
def slow(sandbox: Sandbox) -> Sandbox:
    """A server whose responses take long enough to be watched."""
    sandbox.world = World.of({name: follows_of(name, 5) for name in NAMES})
    sandbox.scenario = Scenario(latency=0.3)
    return sandbox


def table_of(terminal: Terminal) -> list[list[str]]:
    """Return the cells of the table."""
    lines = terminal.screen
    start = next(n for n, line in enumerate(lines) if line.endswith("Summary:")) + 1
    end = next(n for n, line in enumerate(lines) if n >= start and line[:2] == "20")
    return [re.split(" {2,}", line) for line in lines[start:end]]


@pytest.mark.parametrize("columns", [60, 200])
def test_bar_moves_below_an_undisturbed_log_and_goes_away(
    slow: Sandbox, tmp_path: Path, columns: int
) -> None:
    terminal = Terminal(tmp_path, settings(slow, NAMES, concurrency=1), columns)
    ended = terminal.finish()
    assert ended.exit_code == 0
    assert set(ended.follows("research")) == truth(slow, *NAMES)
    for provider in ("rapidapi", "research"):
        bars = [bar for bar in terminal.bars if f"{provider}: " in bar]
        assert any("33%" in bar and f"{provider}: 1 of 3 usernames" in bar for bar in bars)
        assert columns == 60 or re.search(
            r"67%\|.*\| \w+: 2 of 3 usernames, 10 accounts, \d requests \(\d\.\d/s\), about "
            r"\d+ s left",
            "\n".join(bars),
        )
        assert max(map(len, bars)) <= columns
    assert all(line.startswith("20") for line in terminal.screen if "INFO" in line)
    assert not any("%|" in line for line in terminal.screen)


def test_table_has_a_column_per_provider_where_lines_would_be_too_long(
    slow: Sandbox, tmp_path: Path
) -> None:
    slow.scenario = Scenario()
    for columns in (40, 120):
        terminal = Terminal(tmp_path, settings(slow, NAMES), columns)
        assert terminal.finish().exit_code == 0
        table = table_of(terminal)
        if columns == 120:
            table = [list(column) for column in zip(*table, strict=True)]
        assert table[:5] == [
            ["provider", "rapidapi", "research"],
            ["usernames", "3", "3"],
            ["complete", "3", "3"],
            ["accounts", "15", "15"],
            ["sent", "15", "15"],
        ]


def test_signal_takes_the_bar_away(slow: Sandbox, tmp_path: Path) -> None:
    slow.scenario = Scenario(faults=[Fault("silent", username="cat")])
    terminal = Terminal(tmp_path, settings(slow, NAMES, "rapidapi"))
    terminal.read_until("2 of 3 usernames")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.finish().exit_code == 143
    assert terminal.screen[-1] == ""
    assert "Stopped by SIGTERM: run again" in "".join(terminal.screen[-3:])
    header, row = table_of(terminal)
    assert row[header.index("usernames")] == "3"


def test_error_is_the_last_line(slow: Sandbox, tmp_path: Path) -> None:
    slow.scenario = Scenario(faults=[Fault("status", username="cat")])
    terminal = Terminal(tmp_path, settings(slow, NAMES, "rapidapi"))
    ended = terminal.finish()
    assert ended.exit_code == 1
    assert ended.log[-1][0] == "ERROR"
    assert "could not read cat" in terminal.screen[-2]


def test_there_is_no_bar_where_nobody_watches(slow: Sandbox, tmp_path: Path) -> None:
    """A pipe, as Meltano has it: the metrics stand above the summary."""
    ended = finish(start(tmp_path, settings(slow, NAMES)))
    assert "\r" not in ended.stderr
    lines = ended.stderr.splitlines()
    summary = next(n for n, line in enumerate(lines) if line.endswith("Summary:"))
    assert any("METRIC" in line for line in lines[:summary])
    assert not any("METRIC" in line for line in lines[summary:])
    assert [line.split()[0] for line in lines[summary + 1 : summary + 4]] == [
        "provider",
        "rapidapi",
        "research",
    ]
