"""What is wrong with a config, in one sentence each and without its values."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from tap_tiktok_following.config import usernames
from tap_tiktok_following.config.settings import CREDENTIALS, SETTINGS
from tap_tiktok_following.providers import PROVIDERS
from tap_tiktok_following.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from urllib.parse import SplitResult

    from jsonschema import ValidationError

_CLIENT = ("research_client_key", "research_client_secret")

_TYPES = {
    "array": "a list of texts",
    "boolean": "true or false",
    "integer": "a whole number",
    "object": "an object",
    "string": "a text",
}


def in_words(error: ValidationError) -> str:
    """What is wrong with a setting, without its value, which may be a secret."""
    if not error.path:
        return "the config has to be an object with settings"
    setting = error.path[0]
    return f"`{setting}` has to be {_expected(SETTINGS.to_dict()['properties'].get(setting))}"


def _expected(schema: Mapping[str, Any] | None) -> str:
    if schema is None:
        return "what the SDK's documentation asks for"
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    kind = _TYPES[schema["type"][0]]
    if "maximum" in schema:
        return f"{kind} from {schema['minimum']} to {schema['maximum']}"
    return f"{kind} of {schema['minimum']} or more" if "minimum" in schema else kind


def of(config: Mapping[str, Any], wrong: AbstractSet[object]) -> Iterator[str]:
    """What is wrong with settings that are of the right type, a sentence each.

    Args:
        config: The settings, without those of a wrong type.
        wrong: The names of those.
    """
    if wrong.isdisjoint({"usernames", "usernames_path"}):
        yield from _username_problems(config)
    yield from _credential_problems(config)
    if wrong.isdisjoint(CREDENTIALS) and not _has_credentials(config):
        yield (
            "there are no credentials: give `research_client_key` and "
            "`research_client_secret`, or `research_access_token`, or `rapidapi_key`"
        )
    if not all(" " <= character <= "~" for character in config.get("user_agent") or ""):
        yield "`user_agent` holds a line break or a letter that no header may have"
    if config.get("start_date") and parse_time(config["start_date"]) is None:
        yield "`start_date` has to be a time such as 2026-01-31T00:00:00Z"
    for provider in PROVIDERS:
        setting = f"{provider.name}_api_url"
        if setting in config and (problem := _url_problem(config[setting])):
            yield f"`{setting}` {problem}"


def _username_problems(config: Mapping[str, Any]) -> Iterator[str]:
    for text in config.get("usernames") or []:
        if usernames.parse(text) is None:
            yield f"`usernames` holds {usernames.shorten(text)!r}, which can't be a username"
    try:
        found = usernames.collect(config)
    except usernames.FileProblem as problem:
        yield f"`usernames_path` ({config['usernames_path']}) {problem}"
        return
    if not config.get("usernames") and not config.get("usernames_path"):
        yield "there is nobody to ask about: give `usernames` or `usernames_path`"
    elif config.get("usernames_path") and not found.names and not config.get("usernames"):
        yield f"`usernames_path` ({config['usernames_path']}) holds no username"


def _credential_problems(config: Mapping[str, Any]) -> Iterator[str]:
    for setting in CREDENTIALS:
        value = config.get(setting) or ""
        if not all("!" <= character <= "~" for character in value):
            yield f"`{setting}` holds a space, a line break or a letter that no key has"
    for setting, other in (_CLIENT, _CLIENT[::-1]):
        if config.get(setting) and not config.get(other):
            yield f"`{setting}` is given without `{other}`"


def _has_credentials(config: Mapping[str, Any]) -> bool:
    """Whether there are any, half of a pair counted, of which there is more to say."""
    configured = any(provider.is_configured(config) for provider in PROVIDERS)
    return configured or any(config.get(setting) for setting in _CLIENT)


def _url_problem(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "is not a URL"
    if not parts.hostname or parts.scheme not in {"http", "https"} or not _can_be_sent(url):
        return "has to be a URL such as https://example.com"
    if parts.username is not None or parts.query or parts.fragment:
        return "has to be a plain base URL, without user, query or fragment"
    if parts.scheme == "http" and not _is_loopback(parts):
        return "has to start with https://"
    return ""


def _can_be_sent(url: str) -> bool:
    try:
        requests.Request("GET", url).prepare()
    except requests.RequestException:
        return False
    return url.isascii()  # its host is a header, too


def _is_loopback(parts: SplitResult) -> bool:
    if parts.hostname == "localhost":
        return True
    try:
        return ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
