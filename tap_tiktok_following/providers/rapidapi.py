"""The RapidAPI-hosted TikTok API.

Its page: `GET /api/v1/users/{username}/following`, "Get accounts followed by a user".
RapidAPI's gateway is in front of it and answers in its own format, `{"message": "..."}`.
"""

from __future__ import annotations

import datetime as dt
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from singer_sdk import typing as th
from typing_extensions import override

from tap_tiktok_following.http import decoding as body
from tap_tiktok_following.http.transport import Request
from tap_tiktok_following.model import Page
from tap_tiktok_following.providers.base import Provider, numbered
from tap_tiktok_following.text import unix_seconds
from tap_tiktok_following.verdicts import ERRORS, NAMED, UNNAMED, Rule, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_tiktok_following.http.transport import Exchange


class Account(msgspec.Struct):
    """An account of `data`."""

    user_id: body.Key
    username: str | None = None
    display_name: str | None = None
    website_url: str | None = None
    followers: body.Int64 | None = None
    following: body.Int64 | None = None
    total_likes: body.Int64 | None = None
    total_videos: body.Int64 | None = None
    verified: bool | None = None
    is_private: bool | None = None
    bio: str | None = None
    avatar_url: str | None = None
    avatar_thumb_url: str | None = None


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


_ENVELOPE = body.Reader(_Envelope)
_META = body.Reader(_Meta)
_PAGINATION = body.Reader(_Pagination)
_ACCOUNTS = body.AccountsReader(Account)

_TOO_MANY = frozenset({403, 429})

_bad_key = partial(
    Rule,
    Verdict.BAD_CREDENTIALS,
    happened="RapidAPI does not accept the key",
    advice="check `rapidapi_key`",
)

RULES = (
    Rule(
        Verdict.BAD_CREDENTIALS,
        status=frozenset({401, 403}),
        words="not subscribed",
        happened="the RapidAPI key is not subscribed to this API",
        advice=(
            "subscribe to a plan of the API on RapidAPI with the account that owns "
            "`rapidapi_key`"
        ),
    ),
    Rule(Verdict.QUOTA_SPENT, status=_TOO_MANY, words=r"exceeded the \w+ quota"),
    Rule(Verdict.RATE_LIMITED, status=_TOO_MANY, words="rate limit|too many requests"),
    Rule(Verdict.NOT_FOUND, code="(USER_)?NOT_FOUND"),
    Rule(Verdict.PRIVATE, code=".*PRIVATE.*"),
    Rule(Verdict.HIDDEN, code=".*HIDDEN.*"),
    Rule(Verdict.UNAVAILABLE, code="(USER|ACCOUNT)_.*(UNAVAILABLE|BANNED|SUSPENDED)"),
    Rule(Verdict.RATE_LIMITED, code=".*(RATE_LIMIT|TOO_MANY).*"),
    *ERRORS,
    Rule(Verdict.NOT_FOUND, status=frozenset({404}), code=NAMED),
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
            th.StringType,
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
    ) -> Request:
        """`GET /api/v1/users/{username}/following`."""
        query = {"count": count}
        if cursor is not None:
            query["max_time"] = cursor
        path = f"/api/v1/users/{quote(username, safe='')}/following?{urlencode(query)}"
        return Request("GET", path, self._headers)

    @override
    def _page(self, exchange: Exchange) -> Page:
        """`data` with `pagination`; a non-null `error` is a failure whatever the status."""
        envelope = _ENVELOPE.read(exchange.body)
        meta = _meta(envelope.meta)
        if envelope.error is not None or exchange.status != HTTPStatus.OK:
            code, words = _said(envelope)
            raise self._refused(self.rules, exchange, code, words, _request_id(meta))
        pagination = _PAGINATION.read(envelope.pagination)
        accounts = _ACCOUNTS.read(envelope.data)
        return Page(
            accounts,
            pagination.has_more,
            pagination.next_max_time,
            _total(pagination.total),
            _cached_at(meta),
            _request_id(meta),
        )

    @override
    def quota_left(self, headers: Mapping[str, str]) -> int | None:
        """By `x-ratelimit-requests-remaining`."""
        return _header(headers, "x-ratelimit-requests-remaining")

    @override
    def quota_resets_in(self, headers: Mapping[str, str], now: float) -> float | None:
        """By `x-ratelimit-requests-reset`."""
        return _header(headers, "x-ratelimit-requests-reset")


def _said(envelope: _Envelope) -> tuple[str, str]:
    """The code and message of an error, of the API or of the gateway."""
    error = envelope.error
    if isinstance(error, _Error):
        return str(error.code or UNNAMED), error.message or ""
    return UNNAMED if error else "", error or envelope.message or ""


def _meta(raw: msgspec.Raw) -> _Meta:
    """The metadata of a page; empty if it is malformed, because the page is still good."""
    try:
        return _META.read(raw)
    except body.Unreadable:
        return _Meta()


def _request_id(meta: _Meta) -> str:
    return numbered("request_id", meta.request_id)


def _total(value: object) -> int | None:
    """The total number of accounts; None if it is malformed: the page is still good."""
    try:
        return msgspec.convert(value, body.Count)
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


def _header(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(name, "")
    return int(value) if value.isascii() and value.isdigit() else None
