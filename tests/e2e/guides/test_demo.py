"""`make demo` prints what the README shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.documents import runs
from tests.e2e.processes import needs_shell
from tests.e2e.project import Project
from tests.e2e.warehouses import DuckDB
from tests.harness import PROVIDERS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.documents import Section

pytestmark = needs_shell

NEWS = re.compile(r"│ \w+_\w+ |[├└]")
"""How rows of the tables of news start, and the lines around them."""


@runs("README.md", "Try it")
def test_demo_prints_what_is_in_the_warehouse(section: Section, tmp_path: Path) -> None:
    """How much news there is depends on the machine."""
    demo, shown, _ = section
    project = Project(tmp_path, {})
    printed = project.reader.follow([demo])
    warehouse = DuckDB(project.folder / "output", "sandbox.duckdb")
    for provider in PROVIDERS:
        rows = len(warehouse.rows(f"{provider}_following"))
        scans = warehouse.rows(f"{provider}_scans")
        first = sum(row["accounts_sent"] for row in scans if not row["previous_scanned_at"])
        assert counts(printed, f"{provider}_following") == [0, first, rows, rows - first]
        assert counts(printed, f"{provider}_scans") == [0, 40, 80, 40]
        assert rows > 3000
    assert (project.folder / "output" / "follows.png").read_bytes().startswith(b"\x89PNG")
    lines = iter(map(shape, printed.splitlines()))
    expected = [line for line in shown.text.splitlines() if not NEWS.match(line)]
    assert all(shape(line) in lines for line in expected)


def counts(printed: str, stream: str) -> list[int]:
    """Return the numbers in a stream's line of the table."""
    [line] = re.findall(rf"^  {stream} (.+)$", printed, re.MULTILINE)
    return [int(number.replace(",", "")) for number in line.split()]


def shape(line: str) -> str:
    """Return a line without what differs in every run: numbers and widths."""
    return re.sub(r"[\d,]+", "0", re.sub(r"─+| +", " ", line))
