"""What a person sees who watches a run: a bar on a terminal, and a table at the end."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from sandbox import Fault, Sandbox, Scenario, World
from tests.harness import follows_of, run, settings, truth
from tests.terminal import Terminal

NAMES = ["ann", "ben", "cat"]


@pytest.fixture(autouse=True)
def _lists(sandbox: Sandbox) -> None:
    sandbox.world = World.of({name: follows_of(name, 5) for name in NAMES})


def table_of(terminal: Terminal) -> list[list[str]]:
    """Return the cells of the table."""
    lines = terminal.screen
    start = next(n for n, line in enumerate(lines) if line.endswith("Summary:")) + 1
    end = next(n for n, line in enumerate(lines) if n >= start and line[:2] == "20")
    return [re.split(" {2,}", line) for line in lines[start:end]]


@pytest.mark.parametrize("columns", [50, 200])
def test_bar_moves_below_an_undisturbed_log_and_gives_way_to_a_table(
    sandbox: Sandbox, tmp_path: Path, columns: int
) -> None:
    """The table has a column per provider where lines would be too long."""
    sandbox.scenario = Scenario(latency=0.3)
    terminal = Terminal(tmp_path, settings(sandbox, NAMES, concurrency=1), columns)
    ended = terminal.finish()
    assert ended.exit_code == 0
    assert set(ended.follows("research")) == truth(sandbox, *NAMES)
    pieces = re.split(r"[\r\n]", terminal.typed)
    bars = [piece.rstrip() for piece in pieces if "%|" in piece]
    assert max(map(len, bars)) <= columns
    for provider in ("rapidapi", "research"):
        assert any("33%" in bar and f"{provider}: 1 of 3 usernames" in bar for bar in bars)
    assert columns == 50 or re.search(
        r"67%\|.*\| \w+: 2 of 3 usernames, 10 accounts, \d requests \(\d\.\d/s\), about "
        r"\d+ s left",
        "\n".join(bars),
    )
    assert all(line.startswith("20") for line in terminal.screen if "INFO" in line)
    assert not any("%|" in line for line in terminal.screen)
    table = table_of(terminal)
    if columns == 200:
        table = [list(column) for column in zip(*table, strict=True)]
    assert table[:5] == [
        ["provider", "rapidapi", "research"],
        ["usernames", "3", "3"],
        ["complete", "3", "3"],
        ["accounts", "15", "15"],
        ["sent", "15", "15"],
    ]


def test_signal_takes_the_bar_away(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.scenario = Scenario(faults=[Fault("silent", username="cat")])
    terminal = Terminal(tmp_path, settings(sandbox, NAMES, "rapidapi"), 80)
    terminal.read_until("2 of 3 usernames")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.finish().exit_code == 143
    assert terminal.screen[-1] == ""
    assert "Stopped by SIGTERM: run again" in "".join(terminal.screen[-3:])
    header, row = table_of(terminal)
    assert row[header.index("usernames")] == "3"


def test_there_is_no_bar_where_nobody_watches(sandbox: Sandbox) -> None:
    """A pipe, as Meltano has it: the metrics stand above the summary."""
    ended = run(settings(sandbox, NAMES))
    assert "\r" not in ended.stderr
    before, _, after = ended.stderr.partition("Summary:\n")
    assert "METRIC" in before
    assert "METRIC" not in after
    assert [line.split()[0] for line in after.splitlines()[:3]] == [
        "provider",
        "rapidapi",
        "research",
    ]
