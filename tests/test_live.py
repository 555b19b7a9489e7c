"""What a person sees who watches a run: a live line on a terminal, and a table at the end."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_tiktok_following.crawl.summary import table
from tap_tiktok_following.live import Part, fitted

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
    """A server whose answers take long enough to be watched."""
    sandbox.world = World.of({name: follows_of(name, 5) for name in NAMES})
    sandbox.scenario = Scenario(latency=0.6)
    return sandbox


@pytest.mark.parametrize(
    ("columns", "variables"), [(80, {}), (200, {"NO_COLOR": "1"})], ids=["80", "200-NO_COLOR"]
)
def test_a_live_line_below_an_undisturbed_log(
    slow: Sandbox, tmp_path: Path, columns: int, variables: dict[str, str]
) -> None:
    config = settings(slow, NAMES, concurrency=1, page_size=3)
    terminal = Terminal(tmp_path, config, columns, variables)
    ended = terminal.finish()
    assert ended.exit_code == 0
    assert set(ended.follows("research")) == truth(slow, *NAMES)
    live = terminal.live
    assert any(line.startswith("rapidapi 1/3 usernames, ") for line in live)
    assert any(line.startswith("rapidapi 3/3, research 1/3 usernames") for line in live)
    assert max(map(len, live)) < columns
    assert columns == 80 or any("account" in line for line in live)
    assert "\x1b" not in terminal.typed

    log, figures, last = parts_of(terminal)
    assert all(line.startswith("20") for line in log)
    assert "METRIC" not in terminal.typed
    header, *rows = (line.split() for line in figures)
    assert " ".join(header) == "provider usernames complete accounts sent requests time"
    assert [row[:5] for row in rows] == [
        [provider, "3", "3", "15", "15"] for provider in ("rapidapi", "research")
    ]
    assert last[0].endswith("All due usernames were visited: run again for new follows.")
    assert last[1:] == [""]


def parts_of(terminal: Terminal) -> tuple[list[str], list[str], list[str]]:
    """The lines down to the table, its own, and those below it."""
    lines = terminal.screen
    start = next(n for n, line in enumerate(lines) if line.endswith("Summary:")) + 1
    end = next(n for n, line in enumerate(lines) if n >= start and line[:2] == "20")
    return lines[:start], lines[start:end], lines[end:]


def test_what_waits_is_said(slow: Sandbox, tmp_path: Path) -> None:
    slow.scenario = Scenario(faults=[Fault("retry_after", username="ann", times=1, value="2")])
    terminal = Terminal(tmp_path, settings(slow, NAMES, "rapidapi", concurrency=1), 200)
    assert terminal.finish().exit_code == 0
    assert any("waiting 2 s: the provider asks to slow down" in line for line in terminal.live)


def test_a_signal_takes_the_line_away(slow: Sandbox, tmp_path: Path) -> None:
    slow.scenario = Scenario(faults=[Fault("silent", username="cat")])
    terminal = Terminal(tmp_path, settings(slow, NAMES, "rapidapi"))
    terminal.read_until("rapidapi 2/3 usernames")
    terminal.process.send_signal(signal.SIGTERM)
    ended = terminal.finish()
    assert ended.exit_code == 143
    assert any("stopping (SIGTERM)" in line for line in terminal.live)
    assert terminal.screen[-1] == ""
    assert "Stopped by SIGTERM: run again" in "".join(terminal.screen[-3:])
    _, (header, row), _ = parts_of(terminal)
    assert row.split()[header.split().index("usernames")] == "3"


def test_an_error_is_the_last_line(slow: Sandbox, tmp_path: Path) -> None:
    slow.scenario = Scenario(latency=0.6, faults=[Fault("status", username="cat")])
    terminal = Terminal(tmp_path, settings(slow, NAMES, "rapidapi"))
    ended = terminal.finish()
    assert ended.exit_code == 1
    assert ended.log[-1][0] == "ERROR"
    assert "could not read cat" in terminal.screen[-2]


def test_no_live_line_on_a_terminal_that_cannot_write_over_one(
    slow: Sandbox, tmp_path: Path
) -> None:
    terminal = Terminal(tmp_path, settings(slow, NAMES), variables={"TERM": "dumb"})
    assert terminal.finish().exit_code == 0
    assert terminal.live == []
    assert "\r" not in terminal.typed.replace("\r\n", "\n")
    assert "METRIC" in terminal.typed


def test_no_live_line_but_all_lines_where_nobody_watches(
    slow: Sandbox, tmp_path: Path
) -> None:
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


PARTS = st.lists(st.builds(Part, st.integers(0, 9), st.text(max_size=30)), min_size=1)


@given(parts=PARTS, columns=st.integers(0, 120))
def test_the_line_fits_and_keeps_what_matters_most(parts: list[Part], columns: int) -> None:
    line = fitted(parts, columns)
    everything = ", ".join(part.text for part in parts)
    assert len(line) <= columns
    assert line == everything or len(everything) > columns
    weightiest = max(parts, key=lambda part: part.weight)
    assert weightiest.text[:columns] in line or any(
        part.weight == weightiest.weight and part.text[:columns] in line for part in parts
    )


ROWS = {
    "rapidapi": {"usernames": "1,000", "private": "0", "accounts": "0", "time": "1 min 1 s"},
    "research": {"usernames": "999", "private": "0", "accounts": "12", "time": "-"},
}


def test_the_table() -> None:
    assert table(ROWS, 80).splitlines() == [
        "provider  usernames  accounts       time",
        "rapidapi      1,000         0  1 min 1 s",
        "research        999        12          -",
    ]


def test_the_table_on_its_side_where_there_is_little_room() -> None:
    assert table(ROWS, 39).splitlines() == [
        "provider    rapidapi  research",
        "usernames      1,000       999",
        "accounts           0        12",
        "time       1 min 1 s         -",
    ]
