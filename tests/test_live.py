"""What a person sees who watches a run: a bar on a terminal, and a table at the end."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from sandbox import Fault, Sandbox, Scenario, World
from tests.harness import finish, follows_of, settings, start, truth
from tests.terminal import Terminal

NAMES = ["ann", "ben", "cat"]


@pytest.fixture(autouse=True)
def _lists(sandbox: Sandbox) -> None:
    sandbox.world = World.of({name: follows_of(name, 5) for name in NAMES})


def test_bar_moves_below_an_undisturbed_log_and_gives_way_to_a_table(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The table has a column per provider where lines would be too long."""
    sandbox.scenario = Scenario(latency=0.3)
    terminal = Terminal(tmp_path, settings(sandbox, NAMES, concurrency=1), columns=50)
    ended = terminal.finish()
    assert ended.exit_code == 0
    assert set(ended.follows("research")) == truth(sandbox, *NAMES)
    pieces = re.split(r"[\r\n]", terminal.typed)
    bars = [piece.rstrip() for piece in pieces if "%|" in piece]
    assert max(map(len, bars)) <= 50
    for provider in ("rapidapi", "research"):
        assert any("33%" in bar and f"{provider}: 1 of 3 usernames" in bar for bar in bars)
    assert all(line.startswith("20") for line in terminal.screen if "INFO" in line)
    assert not any("%|" in line for line in terminal.screen)
    table = r"Summary:\nprovider +rapidapi +research\nusernames +3 +3\ncomplete +3 +3\n"
    assert re.search(table, ended.stderr)


def test_signal_takes_the_bar_away(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.scenario = Scenario(faults=[Fault("silent", username="cat")])
    terminal = Terminal(tmp_path, settings(sandbox, NAMES, "rapidapi"), 80)
    terminal.read_until("2 of 3 usernames")
    terminal.process.send_signal(signal.SIGTERM)
    ended = terminal.finish()
    assert ended.exit_code == 143
    assert terminal.screen[-1] == ""
    assert "Stopped by SIGTERM: run again" in "".join(terminal.screen[-3:])
    assert re.search(r"Summary:\nprovider +usernames .*\nrapidapi +3 ", ended.stderr)


def test_there_is_no_bar_where_nobody_watches(sandbox: Sandbox, tmp_path: Path) -> None:
    """A pipe, as Meltano has it: the metrics stand above the summary."""
    ended = finish(start(tmp_path, settings(sandbox, NAMES)))
    assert "%|" not in ended.stderr
    metrics, _, after = ended.stderr.partition("Summary:\n")
    assert "METRIC" in metrics
    assert "METRIC" not in after
