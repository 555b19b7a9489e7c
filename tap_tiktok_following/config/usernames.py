"""The usernames whose lists are read: from `usernames`, and from a file or a URL."""

from __future__ import annotations

import contextlib
import csv
import io
import logging
import re
import threading
from concurrent import futures
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import ip_address
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

import fsspec
import requests

from tap_tiktok_following.http import Session
from tap_tiktok_following.text import clean, hide, redact, strip_invisible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

logger = logging.getLogger(__name__)

MAX_FILE = 64 * 1024 * 1024
"""Largest file of usernames in bytes."""

MAX_SHOWN = 80
"""Number of characters of a malformed username that are shown."""

COLUMN = "username"

_HEADER = re.compile(r"(user|screen|unique)?_?(account|handle|id|name|profile|url|user)s?")

_USERNAME = re.compile(r"[A-Za-z0-9._]{0,23}[A-Za-z0-9_]")
_SHARD = re.compile(r"([1-9]\d{0,3})/([1-9]\d{0,3})")
_DELIMITERS = ",;\t"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")

_LATE = "can't be read (it did not arrive within {timeout} seconds)"

_CAUSES: dict[type[Exception], str] = {
    FileNotFoundError: "does not exist",
    futures.TimeoutError: _LATE,
    requests.Timeout: _LATE,
    ImportError: "can't be read ({error})",  # it names the package
    requests.exceptions.SSLError: "can't be read (its certificate is not trusted)",
    requests.ConnectionError: "can't be read (its host can't be reached)",
    ValueError: "is not a URL",
}


class FileProblem(Exception):  # noqa: N818 - its text is for the user
    """A file of usernames cannot be used; the text says why, and follows the file's name."""


@dataclass(frozen=True)
class Usernames:
    """The configured usernames."""

    names: list[str]  # of the shard, in the order given, once each, in lower case
    malformed: list[str]  # other entries of the shard, as they are shown, once each
    shard: str = ""  # such as `3/8`
    problem: str = ""  # why the file cannot be used


def collect(config: Mapping[str, Any]) -> Usernames:
    """Return the usernames of `usernames` and `usernames_path` that belong to `shard`."""
    location, shard = config.get("usernames_path"), config.get("shard") or ""
    names: dict[str, None] = {}
    malformed: dict[str, None] = {}
    try:
        listed: Iterable[str] = ()
        if location:
            text = _decode(_read(location, config.get("request_timeout", 60)))
            is_csv = location.partition("?")[0].lower().endswith(".csv")
            listed = _entries(text, is_csv=is_csv)
        for entry in chain(config.get("usernames") or (), listed):
            name = parse(entry)
            if name is None:
                malformed[show(entry)] = None
            else:
                names[name] = None
    except FileProblem as problem:
        return Usernames([], [], problem=str(problem))
    except csv.Error as error:
        return Usernames([], [], problem=f"is not a readable CSV ({error})")
    if location and not names:
        return Usernames([], [], problem="contains no username")
    number, count = parse_shard(shard) or (1, 1)
    return Usernames(
        [name for name in names if shard_of(name, count) == number],
        [entry for entry in malformed if shard_of(entry, count) == number],
        shard,
    )


def parse(entry: str) -> str | None:
    """Return the username in `name`, `@name` or a profile URL; None if there is none.

    TikTok's usernames are up to 24 letters, digits, underscores and periods, do not end with a
    period, and ignore case. Invisible characters, as copied from web pages, are ignored.
    """
    name = strip_invisible(entry).strip()
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


def show(entry: str) -> str:
    """Return a malformed username as it is shown: what is not plain text is escaped.

    So it is never the key of a real username, even if it looks like one.
    """
    escaped = redact(strip_invisible(entry).strip()).encode("unicode_escape").decode()
    return escaped if len(escaped) <= MAX_SHOWN else escaped[: MAX_SHOWN - 1] + "…"


def parse_shard(text: str) -> tuple[int, int] | None:
    """Return number and count of a shard such as `3/8`; None if the text is malformed."""
    match = _SHARD.fullmatch(text)
    number, count = (int(match[1]), int(match[2])) if match else (1, 0)
    return (number, count) if number <= count else None


def shard_of(text: str, count: int) -> int:
    """Return the number of the shard, from 1 to `count`, that a username belongs to.

    It depends on nothing but the text: the first 8 bytes of its BLAKE2b hash in UTF-8, as a
    big-endian number, modulo `count`, plus 1. States are split by it, so it must never change.
    """
    digest = blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % count + 1


