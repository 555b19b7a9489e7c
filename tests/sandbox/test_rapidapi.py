from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from sandbox import Account, Scenario

if TYPE_CHECKING:
    import requests

    from sandbox import Sandbox
    from tests.sandbox.client import Client

PATH = "/api/v1/users/alice/following"


def error_of(answer: requests.Response) -> tuple[int, str]:
    payload = answer.json()
    assert (payload["data"], payload["pagination"]) == (None, None)
    assert payload["error"]["details"] is None
    return answer.status_code, payload["error"]["code"]


def test_a_page_is_as_documented(sandbox: Sandbox, client: Client) -> None:
    sandbox.world.accounts["n9"] = Account(
        user_id="107955",
        username="n9",
        display_name="charli 🦊",
        website_url="https://charlidamelio.com",
        followers=155_000_000,
        following=1200,
        total_likes=11_000_000_000,
        total_videos=2400,
        verified=True,
        is_private=False,
        bio="just a girl who loves to dance",
        avatar_url="https://p16-sign.tiktokcdn-us.com/...",
        avatar_thumb_url="https://p16-sign.tiktokcdn-us.com/...",
    )
    answer = client.rapidapi(count=1)
    payload = answer.json()
    assert list(payload) == ["meta", "data", "pagination", "error"]
    assert payload["data"] == [
        {
            "user_id": "107955",
            "username": "n9",
            "display_name": "charli 🦊",
            "website_url": "https://charlidamelio.com",
            "followers": 155000000,
            "following": 1200,
            "total_likes": 11000000000,
            "total_videos": 2400,
            "verified": True,
            "is_private": False,
            "bio": "just a girl who loves to dance",
            "avatar_url": "https://p16-sign.tiktokcdn-us.com/...",
            "avatar_thumb_url": "https://p16-sign.tiktokcdn-us.com/...",
        }
    ]
    assert payload["pagination"] == {
        "next_max_time": 1_700_000_090,
        "has_more": True,
        "total": 10,
    }
    assert payload["error"] is None
    UUID(payload["meta"].pop("request_id"))
    assert payload["meta"] == {
        "timestamp": "2023-11-16T02:00:00.000Z",
        "cached": False,
        "version": "2025-01",
    }
    assert answer.headers["date"] == "Thu, 16 Nov 2023 02:00:00 GMT"


def test_the_last_page_has_no_next_cursor(client: Client) -> None:
    assert client.rapidapi("dave").json()["pagination"] == {
        "next_max_time": None,
        "has_more": False,
        "total": 0,
    }


def test_the_total_can_be_kept_back(sandbox: Sandbox, client: Client) -> None:
    sandbox.scenario = Scenario(following_total=False)
    assert client.rapidapi().json()["pagination"]["total"] is None


def test_a_cached_page_is_as_of_its_timestamp(sandbox: Sandbox, client: Client) -> None:
    sandbox.scenario = Scenario(cached=1_700_000_045)
    payload = client.rapidapi(count=2).json()
    assert [account["username"] for account in payload["data"]] == ["n4", "n3"]
    assert payload["meta"]["cached"] is True
    assert payload["meta"]["timestamp"] == "2023-11-14T22:14:05.000Z"
    assert payload["pagination"]["total"] == 5


@pytest.mark.parametrize(
    ("username", "status", "code"),
    [
        ("nobody", 404, "NOT_FOUND"),
        ("eve", 403, "PRIVATE_ACCOUNT"),
        ("trent", 403, "FOLLOWING_HIDDEN"),
        ("mallory", 403, "ACCOUNT_UNAVAILABLE"),
    ],
)
def test_the_error_code_says_why_there_is_no_list(
    client: Client, username: str, status: int, code: str
) -> None:
    assert error_of(client.rapidapi(username)) == (status, code)


@pytest.mark.parametrize(
    "query",
    [{"count": 0}, {"count": 101}, {"count": "x"}, {"max_time": "x"}, {"max_time": 1.5}],
    ids=str,
)
def test_wrong_parameters_are_refused(client: Client, query: dict[str, Any]) -> None:
    assert error_of(client.rapidapi(**query)) == (400, "BAD_REQUEST")


def test_only_get_is_supported(client: Client) -> None:
    answer = client.session.post(client.sandbox.url + PATH)
    assert error_of(answer) == (405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize("key", [None, "wrong"])
def test_a_wrong_key_is_refused_by_the_gateway(client: Client, key: str | None) -> None:
    headers = {"x-rapidapi-host": client.host, **({"x-rapidapi-key": key} if key else {})}
    answer = client.session.get(client.sandbox.url + PATH, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["message"].startswith("Invalid API key")


@pytest.mark.parametrize("host", [None, "full-tiktok-api.p.rapidapi.com"])
def test_a_key_for_another_host_is_refused_by_the_gateway(
    client: Client, host: str | None
) -> None:
    key = client.sandbox.config["rapidapi_key"]
    headers = {"x-rapidapi-key": key, **({"x-rapidapi-host": host} if host else {})}
    answer = client.session.get(client.sandbox.url + PATH, headers=headers)
    assert (answer.status_code, answer.json()) == (404, {"message": "API doesn't exists"})
