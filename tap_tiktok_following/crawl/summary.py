"""The table at the end of a run: a row per provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ALWAYS = ("usernames", "accounts", "requests", "time")
"""Columns that are always shown; others are left out if they are empty."""

NOTHING = {"0", "-"}


def table(rows: Mapping[str, Mapping[str, str]], columns: int | None = None) -> str:
    """Figures in columns, transposed if the lines would be too long.

    Args:
        rows: The figures of each provider by column name; all have the same columns.
        columns: Maximum characters per line; None for no limit.
    """
    first = next(iter(rows.values()))
    names = [
        name
        for name in first
        if name in ALWAYS or any(row[name] not in NOTHING for row in rows.values())
    ]
    cells = [["provider", *names]]
    cells += [[provider, *(row[name] for name in names)] for provider, row in rows.items()]
    text = _aligned(cells)
    if columns is not None and text.index("\n") > columns:
        text = _aligned(list(zip(*cells, strict=True)))
    return text


def _aligned(cells: Sequence[Sequence[str]]) -> str:
    """The first column aligned to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for first, *others in cells:
        figures = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        lines.append("  ".join([first.ljust(widths[0]), *figures]))
    return "\n".join(lines)
