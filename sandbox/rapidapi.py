"""The RapidAPI provider: the gateway, and the API behind it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sandbox.clock import DAY, rfc3339
from sandbox.endpoint import Refused, Response
from sandbox.lists import DEFAULT_COUNT, ListApi, is_count, is_int
from sandbox.world import Status

if TYPE_CHECKING:
    from starlette.requests import Request

    from sandbox.lists import ListPage
    from sandbox.world import Account

KEY = "sandbox-rapidapi-key"


_NO_LIST = {
    Status.NOT_FOUND: (404, "NOT_FOUND", "The requested resource was not found."),
    Status.PRIVATE: (403, "PRIVATE_ACCOUNT", "This account is private."),
    Status.HIDDEN: (403, "FOLLOWING_HIDDEN", "Profile user is hiding following list"),
    Status.UNAVAILABLE: (
        403,
        "ACCOUNT_UNAVAILABLE",
        "This account's information cannot be returned.",
    ),
}


class RapidApi(ListApi):
    """`GET /api/v1/users/{username}/following`, behind RapidAPI's gateway."""

    provider = "rapidapi"
    key = "user_id"
    no_list = _NO_LIST
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

    def read(self, request: Request, body: bytes) -> tuple[str, int | None, int]:  # noqa: ARG002 - no body
        """Return what path and query ask for. A `max_time` of 0 is none."""
        if request.method != "GET":
            raise Refused(self.error(405, "METHOD_NOT_ALLOWED", "Only GET is supported."))
        count = _integer(request.query_params.get("count", str(DEFAULT_COUNT)))
        cursor = _integer(request.query_params.get("max_time", "0"))
        if not is_count(count):
            message = "count must be an integer from 1 to 100."
            raise Refused(self.error(400, "BAD_REQUEST", message))
        if not is_int(cursor):
            message = "max_time must be an integer of 64 bits."
            raise Refused(self.error(400, "BAD_REQUEST", message))
        return request.path_params["username"], cursor or None, count

    def authorize(self, request: Request) -> None:
        """Accept a request with the subscription's key that names this host."""
        if request.headers.get("x-rapidapi-key") != KEY:
            message = "Go to https://docs.rapidapi.com/docs/keys for more info."
            raise Refused(self.error(401, "", f"Invalid API key. {message}"))
        if request.headers.get("x-rapidapi-host") != request.headers["host"]:
            raise Refused(self.error(404, "", "API doesn't exists"))

    def error(self, status: int, code: str, message: str) -> Response:
        """Return the API's own error; without a code, the gateway's `{"message": ...}`."""
        if not code:
            return Response.of({"message": message}, status)
        error = {"code": code, "message": message, "details": None}
        meta = self._meta(self.sandbox.clock.now(), cached=False)
        payload = {"meta": meta, "data": None, "pagination": None, "error": error}
        return Response.of(payload, status)

    def quota_headers(self, left: int) -> dict[str, str]:
        """Return the gateway's three headers; `reset` is in seconds."""
        until_midnight = DAY - int(self.sandbox.clock.now()) % DAY
        return {
            "x-ratelimit-requests-limit": str(self.sandbox.scenario.quota),
            "x-ratelimit-requests-remaining": str(left),
            "x-ratelimit-requests-reset": str(until_midnight),
        }

    def describe(self, account: Account) -> dict[str, Any]:
        """Return all fields."""
        return asdict(account)

    def payload(self, page: ListPage) -> dict[str, Any]:
        """Return a page. The last one has no next cursor."""
        scenario = self.sandbox.scenario
        return {
            "meta": self._meta(self.now(), cached=scenario.cached is not None),
            "data": page.accounts,
            "pagination": {
                "next_max_time": None if page.is_last else page.cursor,
                "has_more": page.has_more,
                "total": page.total if scenario.following_total else None,
            },
            "error": None,
        }

    def now(self) -> float:
        """Return the time of the clock, or that of the cache that the pages come from."""
        now, cached = super().now(), self.sandbox.scenario.cached
        return now if cached is None else min(now, cached)

    def _meta(self, now: float, *, cached: bool) -> dict[str, Any]:
        return {
            "request_id": str(uuid4()),
            "timestamp": rfc3339(now),
            "cached": cached,
            "version": "2025-01",
        }


def _integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None
