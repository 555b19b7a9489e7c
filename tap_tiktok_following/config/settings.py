"""The settings: names, types, defaults, and what they do."""

from __future__ import annotations

from singer_sdk import typing as th

VARIABLES = "TAP_TIKTOK_FOLLOWING_"
"""How the environment variables of settings start; the rest is the name in capitals."""

SECRETS = ("research_client_secret", "research_access_token", "rapidapi_key")
CREDENTIALS = ("research_client_key", *SECRETS)

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
            "A client access token, to be used instead of the client key and secret. It "
            "expires after two hours and is not renewed."
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
        "refresh_after_days",
        th.IntegerType(minimum=0, maximum=3650),
        title="Refresh after days",
        description=(
            "Read and send a whole list again when its last full scan is older than this "
            "number of days, which is how unfollows are found. Refreshes are spread over the "
            "second half of the interval. 0 reads every list in full in every run. Without "
            "it, lists are read in full only once."
        ),
    ),
    th.Property(
        "revisit_after_hours",
        th.IntegerType(minimum=0, maximum=87600),
        default=0,
        title="Revisit after hours",
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
        "answers_path",
        th.StringType,
        title="File of answers",
        description=(
            "Path of a local file that keeps every answer until the target has saved it, so "
            "that no request is paid for twice if the run, the target or the machine stops. "
            "It contains personal data; deleting it loses no data. Use one file per pipeline, "
            "and set `revisit_after_hours` too."
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
    th.Property(
        "research_requests_per_second",
        th.IntegerType(minimum=1, maximum=1000),
        default=10,
        title="Research API requests per second",
        description="Maximum number of requests per second to the Research API.",
    ),
    th.Property(
        "rapidapi_requests_per_second",
        th.IntegerType(minimum=1, maximum=1000),
        default=5,
        title="RapidAPI requests per second",
        description=(
            "Maximum number of requests per second to RapidAPI. Your plan may allow fewer."
        ),
    ),
    th.Property(
        "research_max_requests",
        th.IntegerType(minimum=0),
        title="Research API requests per run",
        description=(
            "Maximum number of requests to the Research API per run; the next run continues "
            "from there. Without it, there is no limit."
        ),
    ),
    th.Property(
        "rapidapi_max_requests",
        th.IntegerType(minimum=0),
        title="RapidAPI requests per run",
        description=(
            "Maximum number of requests to RapidAPI per run; the next run continues from "
            "there. Without it, there is no limit."
        ),
    ),
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
        description=(
            "User-Agent header sent with every request. The default is the name and version "
            "of the tap."
        ),
    ),
)
