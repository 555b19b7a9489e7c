"""What the answers of one provider mean, where the sandbox gives none like them."""

from __future__ import annotations

import json

import pytest

from tap_tiktok_following.http.transport import Exchange
from tap_tiktok_following.providers.rapidapi import RapidAPI
from tap_tiktok_following.providers.research import TOKEN_RULES
from tap_tiktok_following.verdicts import Verdict, judge


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [
        (429, "too_many_requests", Verdict.RATE_LIMITED),
        (408, "timeout", Verdict.PASSING),
        (503, "unavailable", Verdict.PASSING),
        (200, "invalid_client", Verdict.BAD_CREDENTIALS),
        (401, "", Verdict.BAD_CREDENTIALS),
    ],
)
def test_what_an_answer_to_a_request_for_a_token_means(
    status: int, code: str, verdict: Verdict
) -> None:
    assert judge(TOKEN_RULES, status, code, "").verdict is verdict


@pytest.mark.parametrize(
    ("timestamp", "cached_at"),
    [("2023-11-16T02:00:00Z", 1_700_100_000), ("0001-01-01T00:00:00Z", None), ("soon", None)],
)
def test_a_time_of_the_cache_that_can_not_be_is_none(
    timestamp: str, cached_at: int | None
) -> None:
    page: dict[str, object] = {
        "meta": {"request_id": "7", "timestamp": timestamp, "cached": True},
        "data": [],
        "pagination": {"has_more": False},
        "error": None,
    }
    provider = RapidAPI({"rapidapi_api_url": "https://api.invalid"})
    exchange = Exchange(200, {}, json.dumps(page).encode(), 0.0, 0.0, None)
    assert provider.read_page(exchange).cached_at == cached_at
