"""Reading the tables of a Markdown document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Cells = list[str]


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        above: The lines of the document above it.
        header: The texts of its header.
        rows: The texts of its rows, without backticks around a whole one.
    """

    above: list[str]
    header: Cells
    rows: list[Cells]


def tables(document: str) -> Iterator[Table]:
    """The tables of a document, in the order a reader meets them."""
    lines = document.splitlines()
    starts = [place for place, line in enumerate(lines) if line.startswith("|---")]
    for start in starts:
        end = start + 1
        while end < len(lines) and lines[end].startswith("|"):
            end += 1
        rows = [_cells(line) for line in lines[start + 1 : end]]
        yield Table(lines[: start - 1], _cells(lines[start - 1]), rows)


def _cells(line: str) -> Cells:
    return [_plain(cell.strip()) for cell in line.strip("|").split("|")]


def _plain(cell: str) -> str:
    is_code = cell.startswith("`") and cell.endswith("`") and cell.count("`") == 2
    return cell[1:-1] if is_code else cell
