"""The text of a file of usernames, up to a maximum size."""

from __future__ import annotations

from pathlib import Path

from tap_tiktok_following.config import remote
from tap_tiktok_following.config.problem import MAX_FILE, FileProblem

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_text(location: str) -> str:
    """The text of a file: UTF-8, or UTF-16 with a byte order mark, as Excel writes it.

    Args:
        location: A path, or a URL that fsspec opens.

    Raises:
        FileProblem: If it cannot be read, is too large, or is not text.
    """
    is_url = "://" in location and not location.startswith("file://")
    if is_url:
        content = remote.read(location)
    else:
        content = _read(Path(location.removeprefix("file://")))
    if len(content) > MAX_FILE:
        problem = f"is larger than {MAX_FILE // 1024**2} MB"
        raise FileProblem(problem)
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
            return file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        problem = f"can't be read ({getattr(error, 'strerror', None) or error})"
        raise FileProblem(problem) from error
