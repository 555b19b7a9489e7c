"""The RapidAPI-hosted TikTok API.

Its page: `GET /api/v1/users/{username}/following`, "Get accounts followed by a user".
RapidAPI's gateway is in front of it and answers in its own format, `{"message": "..."}`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
import requests
from singer_sdk import typing as th
from typing_extensions import override

from tap_tiktok_following.decoding import Count, Reader, Unreadable, convert
from tap_tiktok_following.errors import (
    ERRORS,
    NAMED,
    UNNAMED,
    BadCredentials,
    Hidden,
    NotFound,
    Private,
    QuotaUsedUp,
    Rule,
    SlowDown,
    Unavailable,
)
from tap_tiktok_following.model import Page, RawResponse
from tap_tiktok_following.providers.base import APIError, Provider, numbered
from tap_tiktok_following.text import unix_seconds


class _Meta(msgspec.Struct):
    request_id: Any = None
    timestamp: Any = None
    cached: Any = None


class _Pagination(msgspec.Struct):
    has_more: bool | None = None
    next_max_time: int | None = None
    total: Any = None


class _Envelope(msgspec.Struct):
    meta: Any = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    pagination: _Pagination | None = None
    error: APIError | str | None = None
    message: str | None = None


_ENVELOPE = Reader(_Envelope)

_NOT_SUBSCRIBED = partial(
    BadCredentials,
    happened="the RapidAPI key is not subscribed to this API",
    advice="subscribe the account that owns `rapidapi_key` to a plan of the API on RapidAPI",
)
_BAD_KEY = partial(
    BadCredentials, happened="RapidAPI does not accept the key", advice="check `rapidapi_key`"
)


class RapidAPI(Provider):
    """The RapidAPI-hosted API: as many requests as the plan allows, 100 accounts each."""

    name = "rapidapi"
    fields = (
        (
            "user_id",
            th.StringType,
            "TikTok ID of the followed account, which survives renames.",
        ),
        ("username", th.StringType, "Username of the followed account."),
        ("display_name", th.StringType, "Profile name of the followed account."),
        ("website_url", th.StringType, "Website in its profile."),
        ("followers", th.IntegerType, "Number of its followers."),
        ("following", th.IntegerType, "Number of accounts it follows."),
        ("total_likes", th.IntegerType, "Number of likes of all its videos."),
        ("total_videos", th.IntegerType, "Number of its videos."),
        ("verified", th.BooleanType, "Whether TikTok has verified it."),
        ("is_private", th.BooleanType, "Whether the account is private."),
        ("bio", th.StringType, "Text of its profile."),
        ("avatar_url", th.StringType, "URL of its picture."),
        ("avatar_thumb_url", th.StringType, "URL of its small picture."),
    )
    settings = (
        ("rapidapi_key", True, "Key of a RapidAPI account that is subscribed to the API."),
    )
    credentials = (("rapidapi_key",),)
    title = "RapidAPI"
    called = "RapidAPI"
    default_url = "https://full-tiktok-api.p.rapidapi.com"
    per_second = 5
    rate_note = " Your plan may allow fewer."
    rules = (
        Rule(_NOT_SUBSCRIBED, status={401, 403}, words="not subscribed"),
        Rule(QuotaUsedUp, status={403, 429}, words=r"exceeded the \w+ quota"),
        Rule(SlowDown, status={403, 429}, words="rate limit|too many requests"),
        Rule(NotFound, code="(USER_)?NOT_FOUND"),
        Rule(Private, code=".*PRIVATE.*"),
        Rule(Hidden, code=".*HIDDEN.*"),
        Rule(Unavailable, code="(USER|ACCOUNT)_.*(UNAVAILABLE|BANNED|SUSPENDED)"),
        Rule(SlowDown, code=".*(RATE_LIMIT|TOO_MANY).*"),
        *ERRORS,
        Rule(NotFound, status={404}, code=NAMED),
        Rule(_BAD_KEY, status={401}),
        Rule(_BAD_KEY, status={403}, words="api key|api token|unauthori[sz]ed"),
    )

    @override
    def page_request(
        self, username: str, cursor: int | None, count: int, token: str
    ) -> requests.Request:
        query = f"count={count}" if cursor is None else f"count={count}&max_time={cursor}"
        url = f"{self.url}/api/v1/users/{quote(username, safe='')}/following?{query}"
        key, host = self._config["rapidapi_key"], urlsplit(self.url).netloc
        headers = {"x-rapidapi-key": key, "x-rapidapi-host": host}
        return requests.Request("GET", url, headers)

    @override
    def _page(self, response: RawResponse) -> Page:
        """Return `data` with `pagination`; any `error` is a failure, whatever the status."""
        envelope = _ENVELOPE.read(response.body)
        # A page is good even if what it says about itself is malformed.
        meta = convert(envelope.meta, _Meta) or _Meta()
        reference = numbered("request_id", meta.request_id)
        if envelope.error is not None or response.status != HTTPStatus.OK:
            code, message = _problem(envelope)
            raise self._error(self.rules, response, code, message, reference)
        pagination = envelope.pagination
        if pagination is None or pagination.has_more is None:
            raise Unreadable
        return Page(
            self.accounts.read(envelope.data),
            pagination.has_more,
            pagination.next_max_time,
            convert(pagination.total, Count),
            _cached_at(meta),
            reference,
        )

    @override
    def quota_left(self, headers: Mapping[str, str]) -> int | None:
        return _number(headers, "x-ratelimit-requests-remaining")

    @override
    def quota_resets_in(self, response: RawResponse) -> int | None:
        return _number(response.headers, "x-ratelimit-requests-reset")


def _problem(envelope: _Envelope) -> tuple[str, str]:
    """Return the code and message of an error, of the API or of the gateway."""
    error = envelope.error
    if isinstance(error, APIError):
        return str(error.code or UNNAMED), error.message or ""
    return UNNAMED if error else "", error or envelope.message or ""


def _cached_at(meta: _Meta) -> int | None:
    moment = convert(meta.timestamp, dt.datetime) if meta.cached else None
    seconds = unix_seconds(moment) if moment else 0
    return seconds if seconds > 0 else None  # some servers send 0001-01-01 for no time


def _number(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(name, "")
    return int(value) if value.isdecimal() else None
