"""The text of a file of usernames, within bounds."""

from __future__ import annotations

from pathlib import Path

MAX_FILE = 64 * 1024 * 1024
"""Largest file of usernames in bytes."""

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class FileProblem(Exception):  # noqa: N818 - its text is for the user
    """A file of usernames can't be used; the text says why, to be put after its name."""


def read_text(location: str) -> str:
    """The text of a file: UTF-8, or UTF-16 with a byte order mark, as Excel writes it.

    Raises:
        FileProblem: If it can't be read, is too large, or is not text.
    """
    content = _read(Path(location))
    try:
        return content.decode("utf-16" if content.startswith(_UTF16_MARKS) else "utf-8-sig")
    except UnicodeDecodeError as error:
        problem = "is not a UTF-8 text file"
        raise FileProblem(problem) from error


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            problem = "is not a file" if path.exists() else "does not exist"
            raise FileProblem(problem)
        with path.open("rb") as file:
            content = file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        problem = f"can't be read ({getattr(error, 'strerror', None) or error})"
        raise FileProblem(problem) from error
    if len(content) > MAX_FILE:
        problem = f"is larger than {MAX_FILE // 1024**2} MB"
        raise FileProblem(problem)
    return content
