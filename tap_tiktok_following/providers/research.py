"""The TikTok Research API.

Its pages: https://developers.tiktok.com/doc/research-api-specs-query-user-following and
https://developers.tiktok.com/doc/client-access-token-management.
"""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Any

import msgspec
import requests
from singer_sdk import typing as th
from typing_extensions import override

from tap_tiktok_following.decoding import Reader, Unreadable
from tap_tiktok_following.errors import (
    ANY_CODE,
    ERRORS,
    NAMED,
    STATUSES,
    UNNAMED,
    BadCredentials,
    NotFound,
    QuotaUsedUp,
    Rule,
    SlowDown,
    TokenRejected,
    Transient,
    Unavailable,
)
from tap_tiktok_following.model import Page, RawResponse, TokenGrant
from tap_tiktok_following.providers.base import APIError, Provider, numbered
from tap_tiktok_following.text import DAY, hide


class _Data(msgspec.Struct):
    has_more: bool | None = None
    user_following: msgspec.Raw = msgspec.Raw(b"null")
    cursor: int | None = None


class _Envelope(msgspec.Struct):
    error: APIError
    data: _Data | None = None


class _Grant(msgspec.Struct):
    access_token: str | None = None
    expires_in: float = 7200
    error: str | None = None
    error_description: str | None = None
    log_id: str | int | None = None


_ENVELOPE = Reader(_Envelope)
_GRANT = Reader(_Grant)

_BAD_CLIENT = partial(
    BadCredentials,
    happened="the Research API does not accept the credentials",
    advice="check `research_client_key` and `research_client_secret`, or get a new "
    "`research_access_token`",
)
_NO_SCOPE = partial(
    BadCredentials,
    happened="the Research API client lacks the scope `research.data.basic`",
    advice="apply for access to the Research API for this client at TikTok for Developers",
)
_DAILY_QUOTA = partial(QuotaUsedUp, happened="the daily quota is used up")

TOKEN_RULES = (
    *STATUSES,
    Rule(Transient, code="internal_error|server_error|temporarily_unavailable"),
    Rule(SlowDown, code="rate_limit_exceeded|slow_down"),
    Rule(_BAD_CLIENT, code=ANY_CODE),
    Rule(_BAD_CLIENT, status={400, 401, 403}),
)


class Research(Provider):
    """The TikTok Research API: 20,000 requests a day, 100 accounts each at most."""

    name = "research"
    fields = (
        ("username", th.StringType, "Username of the followed account."),
        ("display_name", th.StringType, "Profile name of the followed account."),
    )
    settings = (
        ("research_client_key", False, "Client key of your TikTok Research API client."),
        ("research_client_secret", True, "Client secret of your TikTok Research API client."),
        (
            "research_access_token",
            True,
            (
                "A client access token, to be used instead of the client key and secret. It "
                "expires after two hours and is not renewed."
            ),
        ),
    )
    credentials = (
        ("research_client_key", "research_client_secret"),
        ("research_access_token",),
    )
    title = "Research API"
    called = "the Research API"
    default_url = "https://open.tiktokapis.com"
    per_second = 10
    rules = (
        Rule(partial(TokenRejected, **_BAD_CLIENT.keywords), code="access_token_invalid"),
        Rule(_NO_SCOPE, code=r"scope_\w+"),
        Rule(_DAILY_QUOTA, code="daily_quota_limit_exceeded"),
        Rule(SlowDown, code="rate_limit_exceeded"),
        Rule(_BAD_CLIENT, status={401}),
        *ERRORS,
        Rule(NotFound, status={404}, code=NAMED),
        Rule(Unavailable, status={403}, code=NAMED),
    )

    @override
    def token_request(self) -> requests.Request | None:
        """Return the request for a client access token; None if the user gave a token."""
        if self._config.get("research_access_token"):
            return None
        form = {
            "client_key": self._config["research_client_key"],
            "client_secret": self._config["research_client_secret"],
            "grant_type": "client_credentials",
        }
        url, headers = f"{self.url}/v2/oauth/token/", {"Cache-Control": "no-cache"}
        return requests.Request("POST", url, headers, data=form)

    @override
    def read_token(self, response: RawResponse) -> TokenGrant:
        """Return the access token; an error may come with HTTP 200 too."""
        try:
            grant = _GRANT.read(response.body)
        except Unreadable as error:
            grant = _Grant(error_description=error.message)
        if not grant.access_token:
            code, message = grant.error or "", grant.error_description or ""
            reference = numbered("log_id", grant.log_id)
            raise self._error(TOKEN_RULES, response, code, message, reference)
        hide(grant.access_token)
        return TokenGrant(grant.access_token, grant.expires_in)

    @override
    def page_request(
        self, username: str, cursor: int | None, count: int, token: str
    ) -> requests.Request:
        query: dict[str, Any] = {"username": username, "max_count": count}
        if cursor is not None:
            query["cursor"] = cursor
        token = self._config.get("research_access_token") or token
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self.url}/v2/research/user/following/"
        return requests.Request("POST", url, headers, json=query)

    @override
    def _page(self, response: RawResponse) -> Page:
        envelope = _ENVELOPE.read(response.body)
        error = envelope.error
        reference = numbered("log_id", error.log_id)
        if response.status != HTTPStatus.OK or error.code != "ok":
            code, message = str(error.code or UNNAMED), error.message or ""
            raise self._error(self.rules, response, code, message, reference)
        data = envelope.data
        if data is None or data.has_more is None:
            raise Unreadable
        accounts = self.accounts.read(data.user_following)
        return Page(accounts, data.has_more, data.cursor, reference=reference)

    @override
    def quota_resets_in(self, response: RawResponse) -> float:
        """Return the seconds until 00:00 UTC, as TikTok's Research API FAQ says."""
        return DAY - response.until % DAY
