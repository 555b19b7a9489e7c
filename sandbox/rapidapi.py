"""The RapidAPI provider's manners: its gateway's, and the API's own behind it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING
from uuid import uuid4

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
from sandbox.clock import rfc3339, until_midnight
from sandbox.world import Standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from sandbox.paging import Page
    from sandbox.world import Account

KEY = "sandbox-rapidapi-key"

_INVALID_KEY = "Invalid API key. Go to https://docs.rapidapi.com/docs/keys for more info."
_NO_LIST = {
    Standing.NOT_FOUND: (404, "NOT_FOUND", "The requested resource was not found."),
    Standing.PRIVATE: (403, "PRIVATE_ACCOUNT", "This account is private."),
    Standing.HIDDEN: (403, "FOLLOWING_HIDDEN", "Profile user is hiding following list"),
    Standing.UNAVAILABLE: (
        403,
        "ACCOUNT_UNAVAILABLE",
        "This account's information cannot be returned.",
    ),
}


class RapidApi(ListApi):
    """`GET /api/v1/users/{username}/following`, behind RapidAPI's gateway."""

    provider = "rapidapi"
    shape = Shape(
        accounts=("", "data"),
        paging="pagination",
        cursor="next_max_time",
        cursor_at_end=False,
        key="user_id",
    )

    def read(self, request: Request, body: bytes) -> Ask:  # noqa: ARG002 - a GET has none
        """What path and query ask for. A `max_time` of 0 is none."""
        if request.method != "GET":
            raise Refusal(self.error(405, "METHOD_NOT_ALLOWED", "Only GET is supported."))
        count = _integer(request.query_params.get("count", str(DEFAULT_COUNT)))
        cursor = _integer(request.query_params.get("max_time", "0"))
        if not count_in_range(count):
            raise Refusal(self._invalid("count must be an integer from 1 to 100."))
        if not is_int(cursor):
            raise Refusal(self._invalid("max_time must be an integer of 64 bits."))
        return Ask(request.path_params["username"], cursor or None, count)

    def authorize(self, request: Request) -> None:
        """Let a request with the subscription's key, meant for this host, pass."""
        if request.headers.get("x-rapidapi-key") != KEY:
            raise Refusal(gateway(401, _INVALID_KEY))
        if request.headers.get("x-rapidapi-host") != request.headers["host"]:
            raise Refusal(gateway(404, "API doesn't exists"))

    def error(self, status: int, code: str, message: str) -> Answer:
        """The API's own error; without a code, the gateway's `{"message": ...}`."""
        if not code:
            return gateway(status, message)
        return Answer.of(
            {
                "meta": self._meta(self.stage.clock.now(), cached=False),
                "data": None,
                "pagination": None,
                "error": {"code": code, "message": message, "details": None},
            },
            status,
        )

    def no_list(self, username: str, standing: Standing) -> Answer:  # noqa: ARG002
        """An error code for each reason."""
        return self.error(*_NO_LIST[standing])

    def quota_spent(self) -> Answer:
        """The plan's quota. The sandbox's month is a day, so that tests can wait for it."""
        return gateway(
            429,
            "You have exceeded the MONTHLY quota for Requests on your current plan, BASIC. "
            "Upgrade your plan at https://rapidapi.com",
        )

    def quota_headers(self, left: int | None) -> dict[str, str]:
        """The gateway's three headers; `reset` is in seconds."""
        if left is None:
            return {}
        return {
            "x-ratelimit-requests-limit": str(self.stage.scenario.quota),
            "x-ratelimit-requests-remaining": str(left),
            "x-ratelimit-requests-reset": str(until_midnight(self.stage.clock.now())),
        }

    def too_fast(self) -> Answer:
        """The rate limit."""
        return gateway(
            429,
            "You have exceeded the rate limit per second for your plan, BASIC, "
            "by the API provider",
        )

    def page(self, page: Page, accounts: Sequence[Account], now: float) -> bytes:
        """A page. The last one has no next cursor."""
        scenario = self.stage.scenario
        return b'{"meta":%s,"data":%s,"pagination":%s,"error":null}' % (
            msgspec.json.encode(self._meta(now, cached=scenario.cached is not None)),
            self.listing(accounts),
            msgspec.json.encode(
                {
                    "next_max_time": page.cursor if page.has_more else None,
                    "has_more": page.has_more,
                    "total": page.total if scenario.following_total else None,
                }
            ),
        )

    def describe(self, account: Account) -> object:
        """Everything."""
        return asdict(account)

    def now(self) -> float:
        """The clock's time, or that of the cache the pages come from."""
        now, cached = super().now(), self.stage.scenario.cached
        return now if cached is None else min(now, cached)

    def _meta(self, now: float, *, cached: bool) -> dict[str, object]:
        return {
            "request_id": str(uuid4()),
            "timestamp": rfc3339(now),
            "cached": cached,
            "version": "2025-01",
        }

    def _invalid(self, message: str) -> Answer:
        return self.error(400, "BAD_REQUEST", message)


def gateway(status: int, message: str) -> Answer:
    """An error of RapidAPI's gateway, which answers before the API does."""
    return Answer.of({"message": message}, status)


def _integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None
