"""Whom to ask about: usernames from the settings and from a file."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from tap_tiktok_following.cleaning import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MAX_FILE = 64 * 1024 * 1024
"""Bytes of a file of usernames."""

LONGEST_SHOWN = 80
"""Characters of a malformed username that are shown."""

_USERNAME = re.compile(r"[A-Za-z0-9._]{0,23}[A-Za-z0-9_]")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class FileProblem(Exception):  # noqa: N818 - its text is for the user
    """A file of usernames can't be read; the text says why."""


@dataclass
class Usernames:
    """The usernames that were asked for.

    Attributes:
        names: In the order given, each once, in lower case.
        malformed: What the file holds that can't be a username, shortened.
    """

    names: list[str] = field(default_factory=list)
    malformed: list[str] = field(default_factory=list)


def parse(text: str) -> str | None:
    """The username in `name`, `@name` or a profile URL; None if there is none.

    TikTok's usernames are up to 24 letters, digits, underscores and periods, do not end with
    a period, and mean the same in any case.
    """
    name = text.strip()
    if "/" in name:
        name = _in_url(name)
    name = name.removeprefix("@")
    return name.lower() if _USERNAME.fullmatch(name) else None


def _in_url(url: str) -> str:
    try:
        parts = urlsplit(url if "//" in url else f"//{url}")
        host = (parts.hostname or "").lower()
    except ValueError:
        return ""
    is_tiktok = host == "tiktok.com" or host.endswith(".tiktok.com")
    name = unquote(parts.path).strip("/").split("/")[0]
    return name if is_tiktok and name.startswith("@") else ""


def collect(config: Mapping[str, Any]) -> Usernames:
    """The usernames of `usernames` and `usernames_path`, folded.

    Raises:
        FileProblem: If the file can't be read.
    """
    path = config.get("usernames_path")
    texts = [*(config.get("usernames") or []), *(_read_file(Path(path)) if path else [])]
    found = Usernames()
    names: dict[str, None] = {}
    for text in texts:
        name = parse(text)
        if name is None:
            found.malformed.append(shorten(text))
        else:
            names[name] = None
    found.names = list(names)
    found.malformed = list(dict.fromkeys(found.malformed))
    return found


def shorten(text: str) -> str:
    """A malformed username as it is shown."""
    return clean(text, LONGEST_SHOWN)


def _read_file(path: Path) -> Iterator[str]:
    lines = [line for line in _text(path).splitlines() if line.split("#")[0].strip()]
    if lines and _is_header(lines[0]):
        return _column(lines)
    return (line.split("#")[0] for line in lines)


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            problem = "is no file" if path.exists() else "does not exist"
            raise FileProblem(problem)
        if path.stat().st_size > MAX_FILE:
            problem = f"is larger than {MAX_FILE // 1024**2} MB"
            raise FileProblem(problem)
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        problem = f"can't be read ({getattr(error, 'strerror', None) or error})"
        raise FileProblem(problem) from error
    try:
        return content.decode("utf-16" if content.startswith(_UTF16_MARKS) else "utf-8-sig")
    except UnicodeDecodeError as error:
        problem = "is not a text in UTF-8"
        raise FileProblem(problem) from error


def _cells(line: str) -> list[str]:
    return [cell.strip().lower() for cell in next(csv.reader([line]), [])]


def _is_header(line: str) -> bool:
    try:
        return "username" in _cells(line)
    except csv.Error:
        return False


def _column(lines: Iterable[str]) -> Iterator[str]:
    header, *rows = lines
    column = _cells(header).index("username")
    try:
        for row in csv.reader(rows):
            yield row[column] if column < len(row) else ""
    except csv.Error as error:
        problem = f"is not a readable CSV ({error})"
        raise FileProblem(problem) from error
