"""The usernames whose lists are read, from the settings and from a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from tap_tiktok_following.cleaning import clean
from tap_tiktok_following.config.content import read_text
from tap_tiktok_following.config.problem import FileProblem
from tap_tiktok_following.config.table import texts
from tap_tiktok_following.config.urls import hide_credentials
from tap_tiktok_following.shards import Shard

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST_SHOWN = 80
"""Number of characters of a malformed username that are shown."""

_USERNAME = re.compile(r"[A-Za-z0-9._]{0,23}[A-Za-z0-9_]")


@dataclass(frozen=True)
class Usernames:
    """The configured usernames.

    Attributes:
        names: The usernames of the shard, in the order given, once each, in lower case.
        malformed: Entries of the shard that are not usernames, shortened, once each.
        shard: The shard, such as `3/8`; "" if there is none.
        problem: Why the file cannot be used; "" if it can, or if there is none.
    """

    names: list[str]
    malformed: list[str]
    shard: str = ""
    problem: str = ""


def parse(text: str) -> str | None:
    """The username in `name`, `@name` or a profile URL; None if there is none.

    TikTok's usernames are up to 24 letters, digits, underscores and periods, do not end with a
    period, and ignore case.
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
    """The usernames from `usernames` and `usernames_path` that belong to the shard."""
    path, shard = config.get("usernames_path"), Shard.parse(config.get("shard") or "")
    hide_credentials(path or "")
    given: Iterable[str] = config.get("usernames") or ()
    try:
        names, malformed = _sorted_out(chain(given, texts(read_text(path)) if path else ()))
    except FileProblem as problem:
        return Usernames([], [], problem=str(problem))
    if path and not names:
        return Usernames([], [], problem="contains no username")
    if shard is None:
        return Usernames(names, malformed)
    return Usernames(
        [name for name in names if name in shard],
        [text for text in malformed if text in shard],
        str(shard),
    )


def _sorted_out(given: Iterable[str]) -> tuple[list[str], list[str]]:
    names: dict[str, None] = {}
    malformed: dict[str, None] = {}
    for text in given:
        name = parse(text)
        if name is None:
            malformed[shorten(text)] = None
        else:
            names[name] = None
    return list(names), list(malformed)


def shorten(text: str) -> str:
    """A malformed username as it is shown."""
    return clean(text, LONGEST_SHOWN)
