"""Problems in a config, one clause each, without the values of settings."""

from __future__ import annotations

import os
from difflib import get_close_matches
from itertools import chain, permutations
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from tap_tiktok_following.config import usernames
from tap_tiktok_following.config.settings import CREDENTIALS, SETTINGS, VARIABLES
from tap_tiktok_following.config.urls import is_safe, without_credentials
from tap_tiktok_following.providers import PROVIDERS
from tap_tiktok_following.shards import Shard
from tap_tiktok_following.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from jsonschema import ValidationError

    from tap_tiktok_following.config.usernames import Usernames

_TYPES = {
    "array": "a list of strings",
    "boolean": "true or false",
    "integer": "a whole number",
    "object": "an object",
    "string": "a string",
}


def in_words(error: ValidationError) -> str:
    """The problem with a setting, without its value, which may be a secret."""
    if not error.path:
        return "the config must be an object with settings"
    setting = error.path[0]
    return f"`{setting}` must be {_expected(SETTINGS.to_dict()['properties'].get(setting))}"


def _expected(schema: Mapping[str, Any] | None) -> str:
    if schema is None:
        return "as in the documentation of the Singer SDK"
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    kind = _TYPES[schema["type"][0]]
    if "maximum" in schema:
        return f"{kind} from {schema['minimum']} to {schema['maximum']}"
    return f"{kind} of {schema['minimum']} or more" if "minimum" in schema else kind


def in_environment() -> Iterator[str]:
    """The names of settings in environment variables, whether they exist or not.

    `LOGLEVEL` belongs to the SDK; names with another leading underscore belong to Meltano.
    """
    for variable in os.environ:
        name = variable.removeprefix(VARIABLES).lower()
        if variable.startswith(VARIABLES) and name != "loglevel" and name[:1] not in {"", "_"}:
            yield name


def unknown(settings: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    """A sentence for each setting that does not exist, with the closest one that does.

    Args:
        settings: The names in a config.
        known: The names of all settings.
    """
    choices = list(known)
    for name in sorted(set(settings).difference(choices)):
        meant = get_close_matches(name.lower(), choices, n=1)
        advice = f"; did you mean `{meant[0]}`?" if meant else "."
        yield f"`{name}` is not a setting and is ignored{advice}"


def of(
    config: Mapping[str, Any], wrong: AbstractSet[object], asked_for: Usernames
) -> Iterator[str]:
    """Problems with settings whose types are right.

    Args:
        config: The settings, without those of a wrong type.
        wrong: The names of the settings of a wrong type.
        asked_for: The configured usernames.
    """
    if wrong.isdisjoint({"usernames", "usernames_path"}):
        yield from _username_problems(config, asked_for)
    yield from _credential_problems(config)
    if wrong.isdisjoint(CREDENTIALS) and not _has_credentials(config):
        ways = (names for provider in PROVIDERS for names in provider.credentials)
        choices = (" and ".join(f"`{name}`" for name in names) for names in ways)
        yield f"no credentials are configured (set {', or '.join(choices)})"
    if not all(" " <= character <= "~" for character in config.get("user_agent") or ""):
        yield "`user_agent` contains a character that is not allowed in a header"
    if config.get("shard") and Shard.parse(config["shard"]) is None:
        yield "`shard` must be a number and the number of shards, such as 3/8"
    if config.get("start_date") and parse_time(config["start_date"]) is None:
        yield "`start_date` must be a time such as 2026-01-31T00:00:00Z"
    for provider in PROVIDERS:
        setting = provider.url_setting()
        if setting in config and (problem := _url_problem(config[setting])):
            yield f"`{setting}` {problem}"


def _username_problems(config: Mapping[str, Any], asked_for: Usernames) -> Iterator[str]:
    listed, path = config.get("usernames") or [], config.get("usernames_path")
    for text in listed:
        if usernames.parse(text) is None:
            yield f"`usernames` contains {usernames.shorten(text)!r}, which is not a username"
    if asked_for.problem:
        yield f"`usernames_path` ({without_credentials(path or '')}) {asked_for.problem}"
    elif not listed and not path:
        yield "no usernames are configured (set `usernames` or `usernames_path`)"


def _credential_problems(config: Mapping[str, Any]) -> Iterator[str]:
    for setting in CREDENTIALS:
        value = config.get(setting) or ""
        if not all("!" <= character <= "~" for character in value):
            yield f"`{setting}` contains a character that is not allowed in a key"
    for provider in PROVIDERS:
        for setting, other in chain(
            *(permutations(names, 2) for names in provider.credentials)
        ):
            if config.get(setting) and not config.get(other):
                yield f"`{setting}` is set without `{other}`"


def _has_credentials(config: Mapping[str, Any]) -> bool:
    """Whether any are set; half of a pair counts, because it is reported separately."""
    return any(config.get(setting) for setting in CREDENTIALS)


def _url_problem(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "is not a URL"
    if not parts.hostname or parts.scheme not in {"http", "https"} or not _can_be_sent(url):
        return "must be a URL such as https://example.com"
    if parts.username is not None or parts.query or parts.fragment:
        return "must be a base URL without user, query and fragment"
    if not is_safe(url):
        return "must start with https://"
    return ""


def _can_be_sent(url: str) -> bool:
    try:
        requests.Request("GET", url).prepare()
    except requests.RequestException:
        return False
    return url.isascii()  # its host is a header, too
