"""The providers as they document themselves: requests, pages, errors and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Account, Clock, Follow, Sandbox, Scenario, World
from tests.sandbox.client import PROVIDERS, Client
from tests.sandbox.conftest import FIRST, NOW, small_world

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = 86_400
TOKEN_PATH = "/v2/oauth/token/"


def error_of(response: requests.Response) -> tuple[int, str]:
    error = response.json()["error"]
    return response.status_code, error if isinstance(error, str) else error["code"]


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


def test_rapidapi_page_is_as_documented(sandbox: Sandbox, client: Client) -> None:
    charli = {
        "user_id": "107955",
        "username": "n9",
        "display_name": "charli 🦊",
        "website_url": "https://charlidamelio.com",
        "followers": 155_000_000,
        "following": 1200,
        "total_likes": 11_000_000_000,
        "total_videos": 2400,
        "verified": True,
        "is_private": False,
        "bio": "just a girl who loves to dance",
        "avatar_url": "https://p16-sign.tiktokcdn-us.com/...",
        "avatar_thumb_url": "https://p16-sign.tiktokcdn-us.com/...",
    }
    sandbox.world.accounts["n9"] = Account(**charli)  # type: ignore[arg-type]
    payload = client.rapidapi(count=1).json()
    assert payload["meta"].pop("request_id")
    assert payload == {
        "meta": {
            "timestamp": "2023-11-16T02:00:00.000Z",
            "cached": False,
            "version": "2025-01",
        },
        "data": [charli],
        "pagination": {"next_max_time": FIRST + 90, "has_more": True, "total": 10},
        "error": None,
    }


def test_last_page_has_a_cursor_on_the_research_api_only(client: Client) -> None:
    pages = {provider: client.page(provider, "dave") for provider in PROVIDERS}
    assert [page.usernames for page in pages.values()] == [[], []]
    assert (pages["research"].cursor, pages["rapidapi"].cursor) == (NOW, None)


def test_cached_page_lists_what_there_was_at_its_timestamp(
    sandbox: Sandbox, client: Client
) -> None:
    sandbox.scenario = Scenario(cached=FIRST + 45)
    payload = client.rapidapi(count=2).json()
    assert [account["username"] for account in payload["data"]] == ["n4", "n3"]
    assert payload["meta"]["timestamp"] == "2023-11-14T22:14:05.000Z"
    assert (payload["meta"]["cached"], payload["pagination"]["total"]) == (True, 5)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("boundary", "pages"),
    [("repeat", ["9876", "6543", "3210"]), ("skip", ["9876", "5432", "10"])],
)
def test_pages_are_newest_first_and_repeat_or_skip_the_boundary(
    client: Client, provider: str, boundary: Any, pages: list[str]
) -> None:
    client.sandbox.scenario = Scenario(boundary=boundary)
    found = [page.usernames for page in client.pages(provider, "alice", count=4)]
    assert found == [[f"n{digit}" for digit in page] for page in pages]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("boundary", ["repeat", "skip"])
def test_accounts_of_one_second_are_never_lost(
    sandbox: Sandbox, client: Client, provider: str, boundary: Any
) -> None:
    times = [1, 1, 2, 3, 3, 3, 4, 5, 5, 6]
    follows = [Follow(f"n{place}", at) for place, at in enumerate(times)]
    crowd = [Follow(f"n{place}", FIRST) for place in range(5)]
    sandbox.world = World.of({"alice": follows, "bob": crowd})
    sandbox.scenario = Scenario(boundary=boundary)
    found = {name for page in client.pages(provider, "alice", 4) for name in page.usernames}
    assert found == {follow.username for follow in follows}
    still = client.page(provider, "bob", FIRST, 4)
    assert (still.cursor, still.has_more) == (FIRST, True)
    assert not client.page(provider, "bob", FIRST, 5).has_more


@pytest.mark.parametrize("provider", PROVIDERS)
def test_hidden_accounts_leave_short_and_empty_pages(client: Client, provider: str) -> None:
    for name in ("n9", "n5", "n4", "n3", "n2"):
        client.sandbox.world.hide(name)
    client.sandbox.scenario = Scenario(boundary="skip")
    pages = client.pages(provider, "alice", count=4)
    assert [(page.usernames, page.has_more) for page in pages] == [
        (["n8", "n7", "n6"], True),
        ([], True),
        (["n1", "n0"], False),
    ]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_pages_and_lists_can_be_capped(client: Client, provider: str) -> None:
    client.sandbox.scenario = Scenario(page_cap=3)
    assert client.page(provider, count=100).usernames == ["n9", "n8", "n7"]
    client.sandbox.scenario = Scenario(list_cap=3)
    page = client.page(provider)
    assert (page.usernames, page.has_more) == (["n9", "n8", "n7"], False)


# Errors.


@pytest.mark.parametrize(
    ("username", "message", "rapidapi"),
    [
        ("nobody", "Username nobody is invalid: cannot find the user", (404, "NOT_FOUND")),
        ("eve", "Username eve is private", (403, "PRIVATE_ACCOUNT")),
        ("trent", "Profile user is hiding following list", (403, "FOLLOWING_HIDDEN")),
        ("mallory", "API cannot return this user's information", (403, "ACCOUNT_UNAVAILABLE")),
    ],
)
def test_error_says_why_there_is_no_list(
    client: Client, username: str, message: str, rapidapi: tuple[int, str]
) -> None:
    research = client.research(username)
    assert error_of(research) == (400, "invalid_params")
    assert research.json()["error"]["message"] == message
    assert error_of(client.rapidapi(username)) == rapidapi


@pytest.mark.parametrize(
    "body",
    [
        {"username": 5},
        {"max_count": 101},
        {"max_count": "20"},
        {"cursor": 2**63},
    ],
    ids=str,
)
def test_wrong_parameters_are_refused(client: Client, body: dict[str, Any]) -> None:
    assert error_of(client.research(**body)) == (400, "invalid_params")
    assert error_of(client.rapidapi(count=101)) == (400, "BAD_REQUEST")


def test_wrong_credentials_are_refused(client: Client) -> None:
    assert error_of(client.fetch_token(client_secret="no")) == (200, "invalid_client")
    client.token = "no"
    assert error_of(client.research()) == (401, "access_token_invalid")
    right = {
        "x-rapidapi-key": client.sandbox.config["rapidapi_key"],
        "x-rapidapi-host": client.host,
    }
    url = f"{client.sandbox.url}/api/v1/users/alice/following"
    for name, status in (("x-rapidapi-key", 401), ("x-rapidapi-host", 404)):
        response = client.session.get(url, headers=right | {name: "no"})
        assert (response.status_code, [*response.json()]) == (status, ["message"])


@pytest.mark.parametrize(
    ("method", "path", "headers", "error"),
    [
        ("GET", TOKEN_PATH, {}, (405, "invalid_request")),
        ("POST", TOKEN_PATH, {"content-type": "application/json"}, (400, "invalid_request")),
        ("GET", "/v2/research/user/following/", {}, (405, "invalid_request")),
        ("POST", "/v2/research/user/following/", {}, (400, "invalid_params")),
        ("POST", "/api/v1/users/alice/following", {}, (405, "METHOD_NOT_ALLOWED")),
    ],
)
def test_other_methods_and_bodies_are_refused(
    client: Client, method: str, path: str, headers: dict[str, str], error: tuple[int, str]
) -> None:
    url = client.sandbox.url + path
    assert error_of(client.session.request(method, url, headers=headers)) == error


def test_token_is_valid_until_it_expires(sandbox: Sandbox, client: Client) -> None:
    sandbox.clock.advance(7199)
    assert client.research().status_code == 200
    sandbox.clock.advance(1)
    assert error_of(client.research()) == (401, "access_token_invalid")
    sandbox.scenario = Scenario(token_life=10)
    assert client.fetch_token().json()["expires_in"] == 10


# Limits, on servers of their own: a server counts its requests.


@pytest.fixture
def limited() -> Iterator[Client]:
    clock = Clock(NOW // DAY * DAY - 60)
    with Sandbox(small_world(), clock=clock) as sandbox, requests.Session() as session:
        client = Client(sandbox, session)
        client.fetch_token()
        yield client


def test_quota_lasts_until_midnight_utc(limited: Client) -> None:
    limited.sandbox.scenario = Scenario(quota=2)
    assert [limited.research().status_code for _ in range(3)] == [200, 200, 429]
    assert error_of(limited.research()) == (429, "daily_quota_limit_exceeded")
    responses = [limited.rapidapi() for _ in range(3)]
    names = [f"x-ratelimit-requests-{name}" for name in ("limit", "remaining", "reset")]
    assert [[response.headers[name] for name in names] for response in responses] == [
        ["2", "1", "60"],
        ["2", "0", "60"],
        ["2", "0", "60"],
    ]
    assert responses[2].json()["message"].startswith("You have exceeded the MONTHLY quota")
    limited.sandbox.clock.advance(60)
    assert limited.research().status_code == 200


def test_requests_over_the_rate_are_told_to_slow_down(limited: Client) -> None:
    limited.sandbox.scenario = Scenario(rate=0, retry_after="3")
    research, rapidapi = limited.research(), limited.rapidapi()
    assert error_of(research) == (429, "rate_limit_exceeded")
    assert "rate limit per second" in rapidapi.json()["message"]
    assert (research.headers["retry-after"], rapidapi.headers["retry-after"]) == ("3", "3")


def test_requests_are_logged_in_order(limited: Client) -> None:
    limited.research("alice", max_count=3, cursor=FIRST + 50)
    limited.rapidapi("eve")
    log = limited.sandbox.requests
    assert [
        (r.provider, r.username, r.cursor, r.count, r.status, r.accounts) for r in log
    ] == [
        ("token", None, None, None, 200, 0),
        ("research", "alice", FIRST + 50, 3, 200, 3),
        ("rapidapi", "eve", None, 20, 403, 0),
    ]
    assert sorted(log, key=lambda entry: entry.at) == log
