"""The settings: names, types, defaults, and what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from tap_tiktok_following.providers import PROVIDERS

if TYPE_CHECKING:
    from tap_tiktok_following.providers import Provider

VARIABLES = "TAP_TIKTOK_FOLLOWING_"
"""Prefix of the environment variables of settings; the rest is the name in capitals."""

_CREDENTIALS = [setting for provider in PROVIDERS for setting in provider.settings]
CREDENTIALS = tuple(setting.name for setting in _CREDENTIALS)
SECRETS = tuple(setting.name for setting in _CREDENTIALS if setting.secret)


def _rate(provider: type[Provider]) -> th.Property[Any]:
    return th.Property(
        provider.rate_setting(),
        th.IntegerType(minimum=1, maximum=1000),
        default=provider.per_second,
        title=f"{provider.title} requests per second",
        description=(
            f"Maximum number of requests per second to {provider.called}.{provider.rate_note}"
        ),
    )


def _budget(provider: type[Provider]) -> th.Property[Any]:
    return th.Property(
        provider.budget_setting(),
        th.IntegerType(minimum=0),
        title=f"{provider.title} requests per run",
        description=(
            f"Maximum number of requests to {provider.called} per run; the next run continues "
            "from there. Without it, there is no limit."
        ),
    )


def _url(provider: type[Provider]) -> th.Property[Any]:
    return th.Property(
        provider.url_setting(),
        th.StringType,
        default=provider.default_url,
        title=f"{provider.title} URL",
        description=f"Base URL of {provider.called}.",
    )


SETTINGS = th.PropertiesList(
    th.Property(
        "usernames",
        th.ArrayType(th.StringType),
        title="Usernames",
        description=(
            "Usernames whose following lists are read, as a list of names, @names or profile "
            "URLs. Upper and lower case are the same. Usernames from `usernames_path` are "
            "added to it."
        ),
    ),
    th.Property(
        "usernames_path",
        th.StringType,
        title="File of usernames",
        description=(
            "Path or URL (https, s3, gs) of a file with one username per line (`#` starts a "
            "comment), or of a CSV file with a column `username`, separated by commas, "
            "semicolons or tabs. Usernames from `usernames` are added to it."
        ),
    ),
    th.Property(
        "shard",
        th.StringType,
        title="Shard",
        description=(
            "Part of the usernames to read, such as `3/8` for the third of eight. Each "
            "username belongs to one shard, whatever else is on the list, so that several "
            "pipelines can share one list."
        ),
    ),
    *_CREDENTIALS,
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start date",
        description=(
            "Read each list only down to follows made at this time (RFC 3339; UTC if it has "
            "no time zone). Without it, lists are read to the end."
        ),
    ),
    th.Property(
        "lookback_days",
        th.IntegerType(minimum=0, maximum=3650),
        default=1,
        title="Lookback in days",
        description=(
            "Number of days before the last scan that an incremental scan reads again, to "
            "find follows that the provider shows late."
        ),
    ),
    th.Property(
        "full_scan_after_days",
        th.IntegerType(minimum=0, maximum=3650),
        title="Full scan after days",
        description=(
            "Read and send a whole list again when its last full scan is older than this "
            "number of days, which is how unfollows are found. Refreshes are spread over the "
            "second half of the interval. 0 reads every list in full in every run. Without "
            "it, lists are read in full only once."
        ),
    ),
    th.Property(
        "full_scan_on_loss",
        th.BooleanType,
        default=False,
        title="Full scan on loss",
        description=(
            "Read and send a whole list when a scan shows that it has lost accounts, so that "
            "unfollows are found the day they happen. Each of these lists costs one request "
            "per 100 accounts."
        ),
    ),
    th.Property(
        "rescan_after_hours",
        th.IntegerType(minimum=0, maximum=87600),
        default=0,
        title="Rescan after hours",
        description=(
            "Number of hours for which a username is not read again after it was read or "
            "skipped, so that a retry does not pay twice."
        ),
    ),
    th.Property(
        "retry_unavailable_after_days",
        th.IntegerType(minimum=0, maximum=3650),
        default=0,
        title="Retry unavailable after days",
        description=(
            "Number of days for which a username is not read again after it was private, "
            "hidden, not found or unavailable."
        ),
    ),
    th.Property(
        "responses_path",
        th.StringType,
        title="File of answers",
        description=(
            "Path of a local file that keeps every answer until the target has saved it, so "
            "that no answer is paid for twice if the run, the target or the machine stops. "
            "It contains personal data; deleting it loses no data. Use one file per pipeline, "
            "and set `rescan_after_hours` too."
        ),
    ),
    th.Property(
        "page_size",
        th.IntegerType(minimum=1, maximum=100),
        default=100,
        title="Page size",
        description="Number of accounts to ask for per request.",
    ),
    th.Property(
        "concurrency",
        th.IntegerType(minimum=1, maximum=64),
        default=8,
        title="Concurrency",
        description="Number of lists of one provider that are read at the same time.",
    ),
    *map(_rate, PROVIDERS),
    *map(_budget, PROVIDERS),
    th.Property(
        "on_quota_exhausted",
        th.StringType,
        allowed_values=["fail", "stop"],
        default="fail",
        title="On quota exhausted",
        description=(
            "What to do when the quota of a provider is used up: `fail` ends the run with "
            "exit code 75 (try again later), `stop` with 0. Everything read so far is "
            "written in both cases."
        ),
    ),
    th.Property(
        "on_username_failure",
        th.StringType,
        allowed_values=["fail", "continue"],
        default="fail",
        title="On username failure",
        description=(
            "What to do when a username could not be read: `fail` ends the run with exit "
            "code 1 after all others were read, `continue` with 0."
        ),
    ),
    th.Property(
        "max_tries",
        th.IntegerType(minimum=1, maximum=20),
        default=5,
        title="Tries",
        description="Number of times a request is sent before its username counts as failed.",
    ),
    th.Property(
        "request_timeout",
        th.IntegerType(minimum=1, maximum=600),
        default=60,
        title="Request timeout in seconds",
        description=(
            "Timeout in seconds for connecting, for each read and for the whole response."
        ),
    ),
    *map(_url, PROVIDERS),
    th.Property(
        "user_agent",
        th.StringType,
        title="User agent",
        description=(
            "User-Agent header sent with every request. The default is the name and version "
            "of the tap."
        ),
    ),
)
