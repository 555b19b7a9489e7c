"""The RapidAPI provider: the gateway, and the API behind it."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

import msgspec

from sandbox import lists
from sandbox.endpoint import Refused, Response
from sandbox.world import DAY, Status

if TYPE_CHECKING:
    from starlette.requests import Request

    from sandbox.endpoint import LoggedRequest
    from sandbox.lists import ListPage
    from sandbox.world import Account

KEY = "sandbox-rapidapi-key"


class _Query(msgspec.Struct):
    count: lists.Count = lists.DEFAULT_COUNT
    max_time: lists.Cursor = 0


class RapidApi(lists.ListApi):
    """`GET /api/v1/users/{username}/following`, behind RapidAPI's gateway."""

    provider = "rapidapi"
    key = "user_id"
    no_list: ClassVar = {
        Status.NOT_FOUND: (404, "NOT_FOUND", "The requested resource was not found."),
        Status.PRIVATE: (403, "PRIVATE_ACCOUNT", "This account is private."),
        Status.HIDDEN: (403, "FOLLOWING_HIDDEN", "Profile user is hiding following list"),
        Status.UNAVAILABLE: (
            403,
            "ACCOUNT_UNAVAILABLE",
            "This account's information cannot be returned.",
        ),
    }
    rate_error = (
        429,
        "",
        "You have exceeded the rate limit per second for your plan, by the API provider",
    )
    quota_error = (
        429,
        "",
        "You have exceeded the MONTHLY quota for Requests on your current plan, BASIC.",
    )

    def respond(self, request: Request, body: bytes, entry: LoggedRequest) -> Response:
        """Return a page or an error, with the gateway's headers; `reset` is in seconds."""
        response = super().respond(request, body, entry)
        if (left := self.quota_left()) is not None:
            until_midnight = DAY - int(self.sandbox.clock.now()) % DAY
            response.headers |= {
                "x-ratelimit-requests-limit": str(self.sandbox.scenario.quota),
                "x-ratelimit-requests-remaining": str(left),
                "x-ratelimit-requests-reset": str(until_midnight),
            }
        return response

    def read(self, request: Request, body: bytes) -> tuple[str, int | None, int]:  # noqa: ARG002 - no body
        """Return what path and query ask for. A `max_time` of 0 is none."""
        if request.method != "GET":
            raise Refused(405, "METHOD_NOT_ALLOWED", "Only GET is supported.")
        try:
            query = msgspec.convert(dict(request.query_params), _Query, strict=False)
        except msgspec.ValidationError as error:
            raise Refused(400, "BAD_REQUEST", str(error)) from None
        return request.path_params["username"], query.max_time or None, query.count

    def authorize(self, request: Request) -> None:
        """Refuse a request that lacks the subscription's key or names another host."""
        if request.headers.get("x-rapidapi-key") != KEY:
            message = "Go to https://docs.rapidapi.com/docs/keys for more info."
            raise Refused(401, "", f"Invalid API key. {message}")
        if request.headers.get("x-rapidapi-host") != request.headers["host"]:
            raise Refused(404, "", "API doesn't exists")

    def error(self, status: int, code: str, message: str) -> Response:
        """Return the API's own error; without a code, the gateway's `{"message": ...}`."""
        if not code:
            return Response.of({"message": message}, status)
        error = {"code": code, "message": message, "details": None}
        meta = _meta(self.sandbox.clock.now(), cached=False)
        payload = {"meta": meta, "data": None, "pagination": None, "error": error}
        return Response.of(payload, status)

    def describe(self, account: Account) -> Account:
        """Return all fields."""
        return account

    def payload(self, page: ListPage) -> dict[str, Any]:
        """Return a page. The last one has no next cursor."""
        return {
            "meta": _meta(self.now(), cached=self.sandbox.scenario.cached is not None),
            "data": page.accounts,
            "pagination": {
                "next_max_time": None if page.has_more is False else page.cursor,
                "has_more": page.has_more,
                "total": page.total,
            },
            "error": None,
        }

    def now(self) -> float:
        """Return the time of the clock, or that of the cache that the pages come from."""
        now, cached = super().now(), self.sandbox.scenario.cached
        return now if cached is None else min(now, cached)


def _meta(now: float, *, cached: bool) -> dict[str, Any]:
    time = datetime.fromtimestamp(now, tz=timezone.utc).isoformat(timespec="milliseconds")
    return {
        "request_id": str(uuid4()),
        "timestamp": time.replace("+00:00", "Z"),
        "cached": cached,
        "version": "2025-01",
    }
