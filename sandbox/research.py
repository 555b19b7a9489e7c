"""The Research API's manners: what it accepts, its pages and its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from sandbox.api import (
    DEFAULT_COUNT,
    Answer,
    Ask,
    ListApi,
    Refusal,
    Shape,
    count_in_range,
    is_int,
)
from sandbox.tokens import log_id
from sandbox.world import Standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from sandbox.api import Stage
    from sandbox.paging import Page
    from sandbox.tokens import Tokens
    from sandbox.world import Account

_NO_LIST = {
    Standing.NOT_FOUND: "Username {} is invalid: cannot find the user",
    Standing.PRIVATE: "Username {} is private",
    Standing.HIDDEN: "Profile user is hiding following list",
    Standing.UNAVAILABLE: "API cannot return this user's information",
}


class ResearchApi(ListApi):
    """`POST /v2/research/user/following/`.

    Args:
        stage: What the answers depend on.
        tokens: Says which access tokens are good.
    """

    provider = "research"
    shape = Shape(
        accounts=("data", "user_following"),
        paging="data",
        cursor="cursor",
        cursor_at_end=True,
        key="username",
    )

    def __init__(self, stage: Stage, tokens: Tokens) -> None:
        super().__init__(stage)
        self.tokens = tokens

    def read(self, request: Request, body: bytes) -> Ask:
        """What a JSON body asks for. A cursor of 0 is none, as in any protobuf API."""
        if request.method != "POST":
            raise Refusal(self.error(405, "invalid_request", "Only POST is supported."))
        media_type = request.headers.get("content-type", "").partition(";")[0].strip()
        if media_type != "application/json":
            raise Refusal(self._invalid("Content-Type must be application/json"))
        try:
            asked = msgspec.json.decode(body, type=dict)
        except msgspec.MsgspecError:
            raise Refusal(self._invalid("The request body is not a JSON object")) from None
        return self._checked(
            asked.get("username"),
            asked.get("cursor", 0),
            asked.get("max_count", DEFAULT_COUNT),
        )

    def authorize(self, request: Request) -> None:
        """Let a request with a live access token pass."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self.tokens.accepts(token):
            raise Refusal(self.token_invalid())

    def error(self, status: int, code: str, message: str) -> Answer:
        """`{"data": {}, "error": {"code": ..., "message": ..., "log_id": ...}}`."""
        return Answer.of(
            {
                "data": {},
                "error": {"code": code, "message": message, "log_id": log_id(self.now())},
            },
            status,
        )

    def token_invalid(self) -> Answer:
        """The answer to an access token that is not good, or no longer."""
        return self.error(
            401,
            "access_token_invalid",
            "The access token is invalid or not found in the request.",
        )

    def no_list(self, username: str, standing: Standing) -> Answer:
        """The same status and code for every reason: only the message tells them apart."""
        return self._invalid(_NO_LIST[standing].format(username))

    def quota_spent(self) -> Answer:
        """The daily quota, which shares its HTTP status with the rate limit."""
        return self.error(
            429, "daily_quota_limit_exceeded", "The daily quota limit is exceeded."
        )

    def too_fast(self) -> Answer:
        """The rate limit."""
        return self.error(429, "rate_limit_exceeded", "The API rate limit was exceeded.")

    def page(self, page: Page, accounts: Sequence[Account], now: float) -> bytes:
        """A page and the error object of a success. The last page has a cursor, too."""
        return b'{"data":{"cursor":%d,"has_more":%s,"user_following":%s},"error":%s}' % (
            page.cursor,
            b"true" if page.has_more else b"false",
            self.listing(accounts),
            b'{"code":"ok","message":"ok","log_id":"%s"}' % log_id(now).encode(),
        )

    def describe(self, account: Account) -> object:
        """The names only; the Research API tells nothing else of a followed account."""
        return {"display_name": account.display_name, "username": account.username}

    def _checked(self, username: object, cursor: object, count: object) -> Ask:
        if not isinstance(username, str) or not username:
            raise Refusal(self._invalid("username is required and must be a string"))
        if not is_int(cursor):
            raise Refusal(self._invalid("Invalid count or cursor: cursor must be an int64"))
        if not count_in_range(count):
            raise Refusal(self._invalid("Invalid count or cursor: max_count must be 1 to 100"))
        return Ask(username, cursor or None, count)

    def _invalid(self, message: str) -> Answer:
        return self.error(400, "invalid_params", message)
