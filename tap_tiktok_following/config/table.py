"""The usernames in a text: one per line, or the column `username` of a CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from tap_tiktok_following.config.problem import FileProblem

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMN = "username"

_DELIMITERS = ",;\t"


def texts(text: str) -> Iterator[str]:
    """The entries where usernames are expected, without blank cells and lines.

    A text is a CSV if its first line has a column `username`; lines that start with `#` may
    precede it. In a CSV `#` has no special meaning, because a cell may start with it; in a
    file of lines it starts a comment.

    Raises:
        FileProblem: If it is a CSV without that column, or one that cannot be parsed.
    """
    file = io.StringIO(text, newline="")
    starts = list(_possible_headers(file))
    try:
        for start in starts:
            for delimiter in _DELIMITERS:
                file.seek(start)
                table = csv.DictReader(file, delimiter=delimiter)
                if column := _column(table):
                    yield from _cells(table, column)
                    return
        _refuse_other_tables(file, starts[-1:])
    except csv.Error as error:
        problem = f"is not a readable CSV ({error})"
        raise FileProblem(problem) from error
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    yield from filter(None, lines)


def _possible_headers(file: io.StringIO) -> Iterator[int]:
    """The offset of each comment at the top, and of the first line after them."""
    start = 0
    for line in file:
        if line.strip():
            yield start
            if not line.lstrip().startswith("#"):
                return
        start += len(line)


def _column(table: csv.DictReader[str]) -> str:
    """The name of the column as written in the header; "" if there is none."""
    names = table.fieldnames or ()
    return next((name for name in names if name.strip().lower() == COLUMN), "")


def _cells(table: csv.DictReader[str], column: str) -> Iterator[str]:
    for row in table:
        if (cell := row[column]) and cell.strip():
            yield cell


def _refuse_other_tables(file: io.StringIO, starts: list[int]) -> None:
    """Refuse a CSV with other columns, whose lines would all be malformed usernames."""
    for start in starts:
        for delimiter in _DELIMITERS:
            file.seek(start)
            rows = csv.reader(file, delimiter=delimiter)
            header = next(rows)
            if len(header) > 1 and all(len(row) == len(header) for row in rows if row):
                names = ", ".join(name.strip() for name in header)
                problem = f"has no column `{COLUMN}` (its columns: {names})"
                raise FileProblem(problem)
