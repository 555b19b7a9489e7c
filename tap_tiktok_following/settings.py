"""The settings, and what can be wrong with them, in one sentence each."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from singer_sdk import typing as th

from tap_tiktok_following import usernames
from tap_tiktok_following.bookmarks import parse_time
from tap_tiktok_following.providers import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from urllib.parse import SplitResult

    from jsonschema import ValidationError

SECRETS = ("research_client_secret", "research_access_token", "rapidapi_key")
CREDENTIALS = ("research_client_key", *SECRETS)
_CLIENT = ("research_client_key", "research_client_secret")

SETTINGS = th.PropertiesList(
    th.Property(
        "usernames",
        th.ArrayType(th.StringType),
        title="Usernames",
        description="Whose lists to read: names, @names or profile URLs, in any case.",
    ),
    th.Property(
        "usernames_path",
        th.StringType,
        title="Path of a file of usernames",
        description=(
            "Path of a local file with a username a line (# starts a comment), or of a CSV "
            "file with a column `username`."
        ),
    ),
    th.Property(
        "research_client_key",
        th.StringType,
        title="Research API client key",
        description="Client key of your TikTok Research API client.",
    ),
    th.Property(
        "research_client_secret",
        th.StringType,
        secret=True,
        title="Research API client secret",
        description="Client secret of your TikTok Research API client.",
    ),
    th.Property(
        "research_access_token",
        th.StringType,
        secret=True,
        title="Research API access token",
        description=(
            "A client access token, instead of the client key and secret; it is good for two "
            "hours and is not renewed."
        ),
    ),
    th.Property(
        "rapidapi_key",
        th.StringType,
        secret=True,
        title="RapidAPI key",
        description="Key of a RapidAPI account that is subscribed to the API.",
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start date",
        description=(
            "Lists are read down to follows made at this time (RFC 3339; UTC where it names "
            "no zone); without it, to their end."
        ),
    ),
    th.Property(
        "lookback_days",
        th.IntegerType(minimum=0, maximum=3650),
        default=1,
        title="Lookback in days",
        description=(
            "An incremental scan reads down to so many days before the last one, for follows "
            "that the provider shows late."
        ),
    ),
    th.Property(
        "refresh_after_days",
        th.IntegerType(minimum=1, maximum=3650),
        title="Refresh after days",
        description=(
            "Read and send a list whole again when its last whole scan is older than this, "
            "which is how unfollows are found; without it, never. Due times are spread over "
            "the second half of the interval."
        ),
    ),
    th.Property(
        "revisit_after_hours",
        th.IntegerType(minimum=0, maximum=87600),
        default=0,
        title="Revisit after hours",
        description=(
            "Leave a username alone for so many hours after it was read or skipped, so that "
            "an orchestrator's retry does not pay twice."
        ),
    ),
    th.Property(
        "retry_unavailable_after_days",
        th.IntegerType(minimum=0, maximum=3650),
        default=0,
        title="Retry unavailable after days",
        description=(
            "Leave a username alone for so many days after it was private, not found or "
            "unavailable."
        ),
    ),
    th.Property(
        "page_size",
        th.IntegerType(minimum=1, maximum=100),
        default=100,
        title="Page size",
        description="How many accounts to ask for with one request.",
    ),
    th.Property(
        "concurrency",
        th.IntegerType(minimum=1, maximum=64),
        default=8,
        title="Concurrency",
        description="How many lists of a provider are read at once.",
    ),
    th.Property(
        "research_requests_per_second",
        th.IntegerType(minimum=1, maximum=1000),
        default=10,
        title="Research API requests per second",
        description="No more than so many requests in any one second.",
    ),
    th.Property(
        "rapidapi_requests_per_second",
        th.IntegerType(minimum=1, maximum=1000),
        default=5,
        title="RapidAPI requests per second",
        description="No more than so many requests in any one second; your plan has a limit.",
    ),
    th.Property(
        "research_max_requests",
        th.IntegerType(minimum=0),
        title="Research API requests per run",
        description=(
            "End the run of the Research API after so many requests; the next run goes on "
            "from there. Without it there is no limit."
        ),
    ),
    th.Property(
        "rapidapi_max_requests",
        th.IntegerType(minimum=0),
        title="RapidAPI requests per run",
        description=(
            "End the run of RapidAPI after so many requests; the next run goes on from "
            "there. Without it there is no limit."
        ),
    ),
    th.Property(
        "on_quota_exhausted",
        th.StringType,
        allowed_values=["fail", "stop"],
        default="fail",
        title="On quota exhausted",
        description=(
            "When a provider's quota is spent: `fail` ends with exit code 75 (try again "
            "later), `stop` with 0. Either way everything read is written."
        ),
    ),
    th.Property(
        "on_username_failure",
        th.StringType,
        allowed_values=["fail", "continue"],
        default="fail",
        title="On username failure",
        description=(
            "When a username could not be read: `fail` ends with exit code 1 after all "
            "others were read, `continue` with 0."
        ),
    ),
    th.Property(
        "max_tries",
        th.IntegerType(minimum=1, maximum=20),
        default=5,
        title="Tries",
        description="How often a request is sent before its username fails.",
    ),
    th.Property(
        "request_timeout",
        th.IntegerType(minimum=1, maximum=600),
        default=60,
        title="Request timeout in seconds",
        description="For connecting, for each read, and for the body of an answer as a whole.",
    ),
    th.Property(
        "research_api_url",
        th.StringType,
        default="https://open.tiktokapis.com",
        title="Research API URL",
        description="Base URL of the Research API.",
    ),
    th.Property(
        "rapidapi_api_url",
        th.StringType,
        default="https://full-tiktok-api.p.rapidapi.com",
        title="RapidAPI URL",
        description="Base URL of the API on RapidAPI.",
    ),
    th.Property(
        "user_agent",
        th.StringType,
        title="User agent",
        description="How requests introduce themselves; without it, by name and version.",
    ),
)

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


def problems(config: Mapping[str, Any], wrong: AbstractSet[object]) -> Iterator[str]:
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
