"""The usernames whose lists are read: from `usernames`, and from a file or a URL."""

from __future__ import annotations

import csv
import io
import logging
import re
import threading
from collections.abc import Mapping
from concurrent import futures
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import fsspec
import requests

from tap_tiktok_following.http import Session
from tap_tiktok_following.text import clean, hide, strip_invisible

logger = logging.getLogger(__name__)

MAX_FILE = 64 * 1024 * 1024  # bytes of a file of usernames
MAX_SHOWN = 80  # characters of a malformed username
COLUMN = "username"

_HEADER = re.compile(r"(user|screen|unique)?_?(account|handle|id|name|profile|url|user)s?")
_USERNAME = re.compile(r"[A-Za-z0-9._]{0,23}[A-Za-z0-9_]")
_PROFILE = re.compile(
    r"(https?:)?(//)?([\w-]+\.)*tiktok\.com/+(@|%40)(?P<name>[^/?#]+).*", re.IGNORECASE
)
_SHARD = re.compile(r"([1-9]\d{0,3})/([1-9]\d{0,3})")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class FileProblem(Exception):  # noqa: N818 - its text is for the user
    """A file of usernames cannot be used; the text says why, and follows the file's name."""


_CAUSES: dict[type[Exception], str] = {
    FileProblem: "{error}",
    FileNotFoundError: "does not exist",
    futures.TimeoutError: "can't be read (it did not arrive within {timeout} seconds)",
    requests.HTTPError: "can't be read (HTTP {error.response.status_code})",
    ImportError: "can't be read ({error})",  # it names the package
    requests.exceptions.SSLError: "can't be read (its certificate is not trusted)",
    requests.ConnectionError: "can't be read (its host can't be reached)",
    requests.exceptions.InvalidSchema: "can't be read (its proxy needs the package PySocks)",
    csv.Error: "is not a readable CSV ({error})",
    UnicodeDecodeError: "is not a UTF-8 text file",
    ValueError: "is not a URL",
    Exception: "can't be read ({reason})",
}
"""What is wrong with a file by the first class that fits an error, without parts of a URL."""


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
    timeout = config.get("request_timeout", 60)
    entries: list[str] = list(config.get("usernames") or ())
    try:
        if location:
            is_csv = location.partition("?")[0].lower().endswith(".csv")
            entries += _entries(_read(location, timeout), is_csv=is_csv)
    except Exception as error:  # noqa: BLE001 - of whatever package opens the URL
        reason = getattr(error, "strerror", None) or type(error).__name__
        words = next(words for kind, words in _CAUSES.items() if isinstance(error, kind))
        problem = words.format(timeout=timeout, error=error, reason=reason)
        return Usernames([], [], problem=problem)
    parsed = {entry: parse(entry) for entry in entries}
    names = dict.fromkeys(filter(None, parsed.values()))
    malformed = dict.fromkeys(show(entry) for entry, name in parsed.items() if name is None)
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
    profile = _PROFILE.fullmatch(name)
    name = profile["name"] if profile else name.removeprefix("@")
    return name.lower() if _USERNAME.fullmatch(name) else None


def show(entry: str) -> str:
    """Return a malformed username as it is shown: what is not plain text is escaped.

    So it is never the key of a real username, even if it looks like one.
    """
    escaped = strip_invisible(entry).strip().encode("unicode_escape").decode()
    return clean(escaped, MAX_SHOWN)


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


