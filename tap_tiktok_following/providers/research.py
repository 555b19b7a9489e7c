"""The TikTok Research API.

Its pages: https://developers.tiktok.com/doc/research-api-specs-query-user-following and
https://developers.tiktok.com/doc/client-access-token-management.
"""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

import msgspec
from singer_sdk import typing as th
from typing_extensions import override

from tap_tiktok_following.http import decoding as body
from tap_tiktok_following.http.transport import Request
from tap_tiktok_following.model import Page, TokenGrant
from tap_tiktok_following.providers.base import Provider, numbered
from tap_tiktok_following.text import DAY, hide
from tap_tiktok_following.verdicts import ERRORS, NAMED, UNNAMED, Rule, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_tiktok_following.http.transport import Exchange


class Account(msgspec.Struct):
    """An account of `data.user_following`."""

    username: body.Key
    display_name: str | None = None


class _Error(msgspec.Struct):
    code: str | int | None = None
    message: str | None = None
    log_id: str | int | None = None


class _Envelope(msgspec.Struct):
    error: _Error
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Data(msgspec.Struct):
    has_more: bool
    user_following: msgspec.Raw = msgspec.Raw(b"null")
    cursor: int | None = None


class _Grant(msgspec.Struct):
    access_token: str | None = None
    expires_in: float = 7200
    error: str | None = None
    error_description: str | None = None
    log_id: str | int | None = None


_ENVELOPE = body.Reader(_Envelope)
_DATA = body.Reader(_Data)
_ACCOUNTS = body.AccountsReader(Account)
_GRANT = body.Reader(_Grant)

_of_client = partial(
    Rule,
    happened="the Research API does not accept the credentials",
    advice=(
        "check `research_client_key` and `research_client_secret`, or get a new "
        "`research_access_token`"
    ),
)

RULES = (
    _of_client(Verdict.TOKEN_REJECTED, code="access_token_invalid"),
    Rule(
        Verdict.BAD_CREDENTIALS,
        code=r"scope_\w+",
        happened="the Research API client lacks the scope `research.data.basic`",
        advice="apply for access to the Research API for this client at TikTok for Developers",
    ),
    Rule(
        Verdict.QUOTA_SPENT,
        code="daily_quota_limit_exceeded",
        happened="the daily quota is used up",
    ),
    Rule(Verdict.RATE_LIMITED, code="rate_limit_exceeded"),
    _of_client(Verdict.BAD_CREDENTIALS, status=frozenset({401})),
    *ERRORS,
    Rule(Verdict.NOT_FOUND, status=frozenset({404}), code=NAMED),
    Rule(Verdict.UNAVAILABLE, status=frozenset({403}), code=NAMED),
)

TOKEN_RULES = (
    Rule(Verdict.PASSING, status=frozenset({408, *range(500, 600)})),
    Rule(Verdict.RATE_LIMITED, status=frozenset({429})),
    Rule(Verdict.PASSING, code="internal_error|server_error|temporarily_unavailable"),
    Rule(Verdict.RATE_LIMITED, code="rate_limit_exceeded|slow_down"),
    _of_client(Verdict.BAD_CREDENTIALS, code=".+"),
    _of_client(Verdict.BAD_CREDENTIALS, status=frozenset({400, 401, 403})),
)


class Research(Provider):
    """The TikTok Research API: 20,000 requests a day, 100 accounts each at most."""

    name: ClassVar[str] = "research"
    key: ClassVar[str] = "username"
    properties: ClassVar[th.PropertiesList] = th.PropertiesList(
        th.Property(
            "username",
            th.StringType,
            required=True,
            description="Username of the followed account.",
        ),
        th.Property(
            "display_name",
            th.StringType,
            description="Profile name of the followed account.",
        ),
    )
    settings: ClassVar[tuple[th.Property[Any], ...]] = (
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
    )
    credentials: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("research_client_key", "research_client_secret"),
        ("research_access_token",),
    )
    title: ClassVar[str] = "Research API"
    called: ClassVar[str] = "the Research API"
    default_url: ClassVar[str] = "https://open.tiktokapis.com"
    per_second: ClassVar[int] = 10
    rules: ClassVar[tuple[Rule, ...]] = RULES
    token_rules: ClassVar[tuple[Rule, ...]] = TOKEN_RULES

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._access_token: str | None = config.get("research_access_token")
        self._client_key: str | None = config.get("research_client_key")
        self._client_secret: str | None = config.get("research_client_secret")

    @override
    def token_request(self) -> Request | None:
        """The request for a client access token; None where the user gave a token."""
        if self._access_token:
            return None
        form = {
            "client_key": self._client_key,
            "client_secret": self._client_secret,
            "grant_type": "client_credentials",
        }
        headers = {
            "Cache-Control": "no-cache",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return Request("POST", "/v2/oauth/token/", headers, urlencode(form).encode())

    @override
    def _grant(self, exchange: Exchange) -> TokenGrant:
        """The access token; an error may come with HTTP 200 too."""
        grant = _GRANT.read(exchange.body)
        if not grant.access_token:
            code, words = grant.error or "", grant.error_description or ""
            raise self._refused(self.token_rules, exchange, code, words, _log_id(grant))
        hide(grant.access_token)
        return TokenGrant(grant.access_token, grant.expires_in)

    @override
    def page_request(
        self, username: str, cursor: int | None, count: int, token: str
    ) -> Request:
        """`POST /v2/research/user/following/`."""
        query: dict[str, Any] = {"username": username, "max_count": count}
        if cursor is not None:
            query["cursor"] = cursor
        headers = {
            "Authorization": f"Bearer {self._access_token or token}",
            "Content-Type": "application/json",
        }
        path = "/v2/research/user/following/"
        return Request("POST", path, headers, msgspec.json.encode(query))

    @override
    def _page(self, exchange: Exchange) -> Page:
        """`data.user_following` with `data.cursor` and `data.has_more`."""
        envelope = _ENVELOPE.read(exchange.body)
        error = envelope.error
        if exchange.status != HTTPStatus.OK or error.code != "ok":
            code, words = str(error.code or UNNAMED), error.message or ""
            raise self._refused(self.rules, exchange, code, words, _log_id(error))
        data = _DATA.read(envelope.data)
        accounts = _ACCOUNTS.read(data.user_following)
        return Page(accounts, data.has_more, data.cursor, reference=_log_id(error))

    @override
    def quota_left(self, headers: Mapping[str, str]) -> int | None:
        """Unknown: the Research API does not say."""
        return None

    @override
    def quota_resets_in(self, headers: Mapping[str, str], now: float) -> float | None:
        """Until 00:00 UTC, as TikTok's Research API FAQ says."""
        return DAY - now % DAY


def _log_id(answer: _Error | _Grant) -> str:
    return numbered("log_id", answer.log_id)
