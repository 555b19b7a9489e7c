"""The settings, in the groups of the documentation: names, types, defaults, descriptions."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from singer_sdk import typing as th

from tap_tiktok_following.providers import PROVIDERS

VARIABLES = "TAP_TIKTOK_FOLLOWING_"
"""Prefix of the environment variables of settings; the rest is the name in capitals."""

RENAMED = {
    "answers_path": "responses_path",
    "refresh_after_days": "full_scan_after_days",
    "refresh_on_loss": "full_scan_on_loss",
    "revisit_after_hours": "rescan_after_hours",
}
"""Old names of settings, and the present ones."""

CREDENTIALS = tuple(name for provider in PROVIDERS for name, _, _ in provider.settings)
SECRETS = tuple(
    name for provider in PROVIDERS for name, is_secret, _ in provider.settings if is_secret
)


def _setting(
    name: str,
    kind: type[th.JSONTypeHelper[Any]] | th.JSONTypeHelper[Any],
    description: str,
    *,
    default: object = None,
    title: str = "",
) -> th.Property[Any]:
    words = name.replace("_", " ").capitalize()
    for provider in PROVIDERS:
        words = words.replace(provider.name.capitalize(), provider.title)
    return th.Property(
        name,
        kind,
        title=title or words,
        description=description,
        default=default,
        secret=name in SECRETS,
    )


GROUPS: dict[str, tuple[th.Property[Any], ...]] = {
    "What to read": (
        _setting(
            "usernames",
            th.ArrayType(th.StringType),
            "Usernames whose following lists are read, as a list of names, @names or "
            "profile URLs. Upper and lower case are the same. Usernames from "
            "`usernames_path` are added to it.",
        ),
        _setting(
            "usernames_path",
            th.StringType,
            "Path or URL (https, s3, gs) of a file with one username per line (`#` starts a "
            "comment), or of a CSV file with a column `username`, separated by commas, "
            "semicolons or tabs. Usernames from `usernames` are added to it.",
        ),
        _setting(
            "shard",
            th.StringType,
            "Part of the usernames to read, such as `3/8` for the third of eight. Each "
            "username belongs to one shard, whatever else is on the list, so that several "
            "pipelines can share one list.",
        ),
        _setting(
            "start_date",
            th.DateTimeType,
            "Read each list only down to follows made at this time (RFC 3339; UTC if it "
            "has no time zone). Without it, lists are read to the end.",
        ),
    ),
    "Credentials": tuple(
        _setting(name, th.StringType, description)
        for provider in PROVIDERS
        for name, _, description in provider.settings
    ),
    "Cost": (
        _setting(
            "responses_path",
            th.StringType,
            "Path of a local file that stores every response until the target has saved its "
            "rows, so that no response is paid for twice if the run, the target or the "
            "machine stops. Use one file per pipeline. It contains personal data. It is safe "
            "to delete: responses that were not loaded yet are requested again.",
        ),
        _setting(
            "rescan_after_hours",
            th.IntegerType(minimum=0, maximum=87600),
            "Number of hours for which a username is not read again after it was read or "
            "skipped.",
            default=0,
        ),
        _setting(
            "retry_unavailable_after_days",
            th.IntegerType(minimum=0, maximum=3650),
            "Number of days for which a username is not read again after it was private, "
            "hidden, not found or unavailable.",
            default=0,
        ),
        *(
            _setting(
                provider.budget_setting,
                th.IntegerType(minimum=0),
                f"Maximum number of requests to {provider.called} per run, retries included. "
                "The next run continues from there. Without it, there is no limit.",
                title=f"{provider.title} requests per run",
            )
            for provider in PROVIDERS
        ),
        *(
            _setting(
                provider.rate_setting,
                th.IntegerType(minimum=1, maximum=1000),
                f"Maximum number of requests per second to {provider.called}."
                f"{provider.rate_note}",
                default=provider.per_second,
            )
            for provider in PROVIDERS
        ),
    ),
    "Unfollows": (
        _setting(
            "full_scan_on_loss",
            th.BooleanType,
            "Read and send a whole list when a scan shows that it has lost accounts, so "
            "that unfollows are found the day they happen. Each of these lists costs one "
            "request per 100 accounts.",
            default=False,
        ),
        _setting(
            "full_scan_after_days",
            th.IntegerType(minimum=0, maximum=3650),
            "Read and send a whole list again when its last full scan is older than this "
            "number of days. Full scans are spread over the second half of the interval. 0 "
            "reads every list in full in every run. Without it, lists are read in full only "
            "once.",
        ),
    ),
    "Failure": (
        _setting(
            "on_quota_exhausted",
            th.StringType(allowed_values=["fail", "stop"]),
            "What to do when the quota of a provider is used up: `fail` ends the run with "
            "exit code 75 (try again later), `stop` with 0. Everything read so far is "
            "written in both cases.",
            default="fail",
        ),
        _setting(
            "on_username_failure",
            th.StringType(allowed_values=["fail", "continue"]),
            "What to do when a username could not be read: `fail` ends the run with exit "
            "code 1 after all others were read, `continue` with 0.",
            default="fail",
        ),
    ),
    "Rarely changed": (
        _setting(
            "lookback_days",
            th.IntegerType(minimum=0, maximum=3650),
            "Number of days before the last scan that an incremental scan reads again, to "
            "find follows that the provider shows late.",
            default=1,
        ),
        _setting(
            "page_size",
            th.IntegerType(minimum=1, maximum=100),
            "Number of accounts per request.",
            default=100,
        ),
        _setting(
            "concurrency",
            th.IntegerType(minimum=1, maximum=64),
            "Number of lists of one provider that are read at the same time.",
            default=8,
        ),
        _setting(
            "max_tries",
            th.IntegerType(minimum=1, maximum=20),
            "Number of times a request is sent before its username counts as failed.",
            default=5,
        ),
        _setting(
            "request_timeout",
            th.IntegerType(minimum=1, maximum=600),
            "Timeout in seconds for connecting, for each read and for the whole response.",
            default=60,
        ),
        *(
            _setting(
                provider.url_setting,
                th.StringType,
                f"Base URL of {provider.called}.",
                default=provider.default_url,
                title=f"{provider.title} URL",
            )
            for provider in PROVIDERS
        ),
        _setting(
            "user_agent",
            th.StringType,
            "User-Agent header sent with every request. The default is the name and version "
            "of the tap.",
        ),
    ),
}

SETTINGS = th.PropertiesList(*chain.from_iterable(GROUPS.values()))


_BOOLEANS = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}

_PARSERS: dict[str, Callable[[str], object]] = {
    "array": json.loads,
    "boolean": lambda value: _BOOLEANS[value.lower()],
    "integer": int,
    "object": json.loads,
}


def variables() -> dict[str, str]:
    """Return the environment variables of settings, whether these exist or not, by setting.

    An empty variable counts as not set. `LOGLEVEL` belongs to the SDK; names with another
    leading underscore belong to Meltano.
    """
    return {
        variable.removeprefix(VARIABLES).lower(): value
        for variable, value in os.environ.items()
        if value and re.match(f"{VARIABLES}(?!_|LOGLEVEL$)", variable)
    }


def from_environment(schemas: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Read settings from environment variables.

    A value of a wrong type stays a string, to be reported by the validation.
    """
    return {name: _parse(value, schemas.get(name, {})) for name, value in variables().items()}


def _parse(value: str, schema: Mapping[str, Any]) -> object:
    kind = schema.get("type", ["string"])[0]
    try:
        return _PARSERS.get(kind, str)(value)
    except (KeyError, ValueError):
        return value.split(",") if kind == "array" else value