def _entries(text: str, *, is_csv: bool) -> list[str]:
    """Return the entries of a file, without blank cells and lines.

    A file is a CSV if its first line, blank ones and comments aside, has a column `username`.
    In a CSV `#` starts no comment, because a cell may start with it.
    """
    lines = io.StringIO(text, newline="")
    delimiter, columns = ",", [""]
    for line in lines:
        delimiter = max(",;\t", key=line.count)
        [cells] = csv.reader([line], delimiter=delimiter)
        columns = [cell.strip().lower() for cell in cells]
        if _entry(line) or COLUMN in columns:
            break
    rows = csv.reader(lines, delimiter=delimiter)
    if columns.count(COLUMN) > 1:
        problem = f"has two columns `{COLUMN}`"
        raise FileProblem(problem)
    if COLUMN in columns:
        place = columns.index(COLUMN)
        return [row[place] for row in rows if row[place:] and row[place].strip()]
    if is_csv or (len(columns) > 1 and all(len(row) in {0, len(columns)} for row in rows)):
        names = clean(", ".join(columns), MAX_SHOWN)
        problem = f"has no column `{COLUMN}` (its columns: {names})"
        raise FileProblem(problem)
    entries = list(filter(None, map(_entry, text.splitlines())))
    if entries and _HEADER.fullmatch(entries[0].lower()):
        logger.warning(
            "The first line of `usernames_path`, `%s`, looks like a header but is read as a "
            "username: replace it by `username`, or delete it.",
            entries[0],
        )
    return entries


def _entry(line: str) -> str:
    return line.partition("#")[0].strip()


def _read(location: str, timeout: float) -> str:
    """Return the text of a file in UTF-8, or in UTF-16 as Excel writes it."""
    fetched: futures.Future[bytes] = futures.Future()

    def read() -> None:
        try:
            fetched.set_result(_fetch(location))
        except Exception as error:  # noqa: BLE001 - of whatever package opens the URL
            fetched.set_exception(error)

    _hide_credentials(location)
    # A server that drips resets every other timeout, and a pipe may have no writer.
    threading.Thread(target=read, daemon=True).start()
    content = fetched.result(timeout)
    return content.decode("utf-16" if content.startswith(_UTF16_MARKS) else "utf-8-sig")


def _fetch(location: str) -> bytes:
    """Read a path, a file on a web server, or whatever fsspec opens."""
    scheme, is_url, _ = location.partition("://")
    if scheme.lower() in {"http", "https"}:
        # fsspec reports every failure of a web server as a missing file.
        content = _download(location)
    elif is_url and scheme not in fsspec.available_protocols():
        problem = f"can't be read (there is no file system for {scheme}://)"
        raise FileProblem(problem)
    else:
        # fsspec opens no pipes.
        with fsspec.open(location, "rb") if is_url else Path(location).open("rb") as file:
            content = file.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        problem = f"is larger than {MAX_FILE // 1024**2} MB"
        raise FileProblem(problem)
    return content


def _download(url: str) -> bytes:
    if not is_safe(url):
        problem = "must start with https://"
        raise FileProblem(problem)
    parts = urlsplit(url)
    with Session(url) as session:
        if parts.username is not None:
            session.auth = (unquote(parts.username), unquote(parts.password or ""))
        with session.get(url, hooks={"response": _check_redirect}) as response:
            if response.status_code in {404, 410}:
                raise FileNotFoundError
            response.raise_for_status()
            return bytes(response.raw.read(MAX_FILE + 1, decode_content=True))


def _check_redirect(response: requests.Response, **_: object) -> None:
    target = urljoin(response.url, response.headers.get("Location", ""))
    _hide_credentials(target)
    if response.is_redirect and not is_safe(target):
        response.close()
        problem = "can't be read (it redirects to a URL that is not https)"
        raise FileProblem(problem)


def _hide_credentials(url: str) -> None:
    """Mask user, password and query of a URL, but only together: each may be a common word."""
    parts = urlsplit(url)
    if parts.username is not None:
        hide(parts.netloc)
    if parts.scheme and parts.query:
        hide(requests.Request("GET", url).prepare().path_url)  # as it is sent and logged


def is_safe(url: str) -> bool:
    """Return whether nobody can read or change the content of a URL in transit."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "http":
        with suppress(ValueError):
            return host == "localhost" or ip_address(host).is_loopback
    return parts.scheme == "https"


def without_credentials(location: str) -> str:
    """Return a path, or a URL without user, password, query and fragment."""
    if "://" not in location:
        return location
    return re.sub(r"(?<=://)[^/?#]*@|[?#].*", "", location, flags=re.DOTALL)
