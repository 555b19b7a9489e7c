"""The RapidAPI-hosted TikTok API.

Its page: `GET /api/v1/users/{username}/following`, "Get accounts followed by a user".
RapidAPI's gateway is in front of it and answers in its own format, `{"message": "..."}`.
"""

from __future__ import annotations

import datetime as dt
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlsplit

import msgspec
import requests
from singer_sdk import typing as th
from typing_extensions import override

from tap_tiktok_following.decoding import MAX_KEY, Count, Reader, Unreadable
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
from tap_tiktok_following.model import Page
from tap_tiktok_following.providers.base import Provider, numbered
from tap_tiktok_following.text import unix_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_tiktok_following.model import RawResponse


class _Meta(msgspec.Struct):
    request_id: str | None = None
    timestamp: str | None = None
    cached: bool | None = None


class _Pagination(msgspec.Struct):
    has_more: bool
    next_max_time: int | None = None
    total: Any = None


class _Error(msgspec.Struct):
    code: str | int | None = None
    message: str | None = None


class _Envelope(msgspec.Struct):
    meta: msgspec.Raw = msgspec.Raw(b"null")
    data: msgspec.Raw = msgspec.Raw(b"null")
    pagination: msgspec.Raw = msgspec.Raw(b"null")
    error: _Error | str | None = None
    message: str | None = None


_ENVELOPE = Reader(_Envelope)
_META = Reader(_Meta)
_PAGINATION = Reader(_Pagination)

_TOO_MANY = frozenset({403, 429})

_bad_key = partial(
    Rule,
    BadCredentials,
    happened="RapidAPI does not accept the key",
    advice="check `rapidapi_key`",
)

RULES = (
    Rule(
        BadCredentials,
        status=frozenset({401, 403}),
        words="not subscribed",
        happened="the RapidAPI key is not subscribed to this API",
        advice=(
            "subscribe to a plan of the API on RapidAPI with the account that owns "
            "`rapidapi_key`"
        ),
    ),
    Rule(QuotaUsedUp, status=_TOO_MANY, words=r"exceeded the \w+ quota"),
    Rule(SlowDown, status=_TOO_MANY, words="rate limit|too many requests"),
    Rule(NotFound, code="(USER_)?NOT_FOUND"),
    Rule(Private, code=".*PRIVATE.*"),
    Rule(Hidden, code=".*HIDDEN.*"),
    Rule(Unavailable, code="(USER|ACCOUNT)_.*(UNAVAILABLE|BANNED|SUSPENDED)"),
    Rule(SlowDown, code=".*(RATE_LIMIT|TOO_MANY).*"),
    *ERRORS,
    Rule(NotFound, status=frozenset({404}), code=NAMED),
    _bad_key(status=frozenset({401})),
    _bad_key(status=frozenset({403}), words="api key|api token|unauthori[sz]ed"),
)


