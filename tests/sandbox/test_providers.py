"""The providers as they document themselves: requests, pages, errors and limits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox import Account, Clock, Sandbox, Scenario
from tests.harness import DAY, FIXTURES, NOW, PROVIDERS
from tests.sandbox.client import LIST, TOKEN, Client
from tests.sandbox.conftest import FIRST

ALICE = "/api/v1/users/alice/following"


# Pages.


def test_research_page_is_as_documented(client: Client) -> None:
    response = client.research(max_count=2)
    payload = response.json()
    assert payload["error"].pop("log_id").isdigit()
    assert payload == {
        "data": {
            "cursor": FIRST + 80,
            "has_more": True,
            "user_following": [
                {"display_name": "N9", "username": "n9"},
                {"display_name": "N8", "username": "n8"},
            ],
        },
        "error": {"code": "ok", "message": "ok"},
    }
    assert response.headers["date"] == "Thu, 16 Nov 2023 02:00:00 GMT"


def test_rapidapi_page_and_error_are_as_documented(sandbox: Sandbox, client: Client) -> None:
    documented = json.loads((FIXTURES / "rapidapi_following.json").read_bytes())
    sandbox.world.accounts["n9"] = Account(**documented["data"][0])
    sandbox.world.hide("n0")  # the total counts accounts that no page lists
    payload = client.rapidapi(count=1).json()
    assert payload["meta"].pop("request_id")
    assert payload == {
        "meta": {
            "timestamp": "2023-11-16T02:00:00.000Z",
            "cached": False,
            "version": documented["meta"]["version"],
        },
        "data": documented["data"],
        "pagination": {"next_max_time": FIRST + 90, "has_more": True, "total": 10},
        "error": None,
    }
    assert client.rapidapi("nobody").json()["error"] == documented["error"]


def test_cached_page_is_of_the_list_as_it_was(client: Client) -> None:
    client.sandbox.scenario = Scenario(cached=FIRST + 45)
    payload = client.rapidapi().json()
    assert payload["pagination"]["total"] == len(payload["data"]) == 5
    assert payload["meta"]["timestamp"] == "2023-11-14T22:14:05.000Z"


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("scenario", "pages"),
    [
        (Scenario(), ["9876", "6543", "3210"]),
        (Scenario(boundary="skip", page_cap=3), ["987", "654", "321", "0"]),
    ],
)
def test_pages_are_newest_first_and_repeat_or_skip_the_boundary(
    client: Client, provider: str, scenario: Scenario, pages: list[str]
) -> None:
    client.sandbox.scenario = scenario
    read, cursor, has_more = [], 0, True
    while has_more:
        page = client.page(provider, cursor=cursor, count=4)
        read.append("".join(account["username"][1:] for account in page.accounts))
        cursor, has_more = page.cursor, page.has_more
    assert read == pages


# Errors.

REFUSED: list[tuple[str, dict[str, Any], int, str, str]] = [
    # Lists that cannot be read, by codes that the tap does not need.
    ("rapidapi", {"username": "eve"}, 403, "PRIVATE_ACCOUNT", "is private"),
    ("rapidapi", {"username": "trent"}, 403, "FOLLOWING_HIDDEN", "is hiding following list"),
    ("rapidapi", {"username": "mallory"}, 403, "ACCOUNT_UNAVAILABLE", "cannot be returned"),
    # Wrong parameters.
    ("research", {"username": ""}, 400, "invalid_params", "username"),
    ("research", {"max_count": 101}, 400, "invalid_params", "max_count"),
    ("research", {"max_count": "20"}, 400, "invalid_params", "max_count"),
    ("research", {"cursor": 2**63}, 400, "invalid_params", "cursor"),
    ("rapidapi", {"count": 0}, 400, "BAD_REQUEST", "count"),
    ("rapidapi", {"max_time": "now"}, 400, "BAD_REQUEST", "max_time"),
    # Wrong credentials.
    ("fetch_token", {"client_secret": "no"}, 200, "invalid_client", "secret"),
    ("fetch_token", {"grant_type": "no"}, 400, "unsupported_grant_type", "Grant"),
    ("research", {"token": "no"}, 401, "access_token_invalid", "token"),
    ("research", {"scheme": "Basic"}, 401, "access_token_invalid", "token"),
    ("rapidapi", {"headers": {"x-rapidapi-key": "no"}}, 401, "", "Invalid API key"),
    ("rapidapi", {"headers": {"x-rapidapi-host": "no"}}, 404, "", "doesn't exist"),
    # Wrong methods and bodies.
    ("send", {"method": "GET", "path": TOKEN}, 405, "invalid_request", "POST"),
    ("send", {"method": "POST", "path": TOKEN}, 400, "invalid_request", "form-urlencoded"),
    ("send", {"method": "GET", "path": LIST}, 405, "invalid_request", "POST"),
    ("send", {"method": "POST", "path": LIST}, 400, "invalid_params", "application/json"),
    ("send", {"method": "POST", "path": ALICE}, 405, "METHOD_NOT_ALLOWED", "GET"),
]


@pytest.mark.parametrize(("sent", "what", "status", "code", "words"), REFUSED, ids=str)
def test_wrong_request_gets_the_documented_error(
    client: Client, sent: str, what: dict[str, Any], status: int, code: str, words: str
) -> None:
    response = getattr(client, sent)(**what)
    payload = response.json()
    error = payload.get("error", {})
    found = error if isinstance(error, str) else error.get("code", "")
    assert (response.status_code, found) == (status, code)
    assert words in response.text


def test_token_is_valid_until_it_expires(client: Client) -> None:
    assert client.fetch_token().json()["expires_in"] == 7200
    client.sandbox.clock.advance(7199)
    assert client.research().status_code == 200
    client.sandbox.clock.advance(1)
    assert client.research().status_code == 401


def test_quota_lasts_until_midnight_utc(client: Client) -> None:
    client.sandbox.clock = Clock(NOW // DAY * DAY - 60)
    client.sandbox.scenario = Scenario(quota=2)
    research = [client.research() for _ in range(3)]
    rapidapi = [client.rapidapi() for _ in range(3)]
    client.sandbox.clock.advance(60)
    assert client.research().status_code == client.rapidapi().status_code == 200
    for responses in (research, rapidapi):
        assert [response.status_code for response in responses] == [200, 200, 429]
    assert research[2].json()["error"]["code"] == "daily_quota_limit_exceeded"
    assert "You have exceeded the MONTHLY quota" in rapidapi[2].json()["message"]
    names = [f"x-ratelimit-requests-{name}" for name in ("limit", "remaining", "reset")]
    assert [[response.headers[name] for name in names] for response in rapidapi] == [
        ["2", "1", "60"],
        ["2", "0", "60"],
        ["2", "0", "60"],
    ]
