"""The settings: names, types, defaults, and what they do."""

from __future__ import annotations

from singer_sdk import typing as th

SECRETS = ("research_client_secret", "research_access_token", "rapidapi_key")
CREDENTIALS = ("research_client_key", *SECRETS)

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
        "answers_path",
        th.StringType,
        title="Path of the file of answers",
        description=(
            "Path of a local file that keeps every answer until the target has saved a state "
            "that covers it, so that no page is paid for twice, whatever dies. It holds "
            "personal data; deleting it is always safe. Use one file per pipeline, and set "
            "`revisit_after_hours` too."
        ),
    ),
    th.Property(
        "refresh_after_days",
        th.IntegerType(minimum=0, maximum=3650),
        title="Refresh after days",
        description=(
            "Read and send a list whole again when its last whole scan is older than this, "
            "which is how unfollows are found; 0 for every run; without it, never. Due times "
            "are spread over the second half of the interval."
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
