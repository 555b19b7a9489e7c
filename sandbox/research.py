"""The Research API: its access tokens, the requests it accepts, its pages and its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar
from urllib.parse import parse_qs
from uuid import uuid4

import msgspec

from sandbox import lists
from sandbox.endpoint import Endpoint, Refused, Response
from sandbox.faults import spoil
from sandbox.world import Status

if TYPE_CHECKING:
    from starlette.requests import Request

    from sandbox.endpoint import Error, LoggedRequest
    from sandbox.lists import ListPage
    from sandbox.server import Sandbox
    from sandbox.world import Account

CLIENT_KEY = "sandbox-client-key"
CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105 - it opens nothing but the sandbox

TOKEN_LIFE = 7200
TOKEN_INVALID = (
    401,
    "access_token_invalid",
    "The access token is invalid or not found in the request.",
)


class _Body(msgspec.Struct):
    username: Annotated[str, msgspec.Meta(min_length=1)]
    max_count: lists.Count = lists.DEFAULT_COUNT
    cursor: lists.Cursor = 0


class Tokens(Endpoint):
    """`POST /v2/oauth/token/`: issues access tokens, and knows which of them are valid."""

    provider = "token"
    rate_error = (429, "rate_limit_exceeded", "The API rate limit was exceeded.")

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self._valid_until: dict[str, float] = {}

    def accepts(self, token: str) -> bool:
        """Return whether a token was issued here and is neither expired nor revoked."""
        return self.sandbox.clock.now() < self._valid_until.get(token, 0.0)

    def revoke_all(self) -> Error:
        """Revoke all tokens issued so far; return the error of a request with one."""
        self._valid_until.clear()
        return TOKEN_INVALID

    def respond(self, request: Request, body: bytes, entry: LoggedRequest) -> Response:  # noqa: ARG002 - nothing to log
        """Return a new token. As in the real API, a wrong client gets an error in HTTP 200."""
        _check_post(request, "application/x-www-form-urlencoded", "invalid_request")
        form = {key: values[0] for key, values in parse_qs(body.decode("latin-1")).items()}
        if form.get("grant_type") != "client_credentials":
            raise Refused(400, "unsupported_grant_type", "Grant type is not supported.")
        if (form.get("client_key"), form.get("client_secret")) != (CLIENT_KEY, CLIENT_SECRET):
            raise Refused(200, "invalid_client", "Client key or secret is incorrect.")
        token = f"clt.{uuid4().hex}"
        self._valid_until[token] = self.sandbox.clock.now() + TOKEN_LIFE
        payload = {"access_token": token, "expires_in": TOKEN_LIFE, "token_type": "Bearer"}
        fault = self.sandbox.scenario.fault(self.provider)
        return spoil(self, Response.of(payload), fault)

    def error(self, status: int, code: str, message: str) -> Response:
        """Return an error in the form of the token endpoint."""
        log = _log_id(self.sandbox.clock.now())
        payload = {"error": code, "error_description": message, "log_id": log}
        return Response.of(payload, status)


class ResearchApi(lists.ListApi):
    """`POST /v2/research/user/following/`."""

    provider = "research"
    key = "username"
    no_list: ClassVar = {
        status: (400, "invalid_params", message)
        for status, message in {
            Status.NOT_FOUND: "Username {} is invalid: cannot find the user",
            Status.PRIVATE: "Username {} is private",
            Status.HIDDEN: "Profile user is hiding following list",
            Status.UNAVAILABLE: "API cannot return this user's information",
        }.items()
    }
    rate_error = Tokens.rate_error
    quota_error = (429, "daily_quota_limit_exceeded", "The daily quota limit is exceeded.")

    def read(self, request: Request, body: bytes) -> tuple[str, int | None, int]:
        """Return what a JSON body asks for. A cursor of 0 is none, as in any protobuf API."""
        _check_post(request, "application/json", "invalid_params")
        try:
            asked = msgspec.json.decode(body, type=_Body)
        except msgspec.MsgspecError as error:
            raise Refused(400, "invalid_params", str(error)) from None
        return asked.username, asked.cursor or None, asked.max_count

    def authorize(self, request: Request) -> None:
        """Refuse a request without a valid access token."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self.sandbox.tokens.accepts(token):
            raise Refused(*TOKEN_INVALID)

    def error(self, status: int, code: str, message: str) -> Response:
        """Return `{"data": {}, "error": {"code": ..., "message": ..., "log_id": ...}}`."""
        return Response.of({"data": {}, "error": self._about(code, message)}, status)

    def describe(self, account: Account) -> dict[str, str]:
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
        return {"code": code, "message": message, "log_id": _log_id(self.now())}


def _check_post(request: Request, media_type: str, code: str) -> None:
    if request.method != "POST":
        raise Refused(405, "invalid_request", "Only POST is supported.")
    if request.headers.get("content-type", "").partition(";")[0].strip() != media_type:
        raise Refused(400, code, f"Content-Type must be {media_type}")


def _log_id(now: float) -> str:
    """Return a number in the provider's log: digits that begin with the time."""
    return f"{int(now * 1000):014d}{uuid4().int % 10**19:019d}"