class RapidAPI(Provider):
    """The RapidAPI-hosted API: as many requests as the plan allows, 100 accounts each."""

    name: ClassVar[str] = "rapidapi"
    key: ClassVar[str] = "user_id"
    properties: ClassVar[th.PropertiesList] = th.PropertiesList(
        th.Property(
            "user_id",
            th.StringType(max_length=MAX_KEY),
            required=True,
            description="TikTok ID of the followed account, which survives renames.",
        ),
        th.Property(
            "username", th.StringType, description="Username of the followed account."
        ),
        th.Property(
            "display_name",
            th.StringType,
            description="Profile name of the followed account.",
        ),
        th.Property("website_url", th.StringType, description="Website in its profile."),
        th.Property("followers", th.IntegerType, description="Number of its followers."),
        th.Property("following", th.IntegerType, description="Number of accounts it follows."),
        th.Property(
            "total_likes", th.IntegerType, description="Number of likes of all its videos."
        ),
        th.Property("total_videos", th.IntegerType, description="Number of its videos."),
        th.Property("verified", th.BooleanType, description="Whether TikTok has verified it."),
        th.Property(
            "is_private", th.BooleanType, description="Whether the account is private."
        ),
        th.Property("bio", th.StringType, description="Text of its profile."),
        th.Property("avatar_url", th.StringType, description="URL of its picture."),
        th.Property(
            "avatar_thumb_url", th.StringType, description="URL of its small picture."
        ),
    )
    settings: ClassVar[tuple[th.Property[Any], ...]] = (
        th.Property(
            "rapidapi_key",
            th.StringType,
            secret=True,
            title="RapidAPI key",
            description="Key of a RapidAPI account that is subscribed to the API.",
        ),
    )
    credentials: ClassVar[tuple[tuple[str, ...], ...]] = (("rapidapi_key",),)
    title: ClassVar[str] = "RapidAPI"
    called: ClassVar[str] = "RapidAPI"
    default_url: ClassVar[str] = "https://full-tiktok-api.p.rapidapi.com"
    per_second: ClassVar[int] = 5
    rate_note: ClassVar[str] = " Your plan may allow fewer."
    rules: ClassVar[tuple[Rule, ...]] = RULES

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._headers = {
            "x-rapidapi-key": config.get("rapidapi_key", ""),
            "x-rapidapi-host": urlsplit(self.url).netloc,
        }

    @override
    def page_request(
        self,
        username: str,
        cursor: int | None,
        count: int,
        token: str,
    ) -> requests.Request:
        """Return `GET /api/v1/users/{username}/following`."""
        url = f"{self.url}/api/v1/users/{quote(username, safe='')}/following"
        query = {"count": count, "max_time": cursor}
        return requests.Request("GET", url, self._headers, params=query)

    @override
    def _page(self, response: RawResponse) -> Page:
        """Return `data` with `pagination`; any `error` is a failure, whatever the status."""
        envelope = _ENVELOPE.read(response.body)
        meta = _meta(envelope.meta)
        if envelope.error is not None or response.status != HTTPStatus.OK:
            code, message = _problem(envelope)
            raise self._error(self.rules, response, code, message, _request_id(meta))
        pagination = _PAGINATION.read(envelope.pagination)
        return Page(
            self.accounts.read(envelope.data),
            pagination.has_more,
            pagination.next_max_time,
            _total(pagination.total),
            _cached_at(meta),
            _request_id(meta),
        )

    @override
    def quota_left(self, headers: Mapping[str, str]) -> int | None:
        """Return `x-ratelimit-requests-remaining`."""
        return _number(headers, "x-ratelimit-requests-remaining")

    @override
    def quota_resets_in(self, response: RawResponse) -> int | None:
        """Return `x-ratelimit-requests-reset`."""
        return _number(response.headers, "x-ratelimit-requests-reset")


def _problem(envelope: _Envelope) -> tuple[str, str]:
    """Return the code and message of an error, of the API or of the gateway."""
    error = envelope.error
    if isinstance(error, _Error):
        return str(error.code or UNNAMED), error.message or ""
    return UNNAMED if error else "", error or envelope.message or ""


def _meta(raw: msgspec.Raw) -> _Meta:
    """Return the metadata of a page; empty if malformed, because the page is still good."""
    try:
        return _META.read(raw)
    except Unreadable:
        return _Meta()


def _request_id(meta: _Meta) -> str:
    return numbered("request_id", meta.request_id)


def _total(value: object) -> int | None:
    """Return the length of the list; None if malformed, because the page is still good."""
    try:
        return msgspec.convert(value, Count)
    except msgspec.ValidationError:
        return None


def _cached_at(meta: _Meta) -> int | None:
    if not meta.cached or not meta.timestamp:
        return None
    try:
        moment = msgspec.convert(meta.timestamp, dt.datetime)
    except msgspec.ValidationError:
        return None
    seconds = unix_seconds(moment)
    return seconds if seconds > 0 else None  # some servers send 0001-01-01 for no time


def _number(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(name, "")
    return int(value) if value.isascii() and value.isdigit() else None
