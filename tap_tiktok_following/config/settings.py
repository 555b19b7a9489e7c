"""The settings, in the groups of the documentation: names, types, defaults, descriptions."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from configparser import ConfigParser
from itertools import chain
from typing import Any

from singer_sdk import typing as th

from tap_tiktok_following.providers import PROVIDERS

VARIABLES = "TAP_TIKTOK_FOLLOWING_"  # before the names of settings, in capitals

RENAMED = {  # old names of settings, and the present ones
    "answers_path": "responses_path",
    "refresh_after_days": "full_scan_after_days",
    "refresh_on_loss": "full_scan_on_loss",
    "revisit_after_hours": "rescan_after_hours",
}

CREDENTIALS = tuple(name for provider in PROVIDERS for name, _, _ in provider.settings)
SECRETS = tuple(
    name for provider in PROVIDERS for name, is_secret, _ in provider.settings if is_secret
)


def _setting(
    name: str,
    description: str,
    kind: type[th.JSONTypeHelper[Any]] | th.JSONTypeHelper[Any] = th.StringType,
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
            "Usernames whose following lists are read, as a list of names, @names or "
            "profile URLs. Upper and lower case are the same. Usernames from "
            "`usernames_path` are added to it.",
            th.ArrayType(th.StringType),
        ),
        _setting(
            "usernames_path",
            "Path or URL (https, s3, gs) of a file with one username per line (`#` starts a "
            "comment), or of a CSV file with a column `username`, separated by commas, "
            "semicolons or tabs. Usernames from `usernames` are added to it.",
        ),
        _setting(
            "shard",
            "Part of the usernames to read, such as `3/8` for the third of eight. Each "
            "username belongs to one shard, whatever else is on the list, so that several "
            "pipelines can share one list.",
        ),
        _setting(
            "start_date",
            "Read each list only down to follows made at this time (RFC 3339; UTC if it "
            "has no time zone). Without it, lists are read to the end.",
            th.DateTimeType,
        ),
    ),
    "Credentials": tuple(
        _setting(name, description)
        for provider in PROVIDERS
        for name, _, description in provider.settings
    ),
    "Cost": (
        _setting(
            "responses_path",
            "Path of a local file that stores every response until the target has saved its "
            "rows, so that no response is paid for twice if the run, the target or the "
            "machine stops. Use one file per pipeline. It contains personal data. It is safe "
            "to delete: responses that were not loaded yet are requested again.",
        ),
        _setting(
            "rescan_after_hours",
            "Number of hours for which a username is not read again after it was read or "
            "skipped.",
            th.IntegerType(minimum=0, maximum=87600),
            default=0,
        ),
        _setting(
            "retry_unavailable_after_days",
            "Number of days for which a username is not read again after it was private, "
            "hidden, not found or unavailable.",
            th.IntegerType(minimum=0, maximum=3650),
            default=0,
        ),
        *(
            _setting(
                provider.budget_setting,
                f"Maximum number of requests to {provider.called} per run, retries included. "
                "The next run continues from there. Without it, there is no limit.",
                th.IntegerType(minimum=0),
                title=f"{provider.title} requests per run",
            )
            for provider in PROVIDERS
        ),
        *(
            _setting(
                provider.rate_setting,
                f"Maximum number of requests per second to {provider.called}."
                f"{provider.rate_note}",
                th.IntegerType(minimum=1, maximum=1000),
                default=provider.per_second,
            )
            for provider in PROVIDERS
        ),
    ),
    "Unfollows": (
        _setting(
            "full_scan_on_loss",
            "Read and send a whole list when a scan shows that it has lost accounts, so "
            "that unfollows are found the day they happen. Each of these lists costs one "
            "request per 100 accounts.",
            th.BooleanType,
            default=False,
        ),
        _setting(
            "full_scan_after_days",
            "Read and send a whole list again when its last full scan is older than this "
            "number of days. Full scans are spread over the second half of the interval. 0 "
            "reads every list in full in every run. Without it, lists are read in full only "
            "once.",
            th.IntegerType(minimum=0, maximum=3650),
        ),
    ),
    "Failure": (
        _setting(
            "on_quota_exhausted",
            "What to do when the quota of a provider is used up: `fail` ends the run with "
            "exit code 75 (try again later), `stop` with 0. Everything read so far is "
            "written in both cases.",
            th.StringType(allowed_values=["fail", "stop"]),
            default="fail",
        ),
        _setting(
            "on_username_failure",
            "What to do when a username could not be read: `fail` ends the run with exit "
            "code 1 after all others were read, `continue` with 0.",
            th.StringType(allowed_values=["fail", "continue"]),
            default="fail",
        ),
    ),
    "Rarely changed": (
        _setting(
            "lookback_days",
            "Number of days before the last scan that an incremental scan reads again, to "
            "find follows that the provider shows late.",
            th.IntegerType(minimum=0, maximum=3650),
            default=1,
        ),
        _setting(
            "page_size",
            "Number of accounts per request.",
            th.IntegerType(minimum=1, maximum=100),
            default=100,
        ),
        _setting(
            "concurrency",
            "Number of lists of one provider that are read at the same time.",
            th.IntegerType(minimum=1, maximum=64),
            default=8,
        ),
        _setting(
            "max_tries",
            "Number of times a request is sent before its username counts as failed.",
            th.IntegerType(minimum=1, maximum=20),
            default=5,
        ),
        _setting(
            "request_timeout",
            "Timeout in seconds for connecting, for each read and for the whole response.",
            th.IntegerType(minimum=1, maximum=600),
            default=60,
        ),
        *(
            _setting(
                provider.url_setting,
                f"Base URL of {provider.called}.",
                default=provider.default_url,
                title=f"{provider.title} URL",
            )
            for provider in PROVIDERS
        ),
        _setting(
            "user_agent",
            "User-Agent header sent with every request. The default is the name and version "
            "of the tap.",
        ),
    ),
}

SETTINGS = th.PropertiesList(*chain.from_iterable(GROUPS.values()))

_PARSERS: dict[str, Callable[[str], object]] = {
    "array": json.loads,
    "boolean": lambda value: ConfigParser.BOOLEAN_STATES[value.lower()],
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


def from_environment(schemas: Mapping[str, Mapping[str, Any]]) -> dict[str, object]:
    """Read settings from environment variables.

    A value of a wrong type stays a string, to be reported by the validation.
    """
    config: dict[str, object] = {}
    for name, value in variables().items():
        kind = schemas.get(name, {}).get("type", ["string"])[0]
        try:
            config[name] = _PARSERS.get(kind, str)(value)
        except (KeyError, ValueError):
            config[name] = value.split(",") if kind == "array" else value
    return config
