"""The Research API: the requests it accepts, its pages and its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.endpoint import Refused, Response
from sandbox.lists import DEFAULT_COUNT, ListApi, is_count, is_int
from sandbox.tokens import Tokens, log_id
from sandbox.world import Status

if TYPE_CHECKING:
    from starlette.requests import Request

    from sandbox.lists import ListPage
    from sandbox.server import Sandbox
    from sandbox.world import Account


_NO_LIST = {
    status: (400, "invalid_params", message)
    for status, message in {
        Status.NOT_FOUND: "Username {} is invalid: cannot find the user",
        Status.PRIVATE: "Username {} is private",
        Status.HIDDEN: "Profile user is hiding following list",
        Status.UNAVAILABLE: "API cannot return this user's information",
    }.items()
}


class ResearchApi(ListApi):
    """`POST /v2/research/user/following/`.

    Args:
        sandbox: As for every endpoint.
        tokens: The access tokens that are valid.
    """

    provider = "research"
    key = "username"
    no_list = _NO_LIST
    rate_error = Tokens.rate_error
    quota_error = (429, "daily_quota_limit_exceeded", "The daily quota limit is exceeded.")

    def __init__(self, sandbox: Sandbox, tokens: Tokens) -> None:
        super().__init__(sandbox)
        self._tokens = tokens

    def read(self, request: Request, body: bytes) -> tuple[str, int | None, int]:
        """Return what a JSON body asks for. A cursor of 0 is none, as in any protobuf API."""
        if request.method != "POST":
            raise Refused(self.error(405, "invalid_request", "Only POST is supported."))
        media_type = request.headers.get("content-type", "").partition(";")[0].strip()
        if media_type != "application/json":
            raise Refused(self._invalid("Content-Type must be application/json"))
        try:
            fields = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.MsgspecError:
            raise Refused(self._invalid("The request body is not a JSON object")) from None
        username, cursor = fields.get("username"), fields.get("cursor", 0)
        count = fields.get("max_count", DEFAULT_COUNT)
        if not isinstance(username, str) or not username:
            raise Refused(self._invalid("username is required and must be a string"))
        if not is_int(cursor):
            raise Refused(self._invalid("Invalid count or cursor: cursor must be an int64"))
        if not is_count(count):
            raise Refused(self._invalid("Invalid count or cursor: max_count must be 1 to 100"))
        return username, cursor or None, count

    def authorize(self, request: Request) -> None:
        """Accept a request with a valid access token."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self._tokens.accepts(token):
            raise Refused(self._token_invalid())

    def revoke_tokens(self) -> Response:
        """Revoke all access tokens, and return the response to a request with one."""
        self._tokens.revoke_all()
        return self._token_invalid()

    def error(self, status: int, code: str, message: str) -> Response:
        """Return `{"data": {}, "error": {"code": ..., "message": ..., "log_id": ...}}`."""
        return Response.of({"data": {}, "error": self._about(code, message)}, status)

    def describe(self, account: Account) -> dict[str, Any]:
        """Return the names; the Research API returns nothing else."""
        return {"display_name": account.display_name, "username": account.username}

    def payload(self, page: ListPage) -> dict[str, Any]:
        """Return a page and the error object of a success. The last page has a cursor too."""
        data = {
            "cursor": page.cursor,
            "has_more": page.has_more,
            "user_following": page.accounts,
        }
        return {"data": data, "error": self._about("ok", "ok")}

    def _about(self, code: str, message: str) -> dict[str, str]:
        return {"code": code, "message": message, "log_id": log_id(self.now())}

    def _invalid(self, message: str) -> Response:
        return self.error(400, "invalid_params", message)

    def _token_invalid(self) -> Response:
        message = "The access token is invalid or not found in the request."
        return self.error(401, "access_token_invalid", message)