def _entries(text: str, *, is_csv: bool) -> Iterator[str]:
    """The entries of a file, without blank cells and lines.

    A file is a CSV if its first line has a column `username`; lines that start with `#` may
    precede it. In a CSV `#` has no special meaning, because a cell may start with it; in a
    file of lines it starts a comment.

    Raises:
        FileProblem: If it is a CSV without that column, or with two of them.
        csv.Error: If it is a CSV that cannot be read.
    """
    file = io.StringIO(text, newline="")
    line = ""
    for line in file:
        for delimiter in _DELIMITERS:
            if COLUMN in (header := _columns(line, delimiter)):
                if header.count(COLUMN) > 1:
                    problem = f"has two columns `{COLUMN}`"
                    raise FileProblem(problem)
                place = header.index(COLUMN)
                rows = csv.reader(file, delimiter=delimiter)
                yield from (row[place] for row in rows if row[place:] and row[place].strip())
                return
        if line.strip() and not line.lstrip().startswith("#"):
            break
    below = file.readlines()
    for delimiter in _DELIMITERS:
        header, rows = _columns(line, delimiter), csv.reader(below, delimiter=delimiter)
        is_table = len(header) > 1 and all(len(row) == len(header) for row in rows if row)
        if is_table or (is_csv and delimiter == _DELIMITERS[-1]):
            names = clean(", ".join(header), MAX_SHOWN)
            problem = f"has no column `{COLUMN}` (its columns: {names})"
            raise FileProblem(problem)
    lines = [entry for line in text.splitlines() if (entry := line.split("#")[0].strip())]
    if lines and _HEADER.fullmatch(lines[0].lower()):
        logger.warning(
            "The first line of `usernames_path`, `%s`, looks like a header but is read as a "
            "username: replace it by `%s`, or delete it.",
            lines[0],
            COLUMN,
        )
    yield from lines


def _columns(line: str, delimiter: str) -> list[str]:
    (cells,) = csv.reader([line], delimiter=delimiter)
    return [name.strip().lower() for name in cells]


def _decode(content: bytes) -> str:
    """The text of a file in UTF-8, or in UTF-16 with a byte order mark, as Excel writes it."""
    if len(content) > MAX_FILE:
        problem = f"is larger than {MAX_FILE // 1024**2} MB"
        raise FileProblem(problem)
    try:
        return content.decode("utf-16" if content.startswith(_UTF16_MARKS) else "utf-8-sig")
    except UnicodeDecodeError as error:
        problem = "is not a UTF-8 text file"
        raise FileProblem(problem) from error


def _read(location: str, timeout: float) -> bytes:
    """The content of a file, truncated to one byte more than `MAX_FILE`.

    Raises:
        FileProblem: If it cannot be read, or not in time. The text contains no part of a URL.
    """
    content: futures.Future[bytes] = futures.Future()

    def read() -> None:
        try:
            is_web = urlsplit(location).scheme in {"http", "https"}
            content.set_result(
                _read_web(location, timeout) if is_web else _read_file(location)
            )
        except Exception as error:  # noqa: BLE001 - of whatever package opens the URL
            content.set_exception(error)

    _hide_credentials(location)
    # A server that drips resets every other timeout, and a pipe may have no writer.
    threading.Thread(target=read, daemon=True).start()
    try:
        return content.result(timeout)
    except FileProblem:
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        causes = (words for kind, words in _CAUSES.items() if isinstance(error, kind))
        words = next(causes, "can't be read ({reason})")
        problem = words.format(timeout=timeout, error=error, reason=reason)
        raise FileProblem(problem) from error


def _read_file(location: str) -> bytes:
    """Read a path, or whatever fsspec opens."""
    scheme, is_url, _ = location.partition("://")
    if is_url and scheme not in fsspec.available_protocols():
        problem = f"can't be read (there is no file system for {scheme}://)"
        raise FileProblem(problem)
    with fsspec.open(location, "rb") if is_url else Path(location).open("rb") as file:
        content: bytes = file.read(MAX_FILE + 1)
    return content


def _read_web(url: str, timeout: float) -> bytes:
    """Read from a web server: fsspec reports every failure of one as a missing file."""
    parts = urlsplit(url)
    address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    if not is_safe(address):
        problem = "must start with https://"
        raise FileProblem(problem)
    with Session(address) as session:
        session.hooks["response"] = [_check_redirect]
        if parts.username is not None:
            session.auth = (unquote(parts.username), unquote(parts.password or ""))
        with session.get(address, timeout=timeout) as response:
            if response.status_code in {404, 410}:
                raise FileNotFoundError
            if not response.ok:
                problem = f"can't be read (HTTP {response.status_code})"
                raise FileProblem(problem)
            content: bytes = response.raw.read(MAX_FILE + 1, decode_content=True)
    return content


def _check_redirect(response: requests.Response, **_: object) -> None:
    target = urljoin(response.url, response.headers.get("Location", ""))
    _hide_credentials(target)
    if response.is_redirect and not is_safe(target):
        response.close()
        problem = "can't be read (it redirects to a URL that is not https)"
        raise FileProblem(problem)


def _hide_credentials(url: str) -> None:
    """Mask user, password and query of a URL, but only together: each may be a common word."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        if parts.username is not None:
            hide(parts.netloc)
        if parts.scheme and parts.query:
            hide(f"{parts.path}?{parts.query}")
            hide(requests.Request("GET", url).prepare().path_url)  # as it is sent


def is_safe(url: str) -> bool:
    """Return whether nobody can read or change the content of a URL in transit."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    with contextlib.suppress(ValueError):
        if host == "localhost" or ip_address(host).is_loopback:
            return parts.scheme in {"http", "https"}
    return parts.scheme == "https"


def without_credentials(location: str) -> str:
    """Return a path, or a URL without user, password, query and fragment."""
    scheme, is_url, rest = location.partition("://")
    if not is_url:
        return location
    host, slash, path = rest.partition("#")[0].partition("?")[0].partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
